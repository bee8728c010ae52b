"""What every MTA must show: signing and verifying through two real instances, and
what must not change on the way.  tests/e2e runs it on Postfix, on Sendmail and on
one behind the other."""

import os
import re
import shutil

import loopback
import scenarios
from loopback import wait_for
from tap import is_equal, note, ok

BOB = scenarios.BOB + '@direct.example'
CAROL = scenarios.CAROL + '@direct.example'


def check_table(crew):
    for marker, what, run, want in scenarios.TABLE:
        run(crew)
        arrived = crew.fetch(marker)
        if not ok(arrived is not None, f'{marker}: delivered'):
            note(crew.lab.a.log()[-1500:] + crew.lab.b.log()[-1500:])
            continue
        found = scenarios.read_result(arrived)
        is_equal({k: found.get(k) for k in want} if want else found, want, f'{marker}: {what}')


def header_names(octets):
    head = octets.split(b'\r\n\r\n', 1)[0]
    return [line.split(b':', 1)[0].decode() for line in head.split(b'\r\n') if line[:1] not in b' \t']


def identity(octets):
    """The Identity field as it stands in the message, its folds and all."""
    found = re.search(rb'(?m)^Identity:(?:[^\r]|\r\n[ \t])*', octets.split(b'\r\n\r\n', 1)[0])
    return found.group(0) if found else b''


def check_forged(crew):
    values = scenarios.results(crew.fetch('forged'))
    ours = [v for v in values if 'stir' in v.lower()]
    is_equal(len(ours), 1, 'forged: one result field of ours is left')
    ok(values[0].startswith('mx.b.example; x-stir=none'), 'forged: it stands on top')
    ok(any('dkim=pass' in v for v in values), "forged: another host's result is left alone")
    ok(b'X-STIR-Policy' not in crew.fetch('forged'), 'forged: the old policy field is gone')


def check_deletions(crew):
    """Ours among foreign fields of the same name: an MTA counts them, and may count anew after each deletion."""
    def foreign(i):
        return f'mx{i}.elsewhere.example; dkim=pass'
    extra = ''.join(f'{scenarios.VICTIM_RESULT}\nAuthentication-Results: {foreign(i)}\n' + scenarios.VICTIM_RESULT * (i == 3) + '\n' * (i == 3)
                    + f'X-STIR-Policy: score={i}.00 action=accept\nx-stir-policy: score={i}.50\n' for i in range(6))
    crew.to_b(scenarios.mms('deletions', extra=extra))
    arrived = crew.fetch('deletions')
    values = scenarios.results(arrived)
    is_equal(values[1:], [foreign(i) for i in range(6)], 'each forged result is gone, each of another host is left')
    ok(values[0].startswith('mx.b.example; x-stir=none') and header_names(arrived)[0] == 'Authentication-Results', '... and ours stands on top')
    ok(b'x-stir-policy' not in arrived.lower(), '... and no policy field is left')


def check_fields(crew):
    arrived = crew.fetch('good')
    is_equal(header_names(arrived)[0], 'Authentication-Results', 'the result stands on top of everything')
    names = header_names(arrived)
    is_equal(names.count('Identity'), 1, 'one Identity field')
    ok(names.index('Identity') < names.index('From'), 'Identity above the original fields')
    is_equal(names[names.index('Identity') + 1], 'Received', '... and above the Received of the host that signed')
    ours = re.findall(rb'(?m)^(?:Identity|Authentication-Results):(?:[^\r]|\r\n[ \t])*', arrived.split(b'\r\n\r\n', 1)[0])
    ok(len(ours) == 2 and all(len(line) <= 78 for field in ours for line in field.split(b'\r\n')), 'no line of ours over 78 octets')
    original = loopback.crlf(scenarios.mms('good'))
    is_equal(arrived.split(b'\r\n\r\n', 1)[1], original.split(b'\r\n\r\n', 1)[1], 'the body is byte for byte as it came')
    kept = [n for n in names if n in header_names(original)]
    is_equal(kept, header_names(original), 'every original field is there, in its order')


def check_untouched(crew):
    ok(b'Authentication-Results' not in crew.fetch('ordinary'), 'ordinary mail gets no field')
    ok(b'Identity:' not in crew.fetch('foreign'), 'a number A does not hold is not signed')
    ok('not-covered' in crew.lab.milter_a.log(), "... and A's log says why")


def check_signed_once(crew):
    crew.via_a(crew.sign(scenarios.mms('once')))
    arrived = crew.fetch('once')
    is_equal(header_names(arrived).count('Identity'), 1, 'a signed message is not signed twice')
    is_equal(scenarios.read_result(arrived).get('result'), 'pass', '... and still passes')


def check_blind(crew):
    """A blind recipient is never named to the others (profile.md Q9)."""
    crew.via_a(scenarios.mms('blind'), rcpts=(BOB, CAROL))
    arrived = crew.fetch('blind')
    shown = crew.lab.must('show', '-', input=identity(arrived))
    ok(b'15550300001' in shown and b'15550300002' not in shown, 'blind copy: not in dest')
    is_equal(scenarios.read_result(arrived).get('reason'), 'dest-mismatch', 'blind copy in one transaction: dest does not cover it')


def check_large(crew):
    """A picture of 1.2 MB on the wire, the largest of real carrier mail; and a flood of forged results."""
    small = scenarios.mms('large')
    crew.via_a(small.replace(scenarios.PICTURE.encode(), scenarios.PICTURE.encode() * 145))
    arrived = crew.fetch('large')
    ok(len(arrived) > 1200000, f'a message of {len(arrived)} octets is delivered')
    is_equal(scenarios.read_result(arrived).get('msgi'), 'raw', '... and verified')
    flood = 'Authentication-Results: mx.b.example; x-stir=pass reason=ok\n' * 300
    crew.to_b(scenarios.mms('flood', extra=flood))
    is_equal(len([v for v in scenarios.results(crew.fetch('flood')) if 'x-stir' in v]), 1, '300 forged results: only ours is left')
    try:
        crew.to_b(scenarios.mms('deluge', extra=flood * 2))
        ok(False, '600 forged results are refused')
    except loopback.smtplib.SMTPDataError as e:
        is_equal(e.smtp_code, 550, '600 forged results are refused')


# --- long fields -------------------------------------------------------------------

URL = 'https://certs.example/a.pem'


def long_url(crew, more):
    """An address that is so much longer, in folders whose names a disk can have, which leads to A's certificate as well."""
    way = ''.join('/' if i % 200 == 0 and i + 1 < more else 'd' for i in range(more))
    url = URL.replace('/a.pem', way + '/a.pem')
    place = crew.lab.path('certs', url[len('https://'):])
    os.makedirs(os.path.dirname(place), exist_ok=True)
    shutil.copy(crew.lab.path('certs', 'certs.example', 'a.pem'), place)
    return url


def base64_size(n):
    return (4 * n + 2) // 3


def signed_long(crew, marker, url, people):
    crew.lab.milter_a.set('CertificateURL', url)
    crew.via_a(scenarios.mms(marker, to=people), rcpts=people)
    crew.lab.milter_a.set('CertificateURL', URL)
    arrived = crew.fetch(marker)
    field = identity(arrived)
    found = scenarios.read_result(arrived)
    ok(all(len(line) <= 78 for line in field.split(b'\r\n')), f'{marker}: it is folded')
    is_equal({k: found.get(k) for k in ('result', 'msgi', 'dest')}, {'result': 'pass', 'msgi': 'raw', 'dest': 'full'}, f'{marker}: it arrives whole')
    return len(re.sub(rb'\s', b'', field.split(b':', 1)[1]))


def check_long(crew):
    """The field that was measured on 21 ways through MTAs, and one with all a token may hold."""
    usual = len(re.sub(rb'\s', b'', identity(crew.fetch('good')).split(b':', 1)[1]))
    head = len('{"alg":"ES256","ppt":"msg","typ":"passport","x5u":""}' + URL)
    more = next(n for n in range(900) if usual + n + base64_size(head + n) - base64_size(head) >= 1261)
    size = signed_long(crew, 'long', long_url(crew, more), (BOB,))
    ok(1261 <= size <= 1263, f'an Identity value of {size} octets')
    people = tuple(f'+1555030{n:04}/TYPE=PLMN@direct.example' for n in range(100))
    size = signed_long(crew, 'longest', long_url(crew, 1024 - len(URL)), people)
    ok(size > 4500, f'100 recipients and an x5u of 1024 octets: {size} octets')


# --- bodies that do not survive -------------------------------------------------------

def unsafe(crew, marker, setting):
    crew.lab.milter_a.set('UnsafeBody', setting)
    octets = scenarios.mms(marker, text='a line that is too long ' * 60)
    try:
        crew.via_a(octets)
    except loopback.smtplib.SMTPDataError as e:
        return e.smtp_code
    return scenarios.read_result(crew.fetch(marker))


def check_unsafe(crew):
    """A line of 1,440 octets: Postfix and Sendmail break it when they send it on."""
    found = unsafe(crew, 'unsafe-sign', 'sign')
    is_equal((found.get('result'), found.get('reason'), found.get('msgi')), ('fail', 'msgi-mismatch', 'mismatch'),
             'UnsafeBody sign: a long line is broken, and so is the signature')
    body = crew.fetch('unsafe-sign').split(b'\r\n\r\n', 1)[1]
    ok(all(len(line) < 1000 for line in body.split(b'\r\n')), '... by the MTA')
    found = unsafe(crew, 'unsafe-omit', 'omit')
    is_equal((found.get('result'), found.get('reason'), found.get('msgi')), ('pass', 'ok', 'none'), 'UnsafeBody omit: a token without digests')
    is_equal(unsafe(crew, 'unsafe-reject', 'reject'), 550, 'UnsafeBody reject: refused')
    crew.lab.milter_a.set('UnsafeBody', 'omit')
    is_equal(crew.lab.sink.count(b'X-Lab: unsafe-reject'), 0, '... and not delivered')


# --- sessions ----------------------------------------------------------------------

def in_session(s, octets, rcpts=(BOB,), sender=scenarios.ALICE):
    s.sendmail(sender, rcpts, loopback.crlf(octets))


def check_session(crew):
    """One session, and nothing of a message is left in the next."""
    with loopback.client(crew.lab.b.port) as s:
        in_session(s, crew.sign(scenarios.mms('one-signed')))
        in_session(s, scenarios.mms('one-unsigned'))
        s.docmd('MAIL', f'FROM:<{scenarios.ALICE}>')
        s.docmd('RCPT', f'TO:<{CAROL}>')
        s.docmd('RSET')
        in_session(s, crew.sign(scenarios.mms('one-reset')))
        in_session(s, b'From: ann@people.example\r\nTo: ben@people.example\r\nX-Lab: one-ordinary\r\n\r\nAt noon.\r\n', ('ben@people.example',), 'ann@people.example')
        s.ehlo()
        in_session(s, crew.sign(scenarios.mms('one-carol', to=(CAROL,)), rcpt=CAROL), (CAROL,))
    got = {m: scenarios.read_result(crew.fetch('one-' + m)).get('reason') for m in ('signed', 'unsigned', 'reset', 'ordinary', 'carol')}
    is_equal(got, {'signed': 'ok', 'unsigned': 'no-identity', 'reset': 'ok', 'ordinary': None, 'carol': 'ok'}, 'five messages of one session, each for itself')


def check_reload(crew):
    """A reload does not touch the session, nor the message in hand.  When that begins
    for the milter is the MTA's affair: Postfix says nothing of MAIL before it
    needs an answer."""
    lab = crew.lab
    with loopback.client(lab.b.port) as s:
        in_session(s, scenarios.mms('reload-before'))
        s.docmd('MAIL', f'FROM:<{scenarios.ALICE}>')
        s.docmd('RCPT', f'TO:<{BOB}>')
        lab.milter_b.set('AuthservID', 'new.b.example')
        is_equal(s.data(loopback.crlf(crew.sign(scenarios.mms('reload-amidst'))))[0], 250, 'a reload amidst a message')
        in_session(s, scenarios.mms('reload-after'))
    lab.milter_b.set('AuthservID', 'mx.b.example')
    got = [scenarios.results(crew.fetch('reload-' + m))[0].split(';')[0] for m in ('before', 'amidst', 'after')]
    ok(got[0] == 'mx.b.example' and got[1] in (got[0], got[2]) and got[2] == 'new.b.example', f'the next one in the same session has the new configuration ({got})')
    is_equal(scenarios.read_result(crew.fetch('reload-amidst')).get('reason'), 'ok', '... and the one amidst is judged as ever')


# --- and in the end ------------------------------------------------------------------

def check_log(crew):
    line = next((entry for entry in crew.lab.milter_b.log().splitlines() if 'reason=msgi-mismatch' in entry), '')
    ok(re.search(rf' {crew.lab.b.QUEUE_ID}: sid=\S+ client=127\.[0-9.]+ ', line), 'the decisive line begins with the queue id')
    ok('dir=verify' in line and 'why=stranger' in line, 'it says which way and why')
    ok('integrity=mismatch' in line and 'action=tag' in line, 'it says what was found and done')
    logs = crew.lab.milter_a.log() + crew.lab.milter_b.log()
    ok('ERROR' not in logs.upper().replace('TEMPERROR', '').replace('PERMERROR', ''), 'no error line in either log')


def check_queue(crew):
    ok(wait_for(lambda: crew.lab.a.queue_empty() and crew.lab.b.queue_empty()), 'both queues end empty: nothing is held back')
    with crew.lab.sink.lock:
        came = [(re.search(rb'X-Lab: (\S+)', octets).group(1).decode(), r) for _, rcpts, octets in crew.lab.sink.mail for r in rcpts]
    is_equal(sorted(c for c in set(came) if came.count(c) > 1), [], f'in {len(came)} deliveries nobody got a message twice')


def run(lab):
    crew = scenarios.Crew(lab)
    for check in (check_table, check_forged, check_deletions, check_fields, check_untouched, check_signed_once, check_blind, check_large,
                  check_long, check_unsafe, check_session, check_reload, check_log, check_queue):
        check(crew)
    is_equal((lab.milter_a.stop(), lab.milter_b.stop()), (0, 0), 'both milters end cleanly on TERM')
