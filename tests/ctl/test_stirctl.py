#!/usr/bin/env python3
"""stirctl as an operator runs it: a pilot's PKI, mailboxes signed, verified, changed and explained."""

import base64
import hashlib
import json
import mailbox
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import tap

STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
SRC = pathlib.Path(os.environ.get('srcdir', '.')).resolve()
BOXES = SRC / 'tests' / 'mailboxes'
NOW = 1795536100
KEYS = ('file index message_id result reason ppt orig dest iat age authority spc integrity '
        'dest_cover replay x5u score action would rules').split()


def run(*args, data=None, want=0, env=None):
    r = subprocess.run([STIRCTL, *map(str, args)], input=data, capture_output=True, timeout=300, env=env, check=False)
    if want is not None and r.returncode != want:
        tap.note(f'{args}: {r.returncode}, want {want}\n{r.stderr.decode(errors="replace")}')
    return r


class World:
    """A folder with a PKI, a number plan and the flags that name them."""

    def __init__(self, top):
        self.top = top
        pki, certs, plan = top / 'pki', top / 'certs', top / 'plan'
        url = 'https://certs.alpha.example/mms/signer.pem'
        run('pki', 'init', pki, '--not-before', NOW - 86400)
        run('pki', 'issue', pki, '--tn-auth', 'tn:+15555550101', '--url', url, '--certs', certs, '--not-before', NOW - 86400)
        plan.write_text('mms.alpha.example nanp\npix.alpha.example nanp\nmms.beta.example nanp\n')
        self.anchors, self.key, self.cert = pki / 'anchors.pem', pki / 'signer.key', pki / 'signer.pem'
        self.sign = ['--key', self.key, '--cert', self.cert, '--x5u', url, '--plan', plan]
        self.verify = ['--trust', self.anchors, '--certs', certs, '--plan', plan]

    def signed(self, data, *more):
        return run('sign', *self.sign, '--now', NOW, *more, '-', data=data, want=None)

    def judge(self, *args, data=None, now=NOW + 3):
        r = run('verify', *self.verify, '--json', '--now', now, *args, data=data, want=None)
        return r.returncode, [json.loads(line) for line in r.stdout.splitlines()]


def without_identity(data):
    """The message with its topmost Identity field taken away."""
    lines = data.split(b'\n')
    at = next(i for i, line in enumerate(lines) if line.startswith(b'Identity:'))
    end = at + 1
    while lines[end][:1] in (b' ', b'\t'):
        end += 1
    return b'\n'.join(lines[:at] + lines[end:])


def test_usage():
    r = run('--help')
    tap.ok(r.returncode == 0 and b'verify' in r.stdout, 'help lists the commands')
    tap.ok(run('--version').stdout.startswith(b'stirctl ('), 'version')
    r = run('verfy', want=64)
    tap.ok(r.returncode == 64 and b"did you mean 'verify'" in r.stderr, 'a misspelt command gets a suggestion')
    tap.is_equal(run(want=64).returncode, 64, 'no command')
    for cmd in 'sign', 'verify', 'explain', 'show':
        tap.ok(b'usage' in run(cmd, '--help').stdout, f'{cmd} --help')
        tap.is_equal(run(cmd, '--nonsense', want=64).returncode, 64, f'{cmd} with an unknown option')
    tap.is_equal(run('verify', BOXES / 'report.eml', want=64).returncode, 64, 'verify without trust')
    r = run('verify', '--evidence', BOXES, BOXES / 'report.eml', want=64)
    tap.ok(b'--trust FILE' in r.stderr and b'--certs' not in r.stderr, 'from evidence: it takes no folder of certificates, and none is asked for')
    r = run('verify', '--trust', BOXES / 'report.eml', BOXES / 'report.eml', want=64)
    tap.ok(b'--certs DIR' in r.stderr and b'network' not in r.stderr, 'without certificates: the option is named, and no network, which is never asked')
    tap.is_equal(run('sign', BOXES / 'report.eml', want=64).returncode, 64, 'sign without a key')
    r = run('sign', '--key', 'a.key', '--cert', 'a.pem', BOXES / 'report.eml', want=64)
    tap.ok(b'--x5u is missing' in r.stderr, 'sign without an address: the option is named')
    tap.is_equal(run('verify', '--now', 'tomorrow', '-', want=64).returncode, 64, '--now of another form')
    tap.is_equal(run('verify', '-c', 'no/such/conf', '-', want=66).returncode, 66, 'a configuration that is not there')
    r = run('verify', '-o', 'MaxAg=5', '-', want=78)
    tap.ok(r.returncode == 78 and b'MaxAge' in r.stderr, 'a misspelt setting gets a suggestion')


def test_shapes(w):
    for name in 'mm4-related', 'gateway-no-mime', 'gateway-mixed', 'group-alternative':
        data = (BOXES / f'{name}.eml').read_bytes()
        r = w.signed(data)
        tap.is_equal(r.returncode, 0, f'{name}: signed')
        tap.ok(r.stdout.startswith(b'Identity: '), f'{name}: the field is on top')
        tap.ok(without_identity(r.stdout) == data, f'{name}: everything else is as it came')
        tap.is_equal((b'\r\n' in r.stdout[:74]), b'\r\n' in data, f'{name}: with the line ends of the message')
        status, [j] = w.judge('-', data=r.stdout)
        tap.is_equal((status, j['result'], j['reason'], j['integrity'], j['authority'], j['dest_cover']),
                     (0, 'pass', 'ok', 'raw', 'tn', 'full'), f'{name}: verifies')
        tap.is_equal((j['orig'], j['age'], j['iat']), ('15555550101', 3, NOW), f'{name}: claims')
        tap.ok(list(j)[:len(KEYS)] == KEYS, f'{name}: the keys of the design')
        other = r.stdout.replace(b'\r\n', b'\n') if b'\r\n' in data else r.stdout.replace(b'\n', b'\r\n')
        tap.is_equal(w.judge('-', data=other)[0], 0, f'{name}: and with the other kind of line ends')


def test_changed(w):
    data = w.signed((BOXES / 'gateway-mixed.eml').read_bytes()).stdout
    cases = [
        ('body', data.replace(b'advert continues', b'advert goes on'), {}, 'msgi-mismatch', True),
        ('sender', data.replace(b'<+15555550101/TYPE', b'<+15555550103/TYPE'), {}, 'orig-mismatch', False),
        ('recipient', data, {'args': ['--rcpt', '+15555550199']}, 'dest-mismatch', False),
        ('too old', data, {'now': NOW + 61}, 'stale', False),
        ('too new', data, {'now': NOW - 61}, 'from-future', False),
        ('token', data.replace(b'Identity: ey', b'Identity: fy'), {}, 'token-syntax', False),
        ('field', data.replace(b'Identity: ey', b'Identity: !ey'), {}, 'identity-syntax', False),
        ('no field', without_identity(data), {}, 'no-identity', False),
    ]
    for what, text, how, reason, signed in cases:
        status, [j] = w.judge(*how.get('args', []), '-', data=text, now=how.get('now', NOW))
        tap.is_equal((status, j['reason']), (1, reason), f'{what}: {reason}')
        tap.is_equal(j['orig'] is not None, signed, f'{what}: orig only where the signature held')
    status, [j] = w.judge('-', data=data, now=NOW + 61)
    tap.is_equal(j['claimed'], {'orig': '15555550101', 'dest': ['15555550102'], 'iat': NOW, 'age': 61}, 'what is only claimed stands apart')
    status, [j] = w.judge('--rcpt', '15555550102@mms.beta.example', '-', data=data)
    tap.is_equal(j['reason'], 'ok', 'a recipient by --rcpt, as a gateway address')


def test_encoded_otherwise(w):
    data = w.signed((BOXES / 'mm4-related.eml').read_bytes()).stdout
    changed = data.replace(b'Content-Transfer-Encoding: quoted-printable', b'Content-Transfer-Encoding: 8bit').replace(b'=C3=A9', 'é'.encode())
    status, [j] = w.judge('-', data=changed)
    tap.is_equal((status, j['result'], j['integrity']), (0, 'pass', 'decoded'), 're-encoded on the way: pass, decoded')


def test_boxes(w):
    out = w.top / 'out'
    r = run('sign', *w.sign, '--now', NOW, '--out', out, BOXES / 'three.mbox', BOXES / 'mail-to-mms.eml', want=1)
    tap.ok(r.returncode == 1 and b'mail-to-mms.eml' in r.stderr and b'no telephone number' in r.stderr, 'what is not signed is said')
    tap.ok((out / 'mail-to-mms.eml').read_bytes() == (BOXES / 'mail-to-mms.eml').read_bytes(), 'and comes out as it came')
    status, js = w.judge(out / 'three.mbox')
    tap.is_equal([(j['index'], j['reason']) for j in js], [(1, 'ok'), (2, 'ok'), (3, 'ok')], 'an mbox stays one, all verify')
    tap.is_equal(status, 0, 'status 0 when all passed')
    stripped = (out / 'three.mbox').read_bytes()
    for _ in range(3):
        stripped = without_identity(stripped)
    tap.ok(stripped == (BOXES / 'three.mbox').read_bytes(), 'all other octets of the mbox are as they came')
    with open(out / 'three.mbox', 'rb') as f:
        tap.is_equal(w.judge('-', data=f.read())[0], 0, 'the same from standard input')
    box = mailbox.mbox(out / 'three.mbox')
    tap.is_equal([m['From'] is not None and m['Identity'] is not None for m in box], [True] * 3, 'another reader sees three messages')
    box.close()

    md = w.top / 'md'
    r = run('sign', *w.sign, '--now', NOW, '--out', md, BOXES / 'maildir')
    tap.is_equal(sorted(p.relative_to(md).as_posix() for p in md.rglob('*') if p.is_file()),
                 ['cur/1795536005.1.host:2,S', 'new/1795536120.2.host'], 'a Maildir stays one')
    status, js = w.judge(md)
    tap.is_equal([j['reason'] for j in js], ['ok', 'ok'], 'and verifies')
    r = run('sign', *w.sign, '--now', NOW, '--out', md, BOXES / 'maildir', want=71)
    tap.is_equal(r.returncode, 71, 'a second time: nothing is overwritten')
    one = w.top / 'one.eml'
    shutil.copy(BOXES / 'mm4-related.eml', one)
    run('sign', *w.sign, '--now', NOW, '--out', one, one)
    tap.is_equal(w.judge(one)[0], 0, 'a file in place')
    r = run('sign', *w.sign, '--now', NOW, one, want=1)
    tap.ok(b'already' in r.stderr and r.stdout == one.read_bytes(), 'signed twice: left as it is')
    tap.is_equal(run('sign', *w.sign, one, one, want=64).returncode, 64, 'several inputs need --out')


def test_bad_input(w):
    r = run('verify', *w.verify, BOXES / 'rubbish.mbox', want=65)
    tap.ok(r.returncode == 65 and b'rubbish.mbox' in r.stderr and b'binary data' in r.stderr, 'rubbish: said which file and what was found')
    tap.is_equal(run('verify', *w.verify, w.top / 'nowhere', want=66).returncode, 66, 'a file that is not there')
    tap.is_equal(run('verify', *w.verify, '-', data=b'', want=65).returncode, 65, 'nothing on standard input')
    broken = (BOXES / 'three.mbox').read_bytes().replace(b'From:5555550101', b'rubbish')
    box = w.top / 'broken.mbox'
    box.write_bytes(broken)
    r = run('sign', *w.sign, '--now', NOW, '--out', w.top / 'broken.out', box, want=65)
    tap.ok(r.returncode == 65 and not list(w.top.glob('broken.out*')), 'no mbox is written that lacks a message')
    status, js = w.judge(box)
    tap.is_equal((status, [j['index'] for j in js]), (65, [1, 3]), 'the other messages are judged all the same')
    r = run('verify', *w.verify, '--now', 'receipt', '-', data=b'From: a@b.example\n\nx\n', want=65)
    tap.ok(r.returncode == 65 and b'--now' in r.stderr, 'receipt without any date')
    rng = random.Random(9475)
    status = {run('verify', *w.verify, '-', data=rng.randbytes(rng.randrange(1, 3000)), want=None).returncode for _ in range(20)}
    tap.ok(status <= {1, 65}, f'random octets: {status}')


def test_passed_on(w):
    data = w.signed((BOXES / 'gateway-mixed.eml').read_bytes()).stdout
    forged = b'Authentication-Results: mx.beta.example; x-stir=pass\n X-STIR-Policy: no\nX-STIR-Policy: score=0\n' * 2
    r = run('verify', *w.verify, '--now', NOW, '--authserv-id', 'mx.beta.example', '--out', '-', '-', data=forged + data)
    tap.ok(r.stdout.startswith(b'Authentication-Results: mx.beta.example; x-stir=pass reason=ok'), 'our field on top')
    tap.ok(r.stdout.endswith(data) and r.stdout.count(b'x-stir=') == 1, 'forged ones gone, the rest as it came')
    many = b'Authentication-Results: mx.beta.example; x-stir=pass\n' * 20000
    r = run('verify', *w.verify, '--now', NOW, '--authserv-id', 'mx.beta.example', '--json', '--out', w.top / 'many', '-', data=many + data, want=1)
    tap.is_equal(json.loads(r.stdout)['result'], 'temperror', 'a header beyond all limits: temperror, in good time')


def test_receipt(w):
    data = (b'Received: from c by d; Tue, 24 Nov 2026 16:02:00 +0000 (UTC)\n'
            b'Received: from a by b; Fri, 01 Jan 2038 00:00:00 +0000\n') + \
        run('sign', *w.sign, '--now', 'receipt', BOXES / 'gateway-mixed.eml').stdout
    r = run('verify', *w.verify, '--json', '--now', 'receipt', '-', data=data)
    j = json.loads(r.stdout)
    tap.is_equal((j['reason'], j['iat'], j['age']), ('ok', 1795536060, 60), 'signed and verified as of the topmost Received')


def big_message():
    picture = random.Random(1).randbytes(1200 * 1024)
    return (BOXES / 'gateway-mixed.eml').read_bytes().replace(b'iVBORw0KGgo', base64.encodebytes(picture) + b'iVBORw0KGgo')


def test_digest(w):
    data = big_message()
    signed = w.signed(data).stdout
    token = ''.join(signed.split(b'\nReturn-Path')[0].decode().split())[len('Identity:'):]
    claims = json.loads(base64.urlsafe_b64decode(token.split('.')[1] + '=='))
    body = data.partition(b'\n\n')[2].replace(b'\n', b'\r\n')
    want = 'sha256-' + base64.b64encode(hashlib.sha256(body).digest()).decode()
    tap.is_equal(claims['msgi'], want, 'msgi of a large body is the digest of its CRLF octets')
    tap.is_equal(w.judge('-', data=signed)[0], 0, 'and verifies')


def test_explain(w):
    data = w.signed((BOXES / 'gateway-mixed.eml').read_bytes()).stdout
    utf8 = dict(os.environ, LC_ALL='C.UTF-8')
    r = run('explain', *w.verify, '--now', NOW, '-', data=data, env=utf8)
    text = r.stdout.decode()
    steps = ['field', 'token', 'time', 'parties', 'certificate', 'authority', 'signature', 'content', 'replay']
    at = [text.find(f'✔ {s}') for s in steps]
    tap.ok(min(at) > 0 and at == sorted(at), 'every step in order, with a mark')
    tap.ok('Authentication-Results' in text and 'Result  pass ok' in text, 'the edits and the result')
    bad = data.replace(b'advert continues', b'advert goes on')
    r = run('explain', *w.verify, '--now', NOW, '-', data=bad, env=utf8, want=1)
    text = r.stdout.decode()
    tap.ok(all(s in text for s in ('✘ content', 'RFC 9475', '438', 'What to do', 'the body is not the one')), 'the failing step with sentence, section, code and advice')
    tap.ok('· replay      not looked at' in text, 'and what was not looked at')
    r = run('explain', *w.verify, '--now', NOW, '-', data=bad, env=dict(os.environ, LC_ALL='C'), want=1)
    tap.ok(r.stdout.isascii() and b'X content' in r.stdout, 'ASCII where the terminal has no more')
    r = run('explain', '--sign', *w.sign, '--now', NOW, BOXES / 'report.eml', want=1)
    tap.ok(b'not-a-message' in r.stdout and b'What to do' in r.stdout, 'how it would be signed')


def test_show(w):
    data = w.signed((BOXES / 'gateway-mixed.eml').read_bytes()).stdout
    field = data.split(b'\nReturn-Path')[0]
    r = run('show', '-', data=field)
    tap.ok(all(s in r.stdout for s in (b'2026-11-24', b'+15555550101', b'sha256', b'deterministic form')), 'an Identity field')
    token = b''.join(field.split())[len('Identity:'):].split(b';')[0].decode()
    tap.is_equal(run('show', token).returncode, 0, 'a token as the argument')
    r = run('show', token[:-3], want=1)
    tap.ok(r.returncode == 1 and b'token-syntax' in r.stdout, 'a token that is cut')
    r = run('show', w.cert)
    tap.ok(all(s in r.stdout for s in (b'tn:+15555550101', b'P-256', b'may sign PASSporTs')), 'a chain in PEM')
    r = run('show', w.anchors, want=1)
    tap.ok(b'may not sign' in r.stdout, 'an anchor may not sign')
    pem = w.cert.read_text().split('-----')[2]
    r = run('show', '-', data=base64.b64decode(pem))
    tap.ok(r.returncode == 0 and b'tn:+15555550101' in r.stdout, 'a certificate in DER')
    tap.ok(b'BEGIN' not in run('show', w.key, want=1).stdout, 'a key is not shown')
    tap.is_equal(run('show', BOXES / 'report.eml', want=65).returncode, 65, 'a message is none of these')


def main():
    if not os.access(STIRCTL, os.X_OK):
        tap.skip_all(f'{STIRCTL} is not built')
    with tempfile.TemporaryDirectory(prefix='tap-stirctl-', dir='.') as d:
        w = World(pathlib.Path(d).resolve())
        test_usage()
        for test in (test_shapes, test_changed, test_encoded_otherwise, test_boxes, test_bad_input, test_passed_on, test_receipt, test_digest, test_explain, test_show):
            test(w)
    tap.done()


main()
