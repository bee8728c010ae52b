"""The milter protocol against the real program: right orders, odd ones, broken frames."""

import re
import signal
import struct
import threading
import time

import tap
from milterclient import (ADDHDRS, ADDRCPT, CHGHDRS, CHUNK, DELRCPT, HDR_LEADSPC, NO_REPLY_STEPS, NOHELO, NR_BODY, NR_CONN, NR_EOH, NR_HDR, NR_HELO,
                          NR_MAIL, NR_RCPT, POSTFIX_ACTIONS, POSTFIX_STEPS, QUARANTINE, SETSYMLIST, Client, Closed, Message, Silent, send_message)
from milterdaemon import MAIL, RCPT, SENDER, Place, wait_for

RESULT = 'Authentication-Results'


def sign(d, octets, rcpts=(RCPT,), **options):
    return send_message(d.socket, octets, SENDER, rcpts, daemon_name='MM4OUT', **options)


def verify(d, octets, rcpts=(RCPT,), **options):
    return send_message(d.socket, octets, SENDER, rcpts, daemon_name='MM4IN', **options)


def result_of(r):
    """(word, reason) of the field we inserted."""
    values = r.inserted(RESULT)
    m = re.search(r'x-stir=(\S+) reason=(\S+)', ' '.join(values[0].split())) if len(values) == 1 else None
    return m.groups() if m else (None, values)


def with_body(body, kind='text/plain; charset=us-ascii', more=''):
    head = MAIL.partition(b'\r\n\r\n')[0].replace(b'text/plain; charset=us-ascii', kind.encode())
    return head + b'\r\n' + more.encode() + b'\r\n' + body


def round_trip(d, octets, name, want=('pass', 'ok'), **options):
    signed = sign(d, octets, **options)
    tap.is_equal((signed.reply, len(signed.inserted('Identity'))), ('continue', 1), f'{name}: signed')
    tap.is_equal(result_of(verify(d, signed.message, **options)), want, f'{name}: verified')
    return signed


def test_flood(d):
    """Forged results: as many as are deleted, and one more, which is refused."""
    signed = sign(d, MAIL).message
    for n in (500, 501):
        octets = b'Authentication-Results: mx.b.example; x-stir=pass reason=ok\r\n' * n + signed
        c = d.client()
        r = c.message(octets, SENDER, [RCPT])
        c.quit()
        if n > 500:
            tap.ok(r.reply == 'replycode' and '550' in str(r.text), f'{n} forged results: refused with 550 ({r.text})')
            continue
        ours = [' '.join(v.split()) for v in r.values('Authentication-Results')]
        tap.ok(len(ours) == 1 and 'x-stir=pass' in ours[0] and 'orig-tn' in ours[0], f'{n} forged results: all deleted, ours is there')


def test_negotiate(d):
    c = Client(d.socket).negotiate()
    tap.is_equal(c.actions, ADDHDRS | CHGHDRS | ADDRCPT | DELRCPT | QUARANTINE | SETSYMLIST, 'asks for fields, recipients and quarantine; never for the body')
    tap.is_equal(c.steps & NO_REPLY_STEPS, NR_CONN | NR_HELO | NR_MAIL | NR_RCPT | NR_HDR | NR_EOH | NR_BODY, 'wants no reply where there is nothing to say')
    tap.is_equal(c.steps & HDR_LEADSPC, 0, 'does not ask for leading spaces')
    tap.ok(c.steps & NOHELO, 'nor for a greeting that no policy looks at')
    tap.is_equal(c.symlist, {0: 'j {daemon_name} {if_name}', 1: '', 2: '{auth_authen} {mail_addr} {verify} {tls_version} {cipher} {cipher_bits} '
                             '{cert_subject} {cert_issuer} {cn_subject} {cn_issuer}', 3: '', 4: '', 5: 'i', 6: ''}, 'asks for the macros that are used')
    c.quit()
    c = Client(d.socket, actions=POSTFIX_ACTIONS & ~CHGHDRS)
    try:
        c.negotiate()
        tap.ok(False, 'an MTA that lets us delete nothing is refused')
    except Closed:
        tap.ok(True, 'an MTA that lets us delete nothing is refused')
    tap.ok(wait_for(lambda: d.count('does not let us add and delete')), 'and the log says why')


def test_sign_verify(d):
    signed = round_trip(d, MAIL, 'a message')
    tap.is_equal([e[:3] for e in signed.edits], [('insheader', 0, 'Identity')], 'Identity is inserted on top')
    lines = signed.edits[0][3].split('\n')
    tap.ok(all(len(s) <= 78 for s in lines) and all(s.startswith(' ') for s in lines[1:]), 'and folded')
    r = verify(d, signed.message)
    tap.is_equal([e[:3] for e in r.edits], [('insheader', 0, RESULT)], 'the result is inserted on top')
    tap.is_equal(r.values(RESULT)[0].split(';')[0], 'mx.b.example', 'in our name')
    tap.is_equal(result_of(verify(d, MAIL)), ('none', 'no-identity'), 'a message from a number without a token')
    tap.is_equal(result_of(verify(d, signed.message.replace(b'Hello', b'Hullo'))), ('fail', 'msgi-mismatch'), 'a changed body')
    tap.ok(wait_for(lambda: d.count('4LOGME: ')) == 0, 'no line for a message that never came')
    verify(d, signed.message, queue_id='4LOGME')
    tap.ok(wait_for(lambda: d.count('4LOGME: ') == 1), 'one line per message, with its queue id')
    verify(d, signed.message, queue_id=None)
    tap.ok(wait_for(lambda: d.count('NOQUEUE: ') == 1), 'or NOQUEUE')


def test_mta_without(d):
    """MTAs that offer less than Postfix."""
    for name, options in (('no NR steps', {'steps': POSTFIX_STEPS & ~NO_REPLY_STEPS}),
                          ('no macro lists', {'actions': POSTFIX_ACTIONS & ~SETSYMLIST}),
                          ('only NR for headers', {'steps': POSTFIX_STEPS & ~NO_REPLY_STEPS | NR_HDR}),
                          ('protocol version 2', {'steps': 0x7f, 'actions': 0x3f, 'version': 2}),
                          ('TCP-less client address', {'client_addr': None}),
                          ('an IPv6 client', {'client_addr': '2001:db8::1'})):
        round_trip(d, MAIL, name, **options)


def test_bodies(d):
    round_trip(d, with_body(b''), 'empty body')
    round_trip(d, with_body('Grüße\r\n'.encode(), 'text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit\r\n'), '8-bit body')
    signed = sign(d, with_body(b'a\0b\r\n' + bytes(range(128, 256)) + b'\r\n', 'application/octet-stream', 'Content-Transfer-Encoding: binary\r\n'))
    tap.is_equal(signed.reply, 'continue', 'NUL and all of 128..255 in a body')
    word, reason = result_of(verify(d, signed.message))
    tap.ok(word in ('pass', 'none'), f'verified: {word} {reason}')
    large = with_body(b'x' * 70 + b'\r\n' + (b'y' * 76 + b'\r\n') * 3000)
    signed = round_trip(d, large, 'a body of several chunks')
    at = signed.message.rindex(b'y')
    changed = signed.message[:at] + b'z' + signed.message[at + 1:]
    tap.is_equal(result_of(verify(d, changed)), ('fail', 'msgi-mismatch'), 'an octet of the last chunk is looked at')


def test_body_with_eom(d):
    """Sendmail and Postfix send the end of the body empty; the protocol lets it carry octets."""
    signed = sign(d, MAIL)
    c = d.client(timeout=3.0)
    c.envelope(SENDER, [RCPT])
    m = Message(signed.message)
    for name, value in m.fields:
        c.header(name, value)
    c.eoh()
    try:
        tap.is_equal(c.eom(m.body), 'continue', 'octets that come with the end of the message')
        tap.is_equal(result_of(c_result(c, signed.message)), ('pass', 'ok'), 'belong to the body')
    except Silent:
        tap.skip('libmilter drops the end of a message that carries octets')
    c.close()


def c_result(c, octets):
    class R:
        def inserted(self, name):
            return [e[3] for e in c.edits if e[0] == 'insheader' and e[2] == name]
    return R()


def test_two_messages(d):
    """Nothing of one message shows in the next on the same connection."""
    signed = sign(d, MAIL)
    c = d.client()
    forged = f'{RESULT}: mx.b.example; x-stir=pass reason=ok\r\n'.encode() + MAIL
    r = c.message(forged, SENDER, [RCPT, '+15550200003@b.example'], queue_id='4FIRST')
    tap.is_equal((result_of(r), r.deleted(RESULT)), (('none', 'no-identity'), [1]), 'the first of two messages')
    r = c.message(signed.message, SENDER, [RCPT], queue_id='4SECOND')
    tap.is_equal((result_of(r), r.deleted(RESULT)), (('pass', 'ok'), []), 'the second has its own result, and no deletions')
    r = c.message(signed.message, SENDER, [RCPT, '+15550299999@b.example'])
    tap.is_equal(result_of(r), ('fail', 'dest-mismatch'), 'a third has its own recipients')
    r = c.message(b'Subject: x\r\n\r\nordinary mail\r\n', 'x@x.example', ['y@y.example'])
    tap.is_equal((r.reply, r.values('Subject')), ('continue', ['x']), 'a fourth is ordinary mail')
    tap.ok(wait_for(lambda: re.search('4FIRST: .*rcpts=2', d.log()) and re.search('4SECOND: .*rcpts=1', d.log())), 'the log keeps them apart')
    c.quit()


STAGES = ('connect', 'mail', 'rcpt', 'header', 'eoh', 'body')


def go_to(c, stage):
    """A message up to and including that stage, forged all over."""
    steps = {'mail': lambda: c.mail('forger@x.example'), 'rcpt': lambda: c.rcpt('+15550266666@b.example'),
             'header': lambda: c.header('Identity', 'garbage'), 'eoh': c.eoh, 'body': lambda: c.body(b'garbage\r\n')}
    for name, step in steps.items():
        if STAGES.index(name) <= STAGES.index(stage):
            step()


def test_abort(d):
    signed = sign(d, MAIL)
    for stage in STAGES:
        c = d.client()
        go_to(c, stage)
        c.abort()
        tap.is_equal(result_of(c.message(signed.message, SENDER, [RCPT])), ('pass', 'ok'), f'a message after an abort at {stage}')
        c.abort()
        tap.is_equal(result_of(c.message(signed.message, SENDER, [RCPT])), ('pass', 'ok'), f'and one after an abort that follows the end ({stage})')
        c.quit()


def test_cut(d):
    """Probes that connect and hang up, at each stage."""
    signed = sign(d, MAIL)
    verify(d, signed.message)
    time.sleep(0.3)
    before = d.descriptors()
    for _ in range(20):
        Client(d.socket).close()
        Client(d.socket).negotiate().close()
        c = Client(d.socket)
        c.send_raw(b'\0\0')
        c.close()
        for stage in STAGES:
            c = d.client()
            go_to(c, stage)
            c.close()
        c = d.client()
        c.envelope(SENDER, [RCPT])
        c.content(signed.message, up_to_eom=True)
        c.send(b'E')        # and gone before the answer
        c.close()
    tap.is_equal(result_of(verify(d, signed.message)), ('pass', 'ok'), 'a message after connections cut at each stage')
    tap.ok(wait_for(lambda: d.descriptors() <= before), f'as many descriptors as before ({before}, {d.descriptors()})')
    tap.ok(wait_for(lambda: d.counters()[:2] == (0, 0)), 'no connection and no message is left')


def test_forged(d):
    """Deletions of each name come highest first, and only what is ours goes."""
    forged = (f'{RESULT}: mx.b.example; x-stir=pass reason=ok\r\n'
              f'{RESULT}: other.example; x-stir=pass reason=ok\r\n'
              'X-STIR-Policy: score=-9.00\r\n'
              f'{RESULT}: mx.b.example; dkim=pass header.d=a.example\r\n'
              'authentication-results: MX.B.example; x-stir=pass reason=ok\r\n'
              'X-STIR-Policy: score=-8.00\r\n').encode() + MAIL
    r = verify(d, forged)
    tap.is_equal(r.deleted(RESULT), [4, 1], 'our own results, the last first')
    tap.is_equal(r.deleted('X-STIR-Policy'), [2, 1], 'every score, the last first')
    kinds = [e[0] for e in r.edits]
    tap.is_equal(kinds, sorted(kinds), 'deletions come before insertions')
    tap.is_equal([v.split(';')[0] for v in r.values(RESULT)], ['mx.b.example', 'other.example', 'mx.b.example'], 'others stay, ours is on top')


def test_huge_header(d):
    forged = f'{RESULT}: mx.b.example; x-stir=pass reason=ok\r\n'
    filler = ''.join(f'X-Filler-{i}: {"f" * 900}\r\n' for i in range(400))
    signed = sign(d, MAIL)
    r = verify(d, filler.encode() + forged.encode() + signed.message)
    tap.is_equal((r.reply, result_of(r)), ('continue', ('temperror', 'no-resource')), 'a header over MaximumHeaders passes, marked')
    tap.is_equal(r.deleted(RESULT), [1], 'and a forged result beyond the limit goes')
    r = sign(d, filler.encode() + MAIL)
    tap.is_equal((r.reply, r.inserted('Identity')), ('continue', []), 'it is not signed')
    many = ''.join('X-A: 1\r\n' for _ in range(6000))
    r = verify(d, many.encode() + MAIL)
    tap.is_equal((r.reply, result_of(r)), ('continue', ('temperror', 'no-resource')), 'so does one of too many fields')
    c = d.client()
    c.mail(SENDER)
    for i in range(12000):
        c.rcpt(f'+1555020{i:04}@b.example')
    r = c.content(signed.message)
    tap.is_equal((r.reply, result_of(r)), ('continue', ('temperror', 'no-resource')), 'and one for too many recipients')
    tap.is_equal(result_of(c.message(signed.message, SENDER, [RCPT])), ('pass', 'ok'), 'the next message on the connection is well')
    c.quit()


def odd_orders(d, signed):
    def no_mail(c):
        c.header('Identity', 'x')
        c.body(b'x')

    def mail_twice(c):
        c.mail('one@x.example')
        c.rcpt('+15550266666@b.example')
        c.mail('two@x.example')

    def late_header(c):
        go_to(c, 'body')
        c.header('X-Late', 'x')
        c.rcpt('late@x.example')

    def connect_again(c):
        go_to(c, 'rcpt')
        c.connect(daemon_name='MM4IN')

    def unknown(c):
        c.send(b'U', b'FOO\0')
        if not c.steps & 0x20000:
            c.wait_reply()

    for name, what in (('header and body without MAIL', no_mail), ('MAIL twice', mail_twice), ('a field after the body', late_header),
                       ('CONNECT twice', connect_again), ('an abort first of all', Client.abort), ('an unknown command', unknown)):
        # Some of these leave libmilter with nothing to answer; the next connection must not care.
        c = d.client(timeout=1.0)
        try:
            what(c)
            c.abort()
        except (Closed, Silent):
            pass
        c.close()
        tap.is_equal(result_of(verify(d, signed.message)), ('pass', 'ok'), f'after {name}')


def test_odd_orders(d):
    signed = sign(d, MAIL)
    odd_orders(d, signed)
    c = d.client(timeout=1.0)
    c.send(b'E')
    try:
        answer = c.wait_reply()
    except (Silent, Closed):
        answer = None
    tap.ok(answer in (None, 'tempfail'), f'the end of a message that never began is not accepted ({answer})')
    c.close()
    c = d.client()
    r = c.message(signed.message, SENDER, [RCPT])
    c.quit_nc()
    c.connect(daemon_name='MM4OUT')
    r2 = c.message(MAIL, SENDER, [RCPT])
    tap.is_equal((result_of(r), len(r2.inserted('Identity'))), (('pass', 'ok'), 1), 'two SMTP sessions on one connection (QUIT_NC)')
    c.quit()
    c = Client(d.socket).negotiate()
    try:
        c.mail(SENDER)
        c.rcpt(RCPT)
        r = c.content(signed.message)
        tap.ok(r.reply in ('continue', 'tempfail'), f'MAIL without CONNECT ({r.reply})')
    except (Silent, Closed):
        tap.ok(True, 'MAIL without CONNECT is not answered')
    c.close()


def test_broken_frames(d):
    signed = sign(d, MAIL)
    frames = {
        'length 0': struct.pack('>I', 0),
        'length of 4 GB': b'\xff\xff\xff\xffC',
        'over a packet': struct.pack('>I', 3 * CHUNK) + b'B' + b'x' * 1000,
        'unknown command': struct.pack('>I', 1) + b'\x01',
        'OPTNEG too short': struct.pack('>I', 5) + b'O\0\0\0\6',
        'version 1': struct.pack('>I', 13) + b'O' + struct.pack('>III', 1, 0x1ff, 0),
    }
    in_session = {
        'CONNECT without an end': (b'C', b'host'),
        'CONNECT of a strange family': (b'C', b'host\0Zxx1.2.3.4\0'),
        'CONNECT with a bad address': (b'C', b'host\x004\0\x19not-an-address\0'),
        'CONNECT of a Unix client': (b'C', b'host\0L\0\0/path\0'),
        'macros without an end': (b'D', b'Mi'),
        'macros without values': (b'D', b'M{auth_authen}\0'),
        'macros of an unknown stage': (b'D', b'Zi\0x\0'),
        'MAIL without a NUL': (b'M', b'<x@x>'),
        'MAIL without anything': (b'M', b''),
        'a field without a value': (b'L', b'Identity\0'),
    }
    for name, octets in frames.items():
        c = Client(d.socket)
        try:
            c.send_raw(octets)
        except Closed:
            pass
        c.close()
    for name, (command, data) in in_session.items():
        for before in (Client.negotiate, lambda c: (c.negotiate(), c.connect(), go_to(c, 'rcpt'))):
            c = Client(d.socket, timeout=1.0)
            before(c)
            try:
                c.send(command, data)
                c.abort()
                c.eom()
            except (Closed, Silent):
                pass
            c.close()
        tap.ok(d.alive() and result_of(verify(d, signed.message)) == ('pass', 'ok'), f'after {name}')
    tap.ok(d.alive(), 'broken frames end connections, not the program')


def test_many_at_once(d):
    """64 connections that take turns, with reloads all the while."""
    signed = sign(d, MAIL)
    wrong = []

    def session(i):
        try:
            c = d.client(timeout=60.0)
            for k in range(10):
                own = signed.message if (i + k) % 2 else signed.message.replace(b'Hello', b'Hullo')
                want = ('pass', 'ok') if (i + k) % 2 else ('fail', 'msgi-mismatch')
                got = result_of(c.message(own, SENDER, [RCPT], queue_id=f'4S{i}K{k}'))
                if got != want:
                    wrong.append((i, k, got))
            c.quit()
        except (Closed, Silent, OSError) as e:
            wrong.append((i, repr(e)))

    reloads = d.reloads()
    threads = [threading.Thread(target=session, args=(i,)) for i in range(64)]
    for t in threads:
        t.start()
    storm = 0
    while any(t.is_alive() for t in threads):
        d.signal(signal.SIGHUP if storm % 2 else signal.SIGUSR1)
        storm += 1
        time.sleep(0.002)
    for t in threads:
        t.join()
    tap.is_equal(wrong, [], f'640 messages over 64 connections, {storm} signals to reload meanwhile')
    tap.ok(wait_for(lambda: d.reloads() > reloads), f'{d.reloads() - reloads} reloads')
    tap.ok(d.alive(), 'and it goes on')
    for _ in range(5000):
        d.signal(signal.SIGHUP)
    tap.is_equal(result_of(verify(d, signed.message)), ('pass', 'ok'), 'after 5000 HUPs in a row')


def test_refusal(place):
    d = place.daemon('x', 'UnsafeBody reject')
    c = d.client('MM4OUT')
    r = c.message(with_body(b'x' * 1200 + b'\r\n'), SENDER, [RCPT])
    tap.ok(r.reply == 'replycode' and re.fullmatch(r'550 5\.6\.0 [ -~]+', r.text), f'a refusal has code and reason ({r.text})')
    tap.is_equal(r.edits, [], 'and no edits')
    r = c.message(MAIL, SENDER, [RCPT])
    tap.is_equal((r.reply, len(r.inserted('Identity'))), ('continue', 1), 'the next message on the connection is signed')
    c.quit()
    tap.is_equal(d.stop(), 0, 'stop')


def main():
    with Place() as place:
        place.make_pki()
        test_refusal(place)
        d = place.daemon()
        for test in (test_negotiate, test_flood, test_sign_verify, test_mta_without, test_bodies, test_body_with_eom, test_two_messages, test_abort,
                     test_cut, test_forged, test_huge_header, test_odd_orders, test_broken_frames, test_many_at_once):
            tap.note(test.__name__)
            test(d)
        tap.is_equal(d.stop(), 0, 'it stops when told to')
        tap.ok('ERROR: AddressSanitizer' not in d.log() and 'runtime error' not in d.log() and 'LeakSanitizer' not in d.log(), 'no sanitizer complained')
        if d.process.returncode:
            tap.note(d.log()[-3000:])
    tap.done()


main()
