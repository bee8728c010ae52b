#!/usr/bin/env python3
"""stirctl policy: the commands that read policies and no mail, as an operator runs them."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import policyworld
import tap
from policyworld import POLICY, run

COMMANDS = ['check', 'test', 'fmt', 'facts', 'dump', 'run', 'explain', 'diff', 'replay']
BAD = POLICY.replace('reason == msgi-mismatch  ', 'reason == msgi-mismatsh  ').replace('over(tn_hour)', 'over(tn_huor)')


def err(r):
    return r.stderr.decode()


def out(r):
    return r.stdout.decode()


def test_usage():
    r = run('policy', '--help')
    tap.ok(all(f'  {c} ' in out(r) for c in COMMANDS), 'help lists the commands')
    tap.is_equal(run('policy', want=64).returncode, 64, 'no command')
    r = run('policy', 'chekc', want=64)
    tap.ok(r.returncode == 64 and "did you mean 'check'" in err(r), 'a misspelt command gets a suggestion')
    tap.ok('policy' in out(run('--help')), "stirctl's own help names it")
    for c in COMMANDS:
        r = run('policy', c, '--help')
        tap.ok(r.returncode == 0 and f'usage: stirctl policy {c}' in out(r), f'{c} --help')
        tap.ok('For example:\n  stirctl policy ' + c in out(r), f'{c} --help has an example')
        r = run('policy', c, '--nonsense', 'x', want=64)
        tap.ok(r.returncode == 64 and "no option '--nonsense'" in err(r), f'{c} with an unknown option')
    for c, wrong, right in [('check', '--no-test', None), ('fmt', '--dif', None), ('run', '--wantde=x', '--wanted'), ('run', '--jsn', '--json'),
                            ('diff', '--onn=x', '--on'), ('facts', '--jsno', '--json'), ('replay', '--polcy=x', '--policy')]:
        r = run('policy', c, wrong, 'x', want=None)
        # getopt completes what is unambiguous; what it can't gets a suggestion.
        tap.ok(right is None or (r.returncode == 64 and f"did you mean '{right}'" in err(r)), f'{c} {wrong}')
    for args in (['check', '-c', 'a', 'b'], ['test'], ['fmt'], ['fmt', '--diff', '--write', 'x'], ['dump'], ['facts', 'a', 'b'], ['run'], ['run', '--jobs', '0', 'x'],
                 ['run', '--jobs', '1x', 'x'], ['run', '--numbers', 'ful', 'x'], ['diff', 'a'], ['diff', 'a', 'b'], ['replay', 'x'], ['replay', '--policy', 'x'],
                 ['explain'], ['run', '--wanted'], ['run', '--json=1', 'x'], ['run', '--report', 'a', '--report', 'b', 'x']):
        tap.is_equal(run('policy', *args, want=64).returncode, 64, 'usage: policy ' + ' '.join(args))


def test_check(w):
    good, bad = w.write('good.policy', POLICY), w.write('bad.policy', BAD)
    r = run('policy', 'check', good)
    tap.ok(r.returncode == 0 and '8 rules (1 shadow)' in out(r) and '1 tests passed' in out(r), 'a good policy')
    tap.ok('tests passed' not in out(run('policy', 'check', '--no-tests', good)), 'without its tests')
    r = run('policy', 'check', bad, want=78)
    tap.ok(r.returncode == 78 and 'bad.policy:7:32: error:' in err(r) and 'did you mean "msgi-mismatch"' in err(r), 'a bad word, its place and the right one')
    tap.ok('did you mean "tn_hour"' in err(r) and '^\n' in err(r), 'and the other one, with carets')
    tap.is_equal(out(r), '', 'nothing on standard output')
    tap.is_equal(run('policy', 'check', good, bad, want=78).returncode, 78, 'one of two is bad')
    tap.is_equal(run('policy', 'check', w.top / 'none.policy', want=66).returncode, 66, 'a policy that is not there')
    failing = w.write('failing.policy', POLICY.replace('expect quarantine, score 9', 'expect reject, score 8'))
    r = run('policy', 'check', failing, want=78)
    tap.ok(r.returncode == 78 and '1 of 1 tests failed' in err(r) and 'expected reject' in err(r), 'a test that does not hold')
    tap.is_equal(run('policy', 'check', '--no-tests', failing).returncode, 0, 'is not asked for with --no-tests')
    warned = w.write('warned.policy', 'policy 1\nrule A { when verify == pass score -1 }\nactions { tag at 1 }\n')
    r = run('policy', 'check', warned)
    tap.ok(r.returncode == 0 and 'warning:' in err(r), 'a warning is said, and no error')
    conf = w.write('m.conf', f'Policy {good.resolve()}\n')
    tap.ok(str(good) in out(run('policy', 'check', '-c', conf)), 'the policy of a configuration')
    tap.is_equal(run('policy', 'check', '-c', w.write('n.conf', 'Mode v\n'), want=64).returncode, 64, 'a configuration that names none')
    tap.is_equal(run('policy', 'check', '-c', w.top / 'none.conf', want=66).returncode, 66, 'a configuration that is not there')
    w.write('lists.policy', 'policy 1\nlist l tn file "l.tn"\nrule A { when orig.tn in @l score 1 }\nactions { tag at 1 }\n')
    w.write('l.tn', '+15550100001\n+1555x\n')
    r = run('policy', 'check', w.top / 'lists.policy', want=78)
    tap.ok(r.returncode == 78 and 'l.tn:2:' in err(r), 'a bad line of a list')
    r = run('policy', 'check', w.write('b.policy', 'policy 1\nrule \xff\n'), want=78)
    tap.is_equal(r.returncode, 78, 'octets that are no words')


def test_test(w):
    good = w.write('good.policy', POLICY + 'test "second" { given verify none expect accept, miss FORGED }\n')
    r = run('policy', 'test', good)
    tap.is_equal(out(r).split('\n')[1:4], ['1..2', 'ok 1 - forged content is held', 'ok 2 - second'], 'a line for each')
    tap.ok('# 2 passed, 0 failed' in out(r), 'a summary')
    r = run('policy', 'test', w.write('f.policy', POLICY.replace('score 9, hit', 'score 8, hit')), want=1)
    tap.ok(r.returncode == 1 and 'not ok 1' in out(r) and 'f.policy:19:' in err(r), 'one that fails, and where')
    tap.is_equal(run('policy', 'test', w.write('bad.policy', BAD), want=78).returncode, 78, 'no policy')


def test_fmt(w):
    text = '# top\npolicy   1 mode    tag\nrule A{when verify==pass   score 1}# why\nactions{tag at 1}\n'
    path = w.write('ugly.policy', text)
    r = run('policy', 'fmt', path)
    laid_out = out(r)
    tap.ok(r.returncode == 0 and 'policy 1 mode tag' in laid_out and '# top' in laid_out and '# why' in laid_out, 'laid out, comments kept')
    tap.is_equal(path.read_text(), text, 'the file is as it was')
    d = run('policy', 'fmt', '--diff', path, want=1)
    tap.ok(d.returncode == 1 and out(d).startswith('--- ') and '\n@@ -' in out(d) and '\n-policy   1 mode    tag\n' in out(d), 'a difference')
    patched = w.write('patched.policy', text)
    p = subprocess.run(['patch', '-s', str(patched)], input=d.stdout, capture_output=True, check=False) if has('patch') else None
    if p:
        tap.is_equal((p.returncode, patched.read_text()), (0, laid_out), 'which patch(1) takes')
    os.chmod(path, 0o640)
    link = w.top / 'link.policy'
    link.symlink_to('ugly.policy')
    tap.is_equal(run('policy', 'fmt', '--write', link).returncode, 0, '--write, by a link')
    tap.is_equal((path.read_text(), path.stat().st_mode & 0o777, link.is_symlink()), (laid_out, 0o640, True), 'the file has it, its mode stays, the link too')
    tap.is_equal((run('policy', 'fmt', '--diff', path).returncode, out(run('policy', 'fmt', '--diff', path))), (0, ''), 'no difference any more')
    tap.is_equal([f for f in os.listdir(w.top) if f.startswith('ugly.policy.')], [], 'nothing is left beside it')
    before = path.stat().st_mtime_ns
    run('policy', 'fmt', '--write', path)
    tap.is_equal(path.stat().st_mtime_ns, before, 'a file that is laid out is not touched')
    r = run('policy', 'fmt', w.write('open.policy', 'policy 1\nrule A { when verify == "x\n'), want=78)
    tap.ok(r.returncode == 78 and 'open.policy:2:' in err(r), 'what is no policy')
    tap.is_equal(run('policy', 'fmt', w.top / 'none', want=66).returncode, 66, 'a file that is not there')
    tap.is_equal(out(run('policy', 'fmt', '-', data=text.encode())), laid_out, 'from standard input')
    many = 'policy 1\n' + ''.join(f'rule A{i}{{when verify==pass score {i % 9 + 1}}}\n' if i % 20 == 0 else f'# a comment {i}\n' for i in range(400)) + 'actions { tag at 1 }\n'
    big = w.write('big.policy', many)
    d = run('policy', 'fmt', '--diff', big, want=1)
    tap.ok(out(d).count('\n@@ ') > 5, 'far changes are hunks of their own')
    if has('patch'):
        subprocess.run(['patch', '-s', str(big)], input=d.stdout, capture_output=True, check=False)
        tap.is_equal(run('policy', 'fmt', '--diff', big).returncode, 0, 'which patch(1) takes, too')
    for name in sorted((pathlib.Path(os.environ.get('srcdir', '.')) / 'conf').glob('*.policy')):
        once = run('policy', 'fmt', name).stdout
        tap.ok(once and run('policy', 'fmt', '-', data=once).stdout == once, f'{name.name}: twice is once')


def has(program):
    return subprocess.run(['sh', '-c', f'command -v {program}'], capture_output=True, check=False).returncode == 0


def test_facts():
    lines = out(run('policy', 'facts')).splitlines()
    rows = json.loads(out(run('policy', 'facts', '--json')))
    tap.ok(lines[0].startswith('NAME') and len(lines) == len(rows) + 1 > 80, 'one line a fact, as many as in JSON')
    tap.is_equal([line.split()[0] for line in lines[1:]], [r['name'] for r in rows], 'the same')
    tap.is_equal(sorted(rows[0]), ['always', 'example', 'from', 'list', 'name', 'need', 'sentence', 'type', 'words'], 'the keys of one')
    one = out(run('policy', 'facts', 'mms.class'))
    tap.ok('Words    personal advertisement' in one and 'when mms.class == personal' in one, 'one at length, with its words')
    tap.is_equal(json.loads(out(run('policy', 'facts', '--json', 'url.host')))['list'], True, 'one as JSON')
    r = run('policy', 'facts', 'passport.aeg', want=64)
    tap.ok(r.returncode == 64 and "did you mean 'passport.age'" in err(r), 'a misspelt one')


def test_dump(w):
    path = w.write('good.policy', POLICY)
    j = json.loads(out(run('policy', 'dump', path)))
    tap.is_equal([r['name'] for r in j['rules']], ['FORGED', 'UNSIGNED', 'SHORT', 'LOUD', 'SMISH', 'BURST', 'BLOCKED', 'NEW'], 'rules in the order of the file')
    one = out(run('policy', 'dump', '--json', path))
    tap.ok(one.count('\n') == 1 and json.loads(one) == j, '--json: the same on one line')
    tap.is_equal(run('policy', 'dump', w.write('bad.policy', BAD), want=78).returncode, 78, 'no policy')


class Folder:
    def __init__(self, top):
        self.top = pathlib.Path(top)

    write = policyworld.World.write


test_usage()
with tempfile.TemporaryDirectory(prefix='tap-policy-', dir='.') as top:
    w = Folder(top)
    test_check(w)
    test_test(w)
    test_fmt(w)
    test_facts()
    test_dump(w)
tap.done()
