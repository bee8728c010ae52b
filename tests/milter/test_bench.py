"""The benchmark works: client, no-op and floor milters, and bench.py's quick run. No time is judged."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import tap
from loopback import wait_for
from workfolder import WorkFolder

BENCH = os.path.join(os.environ.get('srcdir', '.'), 'tests', 'bench')
sys.path.insert(0, BENCH)

import bench_corpus as corpus       # noqa: E402
import bench_targets as targets     # noqa: E402


def client(target, folder, *args):
    """(status, figures, what it said)"""
    r = subprocess.run([targets.tool('milter_client'), '-s', 'local:' + target.socket, '-p', str(target.pid), *args, os.path.join(target.place, folder)],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return r.returncode, json.loads(r.stdout or b'{}'), r.stderr.decode()


def test_client(place):
    corpus.make(place, ['2KB', '300KB'])
    for kind in ('nr', 'nrall'):
        t = targets.noop(place, kind).start()
        try:
            for args in (('-c', '1'), ('-c', '4', '-m', '0'), ('-c', '3', '-m', '7', '--pause', '1000'), ('-c', '2', '--rcpts', '30', '--fields', '40'),
                         ('-c', '4', '--rate', '2000'), ('-c', '2', '--body-pause', '1000', '--warmup', '0.05')):
                for size in ('2KB', '300KB'):
                    status, d, _ = client(t, 'plain-' + size, '-n', '20', *args)
                    good = status == 0 and d['messages'] == 20 and d['eom_us']['n'] == 20 and d['rss_end_kb'] > 0 and d['threads_max'] > 0
                    tap.ok(good, f'noop-{kind}, {size}, {" ".join(args)}: 20 messages')
                    if not good:
                        tap.note(f'{status} {d}')
            tap.ok(d['cpu_us'] > 0 and d['message_us']['p50'] <= d['message_us']['p99'] <= d['message_us']['max'], 'its figures make sense')
            status, d, _ = client(t, 'plain-2KB', '-n', '20', '--expect', 'Identity: ey')
            tap.is_equal((status, d['unexpected'], d['first']), (1, 20, "m00.eml: answer 'c', no such field"), 'a field that does not come is noticed')
            status, d, _ = client(t, 'plain-2KB', '-n', '20', '--refused')
            tap.is_equal((status, d['unexpected']), (1, 20), 'and an answer that is not the one expected')
        finally:
            t.stop()
    status, d, said = client(_Gone(place), 'plain-2KB', '-n', '20')
    tap.ok(status == 1 and d['messages'] == 0 and 'No such file' in d['first'], 'a milter that is not there is noticed, and the client ends')
    r = subprocess.run([targets.tool('milter_client'), '-s', 'inet:25@192.0.2.1', '-n', '1', place + '/plain-2KB'], stdout=subprocess.PIPE, timeout=60)
    tap.ok(r.returncode == 1 and b'Invalid argument' in r.stdout, 'other hosts are never connected to')


class _Gone:
    def __init__(self, place):
        self.place, self.socket, self.pid = place, os.path.join(place, 'gone.sock'), os.getpid()


def test_floor(place):
    t = targets.floor(place, 'floor-decode')
    t.expect = 'X-Floor: eee'
    t.start()
    try:
        for size in ('2KB', '300KB'):
            status, d, _ = client(t, 'plain-' + size, '-n', '20', '-c', '4', '--expect', 'X-Floor: eee')
            tap.is_equal((status, d['messages']), (0, 20), f'the floor milter, {size}')
        os.mkdir(os.path.join(place, 'saved'))
        client(t, 'plain-2KB', '-n', '20', '--save', os.path.join(place, 'saved'))
        plain, saved = (dict(corpus.read(os.path.join(place, f))) for f in ('plain-2KB', 'saved'))
        tap.ok(saved.keys() == plain.keys() and all(re.fullmatch(rb'X-Floor: e+\r\n', saved[n][:-len(plain[n])]) and saved[n].endswith(plain[n]) for n in plain),
               'a saved message is the message with what was inserted')
    finally:
        t.stop()
    r = subprocess.run([targets.tool('floor_milter'), 'costs'], stdout=subprocess.PIPE, timeout=120)
    tap.ok(all(v > 0 for v in json.loads(r.stdout).values()), 'and says what its work costs by itself')


def names_of(folder):
    """What command lines call it: where its path is long, they have a link to it (workfolder.py)."""
    return [folder] + [os.path.dirname(link) for link in glob.glob(os.path.join(tempfile.gettempdir(), 'stir-*', 'w'))
                       if os.path.realpath(link) == os.path.realpath(folder)]


def processes_of(*names):
    """Whose command line has one of them."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                line = f.read()
            if int(pid) != os.getpid() and any(name.encode() in line for name in names):
                found.append(pid)
        except OSError:
            pass
    return found


def test_bench(place):
    out, page = os.path.join(place, 'out.json'), os.path.join(place, 'out.html')
    before = set(os.listdir('.'))
    r = subprocess.run([sys.executable, '-B', os.path.join(BENCH, 'bench.py'), 'quick', '-r', '1', '-n', '20', '--only',
                        'sizes,connections,latency,early,recipients,fields,tokens,kept', '--json', out, '--html', page],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
    if not tap.ok(r.returncode == 0, 'bench.py quick, 20 messages each'):
        tap.note(r.stderr.decode(errors='replace')[-3000:])
        return
    text = r.stdout.decode()
    tap.ok('what must hold' in text and 'stir-verify' in text, 'it prints tables')
    with open(out) as f:
        d = json.load(f)
    tap.ok(all(c['messages'] == 20 for cell in d['cells'].values() for c in cell.values()), 'JSON: each cell has its 20 messages')
    names = [t['target'] for t in d['targets']]
    tap.is_equal([n for n in 'T1 T2 T3 T4 T5 T6 T7 T8 T11 T14 T15 T16 T18 T19 T20'.split() if n not in names], [], 'and a row for each target')
    with open(page) as f:
        html = f.read()
    tap.ok(html.count('<svg') >= 5 and '<script' not in html, 'the page has its pictures and no script')
    tap.is_equal(re.findall(r'(?:src|href)=|url\(|@import', html), [], 'and loads nothing')
    tap.is_equal({n for n in set(os.listdir('.')) - before if n.startswith('tap-bench-')}, set(), 'its folder is gone')


def test_interrupted():
    before = set(os.listdir('.'))
    p = subprocess.Popen([sys.executable, '-B', os.path.join(BENCH, 'bench.py'), 'quick', '--only', 'sizes'], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = b''
    while b'round 1' not in said:
        more = os.read(p.stderr.fileno(), 4096)
        said += more
        if not more:
            break
    folder = next((n for n in set(os.listdir('.')) - before if n.startswith('tap-bench-')), '')
    names = names_of(folder)
    tap.ok(folder and processes_of(*names), 'while it works there are milters')
    p.terminate()
    p.stderr.read()
    p.wait(60)
    # Where a sanitizer ends a process it takes a moment longer.
    wait_for(lambda: not processes_of(*names))
    tap.is_equal((os.path.exists(folder), processes_of(*names)), (False, []), 'stopped in the middle, neither folder nor process stays')


def main():
    for program in (targets.MILTER, targets.STIRCTL, *map(targets.tool, ('milter_client', 'noop_milter', 'floor_milter'))):
        if not os.access(program, os.X_OK):
            tap.skip_all(f'{program} is not built')
    folder = WorkFolder('tap-milter-')
    try:
        test_client(folder.path)
        test_floor(folder.path)
        test_bench(folder.path)
        test_interrupted()
    finally:
        folder.remove()
    tap.done()


main()
