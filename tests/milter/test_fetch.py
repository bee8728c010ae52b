"""Certificates over HTTPS, from a server that behaves as a hostile sender's would,
through both programs: which reason, how long the mail waited, what was kept."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time

import forge
import tap
from httpsworld import Answer, HttpsWorld
from milterclient import send_message
from milterdaemon import MAIL, RCPT, SENDER, STIRCTL, Place, wait_for

FETCH_WAIT = 1.0
LATE = 0.6      # of a loaded machine


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def signed(place, url, key='a', now=None, sender=None):
    args = [STIRCTL, 'sign', '--key', place.path(key + '.key'), '--cert', place.path(key + '.pem'), '--x5u', url, '--rcpt', RCPT]
    args += ['--now', str(int(now))] if now else []
    mail = MAIL if not sender else MAIL.replace(SENDER.encode(), sender.encode(), 1)
    return subprocess.run([*args, '-'], input=mail, stdout=subprocess.PIPE, check=True, timeout=30).stdout


def verdict(d, octets):
    """The reason, and how long the message waited."""
    begun = time.monotonic()
    r = send_message(d.socket, octets, SENDER, [RCPT], daemon_name='MM4IN')
    waited = time.monotonic() - begun
    found = re.search(r'x-stir=(\w+) reason=([\w-]+)', ' '.join(''.join(r.inserted('Authentication-Results')).split()))
    return (f'{found.group(1)} {found.group(2)}' if found else None), waited


def settings(place, w, name, *more):
    return place.conf(name, *more, base=base(place, w, name))


def base(place, w, name):
    return ['UMask 007', 'VerifyMTA MM4IN', 'AuthservID mx.b.example', f'TrustAnchors {place.path("pki", "anchors.pem")}', 'FetchCertificates yes',
            f'FetchWait {int(FETCH_WAIT * 1000)}ms', 'FetchTimeout 3s', 'FetchRetry 1s', 'FetchAddresses 127.0.0.0/8', f'FetchCAFile {w.ca}',
            f'CacheFile {place.path(name + ".sqlite")}']


class FetchPlace(Place):
    """Daemons that fetch."""

    def fetching(self, w, name, *more):
        self.world = w
        return self.daemon(name, *more)

    def conf(self, name, *lines, base=None):
        given = ' '.join(lines)
        mine = [l for l in globals()['base'](self, self.world, name.split('.')[0]) if l.split()[0] not in given.split()]
        return super().conf(name, *lines, base=mine if base is None else base)


def kept(place, name):
    """Certificates in the CacheFile."""
    with sqlite3.connect(f'file:{place.path(name + ".sqlite")}?mode=ro', uri=True) as db:
        tables = [t for t, in db.execute("select name from sqlite_master where type = 'table'")]
        octets = b''.join(bytes(c) for t in tables for row in db.execute(f'select * from {t}') for c in row if isinstance(c, bytes))
    return octets.count(b'-----BEGIN CERTIFICATE-----')


def rows(place, w):
    """Path, host, what the page answers, the verdict, may it be kept."""
    pem = read(place.path('a.pem'))
    down = 'temperror cert-unreachable'
    return [
        ('/good.pem', None, [Answer(pem, cache='max-age=3600')], 'pass ok', True),
        ('/chunked.pem', None, [Answer(pem, behave='chunked')], 'pass ok', True),
        ('/http10.pem', None, [Answer(pem, behave='http10')], 'pass ok', True),
        ('/slow.pem', None, [Answer(pem, behave='slow', interval=0.01)], down, False),
        ('/stalled.pem', None, [Answer(behave='stall')], down, False),
        ('/stalled-body.pem', None, [Answer(pem, behave='stall-body')], down, False),
        ('/endless.pem', None, [Answer(behave='endless')], down, False),
        ('/endless-header.pem', None, [Answer(behave='endless-header')], down, False),
        ('/bomb.pem', None, [Answer(behave='gzip-bomb')], down, False),
        ('/gzip.pem', None, [Answer(pem, behave='gzip')], down, False),
        ('/large.pem', None, [Answer(b'#' * 65537 + b'\n' + pem)], down, False),
        ('/redirect.pem', None, [Answer(status=302, headers=[('Location', w.url('/target.pem'))])], down, False),
        ('/500.pem', None, [Answer(pem, status=500)], down, False),
        ('/404.pem', None, [Answer(status=404)], down, False),
        ('/reset.pem', None, [Answer(behave='reset')], down, False),
        ('/wrong-name.pem', 'a.localhost', [Answer(pem)], down, False),
        ('/expired-tls.pem', 'b.localhost', [Answer(pem)], down, False),
        ('/unknown-ca.pem', 'crl.localhost', [Answer(pem)], down, False),
        ('/no-pem.pem', None, [Answer(b'<html>not here</html>')], 'permerror cert-invalid', False),
        ('/other-ca.pem', None, [Answer(read(place.path('rogue.pem')))], 'fail cert-untrusted', False),
        ('/other-key.pem', None, [Answer(read(place.path('b.pem')))], 'fail bad-signature', True),
    ]


def test_rows(place, w):
    # The breaker would spare the hosts of the last rows the request.
    d = place.fetching(w, 'rows')
    conf, number = place.conf('ctl.conf', 'Socket local:/nowhere'), 0
    w.identity.update({'a.localhost': 'wrong-name', 'b.localhost': 'expired', 'crl.localhost': 'unknown-ca'})
    w.set('/target.pem', read(place.path('a.pem')))
    for path, host, answers, want, may in rows(place, w):
        w.set(path, *answers)
        before = kept(place, 'rows')
        octets = signed(place, w.url(path, host), key='rogue' if path == '/other-ca.pem' else 'a')
        got, waited = verdict(d, octets)
        tap.is_equal(got, want, f'{path}: {want}')
        tap.ok(waited <= FETCH_WAIT + LATE, f'{path}: the mail waited {waited:.2f} s')
        if may:
            tap.ok(wait_for(lambda: kept(place, 'rows') > before, 3.0), f'{path}: what validated is kept')
        else:
            tap.is_equal(kept(place, 'rows'), before, f'{path}: nothing is kept')
        with open(place.path('one.eml'), 'wb') as f:
            f.write(octets)
        r = subprocess.run([STIRCTL, 'verify', '-c', conf, '--json', '--rcpt', RCPT, place.path('one.eml')], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=60)
        try:
            line = json.loads(r.stdout)
            got = f'{line["result"]} {line["reason"]}'
        except ValueError:
            got = r.stderr.decode()
        tap.is_equal(got, want, f'{path}: stirctl says the same')
        number += 1
        if number % 4 == 0:     # five failures in a row would have the host left alone
            verdict(d, signed(place, w.url(f'/again{number}.pem')))
    tap.is_equal(w.count('/target.pem'), 0, 'where the redirect pointed to was never asked')
    d.signal(signal.SIGUSR2)
    line = wait_for(lambda: re.search(r'network: .*', d.log()))
    tap.ok(line and all(f' {c}=' in line.group(0) for c in ('timeout', 'too-large', 'tls', 'redirect', 'encoding', 'not-found', 'http-status')),
           f'each kind of failure is counted ({line and line.group(0)})')


def test_once(place, w):
    """One fetch, however many wait; and it goes on when they have gone."""
    pem = read(place.path('a.pem'))
    d, got = place.fetching(w, 'once'), []
    w.set('/crowd.pem', Answer(pem, delay=0.4))
    octets = signed(place, w.url('/crowd.pem'))
    threads = [threading.Thread(target=lambda: got.append(verdict(d, octets)[0])) for _ in range(30)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.is_equal((set(got), w.count('/crowd.pem')), ({'pass ok'}, 1), 'thirty messages, one fetch')
    w.set('/late.pem', Answer(pem, delay=FETCH_WAIT + 0.5))
    octets = signed(place, w.url('/late.pem'))
    got, waited = verdict(d, octets)
    tap.ok(got == 'temperror cert-unreachable' and FETCH_WAIT - 0.1 <= waited <= FETCH_WAIT + LATE, f'a late page: {got} after {waited:.2f} s')
    tap.ok(wait_for(lambda: verdict(d, octets)[0] == 'pass ok', 3.0), 'the fetch goes on, and the next message finds it')
    tap.is_equal(w.count('/late.pem'), 1, 'asked once')


def test_negative(place, w):
    pem = read(place.path('a.pem'))
    d = place.fetching(w, 'negative')
    w.set('/soon.pem', Answer(status=404), Answer(pem))
    octets = signed(place, w.url('/soon.pem'))
    tap.is_equal(verdict(d, octets)[0], 'temperror cert-unreachable', '404')
    tap.is_equal((verdict(d, octets)[0], w.count('/soon.pem')), ('temperror cert-unreachable', 1), 'is remembered')
    time.sleep(1.1)
    tap.is_equal((verdict(d, octets)[0], w.count('/soon.pem')), ('pass ok', 2), 'then 200, after FetchRetry')
    w.stop()
    tap.is_equal(verdict(d, signed(place, w.url('/soon.pem')))[0], 'pass ok', 'the server is gone: what is at hand needs none')
    tap.is_equal(verdict(d, signed(place, w.url('/never.pem')))[0], 'temperror cert-unreachable', 'what is not is unreachable')
    d.signal(signal.SIGTERM)
    d.process.wait()
    d.start()
    got, waited = verdict(d, signed(place, w.url('/soon.pem')))
    tap.ok(got == 'pass ok' and waited < 0.5, f'after a restart, without the server: {got} ({waited:.2f} s)')
    d.signal(signal.SIGKILL)
    d.process.wait()
    d.start()
    tap.is_equal(verdict(d, signed(place, w.url('/soon.pem')))[0], 'pass ok', 'after kill -9')
    w.start()


def test_not_asked(place, w):
    """Nothing is fetched on the word of a token that fails a check that is free."""
    d = place.fetching(w, 'careful', 'FetchDeniedHosts other.example')
    before = w.connections
    now = time.time()
    tap.is_equal(verdict(d, signed(place, w.url('/n1.pem'), now=now - 3600))[0], 'fail stale', 'stale')
    tap.is_equal(verdict(d, signed(place, w.url('/n2.pem'), now=now + 3600))[0], 'fail from-future', 'from the future')
    octets = signed(place, w.url('/n3.pem')).replace(b'From: <+15550100001', b'From: <+15550100009')
    tap.is_equal(verdict(d, octets)[0], 'fail orig-mismatch', 'of another sender')
    for url in ('http://certs.localhost/n.pem', 'https://certs.localhost:9443/n.pem', w.url('/n.pem?x'), 'https://user@certs.localhost/n.pem', 'https://127.0.0.1:8443/n.pem'):
        body = MAIL.split(b'\r\n\r\n', 1)[1]
        claims = {'dest': {'tn': ['15550200002']}, 'iat': int(time.time()), 'msgi': forge.msgi(body), 'orig': {'tn': '15550100001'}}
        tok = forge.token(place.path('a.key'), forge.header(url), claims)
        octets = forge.field(tok, url).replace(b'\n', b'\r\n') + MAIL
        tap.is_equal(verdict(d, octets)[0], 'permerror x5u-forbidden', f'{url}: forbidden')
    tap.is_equal(verdict(d, signed(place, w.url('/n5.pem', 'other.example')))[0], 'permerror x5u-forbidden', 'a denied host')
    tap.is_equal(w.connections, before, 'no connection came of any of them')
    inner = place.fetching(w, 'inner', 'FetchAddresses 192.0.2.0/24')
    tap.is_equal(verdict(inner, signed(place, w.url('/n6.pem')))[0], 'temperror cert-unreachable', 'a name that leads to an inner address')
    tap.is_equal(w.connections, before, 'which got no connection either')


def test_forgeries(place, w):
    """A bad signature evicts nothing, and a flood of them asks for nothing."""
    d = place.fetching(w, 'forged')
    url = w.url('/kept.pem')
    w.set('/kept.pem', Answer(read(place.path('a.pem')), cache='max-age=3600'))
    tap.is_equal(verdict(d, signed(place, url))[0], 'pass ok', 'fetched')
    for _ in range(20):
        verdict(d, signed(place, url, key='b'))
    tap.is_equal(verdict(d, signed(place, url, key='b'))[0], 'fail bad-signature', "another key's signature")
    tap.is_equal((verdict(d, signed(place, url))[0], w.count('/kept.pem')), ('pass ok', 1), 'the good one needs no other fetch')


def test_published(place, w):
    """Our own address is looked at as a verifier would, and what is wrong there is said."""
    w.set('/ours.pem', read(place.path('b.pem')))
    d = place.fetching(w, 'ours', f'KeyFile {place.path("a.key")}', f'CertificateFile {place.path("a.pem")}', f'CertificateURL {w.url("/ours.pem")}', 'MTA MM4OUT')
    tap.ok(wait_for(lambda: 'ours.pem, which our tokens name, serves another certificate than' in d.log(), 20), 'our address serves another certificate: said')
    w.set('/ours.pem', read(place.path('a.pem')))
    before = len(d.log())
    d.hup()
    tap.ok(wait_for(lambda: w.count('/ours.pem') > 1, 20), 'looked at again after a reload')
    tap.ok(not wait_for(lambda: 'which our tokens name' in d.log()[before:], 6), 'and nothing is said when all is well')
    d.stop()


def test_damaged(place, w):
    """A CacheFile that can't be read any more is no reason to keep mail waiting."""
    w.set('/damaged.pem', Answer(read(place.path('a.pem'))))
    path = place.path('damaged.sqlite')
    with open(path, 'wb') as f:
        f.write(b'no database ' * 1000)
    d = place.fetching(w, 'damaged')
    tap.is_equal(verdict(d, signed(place, w.url('/damaged.pem')))[0], 'pass ok', 'a damaged CacheFile: mail goes on')
    tap.ok(wait_for(lambda: 'CacheFile: ' in d.log() and 'only kept in memory' in d.log()), 'and the log says so')
    os.unlink(path)
    d.signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: os.path.exists(path) and 'configuration read again' in d.log(), 5.0), 'moved away, it is made anew at a reload')
    tap.is_equal(verdict(d, signed(place, w.url('/damaged.pem')))[0], 'pass ok', 'and mail goes on')
    tap.ok(wait_for(lambda: kept(place, 'damaged') > 0, 3.0), 'what is had is kept in it')
    d.signal(signal.SIGUSR2)
    tap.ok(wait_for(lambda: re.search(r'certificates: .* keep-failure=0', d.log())), 'failures of the file are counted')


with FetchPlace() as p, HttpsWorld(p.dir) as world:
    p.world = world
    p.make_pki()
    p.issue('b')
    p.ctl('pki', 'init', p.path('rogue-pki'), '--name', 'Rogue')
    p.ctl('pki', 'issue', p.path('rogue-pki'), '--tn-auth', 'tn:+15550100000..+15550199999', '--url', 'https://certs.example/rogue.pem', '--out', p.path('rogue'),
          '--certs', p.path('certs'))
    test_rows(p, world)
    test_once(p, world)
    test_negative(p, world)
    test_not_asked(p, world)
    test_forgeries(p, world)
    test_damaged(p, world)
    test_published(p, world)
tap.done()
