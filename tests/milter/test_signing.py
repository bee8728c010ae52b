"""Who may be signed for: users, networks, TLS certificates and listeners, several
tenants with a key each, roll-over, and what is refused when the program starts."""

import base64
import json
import os
import re
import subprocess
import time

import tap
from milterclient import POSTFIX_ACTIONS, SETSYMLIST, Client, send_message
from milterdaemon import MAIL, MILTER, RCPT, SENDER, STIRCTL, Place

DAY = 86400


def issue(place, name, numbers, begin=-1, end=30):
    now = int(time.time())
    place.ctl('pki', 'issue', place.path('pki'), '--tn-auth', numbers, '--url', f'https://certs.example/{name}.pem', '--out', place.path(name),
              '--certs', place.path('certs'), '--not-before', str(now + int(begin * DAY)), '--not-after', str(now + int(end * DAY)))


def row(name, tenant):
    return f'{tenant},{name}.key,{name}.pem,https://certs.example/{name}.pem\n'


def write(place, name, text):
    with open(place.path(name), 'w') as f:
        f.write(text)


def settings(place, *more):
    return ['UMask 007', 'LogWhy yes', 'VerifyMTA MM4IN', 'AuthservID mx.b.example', f'KeyTable {place.path("keys.csv")}',
            f'SigningTable {place.path("signing.csv")}', f'TrustAnchors {place.path("pki", "anchors.pem")}',
            f'CertificateDir {place.path("certs")}', *more]


def daemon(place, name, *more, **options):
    d = place.daemon(name, start=False)
    d.base = settings(place, *more)
    d.conf = place.conf(name + '.conf', f'Socket local:{d.socket}', base=d.base)
    return d.start(**options)


def send(d, number='15550100001', user=None, addr='192.0.2.1', listener='MX', tls=None, macros=None, more=b'', sender=SENDER, actions=POSTFIX_ACTIONS):
    """Which certificate signed, or the outcome."""
    before = len(d.log())
    c = Client(d.socket, actions=actions).negotiate()
    try:
        c.connect(addr=addr, daemon_name=listener)
        if tls:
            c.macros.update({'{tls_version}': 'TLSv1.3', '{cert_subject}': tls, '{cert_issuer}': 'CA'})
        c.macros.update(macros or {})
        c.helo()
        r = c.message(more + MAIL.replace(b'+15550100001', b'+' + number.encode()), sender, [RCPT], auth=user)
    finally:
        c.quit()
    words = dict(w.split('=', 1) for w in d.log()[before:].split() if '=' in w)
    field = ''.join(''.join(r.inserted('Identity')).split())
    if not field:
        return ' '.join(words.get(w, '?') for w in ('dir', 'why', 'result'))
    return re.search(r'info=<https://certs\.example/(.*?)\.pem>', field).group(1)


def claims(field):
    part = ''.join(field.split()).split('.')[1]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


def make(place):
    place.make_pki()
    issue(place, 'a1', 'tn:+15550100000..+15550199999', -40, 20)
    issue(place, 'a2', 'tn:+15550100000..+15550199999', -2, 60)
    issue(place, 'a3', 'tn:+15550100000..+15550199999', 5, 90)
    issue(place, 'b1', 'tn:+15550200000..+15550299999')
    issue(place, 'more', 'tn:+15550500000..+15550599999', -40, 20)
    issue(place, 'other', 'tn:+15550600000..+15550699999', -2, 60)
    issue(place, 'old', 'tn:+15550300000..+15550399999', -40, -1)
    issue(place, 'soon', 'tn:+15550400000..+15550499999', -40, 0.02)
    write(place, 'keys.csv', 'name,key,certificate,url\n' + row('a3', 'a') + row('a1', 'a') + row('a2', 'a') + row('b1', 'b') + row('old', 'c') + row('soon', 'd')
          + row('more', 'e') + row('other', 'e'))
    write(place, 'signing.csv', '''who,numbers,key
user:gone@a.example,certificate,none
user:alice@a.example,tn:+15550100001,a
user:*@b.example,certificate,b
net:198.51.100.0/24,tn:+15550100000+1000,a
net:203.0.113.7 tls:gw.b.example,certificate,b
listener:MM4OUT,certificate,a
user:carol,tn:+15550300001,c
user:dave,tn:+15550400001,d
user:erin,tn:+15550500001,e
listener:MM4OUT,certificate,b
user:*@c.example,certificate,c
''')


def test_who(place, d):
    verified = 'verify stranger none'
    rows = [
        ('a stranger is verified', {}, verified),
        ('a user with his number, and the certificate of now', {'user': 'alice@a.example'}, 'a2'),
        ('with another one', {'user': 'alice@a.example', 'number': '15550100002'}, 'sign signing-table number-not-allowed'),
        ('another user', {'user': 'alice@x.example'}, verified),
        ('one who left', {'user': 'gone@a.example'}, 'sign signing-table not-signed-for'),
        ('... written otherwise, as some user databases allow', {'user': 'GONE@a.example'}, 'sign signing-table not-signed-for'),
        ('a number that only the older certificate has', {'user': 'erin', 'number': '15550500001'}, 'more'),
        ('anybody of a domain', {'user': 'bob@b.example', 'number': '15550200002'}, 'b1'),
        ("never outside the tenant's certificate", {'user': 'bob@b.example'}, 'sign signing-table not-covered'),
        ('a network', {'addr': '198.51.100.9'}, 'a2'),
        ('its numbers only', {'addr': '198.51.100.9', 'number': '15550101000'}, 'sign signing-table number-not-allowed'),
        ('a TLS certificate and an address', {'addr': '203.0.113.7', 'tls': 'gw.b.example', 'number': '15550200001'}, 'b1'),
        ('... of an MTA that has macros of its own for each step, those of TLS with HELO',
         {'addr': '203.0.113.7', 'tls': 'gw.b.example', 'number': '15550200001', 'actions': POSTFIX_ACTIONS & ~SETSYMLIST}, 'b1'),
        ('without the address', {'addr': '203.0.113.8', 'tls': 'gw.b.example', 'number': '15550200001'}, verified),
        ('without the certificate', {'addr': '203.0.113.7', 'number': '15550200001'}, verified),
        ("a name of Sendmail's without a word on whether it was verified", {'addr': '203.0.113.7', 'number': '15550200001',
         'macros': {'{cn_subject}': 'gw.b.example', '{cert_subject}': '/CN=gw.b.example'}}, verified),
        ('a listener', {'listener': 'MM4OUT'}, 'a2'),
        ("... with another tenant's number, which the certificate of the first line has not", {'listener': 'MM4OUT', 'number': '15550200001'}, 'b1'),
        ('... with one that no certificate has', {'listener': 'MM4OUT', 'number': '15550900001'}, 'sign signing-table not-covered'),
        ('VerifyMTA goes before', {'listener': 'MM4IN', 'user': 'alice@a.example'}, 'verify listener none'),
        ('a certificate that has ended', {'user': 'carol', 'number': '15550300001'}, 'sign signing-table certificate-dates'),
        ('one that ends within SignMargin', {'user': 'dave', 'number': '15550400001'}, 'sign signing-table certificate-dates'),
        ('a sender without a number', {'user': 'alice@a.example', 'number': 'alice'}, 'sign signing-table no-number'),
        ('signed already goes before the number', {'user': 'alice@a.example', 'number': '15550100002', 'more': b'Identity: x\r\n'}, 'sign signing-table already-signed'),
        ('and before our certificate', {'user': 'carol', 'number': '15550300001', 'more': b'Identity: x\r\n'}, 'sign signing-table already-signed'),
        ('a report goes before the number', {'user': 'alice@a.example', 'number': '15550100002', 'sender': ''}, 'sign signing-table not-a-message'),
    ]
    for what, how, want in rows:
        tap.is_equal(send(d, **how), want, what)


def test_verified(place, d):
    """The tenants' mail passes, each with his certificate."""
    for number, user in (('15550100001', 'alice@a.example'), ('15550200002', 'bob@b.example')):
        mail = MAIL.replace(b'+15550100001', b'+' + number.encode())
        signed = send_message(d.socket, mail, SENDER, [RCPT], auth=user, daemon_name='MX')
        tap.is_equal(claims(signed.inserted('Identity')[0])['orig'], {'tn': number}, f'{user}: orig is his number')
        r = send_message(d.socket, signed.message, SENDER, [RCPT], daemon_name='MM4IN')
        tap.ok('x-stir=pass' in ''.join(r.inserted('Authentication-Results')), f'{user}: and passes')
        again = send_message(d.socket, signed.message, SENDER, [RCPT], auth=user, daemon_name='MX')
        tap.is_equal(again.inserted('Identity'), [], f'{user}: and is not signed twice')


def test_roll_over(place, d):
    """The next certificate stands in the table before its time; then the old one goes."""
    write(place, 'keys.csv', row('a1', 'a') + row('a3', 'a') + row('b1', 'b') + row('old', 'c') + row('soon', 'd') + row('more', 'e'))
    tap.ok(d.hup() and 'reload failed' not in d.log(), 'the table is read again')
    tap.is_equal(send(d, user='alice@a.example'), 'a1', 'the one that is valid signs, not the one to come')
    write(place, 'keys.csv', row('a3', 'a') + row('b1', 'b') + row('old', 'c') + row('soon', 'd') + row('more', 'e'))
    d.hup()
    tap.is_equal(send(d, user='alice@a.example'), 'sign signing-table certificate-dates', 'one that is not valid yet signs nothing')
    tap.is_equal(send(d, user='alice@a.example', number='alice'), 'sign signing-table no-number', '... and that is not what a sender without a number hears')
    before = len(d.log())
    write(place, 'keys.csv', row('b1', 'b') + row('old', 'c') + row('soon', 'd'))
    d.hup()
    tap.ok(re.search(r'reload failed.*signing\.csv:3:\d+: KeyTable has no key "a"', d.log()[before:]), 'a key that is still used may not go')
    write(place, 'keys.csv', row('a2', 'a') + row('b1', 'b') + row('old', 'c') + row('soon', 'd') + row('more', 'e'))
    d.hup()
    tap.is_equal(send(d, user='alice@a.example'), 'a2', 'and all is well again')


def check(place, *more):
    conf = place.conf('check.conf', f'Socket local:{place.path("x.sock")}', base=settings(place, *more))
    r = subprocess.run([MILTER, '-n', '-c', conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return r.returncode, r.stdout.decode()


def test_refused(place):
    with open(place.path('keys.csv')) as f:
        keys = f.read()
    with open(place.path('signing.csv')) as f:
        signing = f.read()
    status, text = check(place)
    tap.ok(status == 0 and 'old.pem has expired' in text and 'soon.pem ends within SignMargin' in text, f'all well, and what a start would warn of: {text}')
    rows = [
        ('another key', keys.replace('a2.key', 'b1.key'), signing, r'keys\.csv:1: .*b1\.key is not the key of the first certificate in .*a2\.pem'),
        ('no such key', keys.replace('a2.key', 'nokey'), signing, r'keys\.csv:1: .*nokey'),
        ('no such certificate', keys.replace('a2.pem,', 'no.pem,'), signing, r'keys\.csv:1: .*no\.pem'),
        ('an address twice', keys + row('a2', 'e'), signing, r'keys\.csv:6:\d+: the address of line 1'),
        ('numbers of others', keys, signing.replace('user:alice@a.example,tn:+15550100001', 'user:alice@a.example,tn:+15550900001'),
         r'signing\.csv:3: not all of these numbers are in a certificate of key a'),
        ('a condition nobody knows', keys, signing.replace('user:carol', 'usr:carol'), r'signing\.csv:8:1: .*did you mean user:'),
    ]
    for what, k, s, want in rows:
        write(place, 'keys.csv', k)
        write(place, 'signing.csv', s)
        status, text = check(place)
        tap.ok(status == 78 and re.search(want, text), f'{what}: {text.strip()}')
    issue(place, 'spc', 'spc:1234')
    write(place, 'keys.csv', keys + row('spc', 'p'))
    write(place, 'signing.csv', signing + 'user:frank,tn:+15550700000,p\nuser:grete,certificate,p\n')
    status, text = check(place)
    tap.ok(status == 0 and re.search(r'signing\.csv:14: a certificate of key p names a provider, .* any number at all', text), f"a provider's certificate is no bound: {text.strip()}")
    write(place, 'keys.csv', keys)
    write(place, 'signing.csv', signing)
    for more, want in (('InternalHosts 10.0.0.0/8', 'InternalHosts has no effect with SigningTable'), (f'KeyFile {place.path("a.key")}', 'KeyFile has no effect with KeyTable'),
                       ('SignDiversions yes', '"SignDiversions yes" goes with one key')):
        status, text = check(place, more)
        tap.ok(status == 78 and want in text, f'{more}: {text.strip()}')


def test_ctl(place):
    """stirctl signs by the same tables, as whom it is told."""
    conf = place.conf('ctl.conf', base=settings(place))
    for env, want in (('auth.user=alice@a.example', b'a2.pem'), ('auth.user=bob@b.example', b'')):
        r = subprocess.run([STIRCTL, 'sign', '-c', conf, '--env', env, '-'], input=MAIL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        signed = re.sub(rb'\s', b'', r.stdout)
        tap.ok(want in signed if want else b'Identity:' not in signed, f'stirctl sign as {env}: {r.stderr.decode().strip()}')


def test_published(place):
    """A folder that answers our address with another certificate: said at the start."""
    with open(place.path('certs', 'certs.example', 'b1.pem')) as f:
        good = f.read()
    with open(place.path('a2.pem')) as f:
        write(place, 'certs/certs.example/b1.pem', f.read())
    d = daemon(place, 'two')
    tap.ok('https://certs.example/b1.pem, which our tokens name, serves another certificate than' in d.log() and d.log().count('which our tokens name') == 1,
           'another certificate at our address is said')
    write(place, 'certs/certs.example/b1.pem', good)
    d.stop()


def test_clock(place):
    """A clock that nobody sets: what is signed with it may be stale or from the future elsewhere."""
    so = place.path('unsynchronised.so')
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib', 'unsynchronised.c')
    subprocess.run([os.environ.get('STIR_CC', 'cc').split()[0], '-shared', '-fPIC', '-O1', '-o', so, source], check=True)
    env = dict(os.environ, LD_PRELOAD=so, ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0')
    d = daemon(place, 'required', 'RequireClockSync yes', env=env)
    tap.is_equal(send(d, user='alice@a.example'), 'sign signing-table clock-unsynchronised', 'a clock that is not synchronised: the message goes on unsigned')
    tap.ok('the kernel does not say that the clock is synchronised' in d.log(), 'and the start says so')
    d.stop()
    d = daemon(place, 'let', env=env)
    tap.is_equal(send(d, user='alice@a.example'), 'a2', 'by default it is signed')
    d.stop()


with Place() as p:
    make(p)
    one = daemon(p, 'one')
    tap.ok('old.pem has expired' in one.log() and 'soon.pem ends within SignMargin' in one.log() and 'a3.pem' not in one.log(),
           'what ends is said at the start, not what begins later')
    test_who(p, one)
    test_verified(p, one)
    test_roll_over(p, one)
    tap.ok(one.stop() == 0, 'stops')
    test_published(p)
    test_clock(p)
    test_refused(p)
    test_ctl(p)
tap.done()
