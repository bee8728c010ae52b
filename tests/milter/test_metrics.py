"""Metrics, health and readiness, asked over HTTP at the running program; and its log lines
in both forms."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import tap
from milterclient import Client, send_message
from milterdaemon import MAIL, MILTER, RCPT, SENDER, Place, wait_for
from scrape import ask, dial, metrics, raw

P = 'stir_milter_'
POLICY = '''policy 1 mode tag
peer one { match client in 192.0.2.0/24 expect signed }
peer two { match client in 198.51.100.0/24 }
rule UNSIGNED { when verify == none score 6 }
rule BROKEN   { when verify == fail score 20 }
actions { tag at 4  reject 5.7.1 "no" at 15 }
'''
PLAIN = MAIL.replace(SENDER.encode(), b'ann@a.example').replace(RCPT.encode(), b'bob@b.example')


def write(place, name, text):
    with open(place.path(name), 'w') as f:
        f.write(text)
    return place.path(name)


def daemon(place, name, where, *lines):
    d = place.daemon(name, f'MetricsSocket local:{where}', *lines)
    wait_for(lambda: is_ready(where))
    return d


def is_ready(where):
    try:
        return ask(where, '/readyz')[0] == 200
    except OSError:
        return False


def signed(d, octets=MAIL):
    return send_message(d.socket, octets, SENDER, [RCPT], daemon_name='MM4OUT').message


def verify(d, octets, client='192.0.2.1', **options):
    return send_message(d.socket, octets, SENDER, [RCPT], daemon_name='MM4IN', client_addr=client, **options)


def labels(m, name, *keys):
    return m.counted(P + name, *keys)


def test_counts(place):
    """A known sequence, and exactly that."""
    where = place.path('c.metrics')
    d = daemon(place, 'c', where, f'Policy {write(place, "c.policy", POLICY)}', 'MaxAge 1h', 'ReplayStore memory',
                     f'FactLog {place.path("c.facts")}', f'EvidenceDir {place.path("c.evidence")}', 'PeerList 203.0.113.7')
    m = metrics(where)
    tap.is_equal([k for k, v in m.items() if v and k[0].endswith('_total')], [], 'all counters begin at 0')
    tap.ok(m.get_value(P + 'verified_total', result='fail', reason='replayed') == 0.0, 'and stand there with 0')
    good = signed(d)
    signed(d, PLAIN)
    verify(d, good)                                     # pass, new
    verify(d, good)                                     # the same delivery again: duplicate
    verify(d, good.replace(b'<1@a.example>', b'<2@a.example>'), '198.51.100.9')      # replayed
    verify(d, signed(d).replace(b'Hello', b'Jello'))    # msgi-mismatch
    verify(d, MAIL)                                     # none
    verify(d, MAIL, '203.0.113.9')                      # none, of no peer
    send_message(d.socket, PLAIN, 'ann@a.example', ['bob@b.example'])   # a stranger's, without numbers
    send_message(d.socket, MAIL, SENDER, [RCPT], client_addr='203.0.113.7')     # left alone
    c = d.client()
    c.envelope(SENDER, [RCPT])
    d.in_hand()
    c.quit()                                            # never ended
    wait_for(lambda: d.counters()[:2] == (0, 0))
    m = metrics(where)
    check_counts(m)
    check_parts(m)
    before = {k: v for k, v in m.items() if k[0].endswith('_total')}
    d.hup()
    m = metrics(where)
    changed = {k: v - before.get(k, 0) for k, v in m.items() if k[0].endswith('_total') and v != before.get(k, 0)}
    tap.is_equal(changed, {(P + 'reloads_total', (('outcome', 'good'),)): 1.0}, 'a reload keeps all of it')
    verify(d, signed(d))
    m = metrics(where)
    tap.is_equal((labels(m, 'verified_total', 'reason')['ok'], int(m.get_value(P + 'fact_log_lines_total'))), (3, 7), 'and what comes after it is added')
    check_usr2(d)
    tap.is_equal(d.stop(), 0, 'stop')
    tap.ok(not os.path.exists(where), 'which takes the socket along')


def check_counts(m):
    tap.is_equal(labels(m, 'messages_total', 'direction'), {'pass': 1, 'sign': 3, 'verify': 7}, 'messages by direction')
    tap.is_equal(labels(m, 'verified_total', 'result', 'reason'),
                 {('pass', 'ok'): 2, ('fail', 'replayed'): 1, ('fail', 'msgi-mismatch'): 1, ('none', 'no-identity'): 2, ('out-of-scope', 'out-of-scope'): 1},
                 'by result and reason')
    tap.is_equal(labels(m, 'signed_total', 'outcome'), {'signed': 2, 'no-number': 1}, 'by outcome of the signer')
    tap.is_equal(labels(m, 'actions_total', 'action', 'would'),
                 {('accept', 'accept'): 3, ('tag', 'tag'): 2, ('tag', 'reject'): 2}, 'by what was done and would have been')
    tap.is_equal(labels(m, 'peer_messages_total', 'peer', 'result'),
                 {('one', 'pass'): 2, ('one', 'fail'): 1, ('one', 'none'): 1, ('two', 'fail'): 1, ('none', 'none'): 1, ('none', 'out-of-scope'): 1}, 'by peer and result')
    tap.is_equal(labels(m, 'peer_would_total', 'peer', 'would'),
                 {('one', 'accept'): 2, ('one', 'reject'): 1, ('one', 'tag'): 1, ('two', 'reject'): 1, ('none', 'tag'): 1, ('none', 'accept'): 1}, 'by peer and would-be action')
    tap.is_equal(labels(m, 'replay_total', 'answer'), {'new': 1, 'duplicate': 1, 'replayed': 1}, 'by answer of the replay store')
    tap.is_equal(labels(m, 'skipped_checks_total', 'check'), {'revocation': 4}, 'without a list of revocations each that had a certificate is counted')
    tap.is_equal(labels(m, 'limits_total', 'limit'), {}, 'no limit was met')
    tap.is_equal([int(m.get_value(P + 'verdict_seconds_count', direction=x)) for x in ('sign', 'verify')], [3, 7], 'each has been timed')
    last = [m.get_value(P + 'verdict_seconds_bucket', direction='verify', le=x) for x in ('0.0005', '0.01', '10', '+Inf')]
    tap.ok(last == sorted(last) and last[-1] == 7, f'buckets add up ({last})')
    tap.ok(0 < m.get_value(P + 'verdict_seconds_sum', direction='verify') < 7, 'and so does the time')
    tap.ok(m.get_value(P + 'replay_store_seconds_count') >= 3, 'so have answers of the store')
    tap.is_equal([int(m.get_value(P + x)) for x in ('messages_begun_total', 'messages_in_hand', 'connections')], [12, 0, 0], 'begun, in hand, and who asks for readiness is no connection')


def check_parts(m):
    tap.is_equal((labels(m, 'certificate_cache_total', 'event')['miss'], int(m.get_value(P + 'certificate_cache_entries'))), (1, 1), 'the cache of certificates')
    tap.is_equal(labels(m, 'fetches_total', 'for', 'cause'), {('certificate', 'ok'): 1}, 'fetches')
    tap.is_equal((int(m.get_value(P + 'fact_log_lines_total')), int(m.get_value(P + 'fact_log_lost_total'))), (6, 0), 'lines of facts')
    tap.is_equal((int(m.get_value(P + 'evidence_lines_total')), int(m.get_value(P + 'evidence_lost_total'))), (4, 0), 'lines of evidence')
    left = labels(m, 'certificate_left_seconds', 'key', 'url')
    tap.ok(list(left) == [('KeyFile', 'https://certs.example/a.pem')] and 0 < list(left.values())[0] / 86400 < 400, f'how long the certificate lasts ({left})')
    tap.is_equal(len(labels(m, 'policy_info', 'mode', 'hash')), 1, 'the policy')
    tap.ok(0 < m.get_value('process_open_fds') < m.get_value('process_max_fds'), 'descriptors')
    tap.ok(abs(m.get_value('process_start_time_seconds') - time.time()) < 120, 'the start')
    for (name, these), value in m.items():
        if not (value >= 0):
            tap.ok(False, f'{name} {these} is {value}')


def check_usr2(d):
    d.counters()
    tap.ok(wait_for(lambda: re.search(r'verified: (?=.*\bok=3\b)(?=.*\bno-identity=2\b)(?=.*\breplayed=1\b)', d.log())), 'USR2 writes the same numbers')
    tap.ok(re.search(r'evidence: lines=5 ', d.log()) and re.search(r'facts: lines=7 lost=0', d.log()), 'those of its parts too')


def test_limits(place):
    where = place.path('l.metrics')
    many = 'policy 1 mode tag\n' + ''.join(f'peer p{i} {{ match client == 192.0.2.{i} }}\n' for i in range(1, 103))
    d = daemon(place, 'l', where, f'Policy {write(place, "l.policy", many)}', 'MaximumHeaders 4k')
    verify(d, b'X-Pad: ' + b'x' * 5000 + b'\r\n' + MAIL)
    verify(d, MAIL, '192.0.2.100')
    verify(d, MAIL, '192.0.2.101')
    m = metrics(where)
    tap.is_equal(labels(m, 'limits_total', 'limit'), {'message': 1, 'metrics-peers': 1}, 'limits that were met')
    got = labels(m, 'peer_messages_total', 'peer', 'result')
    tap.ok(got.get(('p100', 'none')) == 1 and got.get(('other', 'none')) == 1, f'the first hundred peers have a name, the next is other ({got})')
    tap.is_equal(len({dict(k[1])['peer'] for k in m if k[0] == P + 'peer_messages_total'}), 102, 'and there are no more series')
    d.stop()


def test_http(place):
    where = place.path('h.metrics')
    d = daemon(place, 'h', where)
    tap.is_equal(os.stat(where).st_mode & 0o777, 0o770, 'the mode of the socket follows UMask')
    status, fields, body = ask(where, '/metrics')
    tap.is_equal((status, fields['content-type'], fields['connection'], int(fields['content-length'])), (200, 'text/plain; version=0.0.4; charset=utf-8', 'close', len(body)), '/metrics')
    tap.is_equal(ask(where, '/metrics', 'HEAD')[::2], (200, ''), 'HEAD has no body')
    tap.is_equal(ask(where, '/healthz')[::2], (200, 'alive\n'), '/healthz')
    tap.is_equal(ask(where, '/readyz')[::2], (200, 'ready\n'), '/readyz')
    for method in ('POST', 'PUT', 'DELETE', 'OPTIONS', 'BREW'):
        status, fields, _ = ask(where, '/metrics', method)
        tap.is_equal((status, fields.get('allow')), (405, 'get, head'), f'{method}: 405')
    for path in ('/', '/metrics/', '/metricsx', '/../metrics', '//metrics', '/readyz%00', '/' + 'x' * 4000):
        tap.is_equal(ask(where, path)[0], 404, f'{path[:20]}: 404')
    tap.is_equal(ask(where, '/metrics?x=1')[0], 200, 'a query changes nothing')
    big = b'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n' + b'x' * 100000
    tap.ok(b' 405 ' in raw(where, big)[:20], 'a large body is not read')
    tap.is_equal(d.stop(), 0, 'stop')


def test_hostile(place):
    """Nobody who asks is in the way of mail, nor for long of others who ask."""
    where = place.path('x.metrics')
    d = daemon(place, 'x', where)
    for rubbish in (b'\0' * 100, b'\x16\x03\x01\x02\x00\x01', b'GET', b'GET / HTTP/9.9\r\n\r\n', b'\r\n' * 1000, os.urandom(5000),
                    b'GET /metrics HTTP/1.1\r\n' + b'X: ' + b'y' * 100000 + b'\r\n\r\n', b'GET /metrics HTTP/1.1\r\n' + b'X: y\r\n' * 50000):
        try:
            got = raw(where, rubbish, 6.0)
        except (BrokenPipeError, socket.timeout) as e:
            got = repr(e).encode()
        tap.ok(b' 200 ' not in got[:20] and b'timed out' not in got, f'rubbish of {len(rubbish)} octets: {got[:30]}')
    before = d.descriptors()
    slow = []
    for _ in range(60):
        try:
            s = dial(where, 2.0)
            s.sendall(b'GET /metrics HTTP/1.1\r\nX: ')
            slow.append(s)
        except OSError:
            pass
    stop = threading.Event()

    def drip():
        while not stop.wait(0.5):
            for s in slow:
                try:
                    s.sendall(b'y')
                except OSError:
                    pass
    thread = threading.Thread(target=drip)
    thread.start()
    begun = time.monotonic()
    r = verify(d, signed(d))
    tap.ok(r.inserted('Authentication-Results') and time.monotonic() - begun < 2, f'sixty that send an octet now and then: mail goes on ({time.monotonic() - begun:.2f} s)')
    tap.ok(d.descriptors() < before + 45, f'and few descriptors are taken ({d.descriptors() - before})')
    begun = time.monotonic()
    tap.ok(wait_for(lambda: answers(where), 20.0), f'another one gets an answer ({time.monotonic() - begun:.1f} s)')
    stop.set()
    thread.join()
    for s in slow:
        s.close()
    tap.ok(wait_for(lambda: d.descriptors() <= before, 10.0), 'and nothing is left of them')
    tap.is_equal(d.stop(), 0, 'stop')


def answers(where):
    try:
        return ask(where, '/healthz', timeout=3.0)[0] == 200
    except OSError:
        return False


def test_ready(place):
    where = place.path('r.metrics')
    d = daemon(place, 'r', where, 'ShutdownTimeout 20s')
    tap.is_equal(metrics(where).get_value(P + 'ready'), 1.0, 'ready')
    d.write_broken()
    d.hup()
    m = metrics(where)
    tap.is_equal((m.get_value(P + 'reload_failed'), labels(m, 'reloads_total', 'outcome'), ask(where, '/readyz')[0]), (1.0, {'failed': 1}, 200),
                 'a reload that failed is said, and what is in force is ready')
    d.write()
    d.hup()
    tap.is_equal(metrics(where).get_value(P + 'reload_failed'), 0.0, 'until the next one')
    os.rename(d.socket, d.socket + '.away')
    status, _, body = ask(where, '/readyz')
    tap.ok(status == 503 and 'our own socket' in body, f'the socket of the MTA is gone ({body.strip()})')
    os.rename(d.socket + '.away', d.socket)
    tap.is_equal(ask(where, '/readyz')[0], 200, 'and back')
    d.lines = (f'MetricsSocket local:{where}.2', 'ShutdownTimeout 20s')
    d.write()
    d.hup()
    tap.ok(d.count('MetricsSocket has changed: that needs a restart') == 1 and ask(where, '/readyz')[0] == 200, 'MetricsSocket stays over a reload, and it is said')
    c = d.client()
    c.envelope(SENDER, [RCPT])
    d.in_hand()
    d.signal(signal.SIGTERM)
    tap.ok(wait_for(lambda: ask(where, '/readyz')[0] == 503), 'not ready while it stops')
    tap.is_equal((ask(where, '/healthz')[0], metrics(where).get_value(P + 'ready'), int(metrics(where).get_value(P + 'messages_in_hand'))), (200, 0.0, 1), 'but alive, with a message in hand')
    c.content(MAIL)
    tap.is_equal(d.wait(), 0, 'then it stops')


def test_ready_certificate(place):
    """A certificate that ends while we run."""
    where = place.path('e.metrics')
    d = daemon(place, 'e', where, 'SignMargin 30d')
    tap.is_equal(ask(where, '/readyz')[0], 200, 'a certificate that is valid')
    place.ctl('pki', 'issue', place.path('pki'), '--tn-auth', 'tn:+15550100000..+15550199999', '--url', 'https://certs.example/a.pem', '--days', '2',
              '--out', place.path('short'))
    with open(d.conf) as f:
        text = f.read().replace(place.path('a.key'), place.path('short.key')).replace(place.path('a.pem'), place.path('short.pem'))
    with open(d.conf, 'w') as f:
        f.write(text)
    d.hup()
    status, _, body = ask(where, '/readyz')
    tap.is_equal((status, body), (503, 'not ready: the signing certificate is not valid now\n'), 'one that ends within SignMargin')
    m = metrics(where)
    tap.ok(86400 < list(labels(m, 'certificate_left_seconds', 'key').values())[0] <= 2 * 86400 and m.get_value(P + 'ready') == 0.0, 'the metrics say so too')
    d.stop()


def test_while_mail_flows(place):
    where = place.path('f.metrics')
    d = daemon(place, 'f', where)
    mail = signed(d)
    stop, seen, wrong = threading.Event(), [], []

    def scrape():
        while not stop.is_set():
            try:
                m = metrics(where)
                seen.append(sum(labels(m, 'messages_total', 'direction').values()))
            except (OSError, ValueError) as e:
                wrong.append(repr(e))

    def send():
        c = d.client()
        for _ in range(100):
            if not c.message(mail, SENDER, [RCPT]).inserted('Authentication-Results'):
                wrong.append('no result')
        c.quit()
    threads = [threading.Thread(target=f) for f in (scrape, scrape, send, send, send)]
    for t in threads:
        t.start()
    for t in threads[2:]:
        t.join()
        d.signal(signal.SIGHUP)
    stop.set()
    for t in threads[:2]:
        t.join()
    tap.ok(not wrong and len(seen) > 10, f'{len(seen)} scrapes beside mail and reloads ({wrong[:3]})')
    each = metrics(where)
    tap.is_equal(labels(each, 'messages_total', 'direction'), {'sign': 1, 'verify': 300}, 'and none is lost')
    tap.is_equal(d.stop(), 0, 'stop')


def run_check(place, *lines):
    conf = place.conf('n.conf', f'Socket local:{place.path("n.sock")}', *lines)
    return subprocess.run([MILTER, '-n', '-c', conf], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, text=True)


def test_socket(place):
    for spec, text in (('inet:9895@0.0.0.0', 'not an address of this host alone'), ('inet:9895@192.0.2.1', 'not an address of this host alone'),
                       ('inet6:9895@::', 'not an address of this host alone'), ('inet:9895', 'inet:PORT@'), ('local:x', 'whole path'),
                       ('fd:77', 'MetricsSocket fd:77: that descriptor is not open'), ('local:/nonexistent/x', 'MetricsSocket: /nonexistent'),
                       (f'local:{place.path("n.sock")}', 'MetricsSocket and Socket are one')):
        r = run_check(place, f'MetricsSocket {spec}')
        tap.ok(r.returncode == 78 and text in r.stderr and r.stderr.count('\n') == 1, f'{spec}: 78 ({r.stderr.strip()})')
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
        d = place.daemon('fd', f'MetricsSocket fd:{s.fileno()}', start=False)
        d.start(pass_fds=[s.fileno()])
        tap.ok(wait_for(lambda: is_ready(port)), 'a socket handed in')
        r = subprocess.run([MILTER, '-c', place.conf('b.conf', f'Socket local:{place.path("b.sock")}', f'MetricsSocket inet:{port}@127.0.0.1')],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, text=True)
        tap.ok(r.returncode == 69 and 'MetricsSocket' in r.stderr.splitlines()[-1], f'a port in use: 69 ({r.stderr.splitlines()[-1]})')
        tap.ok(not os.path.exists(place.path('b.sock')), 'and no socket is left of that start')
        d.stop()
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    d = place.daemon('in', f'MetricsSocket inet:{port}@127.0.0.1')
    tap.ok(wait_for(lambda: is_ready(port)), 'a port on loopback')
    d.kill()
    d.start()
    tap.ok(wait_for(lambda: is_ready(port)), 'killed, it can be started again at once')
    d.stop()


def test_log(place):
    """Both forms have the same facts; every line of a session its id."""
    lines = {}
    for form in ('text', 'json'):
        d = place.daemon('log' + form, f'LogFormat {form}', f'Policy {write(place, "log.policy", POLICY)}', 'LogNumbers masked')
        mail = signed(d)
        verify(d, mail.replace(b'Hello', b'Jello'), queue_id='4LOG')
        lines[form] = [s for s in d.log().splitlines() if '4LOG' in s]
        d.hup()
        d.stop()
        if form == 'json':
            for s in d.log().splitlines():
                o = json.loads(s)
                tap.ok(isinstance(o['time'], int) and o['level'] in ('error', 'warning', 'notice', 'info'), f'a JSON line: {s[:60]}')
    text, = lines['text']
    o = json.loads(lines['json'][0])
    pairs = dict(w.split('=', 1) for w in re.findall(r'[a-z0-9]+=(?:"[^"]*"|\S*)', text.split(': ', 2)[2]))
    tap.is_equal(list(pairs), [k for k in o if k not in ('time', 'level', 'queue_id')], f'the same names in the same order ({text})')
    for key, value in pairs.items():
        want = o[key] if not isinstance(o[key], list) else ','.join(o[key])
        if key in ('sid', 'ms', 'age'):
            continue
        tap.ok(str(want) == value.strip('"') or float(value) == want, f'{key}: {value} and {o[key]!r}')
    tap.ok(re.search(r': 4LOG: sid=[0-9a-f]+-[0-9a-f]+ client=', text), 'the queue id first, then the session')
    tap.ok(pairs['domain'] == 'default' and pairs['revocation'] == 'unknown' and pairs['from'].endswith('01') and '5550100' not in text, 'domain, revocation, and a masked number')
    tap.is_equal(list(pairs)[-4:], ['size', 'action', 'edits', 'ms'], 'and the end')


def test_pseudonyms(place):
    key = write(place, 'p.key', 'k' * 32)
    os.chmod(key, 0o600)
    d = place.daemon('p', f'Policy {write(place, "p.policy", POLICY)}', f'PseudonymKey {key}', f'FactLog {place.path("p.facts")}')
    verify(d, MAIL)
    first = re.search(r' from=(~[0-9a-f]{16}) ', d.log())
    tap.ok(first and '15550100001' not in d.log(), 'numbers are pseudonyms')
    with open(place.path('p.facts')) as f:
        facts = f.read()
    tap.ok(first and first.group(1) in facts, 'the same in FactLog')
    d.stop()
    d.start()
    verify(d, MAIL)
    tap.is_equal(len(set(re.findall(r' from=(~[0-9a-f]{16}) ', d.log()))), 1, 'and after a restart, by PseudonymKey')
    d.lines = (f'Policy {place.path("p.policy")}', f'FactLog {place.path("p.facts")}')
    d.write()
    d.hup()
    verify(d, MAIL)
    tap.is_equal(len(set(re.findall(r' from=(~[0-9a-f]{16}) ', d.log()))), 2, 'another without')
    d.lines += ('LogNumbers full',)
    d.write()
    d.hup()
    verify(d, MAIL)
    tap.ok(' from=15550100001 ' in d.log(), 'in full, by a reload')
    d.stop()


def test_dashboard(_):
    with open(os.path.join(os.environ.get('srcdir', '.'), 'conf', 'grafana', 'stir-milter.json')) as f:
        board = json.load(f)
    panels = [p for p in board['panels'] if p['type'] != 'row']
    ids = [p['id'] for p in board['panels']]
    tap.ok(len(panels) > 15 and all(p['title'] and p['targets'] and all(t['expr'] for t in p['targets']) for p in panels), f'the dashboard is JSON, with {len(panels)} panels')
    tap.is_equal(len(set(ids)), len(ids), 'each with an id of its own')
    tap.ok(all(0 <= p['gridPos']['x'] and p['gridPos']['x'] + p['gridPos']['w'] <= 24 for p in board['panels']), 'and within the page')


TESTS = (test_dashboard, test_counts, test_limits, test_http, test_hostile, test_ready, test_ready_certificate, test_while_mail_flows, test_socket, test_log, test_pseudonyms)

with Place() as place:
    place.make_pki()
    for test in TESTS:
        test(place)
tap.done()
