#!/usr/bin/env python3
"""fetch_https against servers that behave as a hostile sender's would: what each of
them gets, how long it takes, and what they see of us.

    FETCH_PROBE=tests/engine/fetch_probe python3 tests/engine/test_fetch_https.py"""

import concurrent.futures
import email.utils
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import httpsworld
import tap
from httpsworld import Answer, HttpsWorld

PROBE = os.environ.get('FETCH_PROBE') or os.path.abspath('tests/engine/fetch_probe')
BODY = b'-----BEGIN CERTIFICATE-----\nAAAA\n' * 20
CAP = 64 * 1024
CONNECT, STALL, DEADLINE = 2000, 800, 3000    # ms
LATE = 1600     # what libcurl may be late (it looks around once a second), and a loaded machine


def probe(*args, env=None):
    """Settings, '--', URLs; the lines of the fetches, and the counters."""
    r = subprocess.run([PROBE, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, env=env, check=False)
    if r.returncode:
        tap.note(f'{args}: {r.returncode} {r.stderr.decode()}')
        return [{'rc': None, 'cause': None, 'octets': 0, 'ms': 0, 'lifetime': None, 'text': '', 'begins': ''}], {}
    lines = [json.loads(line) for line in r.stdout.decode().splitlines()]
    return lines[:-1], lines[-1]


def settings(w, **more):
    base = {'ca': w.ca, 'address': '127.0.0.0/8', 'connect': CONNECT, 'stall': STALL, 'deadline': DEADLINE, 'max': CAP, **more}
    return [f'{k}={v}' for k, v in base.items() if v is not None]


def fetch(w, *urls, env=None, **more):
    return probe(*settings(w, **more), '--', *urls, env=env)


# --- what a server can do

def rows():
    long_name = ('Server', 'x' * 200)
    return [
        # path, what the page answers, result, cause, lifetime
        ('/good', Answer(BODY), 1, 'ok', -1),
        ('/empty', Answer(b''), 1, 'ok', -1),
        ('/cap', Answer(b'x' * CAP), 1, 'ok', -1),
        ('/cap+1', Answer(b'x' * (CAP + 1)), -1, 'too-large', -1),
        ('/cap+1-no-length', Answer(b'x' * (CAP + 1), behave='close-delimited'), -1, 'too-large', -1),
        ('/cap+1-chunked', Answer(b'x' * (CAP + 1), behave='chunked'), -1, 'too-large', -1),
        ('/claims-much', Answer(b'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx', behave='raw'), -1, 'too-large', -1),
        ('/endless', Answer(behave='endless'), -1, 'too-large', -1),
        ('/endless-chunked', Answer(behave='endless-chunked'), -1, 'too-large', -1),
        ('/endless-header', Answer(behave='endless-header'), -1, 'too-large', -1),
        ('/endless-line', Answer(behave='endless-line'), -1, None, -1),
        ('/endless-interim', Answer(behave='endless-interim'), -1, 'too-large', -1),
        ('/many-headers', Answer(BODY, headers=[long_name] * 100), 1, 'ok', -1),
        ('/too-many-headers', Answer(BODY, headers=[long_name] * 200), -1, 'too-large', -1),
        ('/slow-but-there', Answer(b'0123456789', behave='slow', interval=0.05), 1, 'ok', -1),
        ('/late', Answer(BODY, delay=0.2), 1, 'ok', -1),
        ('/trickle', Answer(BODY, behave='slow', interval=0.1), -1, 'timeout', -1),
        ('/stall', Answer(BODY, behave='stall'), -1, 'timeout', -1),
        ('/stall-body', Answer(BODY, behave='stall-body'), -1, 'timeout', -1),
        ('/gzip', Answer(BODY, behave='gzip'), -1, 'encoding', -1),
        ('/gzip-bomb', Answer(behave='gzip-bomb'), -1, 'encoding', -1),
        ('/transfer-gzip', Answer(BODY, behave='transfer-gzip'), -1, 'encoding', -1),
        ('/identity', Answer(BODY, headers=[('Content-Encoding', 'identity')]), 1, 'ok', -1),
        ('/br', Answer(BODY, headers=[('content-encoding', 'BR')]), -1, 'encoding', -1),
        ('/chunked', Answer(BODY, behave='chunked'), 1, 'ok', -1),
        ('/trailers', Answer(BODY, behave='chunked', trailers=[('Cache-Control', 'max-age=5000'), ('Content-Encoding', 'gzip')]), 1, 'ok', -1),
        ('/bad-chunk', Answer(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx', behave='raw'), -1, 'connect', -1),  # libcurl does not tell it from a broken connection
        ('/half-chunk', Answer(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nx', behave='raw'), -1, 'encoding', -1),
        ('/no-last-chunk', Answer(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n', behave='raw'), -1, 'encoding', -1),
        ('/http10', Answer(BODY, behave='http10'), 1, 'ok', -1),
        ('/close-delimited', Answer(BODY, behave='close-delimited'), 1, 'ok', -1),
        # libcurl does not ask for close_notify here; what was had is signed, or is not believed
        ('/truncated', Answer(BODY, behave='truncated'), 1, 'ok', -1),
        ('/length-long', Answer(BODY, behave='length-long'), -1, 'encoding', -1),
        ('/length-short', Answer(BODY, behave='length-short'), 1, 'ok', -1),
        ('/two-lengths', Answer(b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy', behave='raw'), -1, 'encoding', -1),
        ('/same-length-twice', Answer(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nxy', behave='raw'), 1, 'ok', -1),
        ('/odd-length', Answer(b'HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nxy', behave='raw'), -1, 'encoding', -1),
        ('/negative-length', Answer(b'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nxy', behave='raw'), -1, 'encoding', -1),
        ('/garbage', Answer(b'\x00\x01\x02 this is no HTTP\r\n' * 50, behave='raw'), -1, 'encoding', -1),
        ('/http09', Answer(BODY, behave='raw'), -1, 'encoding', -1),
        ('/http3', Answer(b'HTTP/3.7 200 OK\r\n\r\nx', behave='raw'), -1, 'encoding', -1),
        ('/folded', Answer(b'HTTP/1.1 200 OK\r\nCache-Control: max-age=1,\r\n no-store\r\nContent-Length: 1\r\n\r\nx', behave='raw'), -1, 'encoding', -1),
        ('/no-colon', Answer(b'HTTP/1.1 200 OK\r\nwhat is this\r\nContent-Length: 1\r\n\r\nx', behave='raw'), -1, 'encoding', -1),
        ('/blank-name', Answer(b'HTTP/1.1 200 OK\r\nContent-Encoding : gzip\r\nContent-Length: 1\r\n\r\nx', behave='raw'), -1, 'encoding', -1),
        ('/nul', Answer(b'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 1\r\n\r\nx', behave='raw'), -1, 'encoding', -1),
        ('/interim', Answer(b'HTTP/1.1 103 Early Hints\r\nCache-Control: max-age=7\r\nContent-Encoding: identity\r\n\r\n'
                            b'HTTP/1.1 200 OK\r\nCache-Control: max-age=9000\r\nContent-Length: 1\r\n\r\nx', behave='raw'), 1, 'ok', range(8990, 9001)),
        ('/switching', Answer(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx', behave='raw'), -1, 'http-status', -1),
        ('/close', Answer(BODY, behave='close'), -1, 'connect', -1),
        ('/reset', Answer(BODY, behave='reset'), -1, 'connect', -1),
        *[(f'/{s}', Answer(BODY, status=s), r, c, -1) for s, r, c in
          [(201, -1, 'http-status'), (203, -1, 'http-status'), (204, -1, 'http-status'), (206, -1, 'http-status'), (304, -1, 'http-status'),
           (400, -1, 'http-status'), (401, -1, 'http-status'), (403, -1, 'http-status'), (404, 0, 'not-found'), (410, 0, 'not-found'), (407, -1, 'http-status'),
           (429, -1, 'http-status'), (500, -1, 'http-status'), (503, -1, 'http-status'), (999, -1, 'http-status')]],
        ('/404-stalled', Answer(BODY, status=404, behave='stall-body'), 0, 'not-found', -1),
        ('/500-endless', Answer(status=500, behave='endless'), -1, 'http-status', -1),
        ('/404-cached', Answer(BODY, status=404, cache='max-age=86400'), 0, 'not-found', -1),
        # how long it may be used
        ('/max-age', Answer(BODY, cache='max-age=3600'), 1, 'ok', range(3590, 3601)),
        ('/no-store', Answer(BODY, cache='no-store'), 1, 'ok', 0),
        ('/no-cache', Answer(BODY, cache='no-cache, max-age=60'), 1, 'ok', 0),
        ('/age', Answer(BODY, cache='max-age=3600', headers=[('Age', '600')]), 1, 'ok', range(2990, 3001)),
        ('/two', Answer(BODY, cache='max-age=3600', headers=[('cache-control', 'max-age=60')]), 1, 'ok', range(50, 61)),
        ('/old', Answer(BODY, cache='max-age=60', headers=[('Date', 'Fri, 02 Jan 1998 00:00:00 GMT')]), 1, 'ok', 0),
        ('/expires', Answer(BODY, headers=[('Expires', email.utils.formatdate(time.time() + 5000, usegmt=True))]), 1, 'ok', range(4900, 5001)),
        ('/expired', Answer(BODY, headers=[('Expires', '0')]), 1, 'ok', 0),
        ('/http10-age', Answer(BODY, behave='http10', cache='max-age=77'), 1, 'ok', range(67, 78)),
        ('/chunked-age', Answer(BODY, behave='chunked', cache='max-age=78'), 1, 'ok', range(68, 79)),
    ]


def expected_body(answer):
    if answer.behave == 'length-short':
        return len(answer.body) - 10
    return 2 if b'Length: 2' in answer.body else 1 if answer.behave == 'raw' else len(answer.body)


def check_row(w, row):
    path, answer, rc, cause, lifetime = row
    (got,), _ = fetch(w, w.url(path))
    text = f'{path}: {got["cause"]} ({got["text"]}), {got["ms"]} ms, lifetime {got["lifetime"]}'
    good = got['rc'] == rc and cause in (None, got['cause']) and (got['lifetime'] in lifetime if isinstance(lifetime, range) else got['lifetime'] == lifetime)
    size = got['octets'] == (expected_body(answer) if rc == 1 else 0)
    return good and size, got['ms'] < DEADLINE + LATE, text


def test_rows(w):
    all_rows = rows()
    for path, answer, *_ in all_rows:
        w.set(path, answer)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for good, in_time, text in pool.map(lambda r: check_row(w, r), all_rows):
            tap.ok(good, text)
            if not in_time:
                tap.ok(False, f'took too long: {text}')
    tap.is_equal(w.count(), len(all_rows), 'each was asked once')
    sent = {r.path: r.sent for r in w.requests}
    tap.ok(max(sent[p] for p in ('/endless', '/endless-chunked', '/500-endless')) < 20 * CAP, 'an endless body is not listened to')
    stalls = [fetch(w, w.url(p))[0][0]['ms'] for p in ('/stall', '/stall-body')]
    tap.ok(all(STALL <= ms < STALL + LATE for ms in stalls), f'a stall ends before the deadline: {stalls}')
    (got,), _ = fetch(w, w.url('/trickle'))
    tap.ok(DEADLINE - 50 <= got['ms'] < DEADLINE + LATE, f'a trickle ends with it: {got["ms"]}')
    (got,), _ = fetch(w, w.url('/stall'), deadline=300, stall=5000)
    tap.ok(300 <= got['ms'] < 300 + LATE and got['cause'] == 'timeout', f'a deadline is one: {got["ms"]}')


def test_request(w):
    """What the server sees of us: nothing of the environment, of other answers, of files."""
    w.forget()
    home = tempfile.mkdtemp(dir=w.folder)
    with open(os.path.join(home, '.netrc'), 'w', encoding='ascii') as f:
        f.write('machine certs.localhost login me password secret\n')
    env = {**os.environ, 'HOME': home, 'https_proxy': 'http://127.0.0.1:1', 'HTTPS_PROXY': 'http://127.0.0.1:1', 'ALL_PROXY': 'socks5://127.0.0.1:1',
           'SSL_CERT_FILE': '/dev/null', 'SSLKEYLOGFILE': os.path.join(home, 'keys')}
    w.set('/cookie', Answer(BODY, headers=[('Set-Cookie', 'a=b; Path=/'), ('Set-Cookie2', 'c=d'), ('Strict-Transport-Security', 'max-age=1'),
                                           ('Alt-Svc', 'h3=":8443"')]))
    w.set('/auth', Answer(b'', status=401, headers=[('WWW-Authenticate', 'Basic realm="x"'), ('WWW-Authenticate', 'Negotiate')]))
    got, _ = fetch(w, w.url('/cookie'), w.url('/cookie'), w.url('/auth'), env=env, times=2)
    tap.is_equal([g['cause'] for g in got], ['ok', 'ok', 'http-status'] * 2, 'no proxy of the environment was asked')
    tap.is_equal(w.count(), 6, 'each was asked once')
    tap.ok(all(set(r.headers) == {'host', 'user-agent', 'accept', 'accept-encoding'} for r in w.requests), f'four fields, no cookie and no password: {w.requests[-1].headers}')
    r = w.requests[0]
    tap.ok(r.line == 'GET /cookie HTTP/1.1' and r.headers['accept-encoding'] == 'identity' and r.headers['user-agent'] == 'stir-test/1', r.line)
    tap.is_equal(r.sni, 'certs.localhost', 'the name in TLS')
    w.set('/404-then-200', Answer(status=404), BODY)
    got, _ = fetch(w, w.url('/404-then-200'), times=3)
    tap.is_equal([g['rc'] for g in got], [0, 1, 1], '404, then 200: nothing is remembered here')


def test_redirect(w):
    with HttpsWorld(address=None, ca=w.authority) as other:
        other.set('/x', BODY)
        for status in (300, 301, 302, 303, 307, 308):
            for target in (other.url('/x'), 'http://127.0.0.1/x', 'file:///etc/passwd', w.url('/good'), '/good'):
                w.forget()
                w.set('/moved', Answer(BODY, status=status, headers=[('Location', target)]))
                (got,), _ = fetch(w, w.url('/moved'))
                if (got['rc'], got['cause'], w.count()) != (-1, 'redirect', 1):
                    tap.ok(False, f'{status} to {target}: {got}')
        tap.ok(True, 'redirects of six kinds to five places are not followed')
        w.set('/refresh', Answer(BODY, headers=[('Refresh', '0; url=' + other.url('/x')), ('Location', other.url('/x'))]))
        tap.is_equal(fetch(w, w.url('/refresh'))[0][0]['cause'], 'ok', 'a 200 is one, wherever it points')
        tap.is_equal(other.connections, 0, 'the other server got no connection')
        (got,), _ = fetch(other, other.url('/x'))
        tap.ok(got['rc'] == 1 and other.connections == 1, 'though it can be asked')


# --- TLS, addresses, hosts

def test_tls(w):
    w.forget()
    w.identity.update({'a.localhost': 'wrong-name', 'b.localhost': 'expired', 'crl.localhost': 'unknown-ca', 'lists.localhost': 'not-yet'})
    for name, why in w.identity.items():
        (got,), _ = fetch(w, w.url('/good', name))
        tap.ok(got['cause'] == 'tls' and got['rc'] == -1, f'{why}: {got["text"]}')
    tap.is_equal(w.count(), 0, 'none of them got a request')
    (got,), _ = fetch(w, w.url('/good'), ca=None, connect=20000, deadline=20000)
    tap.is_equal(got['cause'], 'tls', 'a CA that the system does not know')
    (got,), _ = fetch(w, w.url('/good', 'elsewhere.localhost'))
    tap.is_equal(got['cause'], 'tls', 'a name that is not in the certificate')
    for how, causes in (('garbage', {'tls'}), ('close', {'tls', 'connect'}), ('silent', {'timeout'})):
        w.before_tls = how
        (got,), _ = fetch(w, w.url('/good'), connect=1000)
        tap.ok(got['cause'] in causes and got['ms'] < 1000 + LATE, f'instead of TLS {how}: {got["cause"]}, {got["ms"]} ms')
    w.before_tls = None
    w.identity.clear()
    tap.is_equal(fetch(w, w.url('/good'))[0][0]['cause'], 'ok', 'and as it should be')


def test_addresses(w):
    w.forget()
    for url in (w.url('/good'), w.url('/good', '127.0.0.1'), w.url('/good', 'localhost'), w.url('/good', '2130706433'), w.url('/good', '0x7f.1'),
                w.url('/good', '[::ffff:127.0.0.1]'), w.url('/good', '[::127.0.0.1]'), w.url('/good', '[64:ff9b::7f00:1]'), w.url('/good', '[2002:7f00:1::]'),
                w.url('/good', '[::1]'), w.url('/good', '0'), w.url('/good', '%31%32%37.0.0.1')):
        (got,), _ = fetch(w, url, address='192.0.2.0/24')
        tap.ok(got['cause'] == 'address-forbidden' and got['rc'] == -1, f'{url}: {got["cause"]} {got["text"]}')
    (got,), _ = fetch(w, w.url('/good'), address='!127.0.0.1')
    tap.is_equal(got['cause'], 'address-forbidden', 'what is taken out of the listed ones is not listed')
    tap.is_equal(w.connections, 0, 'none of these got a connection')
    (got,), _ = fetch(w, w.url('/good', '127.0.0.1'))
    tap.is_equal(got['cause'], 'ok', 'an address in figures, when it is listed')


def test_hosts(w):
    w.forget()
    host, url = 'certs.localhost', w.url('/good')
    for more, cause in (({'allow': host}, 'ok'), ({'allow': '*.localhost'}, 'ok'), ({'allow': 'CERTS.LocalHost.'}, 'ok'), ({'allow': 'other.example'}, 'host-forbidden'),
                        ({'allow': 'localhost'}, 'host-forbidden'), ({'allow': '*.certs.localhost'}, 'host-forbidden'), ({'deny': host}, 'host-forbidden'),
                        ({'deny': '*.localhost'}, 'host-forbidden'), ({'deny': '*.localhost', 'allow': host}, 'host-forbidden'), ({'deny': 'a.localhost'}, 'ok'),
                        ({'ports': '8443'}, 'ok'), ({'ports': '443'}, 'host-forbidden')):
        (got,), _ = fetch(w, url, **more)
        (may,), _ = probe(*settings(w, **more), 'may', '--', url)
        tap.ok(got['cause'] == cause and may['rc'] == (cause == 'ok'), f'{more}: {got["cause"]}, may {may["rc"]}')
    tap.is_equal(w.connections, 5, 'only those that may were asked')


# --- time and failure

def test_breaker(w):
    w.forget()
    w.set('/broken', Answer(status=503))
    w.set('/none', Answer(status=404))
    w.set('/forbidden', Answer(status=403))
    w.set('/429', Answer(status=429))
    broken, good, none = w.url('/broken'), w.url('/good'), w.url('/none')
    got, stats = fetch(w, broken, failures=3, breaker=60, times=10)
    tap.is_equal([g['cause'] for g in got], ['http-status'] * 3 + ['breaker-open'] * 7, 'after three failures it is left alone')
    tap.ok(w.count() == 3 and stats['hosts_open'] == 1 and stats['breaker-open'] == 7, f'three requests: {stats}')
    got, _ = fetch(w, broken, broken, good, broken, broken, none, broken, broken, failures=3, breaker=60)
    tap.is_equal([g['rc'] for g in got], [-1, -1, 1, -1, -1, 0, -1, -1], 'in a row, that is')
    got, stats = fetch(w, none, w.url('/forbidden'), w.url('/429'), w.url('/moved'), failures=2, breaker=60, times=3)
    tap.ok(stats['breaker-open'] == 0 and stats['hosts_open'] == 0, 'answers that are no failures of the host do not open it')
    got, _ = fetch(w, broken, broken, good, w.url('/good', 'other.localhost'), failures=2, breaker=60)
    tap.is_equal([g['cause'] for g in got], ['http-status', 'http-status', 'breaker-open', 'tls'], 'one host, whatever is asked there; another is another')
    closed = w.url('/none').replace(':8443', '')
    got, _ = fetch(w, closed, closed, good, failures=2, breaker=60)
    tap.is_equal([g['cause'] for g in got], ['connect', 'connect', 'ok'], 'what fails at another port of a host says nothing about this one')
    w.set('/heals', Answer(status=500), Answer(status=500), Answer(status=500), BODY)
    got, stats = fetch(w, w.url('/heals'), failures=2, breaker=1, times=14, pause=250)
    causes = [g['cause'] for g in got]
    tap.ok(causes[:2] == ['http-status'] * 2 and causes.count('http-status') == 3 and causes[-1] == 'ok', f'one tries; when it fails it is left alone again; then it heals: {causes}')
    w.forget()
    got, _ = fetch(w, w.url('/broken'), failures=3, breaker=60, times=5, threads=8)
    tap.ok(3 <= w.count() <= 3 + 8, f'eight threads ask {w.count()} times')
    for how in ('close', 'silent'):
        w.before_tls = how
        got, _ = fetch(w, good, failures=1, breaker=60, times=2, connect=1000)
        tap.ok(got[1]['cause'] == 'breaker-open' and got[1]['ms'] < 500, f'opened by: {got[0]["cause"]}')
    w.before_tls = None
    (got, _), _ = fetch(w, 'https://nosuch.invalid/', 'https://nosuch.invalid/', failures=1)
    tap.ok(got['cause'] in ('dns', 'timeout'), f'a name that there is not: {got["cause"]}')


def test_stop(w):
    for path in ('/stall', '/trickle', '/good'):
        (got,), _ = fetch(w, w.url(path), stop=300, stall=20000, deadline=20000) if path != '/good' else (fetch(w, w.url(path), stop=5000))
        want = 'ok' if path == '/good' else 'stopped'
        tap.ok(got['cause'] == want and got['ms'] < 300 + LATE, f'stopped in {path}: {got["cause"]}, {got["ms"]} ms')
    got, _ = fetch(w, w.url('/good'), stop=1000, times=3, pause=1500)
    tap.is_equal([g['cause'] for g in got], ['ok'] + ['stopped'] * 2, 'nothing begins after that')


def test_threads(w):
    w.forget()
    got, stats = fetch(w, w.url('/good'), w.url('/gzip'), w.url('/404'), threads=6, times=5)
    tap.ok(stats['ok'] == stats['encoding'] == stats['not-found'] == 30 and w.count() == 90, f'six threads: {stats}')
    tap.is_equal(stats['octets'], 30 * len(BODY), 'octets of bodies')
    for url in (w.url('/good'), 'https://certs.example/'):
        (got,), stats = fetch(w, url, nofile=3)
        tap.ok(got['rc'] == -1 and got['cause'] == 'no-resource', f'{url} without a descriptor: {got["cause"]} {got["text"]}')


def test_down(w):
    w.down()
    (got,), _ = fetch(w, w.url('/good'))
    tap.ok(got['cause'] == 'connect' and got['ms'] < LATE, f'nobody listens: {got["text"]}')
    w.up()
    (got,), _ = fetch(w, w.url('/good'))
    tap.is_equal(got['cause'], 'ok', 'and somebody again')


# --- names, in a network of our own

PUBLIC, PUBLIC2 = '9.9.9.9', '9.9.9.10'


def test_names(folder):
    """Inside a private network: what DNS answers, and what of it is asked."""
    httpsworld.lo_up(PUBLIC, PUBLIC2)
    httpsworld.put_over('/etc/resolv.conf', 'nameserver 127.0.0.1\noptions timeout:5 attempts:2\n', folder)
    names = ('public.example', 'rebind.example', 'inner.example', 'both.example', 'dead.example', 'mapped.example', 'silent.example', 'a-label.xn--bcher-kva.example')
    dns = httpsworld.NameServer({
        'public.example': [[PUBLIC]],
        'rebind.example': [[PUBLIC], ['127.0.0.1'], ['10.0.0.1', '::1'], [PUBLIC]],
        'inner.example': [['127.0.0.1', '10.1.1.1', '169.254.169.254', '::1', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1']],
        'both.example': [['127.0.0.1', '10.0.0.1', PUBLIC]],
        'dead.example': [[PUBLIC2]],
        'mapped.example': [['::ffff:' + PUBLIC]],
        'silent.example': [None],
        'a-label.xn--bcher-kva.example': [[PUBLIC]],
    })
    with HttpsWorld(folder, address='0.0.0.0', port=443, names=names) as w, HttpsWorld(folder, address='127.0.0.1', port=8443, names=names, ca=w.authority) as inner:
        for world in (w, inner):
            world.set('/a', BODY)
        s = {'address': None}
        (got,), _ = fetch(w, w.url('/a', 'public.example'), **s)
        tap.ok(got['cause'] == 'ok' and w.connections == 1, f'a public address is asked: {got["cause"]}')
        got, _ = fetch(w, w.url('/a', 'rebind.example'), times=4, **s)
        tap.is_equal([g['cause'] for g in got], ['ok', 'address-forbidden', 'address-forbidden', 'ok'], 'public, then private: judged each time')
        tap.is_equal(w.connections, 3, 'and only the public one got a connection')
        w.forget()
        got, _ = fetch(w, inner.url('/a', 'inner.example'), w.url('/a', 'inner.example'), **s)
        tap.is_equal([g['cause'] for g in got], ['address-forbidden'] * 2, 'inner addresses of all kinds')
        tap.is_equal(w.connections + inner.connections, 0, 'none got a connection')
        (got,), _ = fetch(w, inner.url('/a', 'inner.example'), address='127.0.0.1')
        tap.ok(got['cause'] == 'ok' and inner.connections == 1, 'the one that is listed is')
        (got,), _ = fetch(w, w.url('/a', 'both.example'), **s)
        peers = {r.peer[0] for r in w.requests}
        tap.ok(got['cause'] == 'ok' and peers == {PUBLIC}, f'of several addresses the public one: {got["cause"]} {peers}')
        (got,), _ = fetch(w, w.url('/a', 'mapped.example'), **s)
        tap.ok(got['cause'] == 'ok', f'a mapped address is what it maps to: {got["text"]}')
        (got,), _ = fetch(w, w.url('/a', 'a-label.xn--bcher-kva.example'), allow='*.xn--bcher-kva.example', **s)
        tap.is_equal(got['cause'], 'ok', 'an A-label')
        (got,), _ = fetch(w, w.url('/a', 'nosuch.example'), **s)
        tap.ok(got['cause'] == 'dns' and got['ms'] < LATE, f'NXDOMAIN: {got["text"]}')
        (got,), _ = fetch(w, w.url('/a', 'silent.example'), connect=1000, **s)
        tap.ok(got['cause'] == 'timeout' and got['ms'] < 1000 + LATE, f'a name server that says nothing: {got["cause"]}, {got["ms"]} ms')
        (got,), _ = fetch(w, w.url('/a', 'silent.example'), stop=200, connect=20000, deadline=20000, **s)
        tap.ok(got['cause'] == 'stopped' and got['ms'] < 200 + LATE, f'stopped meanwhile: {got["cause"]}, {got["ms"]} ms')
        w.stop()
        (got,), _ = fetch(w, w.url('/a', 'dead.example'), **s)
        tap.is_equal(got['cause'], 'connect', 'nobody listens there')
        (got,), _ = fetch(w, w.url('/a', 'both.example'), **s)
        tap.is_equal(got['cause'], 'connect', 'nor there, and the others may not be asked')
    dns.stop()


def main():
    if not os.access(PROBE, os.X_OK):
        tap.skip_all(f'{PROBE} is not built')
    if os.environ.get(httpsworld.INSIDE):
        with tempfile.TemporaryDirectory(prefix='tap-names-', dir=os.getcwd()) as folder:
            test_names(folder)
        sys.exit(1 if tap._failed else 0)
    with HttpsWorld() as w:
        for test in (test_rows, test_request, test_redirect, test_tls, test_addresses, test_hosts, test_breaker, test_stop, test_threads, test_down):
            test(w)
    # Last, since the rest runs anew inside.
    r = httpsworld.run_inside()
    if r is None:
        tap.skip('names: a network of its own is not permitted here')
    else:
        tap.note(r[1])
        tap.ok(r[0] == 0, 'names, in a network of its own')
    tap.done()


if __name__ == '__main__':
    main()
