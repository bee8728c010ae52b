#!/usr/bin/env python3
"""Evidence from end to end: a daemon records, the certificate goes away, and stirctl comes to the
same verdict; what was changed since, in messages, policy or the log itself, is told."""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import tap
from milterclient import send_message
from milterdaemon import MAIL, RCPT, SENDER, STIRCTL, URL, Place

POLICY = '''policy 1 mode enforce
rule CHANGED { when reason == msgi-mismatch score 9 }
actions { tag at 4  reject 5.7.1 "no" at 8 }
'''


def run(*args, want=0, data=None):
    r = subprocess.run([STIRCTL, *map(str, args)], input=data, capture_output=True, timeout=120, check=False)
    r.out, r.err = r.stdout.decode(errors='replace'), r.stderr.decode(errors='replace')
    if want is not None and r.returncode != want:
        tap.note(f'{args}: status {r.returncode}, want {want}\n{r.out}{r.err}')
    return r


class Log:
    """A daemon that records, and messages as they were delivered."""

    def __init__(self, place):
        self.place = place
        self.dir = place.path('evidence')
        with open(place.path('p.policy'), 'w') as f:
            f.write(POLICY)
        self.daemon = place.daemon('m', f'EvidenceDir {self.dir}', f'Policy {place.path("p.policy")}')
        self.number = 0

    def signed(self, text='Hello.', key='a', sender=SENDER):
        """A message as it comes from the wire, signed just now."""
        self.number += 1
        data = MAIL.replace(b'Hello.', text.encode()).replace(b'<1@a.example>', b'<%d@a.example>' % self.number).replace(SENDER.encode(), sender.encode())
        r = run('sign', '--key', self.place.path(key + '.key'), '--cert', self.place.path(key + '.pem'), '--x5u', URL, '-', data=data)
        return r.stdout

    def received(self, data, name, rcpts=(RCPT,), sender=SENDER):
        """Through the daemon, and then as the file that a delivery leaves; its path and the reply."""
        r = send_message(self.daemon.socket, data, sender, list(rcpts), daemon_name='MM4IN', queue_id='4Q' + name)
        path = self.place.path(name + '.eml')
        with open(path, 'wb') as f:
            f.write(data)
        return path, r

    def lines_path(self):
        return sorted(glob.glob(os.path.join(self.dir, 'evidence-*.jsonl')))[0]

    def lines(self):
        out = []
        for path in sorted(glob.glob(os.path.join(self.dir, 'evidence-*.jsonl'))):
            with open(path, 'rb') as f:
                out += f.read().splitlines()
        return out

    def again(self, *files, want=0, more=()):
        r = run('verify', '-c', self.daemon.conf, '--json', '--evidence', self.dir, *more, *files, want=want)
        return [json.loads(line) for line in r.stdout.splitlines()], r


def test_recorded(log):
    good, _ = log.received(log.signed('one'), 'one')
    bad, r = log.received(log.signed('two').replace(b'\r\ntwo', b'\r\ntoo'), 'two')
    tap.ok(r.text.startswith('550'), f'a changed message is refused: {r.text}')
    other, _ = log.received(log.signed('three'), 'three', rcpts=(RCPT, '+15550200099/TYPE=PLMN@b.example'))
    lines = [json.loads(line) for line in log.lines()]
    tap.is_equal([(j['id'], j['reason'], j['action']) for j in lines], [('4Qone', 'ok', 'accept'), ('4Qtwo', 'msgi-mismatch', 'reject'),
                                                                        ('4Qthree', 'dest-mismatch', 'accept')], 'three messages, three lines')
    tap.is_equal(['chain_pem' in j for j in lines], [True, False, False], 'the chain stands there once')
    tap.is_equal([j.get('prev') for j in lines], [None] + [hashlib.sha256(line).hexdigest() for line in log.lines()[:-1]], 'each line names the one before')
    path = glob.glob(os.path.join(log.dir, '*'))
    tap.ok(len(path) == 1 and os.stat(path[0]).st_mode & 0o777 == 0o640 and os.stat(log.dir).st_mode & 0o777 == 0o750, 'for the eyes of owner and group')
    return good, bad, other


def test_again(log, good, bad, other):
    """The certificate is gone, and another one stands in its place."""
    place = log.place
    got, _ = log.again(good)
    tap.is_equal((got[0]['reason'], got[0]['evidence']['same'], got[0]['evidence']['policy_same']), ('ok', True, True), 'while nothing has changed')
    shutil.rmtree(place.path('certs'))
    os.makedirs(place.path('certs'))
    r = run('verify', '-c', log.daemon.conf, good, want=1)
    tap.ok('cert-unreachable' in r.out, 'without evidence the certificate is missed')
    place.issue('fresh')
    shutil.copy(place.path('certs', 'certs.example', 'fresh.pem'), place.path('certs', 'certs.example', 'a.pem'))
    r = run('verify', '-c', log.daemon.conf, good, want=1)
    tap.ok('bad-signature' in r.out, '... or the wrong one is there')
    got, _ = log.again(good)
    tap.is_equal((got[0]['reason'], got[0]['evidence']['same']), ('ok', True), 'with evidence it passes')
    entry = json.loads(log.lines()[0])
    tap.is_equal((got[0]['now'], got[0]['evidence']['received']), (entry['received'], entry['received']), 'as of its receipt')
    got, _ = log.again(good, bad, want=1)
    tap.is_equal([(j['reason'], j['evidence']['same'], j['action']) for j in got], [('ok', True, 'accept'), ('msgi-mismatch', True, 'reject')],
                 'a failure comes out as recorded, too; the status is that of verify')
    got, _ = log.again(other, want=1, more=['--rcpt', RCPT, '--rcpt', '+15550200099/TYPE=PLMN@b.example'])
    tap.is_equal((got[0]['reason'], got[0]['evidence']['same']), ('dest-mismatch', True), 'with the recipients that only the envelope had')
    r = run('verify', '--trust', place.path('pki', 'anchors.pem'), '--policy', place.path('p.policy'), '--evidence', log.lines_path(), good)
    tap.ok('the verdict is the recorded one; the policy is the recorded one' in r.out, f'by --trust and one file: {r.out}')


def test_differs(log, good, bad, other):
    place = log.place
    with open(good, 'rb') as f:
        data = f.read()
    changed = place.path('changed.eml')
    with open(changed, 'wb') as f:
        f.write(data.replace(b'\r\none', b'\r\nnone'))
    got, _ = log.again(changed, want=1)
    body = ['body'] if 'body' in json.loads(log.lines()[0]) else []
    what = [d['what'] for d in got[0]['evidence']['differs']]
    tap.is_equal((got[0]['evidence']['same'], what), (False, ['reason', 'reason of the token', 'integrity'] + body), 'a message changed since')
    got, _ = log.again(other, want=1)
    tap.is_equal((got[0]['reason'], got[0]['evidence']['same']), ('ok', False), 'a recipient who is not told of')
    r = run('verify', '-c', log.daemon.conf, '--evidence', log.dir, other, want=1)
    tap.ok('the verdict DIFFERS: reason: dest-mismatch was recorded, now ok; ' in r.out, f'in words: {r.out}')
    with open(place.path('q.policy'), 'w') as f:
        f.write(POLICY.replace('score 9', 'score 8'))
    r = run('verify', '-c', log.daemon.conf, '--policy', place.path('q.policy'), '--evidence', log.dir, good)
    tap.ok('the verdict is the recorded one; the policy differs: ' in r.out, f'another policy: {r.out}')
    log.place.ctl('pki', 'init', place.path('pki2'))
    r = run('verify', '--trust', place.path('pki2', 'anchors.pem'), '--policy', place.path('p.policy'), '--evidence', log.dir, good, want=1)
    tap.ok('reason: ok was recorded, now cert-untrusted' in r.out, f'other anchors: {r.out}')


def test_none(log, good):
    fresh = log.place.path('fresh.eml')
    with open(fresh, 'wb') as f:
        f.write(log.signed('never received'))
    r = run('verify', '-c', log.daemon.conf, '--evidence', log.dir, fresh, want=65)
    tap.ok(r.returncode == 65 and 'no evidence of its token' in r.err, f'a message that was never received: {r.err}')
    with open(fresh, 'wb') as f:
        f.write(MAIL)
    r = run('verify', '-c', log.daemon.conf, '--evidence', log.dir, fresh, good, want=65)
    tap.ok('no token' in r.err and 'recorded one' in r.out, 'one without a token; the next one is judged all the same')
    r = run('verify', '-c', log.daemon.conf, '--evidence', log.place.path('nowhere'), good, want=66)
    tap.is_equal(r.returncode, 66, f'no such folder: {r.err}')
    r = run('verify', '-c', log.daemon.conf, '--evidence', log.place.path('certs'), good, want=66)
    tap.ok(r.returncode == 66 and 'evidence-YYYYMMDD.jsonl' in r.err, f'a folder without evidence: {r.err}')


def test_two_chains(log, good):
    """Two messages of one address, and its certificate was renewed between them."""
    place = log.place
    shutil.copy(place.path('certs', 'certs.example', 'fresh.pem'), place.path('certs', 'certs.example', 'a.pem'))
    log.daemon.hup()
    later, r = log.received(log.signed('later', key='fresh'), 'later')
    tap.is_equal(json.loads(log.lines()[-1])['reason'], 'ok', 'signed with the renewed certificate')
    shutil.rmtree(place.path('certs', 'certs.example'))
    files = [good, later, good, later]
    box = place.path('box')
    with open(box, 'wb') as f:
        for path in files:
            with open(path, 'rb') as m:
                f.write(b'From a@b Tue Nov 24 16:57:24 2026\n' + m.read().replace(b'\r\n', b'\n') + b'\n')
    got, _ = log.again(box)
    tap.is_equal([(j['reason'], j['evidence']['same']) for j in got], [('ok', True)] * 4, 'each with the chain of its own time')


def test_check(log):
    r = run('evidence', 'check', log.dir)
    tap.ok('entries  4' in r.out and 'every line is bound' in r.out, f'the log holds: {r.out}')
    r = run('evidence', 'check', '--trust', log.place.path('pki', 'anchors.pem'), log.dir)
    tap.ok('tokens   3 as recorded, 0 differ, 1 can\'t' in r.out, f'and so do its tokens: {r.out}')
    r = run('evidence', 'check', '-c', log.daemon.conf, '--json', log.dir)
    j = json.loads(r.stdout)
    tap.is_equal((j['entries'], j['faults'], j['tokens'], j['files']), (4, 0, {'same': 3, 'differ': 0, 'cannot': 1}, 1), 'by the configuration, as JSON')
    tap.is_equal(j['end'], hashlib.sha256(log.lines()[-1]).hexdigest(), 'with what to keep elsewhere')
    r = run('evidence', 'check', '--trust', log.place.path('pki2', 'anchors.pem'), log.dir, want=1)
    tap.ok('reason: ok was recorded, now cert-untrusted' in r.out and ' 0 as recorded' in r.out, 'with other anchors nothing holds')
    copy = log.place.path('copy')
    name = os.path.basename(log.lines_path())
    cases = [
        ('a line taken away', lambda a: a[:1] + a[2:], 1, ':2: it is not bound'),
        ('a result changed', lambda a: a[:1] + [a[1].replace(b'"msgi-mismatch"', b'"ok"')] + a[2:], 1, ':3: it is not bound'),
        ('a token changed', lambda a: [a[0].replace(b'"token":"eyJ', b'"token":"eyK')] + a[1:], 1, ':2: it is not bound'),
        ('the first line taken away', lambda a: a[1:], 1, ':1: its chain stands nowhere'),
        ('the end cut off', lambda a: a[:2] + [a[2][:50]], 0, 'within a line'),
    ]
    for what, change, status, text in cases:
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        with open(os.path.join(copy, name), 'wb') as f:
            f.write(b'\n'.join(change(log.lines())) + (b'' if 'cut off' in what else b'\n'))
        r = run('evidence', 'check', copy, want=status)
        tap.ok(r.returncode == status and text in r.out, f'{what}: {text}')
    # Whoever makes the hashes anew after a change still can't sign.
    shutil.rmtree(copy)
    os.mkdir(copy)
    prev = None
    with open(os.path.join(copy, name), 'wb') as f:
        for line in log.lines():
            j = json.loads(line)
            if j['id'] == '4Qlater':
                head, payload, sig = j['token'].split('.')
                j['token'] = '.'.join((head, payload, sig[:-4] + ('AAAA' if sig[-4:] != 'AAAA' else 'BBBA')))
            if prev:
                j['prev'] = prev
            line = json.dumps(j, separators=(',', ':')).encode()
            prev = hashlib.sha256(line).hexdigest()
            f.write(line + b'\n')
    tap.is_equal(run('evidence', 'check', copy).returncode, 0, 'hashes that were made anew hold')
    r = run('evidence', 'check', '--trust', log.place.path('pki', 'anchors.pem'), copy, want=1)
    tap.ok('reason: ok was recorded, now bad-signature' in r.out, 'signatures don\'t')


def test_show(log):
    r = run('evidence', 'show', log.dir, '4Qlater')
    j = json.loads(r.stdout)
    tap.ok(j['id'] == '4Qlater' and j['chain_pem'].startswith('-----BEGIN CERTIFICATE-----'), 'by queue id, with the chain')
    r = run('evidence', 'show', log.dir, '4Qtwo')
    tap.ok(json.loads(r.stdout)['chain_pem'].startswith('-----BEGIN'), '... where it stands in another line, too')
    for mid in '<1@a.example>', '1@a.example':
        tap.is_equal(json.loads(run('evidence', 'show', log.dir, mid).stdout)['id'], '4Qone', f'by Message-ID {mid}')
    r = run('evidence', 'show', log.dir, j['token'], 'nobody', want=1)
    tap.ok(r.returncode == 1 and json.loads(r.stdout)['id'] == '4Qlater' and 'no entry of nobody' in r.err, 'by token; and what is not there')


def test_usage(log):
    tap.is_equal(run('evidence', want=64).returncode, 64, 'no command')
    r = run('evidence', 'chek', want=64)
    tap.ok(r.returncode == 64 and "did you mean 'check'" in r.err, 'a misspelt one')
    tap.ok('usage' in run('evidence', '--help').out and 'usage' in run('evidence', 'check', '--help').out and 'usage' in run('evidence', 'show', '-h').out, 'help')
    tap.is_equal(run('evidence', 'check', want=64).returncode, 64, 'no folder')
    tap.is_equal(run('evidence', 'check', log.dir, log.dir, want=64).returncode, 64, 'two folders')
    tap.is_equal(run('evidence', 'show', log.dir, want=64).returncode, 64, 'no ID')
    tap.is_equal(run('evidence', 'check', log.place.path('nowhere'), want=66).returncode, 66, 'a folder that is not there')


def test_killed(log):
    """kill -9 between two messages, and a torn line: the next start goes on."""
    path = log.lines_path()
    log.daemon.kill()
    n = len(log.lines())
    with open(path, 'ab') as f:
        f.write(b'{"v":1,"received":17')
    log.daemon.start()
    log.received(log.signed('after'), 'after')
    tap.is_equal(len(log.lines()), n + 1, 'no certificate, no evidence')
    os.makedirs(log.place.path('certs', 'certs.example'), exist_ok=True)
    shutil.copy(log.place.path('a.pem'), log.place.path('certs', 'certs.example', 'a.pem'))
    log.daemon.hup()
    log.received(log.signed('and later'), 'afterwards')
    r = run('evidence', 'check', log.dir)
    tap.ok('torn     1' in r.out and f'entries  {n + 1}' in r.out, f'a torn line is told, and no fault: {r.out}')


def main():
    with Place() as place:
        place.make_pki()
        # The files are days; what is tested here is not midnight.
        if time.time() % 86400 > 86400 - 120:
            tap.skip_all('it is just before midnight, UTC')
        log = Log(place)
        good, bad, other = test_recorded(log)
        test_again(log, good, bad, other)
        test_differs(log, good, bad, other)
        test_none(log, good)
        test_two_chains(log, good)
        test_check(log)
        test_show(log)
        test_usage(log)
        test_killed(log)
        tap.ok('AddressSanitizer' not in log.daemon.log(), 'no sanitizer complained')
    tap.done()


main()
