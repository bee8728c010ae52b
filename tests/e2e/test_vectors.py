"""Every folder of tests/vectors/cases through stirctl and through the milter:
the expected result from both, and the same edits."""

import json
import os
import subprocess

import milterdaemon
import tap
from milterclient import send_message

SRC = os.path.join(os.environ.get('srcdir', '.'), 'tests', 'vectors')
CASES = os.path.join(SRC, 'cases')
PKI = os.path.abspath(os.path.join(SRC, 'pki'))


def settings_of(case):
    return ['AuthservID mx.b.example', f'TrustAnchors {PKI}/anchors.pem', f'CertificateDir {PKI}/certs',
            *(line.replace('@PKI@', PKI) for line in case['settings'])]


def by_stirctl(place, name, case, octets):
    """The facts as JSON, and the message as it would be passed on."""
    conf = place.path(name + '.ctl.conf')
    with open(conf, 'w') as f:
        f.write('\n'.join(['Mode v', *settings_of(case), '']))
    args = ['-c', conf, '--now', str(case['now'])]
    for r in case['rcpt']:
        args += ['--rcpt', r]
    # A message that came earlier, if there is one, is judged in the same run.
    paths = [p for p in (os.path.join(CASES, name, f) for f in ('earlier.eml', 'message.eml')) if os.path.exists(p)]
    out = place.path(name + '.out')
    os.mkdir(out)
    facts = subprocess.run([milterdaemon.STIRCTL, 'verify', '--json', *args, *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    subprocess.run([milterdaemon.STIRCTL, 'verify', '--out', out, *args, *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    with open(os.path.join(out, 'message.eml'), 'rb') as f:
        tagged = f.read()
    return facts.returncode, json.loads((facts.stdout.splitlines() or [b'{}'])[-1]), tagged


def by_milter(place, number, case, octets, preload):
    """The message as the MTA would have it after the milter's edits."""
    # A short name: the path of a local socket has at most 107 octets.
    name = f'v{number}'
    daemon = milterdaemon.Daemon(place, name, ['Mode v', 'LogWhy yes', *settings_of(case)], [])
    daemon.conf = place.conf(name + '.conf', f'Socket local:{daemon.socket}', base=daemon.lines)
    place.daemons.append(daemon)
    asan = os.environ.get('ASAN_OPTIONS', '')
    env = dict(os.environ, LD_PRELOAD=preload, STIR_FIXED_TIME=str(case['now']), ASAN_OPTIONS=asan + ':verify_asan_link_order=0')
    daemon.start(env=env)
    try:
        earlier = os.path.join(CASES, case['name'], 'earlier.eml')
        if os.path.exists(earlier):
            with open(earlier, 'rb') as f:
                send_message(daemon.socket, f.read(), case['mail_from'], case['rcpt'])
        return send_message(daemon.socket, octets, case['mail_from'], case['rcpt'])
    finally:
        daemon.stop()


def make_preload(place):
    so = place.path('fixed_time.so')
    source = os.path.join(SRC, '..', 'lib', 'fixed_time.c')
    subprocess.run([os.environ.get('STIR_CC', 'cc').split()[0], '-shared', '-fPIC', '-O1', '-o', so, source], check=True)
    return so


def check(place, number, name, preload):
    with open(os.path.join(CASES, name, 'case.json')) as f:
        case = dict(json.load(f), name=name)
    with open(os.path.join(CASES, name, 'message.eml'), 'rb') as f:
        octets = f.read()
    want = case['expect']
    status, facts, tagged = by_stirctl(place, name, case, octets)
    tap.is_equal({k: facts.get(k) for k in want}, want, f'{name}: {case["what"]} (stirctl)')
    tap.is_equal(status, 0 if want['result'] == 'pass' else 1, f'{name}: exit status')
    result = by_milter(place, number, case, octets, preload)
    values = [' '.join(v.split()) for v in result.values('Authentication-Results')]
    ours = [v for v in values if 'mx.b.example' in v]
    tap.ok(len(ours) == 1 and f'x-stir={want["result"]} reason={want["reason"]}' in ours[0], f'{name}: the same from the milter')
    tap.is_equal(result.message.replace(b'\r\n', b'\n'), tagged.replace(b'\r\n', b'\n'), f'{name}: the same edits')
    if name == 'no-identity-forged-results':
        tap.is_equal(len(values), 2, f'{name}: ours, and the one of another host')
        tap.is_equal(result.values('X-STIR-Policy'), [], f'{name}: the old policy field is gone')


with milterdaemon.Place() as place:
    preload = make_preload(place)
    for number, name in enumerate(sorted(os.listdir(CASES))):
        check(place, number, name, preload)
tap.done()
