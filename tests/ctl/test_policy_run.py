#!/usr/bin/env python3
"""stirctl policy run, explain, diff and replay: policies over mailboxes, and the same verdicts as the milter's."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import milterdaemon
import tap
from milterclient import Client
from policyworld import NOW, POLICY, STIRCTL, World, date_of, mbox, message, run
from workfolder import WorkFolder

MANY = int(os.environ.get('STIR_TEST_MESSAGES', '10000'))


def lines(path):
    return [json.loads(line) for line in open(path, encoding='utf-8')]


def verdict(line):
    rules = [(r['name'], r['score'], r['lost'], r['shadow'], r['final']) for r in line['rules']]
    return line['would'], line['action'], line['score'], line['shadow'], line['because'], line.get('peer'), rules


class Runs:
    def __init__(self, w):
        self.w = w

    def run(self, *args, want=0, **kw):
        return run('policy', 'run', *self.w.verify, '--policy', self.w.policy, *args, want=want, **kw)

    def json(self, *args, want=0):
        return json.loads(self.run('--json', *args, want=want).stdout or b'null')


def test_counts(w):
    boxes = w.mailboxes()
    r = Runs(w)
    text = r.run(*boxes).stdout.decode()
    j = r.json(*boxes)
    tap.is_equal((j['judged'], j['out_of_scope'], j['unread']),
                 ({'wanted': 12, 'abuse': 17, 'unlabelled': 0}, {'wanted': 1, 'abuse': 0, 'unlabelled': 0}, {'wanted': 0, 'abuse': 0, 'unlabelled': 0}),
                 'labels; ordinary mail is out of scope, as for the milter')
    rules = {x['name']: x for x in j['rules']}
    tap.is_equal({n: x['hits'] for n, x in rules.items()},
                 {'FORGED': 8, 'UNSIGNED': 9, 'SHORT': 8, 'LOUD': 8, 'SMISH': 8, 'BURST': 5, 'BLOCKED': 1, 'NEW': 29}, 'hits')
    tap.is_equal((rules['FORGED']['rank'], rules['NEW']['rank'], rules['NEW']['shadow']), (1.0, 0.5, True), 'rank; a shadow rule is said to be one')
    tap.is_equal((rules['SHORT']['mean_score'], rules['SHORT']['absorbed'], rules['BLOCKED']['mean_score']), (3.0, 8, None), 'mean score, absorbed')
    tap.is_equal([j['rules'][0]['rank'], j['rules'][-1]['name']], [1.0, 'NEW'], 'the best rank first')
    tap.is_equal(j['would']['quarantine'], {'wanted': 0, 'abuse': 16, 'unlabelled': 0}, 'verdicts')
    t = {x['action']: x for x in j['thresholds']}
    tap.is_equal((t['quarantine']['at'], t['quarantine']['at_or_above']['abuse'], t['quarantine']['below']['wanted'], t['tag']['false_positive_rate']),
                 (8.0, 16, 12, 0.0), 'thresholds')
    tap.is_equal(sum(s[2] for s in j['scores']), 17, 'scores of all')
    for what in ('12 wanted, 17 abuse', '1 out of scope', 'quarantine ', 'RANK', 'shadow', 'WANTED BELOW', '#####'):
        tap.ok(what in text, f'the tables have {what!r}')
    tap.is_equal(r.run(*boxes, '--jobs', 1).stdout, r.run(*boxes, '--jobs', 7).stdout, 'one worker or seven: the same')
    tap.is_equal(r.json('--ham', w.wanted)['judged']['wanted'], 12, '--ham is --wanted')
    tap.is_equal(r.json(w.wanted)['judged']['unlabelled'], 12, 'without a label')
    tap.is_equal(json.loads(run('policy', 'run', *w.verify, '--policy', w.policy, '--json', '-', data=w.abuse.read_bytes()).stdout)['judged']['unlabelled'], 17,
                 'from standard input')
    state = w.top / 'state'
    r.run('-o', f'StateFile={state}', '-o', f'FactLog={w.top / "log"}', *boxes)
    tap.ok(not state.exists() and not (w.top / 'log').exists(), "the daemon's files are left alone")
    r = run('policy', 'run', *w.verify, w.wanted, want=64)
    tap.ok(r.returncode == 64 and b'--policy' in r.stderr, 'no policy')
    r = run('policy', 'run', *w.verify, '--policy', w.write('bad.policy', 'policy 1\nrule A { when verfy == pass score 1 }\n'), w.wanted, want=78)
    tap.ok(r.returncode == 78 and b'bad.policy:2:15' in r.stderr, 'a policy that is none')


def test_unread(w):
    r = Runs(w)
    (w.top / 'noise').write_bytes(b'\x00\x01\x02' * 50)
    got = r.run('--json', '--wanted', w.wanted, '--abuse', w.top / 'noise', '--abuse', w.top / 'gone', want=None)
    tap.ok(got.returncode == 65 and got.stderr.count(b'stirctl policy run:') == 2, 'what can not be read is said')
    tap.is_equal(json.loads(got.stdout)['unread'], {'wanted': 0, 'abuse': 2, 'unlabelled': 0}, 'and counted')
    undated = mbox(w.top / 'undated.mbox', [message(1).replace(b'Date: ', b'X-D: ').replace(b'; ' + date_of(NOW).encode(), b'')])
    tap.is_equal(r.json(undated, want=65)['unread']['unlabelled'], 1, 'no date at all, and receipt asked for')


def test_doubts(w):
    r = Runs(w)
    box = w.top / 'stale.mbox'
    box.write_bytes(w.signed(mbox(w.top / 's.mbox', [message(1, received=NOW + 4000, client=None)])))
    j = r.json(box)
    tap.is_equal(j['not_reproducible'], {'time': 1, 'certificate': 0, 'revocation': 0, 'rule': 0}, 'stale, and no Received tells when it came')
    text = r.run(box).stdout.decode()
    tap.ok('Not reproducible 1' in text and 'stale.mbox:1' in text, 'and its name')
    empty = w.top / 'nothing'
    empty.mkdir()
    j = json.loads(run('policy', 'run', '--trust', w.top / 'pki' / 'anchors.pem', '--certs', empty, '--policy', w.policy, '--json', w.wanted).stdout)
    tap.is_equal(j['not_reproducible']['certificate'], 12, 'certificates that are not at hand')
    run('pki', 'crl', w.top / 'pki', '--not-before', NOW + 30 * 86400, '--not-after', NOW + 40 * 86400)
    j = r.json('-o', f'RevocationList={w.top / "pki" / "crl.pem"}', '-o', 'RevocationPolicy=hard', w.wanted)
    tap.is_equal(j['not_reproducible']['revocation'], 12, "today's revocation list says nothing of last month")


def test_session(w):
    facts = w.top / 'facts'

    def client(m, *args, box='env.mbox'):
        Runs(w).run(mbox(w.top / box, [m]), '--facts-out', facts, '--numbers', 'full', *args)
        f = lines(facts)[0]['facts']
        return {k: f[k] for k in ('client', 'client.name', 'helo', 'peer', 'listener', 'auth.user', 'tls.subject', 'tls.version') if k in f}

    tap.is_equal(client(message(1)), {'client': '192.0.2.9', 'client.name': 'mm4.partner.example', 'helo': 'mm4.partner.example', 'peer': 'partner'},
                 'the topmost Received of Postfix tells who brought it')
    tap.is_equal(client(message(1, client='IPv6:2001:db8::9')).get('client'), '2001:db8::9', 'an IPv6 address')
    tap.is_equal(client(message(1).replace(b'(mm4.partner.example [', b'(unknown [')),
                 {'client': '192.0.2.9', 'helo': 'mm4.partner.example', 'peer': 'partner'}, 'a client without a name')
    for odd in (b'from x by y', b'from x (y [192.0.2.9)', b'from x (y [192.0.2.999])', b'(qmail 1 invoked by uid 5)', b'from x (HELO y) (192.0.2.9)'):
        m = re.sub(rb'Received: from [^\n]*\n', b'Received: ' + odd + b'\n', message(1))
        tap.is_equal(client(m), {}, f'nothing is made of {odd.decode()}')
    below = message(1).replace(b'Received: ', b'Received: by us; ' + date_of(NOW).encode() + b'\nReceived: ')
    tap.is_equal(client(below), {}, 'only the topmost counts')
    tap.is_equal(client(message(1), '--env', 'client=203.0.113.5,helo=h.example,tls.subject=CN=a,O=b,listener=mm4,auth.user=u,client.name=n.example', '--env', 'tls.version=TLSv1.3'),
                 {'client': '203.0.113.5', 'client.name': 'n.example', 'helo': 'h.example', 'listener': 'mm4', 'auth.user': 'u', 'tls.subject': 'CN=a,O=b', 'tls.version': 'TLSv1.3'},
                 '--env says it all; a comma in a subject is part of it')
    tap.is_equal(client(message(1), '--env', 'helo=h.example'), {'client': '192.0.2.9', 'client.name': 'mm4.partner.example', 'helo': 'h.example', 'peer': 'partner'},
                 '--env without client: the rest from Received')
    for bad, says in (('clinet=192.0.2.1', "did you mean 'client'"), ('client=x', 'no IP address'), ('client=192.0.2.1,client=192.0.2.2', 'twice'), ('helo', "no '='"),
                      ('client=192.0.2.1,hleo=x', "did you mean 'helo'"), ('helo=', 'no value'), ('', 'KEY=VALUE')):
        r = Runs(w).run('--env', bad, w.wanted, want=64)
        tap.ok(r.returncode == 64 and says in r.stderr.decode(), f'--env {bad!r}')


def test_facts_out(w):
    boxes = w.mailboxes()
    facts = w.top / 'facts'
    Runs(w).run(*boxes, '--facts-out', facts)
    text = facts.read_text()
    tap.is_equal(len(text.splitlines()), 29, 'one line a judged message')
    text = re.sub(r'"signer.subject":"[^"]*"', '', text)
    tap.ok('5555501' not in text and 'WINNER' not in text, 'no numbers, no text')
    tap.is_equal(lines(facts)[12]['id'], str(w.abuse) + ':1', 'the place is its name')
    Runs(w).run(*boxes, '--facts-out', facts, '--numbers', 'full')
    text = facts.read_text()
    tap.ok('+15555550177' in text and 'WINNER' in text, 'unless full is asked for')
    tap.is_equal(Runs(w).run('--numbers', 'full', w.wanted, want=64).returncode, 64, '--numbers without a file to write')
    one = Runs(w).run(*boxes, '--facts-out', '-')
    tap.is_equal(len(one.stdout.splitlines()), 29, 'to standard output, and then nothing else')


def test_explain(w):
    args = ['explain', *w.verify, '--policy', w.policy, w.abuse]
    text = run('policy', *args).stdout.decode()
    for what in ('orig.tn                = +15555550177', '* SMISH, +5, sum 12', '* SHORT, +3 absorbed, +0 left', 'group content: +3, at most 4', '* NEW (shadow), +2',
                 'FORGED: no', 'quarantine at 8: reached', 'Verdict       quarantine, by the score 12', 'Mode          enforce: quarantine is done',
                 'Verdict       reject, by the final rule BLOCKED', '5.7.1 number blocked'):
        tap.ok(what in text, f'explain has {what!r}')
    tap.ok('auth.user' not in text and 'auth.user' in run('policy', *args, '--all').stdout.decode(), 'absent facts with --all')
    tag = w.write('tag.policy', POLICY.replace('mode enforce', 'mode tag'))
    tap.ok('Mode          tag: tag is done instead of quarantine' in run('policy', 'explain', *w.verify, '--policy', tag, w.abuse).stdout.decode(), 'what the mode makes of it')
    text = run('policy', 'explain', *w.verify, '--policy', w.policy, w.wanted).stdout.decode()
    tap.ok('Policy  not asked: the message is left alone' in text, 'ordinary mail')
    text = run('explain', *w.verify, '--policy', w.policy, '--now', 'receipt', w.abuse, want=1).stdout.decode()
    tap.ok(text.index('Result  ') < text.index('Facts\n') < text.index('Verdict  ') < text.index('\nAction  '), 'stirctl explain tells it after the result')
    tap.ok('Facts\n' not in run('explain', *w.verify, '--now', 'receipt', w.abuse, want=1).stdout.decode(), 'and nothing of it without a policy')
    tap.is_equal(run('policy', 'explain', *w.verify, w.abuse, want=64).returncode, 64, 'policy explain without a policy')


def test_verify_json(w):
    js = [json.loads(x) for x in run('verify', *w.verify, '--policy', w.policy, '--json', '--now', 'receipt', w.abuse, want=1).stdout.splitlines()]
    tap.is_equal((js[0]['score'], js[0]['action'], js[0]['would'], js[0]['rules'][0]), (9.0, 'quarantine', 'quarantine', {'name': 'FORGED', 'score': 9.0, 'shadow': False}),
                 'verify --json has the verdict')
    tap.is_equal([r for r in js[8]['rules'] if r['name'] == 'SHORT'], [{'name': 'SHORT', 'score': 0.0, 'shadow': False}], 'an absorbed rule has lost its score')
    tap.is_equal(js[8]['rules'][-1], {'name': 'NEW', 'score': 2.0, 'shadow': True}, 'shadow rules are said to be ones')
    j = json.loads(run('verify', *w.verify, '--json', '--now', 'receipt', w.abuse, want=1).stdout.splitlines()[0])
    tap.is_equal((j['score'], j['rules']), (0.0, []), 'without a policy')


def test_diff(w):
    old, new = w.policy, w.write('new.policy', POLICY.replace('score 9 ', 'score 2 ').replace('final reject 5.7.1 "number blocked"', 'score 1'))
    r = run('policy', 'diff', *w.verify, old, new, '--on', w.abuse, '--on', w.wanted, want=1)
    text = r.stdout.decode()
    tap.ok(r.returncode == 1 and 'quarantine -> accept: 8 messages\n  because of FORGED 8\n' in text, 'pairs, counts and the rule')
    tap.ok(f'  {w.abuse}:1  9.00 -> 2.00\n' in text and 'reject -> tag: 1 message\n  because of BLOCKED 1\n' in text, 'each message with its scores')
    tap.ok('9 of 29 messages change\n1 out of scope, 0 not read\n' in text, 'a summary')
    r = run('policy', 'diff', *w.verify, old, old, w.abuse, w.wanted)
    tap.ok(r.returncode == 0 and r.stdout.startswith(b'0 of 29'), 'no difference: status 0')
    j = json.loads(run('policy', 'diff', *w.verify, '--json', old, new, w.abuse, want=1).stdout)
    tap.is_equal((j['judged'], j['changed'], j['pairs'][0]['rules'], len(j['messages'])), (17, 9, [{'name': 'FORGED', 'count': 8}], 9), 'as JSON')
    limits = w.write('limits.policy', POLICY.replace('quarantine at 8', 'quarantine at 10'))
    text = run('policy', 'diff', *w.verify, old, limits, w.abuse, want=1).stdout.decode()
    tap.ok('because of 8 by thresholds, groups, absorb or "on" alone' in text, 'no rule makes the difference')
    content = w.write('content.policy', 'policy 1\nrule A { when any(dest.tn) == +15555550102 and any(text) ~ /lost/ score 5 }\nactions { tag at 4 }\n')
    plain = w.write('plain.policy', 'policy 1\nrule A { when verify == none score 5 }\nactions { tag at 4 }\n')
    for a, b in ((content, plain), (plain, content)):
        j = json.loads(run('policy', 'diff', *w.verify, '--json', a, b, w.abuse, want=1).stdout)
        tap.is_equal((j['judged'], j['changed']), (17, 17), f'{a.name} and {b.name}: facts for what both ask')
    tap.is_equal(run('policy', 'diff', *w.verify, old, w.top / 'none.policy', w.abuse, want=None).returncode, 66, 'a policy that is not there')
    j = Runs(w).json('--against', new, '--abuse', w.abuse)
    tap.is_equal([(p['from'], p['to'], p['count']) for p in j['changes']], [('accept', 'quarantine', 8), ('tag', 'reject', 1)], 'run --against')


def test_replay(w):
    boxes = w.mailboxes()
    log, new = w.top / 'facts.log', w.write('new.policy', POLICY.replace('score 9 ', 'score 2 '))
    Runs(w).run(*boxes, '--facts-out', log, '--numbers', 'full')
    r = run('policy', 'replay', '--policy', w.policy, log)
    tap.ok(r.returncode == 0 and r.stdout == b'0 of 29 messages change\n', 'the same policy says the same: rates and history, too')
    r = run('policy', 'replay', '--policy', new, log, want=1)
    tap.ok(r.returncode == 1 and b'quarantine -> accept: 8 messages\n  because of FORGED 8\n' in r.stdout, 'another one does not')
    r = run('policy', 'diff', w.policy, new, '--on', log, want=1)
    tap.ok(r.returncode == 1 and b'8 of 29 messages change' in r.stdout, 'diff on a fact log needs no certificates')
    Runs(w).run(*boxes, '--facts-out', log)
    r = run('policy', 'replay', '--policy', new, log)
    tap.ok(b'FactLogNumbers pseudonym' in r.stdout, 'and why')
    tap.ok(b'Not reproducible 29' in r.stdout and b'BLOCKED 29' in r.stdout and b'LOUD 29' in r.stdout, 'pseudonyms: which rules can not be judged')
    safe = w.write('safe.policy', 'policy 1\nrule F { when reason == msgi-mismatch score 9 }\nactions { tag at 4 }\n')
    r = run('policy', 'replay', '--policy', safe, log, want=1)
    tap.ok(b'29 messages change' in r.stdout.replace(b'17 of ', b'') and b'Not reproducible' not in r.stdout, 'rules that look at neither are judged')
    need = w.write('need.policy', 'policy 1\nrule D { when dest.count > 5 score 9 }\nactions { tag at 4 }\n')
    r = run('policy', 'replay', '--policy', need, log)
    tap.ok(b'D 29' in r.stdout, 'what nobody worked out then')
    with open(log, 'a', encoding='utf-8') as f:
        f.write('{"v":1,"nonsense":true}\nrubbish\n' + 'x' * 300000 + '\n')
    r = run('policy', 'replay', '--policy', safe, log, want=None)
    tap.ok(r.returncode == 65 and r.stderr.count(b'facts.log:3') == 3 and b'3 lines are no record' in r.stdout, 'lines that are no record')
    r = run('policy', 'diff', *w.verify, w.policy, new, '--on', log, '--on', w.wanted, want=64)
    tap.is_equal(r.returncode, 64, 'mail and fact logs at once')


def test_delivery(w):
    """What our host writes when it takes a message in and delivers it, no milter has seen."""
    ask = w.write('ask.policy', 'policy 1\nrule A { when header.count > 0 and received.count >= 0 score 1 }\nactions { tag at 1 }\n')
    def counts(mail):
        log = w.top / 'd.log'
        run('policy', 'run', *w.verify, '--policy', ask, '--facts-out', log, '-', data=mail)
        f = lines(log)[0]['facts']
        return f['received.count'], f['header.count']

    bare = message(1, client=None)
    hop = b'Received: from a.example (a.example [198.51.100.7]) by b.example; ' + date_of(NOW).encode() + b'\n'
    ours = message(1)[:-len(bare)]
    top = b'Return-Path: <+15555550101@mms.alpha.example>\nX-Original-To: +15555550102@mms.beta.example\nDelivered-To: +15555550102@mms.beta.example\n'
    tap.is_equal(counts(bare), (0, 6), 'a message that was never mailed')
    tap.is_equal(counts(ours + bare), (0, 6), 'the Received field of our own host is not counted')
    tap.is_equal(counts(top + ours + bare), (0, 6), 'nor are the fields of the delivery')
    tap.is_equal(counts(top + ours + hop + bare), (1, 7), 'those of other hosts are')


def test_output(w):
    """Where a report can't be written, that is said at once, and nothing that was there is gone."""
    fifo, report = w.top / 'fifo', w.top / 'there.html'
    os.mkfifo(fifo)
    r = run('policy', 'run', *w.verify, '--policy', w.policy, '--report', fifo, w.wanted, want=71)
    tap.ok(r.returncode == 71 and r.stdout == b'' and not fifo.is_file(), 'what is no file is not replaced')
    r = run('policy', 'run', *w.verify, '--policy', w.policy, '--report', w.top / 'nowhere' / 'r.html', w.wanted, want=71)
    tap.ok(r.returncode == 71 and r.stdout == b'', 'a folder that is not there: before the run, not after it')
    for option in ('--report', '--facts-out'):
        before = w.abuse.read_bytes()
        r = run('policy', 'run', *w.verify, '--policy', w.policy, option, w.abuse, w.wanted, want=71)
        tap.ok(r.returncode == 71 and w.abuse.read_bytes() == before, f'a mailbox behind {option} is not overwritten')
    mine = w.write('there.html.part', 'mine')
    run('policy', 'run', *w.verify, '--policy', w.policy, '--report', report, '--numbers', 'full', w.wanted)
    tap.ok(mine.read_text() == 'mine' and report.stat().st_mode & 0o077 == 0, 'no file of the user is taken; numbers in full are for him alone')
    tap.is_equal([p.name for p in w.top.iterdir() if p.name.endswith('.part')], ['there.html.part'], 'and nothing is left over')
    missing = [run('policy', c, *w.verify, *args, want=66).returncode for c, args in (
        ('run', ('--policy', w.top / 'no.policy', w.wanted)), ('diff', (w.policy, w.top / 'no.policy', '--on', w.wanted)),
        ('diff', (w.top / 'no.policy', w.policy, '--on', w.wanted)), ('run', ('--policy', w.policy, '--against', w.top / 'no.policy', w.wanted)))]
    tap.is_equal(missing, [66] * 4, 'a policy that is not there: 66, as everywhere')


def test_redacted(w):
    """Names of files and of who logged in, too, are no business of who reads the report."""
    ask = w.write('names.policy', 'policy 1\nrule A { when present(mime.name) or present(auth.user) score 1 }\nactions { tag at 1 }\n')
    mail = message(1).replace(b'Content-Type: text/plain; charset=utf-8', b'Content-Type: image/jpeg; name="Anna Secret.jpeg"')
    report = w.top / 'names.html'
    for full, names in (([], ['***********.jpeg"', '"**********"']), (['--numbers', 'full'], ['anna secret.jpeg"', '"annasecret"'])):
        run('policy', 'run', *w.verify, '--policy', ask, '--env', 'auth.user=annasecret', '--report', report, *full, '-', data=mail)
        told = report.read_text().split('id="messages">')[1].split('</script>')[0].replace('\\"', '"')
        tap.is_equal([n for n in names if n not in told], [], f'names {full}')
        tap.is_equal('secret' in told, bool(full), f'and whose, only in full {full}')


def test_table(w):
    count = w.write('count.policy', 'policy 1\nrule SIGNED { when verify == pass }\nrule OLD { when verify == none score 5 }\nactions { tag at 4 }\n')
    r = run('policy', 'run', *w.verify, '--policy', count, w.wanted, w.abuse)
    tap.ok(re.search(rb'SIGNED +12 .* none\n', r.stdout), 'a rule that only counts is not called final')
    tap.ok(re.search(rb'THRESHOLD[^\n]*BELOW +AT OR ABOVE\n +tag +4\.00 +20 +9\n', r.stdout), 'thresholds of mail without labels')
    r = run('policy', 'run', *w.verify, '--policy', count, '--abuse', w.abuse)
    tap.ok(re.search(rb'tag +4\.00 +0 +0 +8 +9 +-\n', r.stdout), 'without wanted mail nothing is known of false positives')
    other = w.write('other.policy', 'policy 1\nrule COUNTS { when verify == none }\nrule OLD { when verify == none score 3 }\nactions { tag at 4 }\n')
    r = run('policy', 'diff', *w.verify, count, other, '--on', w.wanted, '--on', w.abuse, want=1)
    tap.ok(b'because of OLD 9\n' in r.stdout, 'a rule that scores nothing and decides nothing is not blamed')
    ordinary = mbox(w.top / 'ordinary.mbox', [message(1).replace(b'+15555550101', b'anna').replace(b'+15555550102', b'bert')])
    r = run('policy', 'run', *w.verify, '--policy', count, ordinary)
    tap.ok(b'1 out of scope' in r.stdout and b'NumberPlan' in r.stdout, 'nothing in scope: which mail is, and what to look at')


def test_milter(w):
    """The same messages in the same order at the same time: the daemon's fact log and ours."""
    if not os.access(milterdaemon.MILTER, os.X_OK):
        return tap.skip('stir-milter is not built')
    place = milterdaemon.Place.__new__(milterdaemon.Place)
    place.dir, place.daemons = os.path.abspath(w.top), []
    w.mailboxes(60, 80)
    so = place.path('fixed_time.so')
    src = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib', 'fixed_time.c')
    subprocess.run([os.environ.get('STIR_CC', 'cc').split()[0], '-shared', '-fPIC', '-O1', '-o', so, src], check=True)
    now = NOW + 5
    common = [f'TrustAnchors {place.path("pki", "anchors.pem")}', f'CertificateDir {place.path("certs")}', f'NumberPlan {place.path("plan")}',
              f'Policy {place.path("inbound.policy")}', 'AuthservID mx.beta.example', 'MaxAge 60s']
    d = milterdaemon.Daemon(place, 'm', [], [])
    d.conf = place.conf('m.conf', f'Socket local:{d.socket}', 'Mode v', f'FactLog {place.path("milter.log")}', 'FactLogNumbers full', *common, base=[])
    env = dict(os.environ, LD_PRELOAD=so, STIR_FIXED_TIME=str(now), ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0')
    d.start(env=env)
    try:
        c = Client(d.socket).negotiate()
        c.connect(host='mm4.partner.example', addr='192.0.2.9', daemon_name='MM4IN')
        c.helo('mm4.partner.example')
        for box in (w.wanted, w.abuse):
            for raw in re.split(rb'(?:^|\n)From [^\n]*\n', box.read_bytes().removesuffix(b'\n'))[1:]:
                sender = re.search(rb'^From: (\S+)', raw, re.M).group(1).decode()
                to = re.search(rb'^To: (\S+)', raw, re.M).group(1).decode()
                # Postfix asks a milter before anybody sees its own Received field.
                raw = re.sub(rb'^Received: (?:.*\n)(?:[ \t].*\n)*', b'', raw, count=1, flags=re.M)
                c.message(raw, sender, [to])
        c.quit()
    finally:
        d.stop()
    conf = place.conf('ctl.conf', *common, base=[])
    run('policy', 'run', '-c', conf, '--now', now, '--env', 'client=192.0.2.9,client.name=mm4.partner.example,helo=mm4.partner.example,listener=MM4IN',
        '--facts-out', w.top / 'ctl.log', '--numbers', 'full', '--wanted', w.wanted, '--abuse', w.abuse)
    theirs, ours = lines(w.top / 'milter.log'), lines(w.top / 'ctl.log')
    tap.is_equal((len(theirs), len(ours)), (221, 221), 'milter and stirctl judged the same number')
    different = [i for i, (a, b) in enumerate(zip(theirs, ours)) if verdict(a) != verdict(b)]
    tap.is_equal(different, [], 'with the same verdicts, scores and rules')
    for i in different[:2]:
        tap.note(verdict(theirs[i]))
        tap.note(verdict(ours[i]))
    # With FactLog the daemon works out To and Cc, whatever the policy asks.
    more = ('dest.tn', 'dest.address', 'dest.domain', 'dest.count')
    facts = [i for i, (a, b) in enumerate(zip(theirs, ours)) if {k: v for k, v in a['facts'].items() if k not in more} != b['facts']]
    tap.is_equal(facts, [], 'from the same facts')
    for i in facts[:1]:
        tap.note({k: (theirs[i]['facts'].get(k), ours[i]['facts'].get(k)) for k in {**theirs[i]['facts'], **ours[i]['facts']}
                  if theirs[i]['facts'].get(k) != ours[i]['facts'].get(k)})
    r = run('policy', 'replay', '--policy', w.policy, w.top / 'milter.log')
    tap.ok(r.returncode == 0 and b'0 of 221' in r.stdout, "the daemon's log, replayed")


def test_many(w):
    """10,000 messages of any mix: progress, memory, and a report that is not too large."""
    def mail(i):
        kind = i % 10
        text = ('WINNER http://bit.ly/%d ' % i) * (1 if kind else 40)
        if i % 500 == 0:
            text = 'word ' * 600000
        extra = 'Subject: private matter\n' + ''.join(f'X-Field-{k}: {"y" * 900}\n' for k in range(150 if i % 333 == 0 else 0))
        return message(i, sender=f'+1555555{i % 900 + 1000}', text=text, received=NOW + i, client=f'192.0.2.{i % 250 + 1}', extra=extra)

    box, report = w.top / 'many.mbox', w.top / 'many.html'
    mbox(box, (mail(i) for i in range(MANY)))
    with open(w.top / 'many.err', 'wb') as err:
        p = subprocess.Popen([STIRCTL, 'policy', 'run', *map(str, w.verify), '--policy', str(w.policy), '--json', '--report', str(report), '--abuse', str(box)],
                             stdout=subprocess.PIPE, stderr=err)
        j = json.loads(p.stdout.read())
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    tap.is_equal((p.returncode, j['judged']['abuse']), (0, MANY), f'{MANY} messages')
    tap.note(f'{usage.ru_maxrss // 1024} MiB, {usage.ru_utime + usage.ru_stime:.1f} s of processors, report of {report.stat().st_size // 1024} KiB')
    with open(STIRCTL, 'rb') as f:
        sanitized = re.search(rb'__(asan|tsan|msan)_init', f.read())
    if sanitized:
        tap.skip('memory says nothing under a sanitizer')
    else:
        tap.ok(usage.ru_maxrss < 200 * 1024, 'in less than 200 MB')
    tap.ok(report.stat().st_size < 20 * 1000 * 1000, 'a report of less than 20 MB')
    text = report.read_text()
    tap.ok('private matter' not in text and 'WINNER' not in text.replace('/WINNER/', '') and not re.search(r'\+1555555\d{4}', text), 'with no subject, no text and no number')


def test_progress(w):
    """A run that takes longer than two seconds says so: fed by a pipe that is slow."""
    p = subprocess.Popen([STIRCTL, 'policy', 'run', *map(str, w.verify), '--policy', str(w.policy), '-'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    import time
    one = mbox(w.top / 'one.mbox', [message(i) for i in range(40)]).read_bytes()
    for _ in range(12):
        p.stdin.write(one)
        p.stdin.flush()
        time.sleep(0.25)
    _, said = p.communicate(timeout=60)
    tap.ok(p.returncode == 0 and re.search(rb'stirctl policy run: \d+ messages, \d+ a second\n', said), 'progress on standard error')
    quiet = run('policy', 'run', *w.verify, '--policy', w.policy, w.top / 'one.mbox')
    tap.is_equal(quiet.stderr, b'', 'a short run is silent')


with WorkFolder('tap-prun-') as top:
    w = World(top)
    for test in (test_counts, test_unread, test_doubts, test_session, test_facts_out, test_explain, test_verify_json, test_diff, test_replay, test_delivery, test_output, test_redacted, test_table, test_milter, test_many, test_progress):
        w.mailboxes()
        test(w)
tap.done()
