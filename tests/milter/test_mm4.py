"""MM4 and MM3: every class of PDU on an MM4 channel and off it, in both directions;
hidden senders, groups and split messages, with real tokens; what the manual shows."""

import base64
import json
import os
import re
import subprocess

import tap
from milterclient import send_message
from milterdaemon import MILTER, RCPT, SENDER, Place, wait_for

SRC = os.environ.get('srcdir', '.')
RESPONSES = ('MM4_forward.RES', 'MM4_delivery_report.RES', 'MM4_read_reply_report.RES')
REPORTS = ('MM4_delivery_report.REQ', 'MM4_read_reply_report.REQ')
# None: no such field
OTHERS = ('MM4_forward.REQ', None, 'm-send-req', 'MM4_new.REQ', 'MM4_forward.REQ (x)', '"MM4_delivery_report.REQ"', 'MM4_delivery_report.REQ.')
CAROL, DAVE = '+15550200003/TYPE=PLMN@b.example', '+15550200004/TYPE=PLMN@b.example'
PARTNER, STRANGER = '203.0.113.7', '192.0.2.1'


def mail(types=('MM4_forward.REQ',), more=(), body='Hello.\r\n', to=RCPT, marker='1', sender=SENDER):
    head = [f'From: <{sender}>', f'To: {to}', 'Date: Tue, 24 Nov 2026 16:00:00 +0000', f'Message-ID: <{marker}@a.example>',
            'MIME-Version: 1.0', 'Content-Type: text/plain; charset=us-ascii', 'X-Mms-3GPP-MMS-Version: 6.10.0', *more]
    head += [f'X-Mms-Message-Type: {t}' for t in types if t]
    return ('\r\n'.join(head) + '\r\n\r\n' + body).encode()


def sent(d, octets, listener='MM4IN', client=STRANGER, rcpts=(RCPT,), sender=SENDER):
    """(Result, its line of the log)"""
    sent.n += 1
    queue_id = f'4MM{sent.n}'
    r = send_message(d.socket, octets, sender, list(rcpts), client_addr=client, daemon_name=listener, queue_id=queue_id)
    line = wait_for(lambda: re.search(rf'^.*\b{queue_id}: .*$', d.log(), re.M))
    return r, line.group() if line else ''


sent.n = 0


def result(r):
    """(word, reason) of our Authentication-Results, or None."""
    fields = r.inserted('Authentication-Results')
    return re.search(r'x-stir=(\w+) reason=([\w-]+)', ' '.join(fields[0].split())).groups() if fields else None


def claims(r):
    """What the Identity field says that was just added; None without one."""
    fields = r.inserted('Identity')
    if not fields:
        return None
    payload = re.sub(r'\s', '', fields[0]).split('.')[1]
    return json.loads(base64.urlsafe_b64decode(payload + '=' * (-len(payload) % 4)))


def pdu_name(t):
    known = RESPONSES + REPORTS + ('MM4_forward.REQ', 'm-send-req')
    return t.lower() if t in known else 'other' if t else None


def says(line, t, mm4):
    """Does the log name channel and class?"""
    name = pdu_name(t)
    return (' channel=mm4' in line) == mm4 and (f' pdu={name} ' in line + ' ' if name else ' pdu=' not in line) and (name != 'other' or ' type=' in line)


def test_verify(place):
    """On the channel, reports and responses are let alone; off it, nothing is."""
    d = place.daemon('verify', 'MM4MTA MM4IN, MM4OUT', f'MM4Peers {PARTNER}/32')
    ways = (('MM4IN', STRANGER, True, 'by listener'), ('mm4in', STRANGER, True, 'by listener, in another case'), ('smtpd', PARTNER, True, 'by network'),
            ('smtpd', STRANGER, False, 'off the channel'), ('MM4INX', STRANGER, False, 'another listener'))
    for listener, client, mm4, what in ways:
        for t in RESPONSES + REPORTS + OTHERS:
            r, line = sent(d, mail((t,), body=''), listener, client)
            exempt = mm4 and t in RESPONSES + REPORTS
            tap.is_equal(result(r), None if exempt else ('none', 'no-identity'), f'{what}: {t}: {"let alone" if exempt else "verified"}')
            tap.ok(says(line, t, mm4) and (' result=report content=no' in line) == exempt, f'... logged ({line})')
    for t in ('mm4_DELIVERY_report.req', ' MM4_delivery_report.REQ\t'):
        r, line = sent(d, mail((t,), body=''))
        tap.ok(result(r) is None and ' pdu=mm4_delivery_report.req ' in line, f'{t!r}: any case, blanks at both ends')
    forged = 'Authentication-Results: mx.b.example; x-stir=pass reason=ok'
    r, line = sent(d, mail(REPORTS[:1], more=(forged, 'Identity: rubbish'), body='text'))
    tap.is_equal((r.deleted('Authentication-Results'), r.edits[1:]), ([1], []), 'a report: a forged result is taken off, and nothing else happens, token or not')
    tap.ok(' content=yes' in line, '... and the log says that it has a body')
    for two in ((REPORTS[0], 'MM4_forward.REQ'), ('MM4_forward.REQ', REPORTS[0]), (REPORTS[0], REPORTS[1])):
        r, line = sent(d, mail(two, body=''))
        tap.is_equal(result(r), ('none', 'no-identity'), f'{two}: two readers, two classes: verified')
        tap.ok(f' pdu={two[0].lower()} ' in line and ' types=differ' in line, '... and the log has the first')
    for more, what in ((('X-Odd: a\rX-Mms-Message-Type: MM4_forward.REQ',), 'a CR after which another reader may see a field'),
                       (tuple('X-Pad: ' + 'x' * 50000 for _ in range(6)), 'a header of which only a part was looked at')):
        r, line = sent(d, mail((), more=(f'X-Mms-Message-Type: {REPORTS[0]}',) + more, body=''))
        tap.ok(result(r) is not None and ' pdu=mm4_delivery_report.req' in line, f'{what}: verified ({result(r)})')
    r, _ = sent(d, mail((REPORTS[0], REPORTS[0].lower()), body=''))
    tap.is_equal(result(r), None, 'the same twice is no contradiction')
    r, _ = sent(d, mail(REPORTS[:1], body='', sender='system@mms.a.example', to='system@mms.b.example'), rcpts=['system@mms.b.example'], sender='')
    tap.is_equal(r.edits, [], 'a report between systems, from the null sender')
    r, _ = sent(d, mail(sender='system@mms.a.example', to='system@mms.b.example'), rcpts=['system@mms.b.example'], sender='', listener='smtpd', client=PARTNER)
    tap.is_equal(result(r), ('none', 'no-identity'), 'forward.REQ is verified whoever it is from')
    d.counters()
    counted = wait_for(lambda: re.findall(r'pdus: (.*)', d.log()))
    counted = dict(x.split('=') for x in counted[-1].split()) if counted else {}
    tap.is_equal((counted.get('mm4_forward.res'), counted.get('none'), counted.get('m-send-req'), counted.get('other')), ('3', '3', '3', '12'), f'counted by class, on the three MM4 ways only ({counted})')
    r, _ = sent(d, mail(('MM4_forward.REQ',), sender='ann@a.example', to='ben@b.example'), rcpts=['ben@b.example'], sender='ann@a.example', listener='smtpd')
    tap.is_equal(r.edits, [], 'ordinary mail is left alone, whatever it calls itself')
    tap.is_equal(d.stop(), 0, 'stop')


def test_reload(place):
    d = place.daemon('reload')
    tap.is_equal(result(sent(d, mail(REPORTS[:1]))[0]), ('none', 'no-identity'), 'without the settings there is no channel')
    d.write('MM4MTA MM4IN')
    d.hup()
    tap.is_equal(result(sent(d, mail(REPORTS[:1]))[0]), None, 'a reload is enough')
    r = subprocess.run([MILTER, '-n', '-c', place.conf('bad.conf', f'Socket local:{d.socket}', 'MM4Peers 203.0.113.7/24')], capture_output=True, text=True)
    tap.ok(r.returncode == 78 and 'MM4Peers' in r.stderr and 'bad.conf:' in r.stderr, f'-n: host bits in a network ({r.stderr.strip()})')
    tap.is_equal(d.stop(), 0, 'stop')


def test_sign(place):
    d = place.daemon('sign', 'MM4MTA MM4OUT', 'InternalHosts 10.0.0.0/8', 'MM4Peers 10.4.0.0/16')
    for listener, client, mm4, what in (('MM4OUT', STRANGER, True, 'by listener'), ('smtpd', '10.4.0.1', True, 'by network'), ('smtpd', '10.0.0.1', False, 'off the channel')):
        for t in RESPONSES + REPORTS + OTHERS:
            r, line = sent(d, mail((t,)), listener, client)
            want = t == 'MM4_forward.REQ' or (not mm4 and (t is None or not t.startswith('MM4_')))
            tap.is_equal((len(r.inserted('Identity')), len(r.edits)), (int(want),) * 2, f'{what}: {t}: {"signed" if want else "not signed"}')
            tap.ok(says(line, t, mm4) and f' result={"signed" if want else "not-a-message"}' in line, f'... logged ({line})')
    r, line = sent(d, mail(('MM4_forward.REQ', 'MM4_forward.RES')), 'MM4OUT')
    tap.ok(not r.edits and ' types=differ' in line, 'two types: not signed')
    r, line = sent(d, mail(), 'MM4OUT', sender='')
    tap.ok(not r.edits and ' result=not-a-message' in line, 'from the null sender: not signed')
    tap.is_equal(d.stop(), 0, 'stop')


POLICY = '''policy 1 mode enforce
peer partner { match client == 203.0.113.7 expect signed }
rule UNSIGNED { when verify == none and peer.expect == signed score 6 }
rule REPORT { when mms.report == delivery and mms.channel == mm4 score 0.5 }
rule RESPONSE { when mms.report == response score 0.25 }
rule SMUGGLED { when mms.report_with_content == yes final reject 5.7.1 "a report has no content" }
rule FALSE_REPORT { when mms.pdu == mm4_delivery_report.req and not present(mms.channel) score 3 }
rule LINK { when any(url.host) == "bit.ly" score 2 }
rule HIDDEN { when mms.sender_visibility == hide and orig.tn == +15550100001 score 0.125 }
actions { tag at 4 }
'''


def rules(r):
    fields = r.inserted('X-STIR-Policy')
    return re.search(r'rules=(\S+)', ' '.join(fields[0].split())).group(1).rstrip(';') if fields else None


def test_policy(place):
    with open(place.path('p.policy'), 'w') as f:
        f.write(POLICY)
    d = place.daemon('policy', 'MM4MTA MM4IN', f'Policy {place.path("p.policy")}')
    seen = [rules(sent(d, mail((t,), body=body), listener, PARTNER)[0]) for listener, t, body in (
        ('MM4IN', REPORTS[0], ''), ('MM4IN', RESPONSES[0], '\r\n\r\n'), ('MM4IN', REPORTS[1], ''), ('MM4IN', 'MM4_forward.REQ', 'Hello.\r\n'), ('MM4IN', None, 'x'),
        ('smtpd', REPORTS[0], ''), ('smtpd', RESPONSES[0], ''))]
    tap.is_equal(seen, ['REPORT(0.50)', 'RESPONSE(0.25)', 'none', 'UNSIGNED(6.00)', 'UNSIGNED(6.00)', 'UNSIGNED(6.00),FALSE_REPORT(3.00)', 'UNSIGNED(6.00)'],
                 'a policy sees reports, and expects no signature of them; off the channel it does')
    r, line = sent(d, mail(REPORTS[:1], body='Click http://bit.ly/x\r\n'), 'MM4IN', PARTNER)
    tap.is_equal((r.reply, r.text), ('replycode', '550 5.7.1 a report has no content'), 'a report that carries a message can be refused')
    tap.ok(' result=report content=yes' in line and 'LINK(2.00)' in line, f'... its content is looked at ({line})')
    r, _ = sent(d, mail(REPORTS[:1], body=''), 'MM4IN', PARTNER)
    tap.is_equal(result(r), None, 'a judged report gets no result of a verification that was not made')
    tap.is_equal(rules(sent(d, mail(more=('X-Mms-Sender-Visibility: hIDE',)))[0]), 'HIDDEN(0.125)', 'a policy knows the number of a hidden sender')
    tap.is_equal(d.stop(), 0, 'stop')


def test_hidden(place):
    d = place.daemon('hidden', 'MM4MTA MM4IN, MM4OUT', 'InternalHosts 10.0.0.0/8', 'LogNumbers full')
    hide = ('X-Mms-Sender-Visibility: Hide',)
    signed, line = sent(d, mail(more=hide), 'MM4OUT')
    tap.is_equal(claims(signed)['orig'], {'tn': '15550100001'}, 'on MM4 a hidden sender is signed for: the other MMSC has to know')
    tap.ok('15550100001' not in line and ' sender=hidden' in line and ' result=signed' in line, f'the log names him to nobody ({line})')
    r, line = sent(d, signed.message, 'MM4IN')
    field = ' '.join(''.join(r.inserted('Authentication-Results')).split())
    tap.ok(result(r) == ('pass', 'ok') and 'orig-tn' not in field and '5550100001' not in field, f'verified, and the result names no number ({field})')
    tap.ok('policy.authority=tn' in field and 'policy.msgi=raw' in field and 'policy.dest=full' in field, '... but says all else')
    tap.ok('15550100001' not in line and ' sender=hidden' in line and ' result=pass' in line, 'nor does the log, even with LogNumbers full')
    tap.ok(re.search(r' from=~[0-9a-f]{16} ', line), f'... but by a pseudonym, always the same ({line})')
    shown, _ = sent(d, mail(), 'MM4OUT')
    r, line = sent(d, shown.message, 'MM4IN')
    tap.ok('policy.orig-tn=15550100001' in ''.join(r.inserted('Authentication-Results')) and 'from=15550100001' in line, 'any other sender is named in both')
    both, _ = sent(d, mail(more=('X-Mms-Sender-Visibility: Show',) + hide), 'MM4OUT')
    r, line = sent(d, both.message, 'MM4IN')
    tap.ok(result(r) == ('pass', 'ok') and 'orig-tn' not in ''.join(r.inserted('Authentication-Results')), 'of two fields, one that hides is enough')
    r, line = sent(d, signed.message, 'smtpd')
    tap.ok(result(r) == ('pass', 'ok') and 'orig-tn' not in ''.join(r.inserted('Authentication-Results')), 'off the channel he is verified and not named, too')
    r, line = sent(d, mail(more=hide), 'smtpd', '10.0.0.1')
    tap.ok(not r.edits and ' result=hidden-sender' in line and '15550100001' not in line, f'off the channel he is not signed for: the token would name him ({line})')
    r, _ = sent(d, mail(more=('X-Mms-Sender-Visibility: Hidden',)), 'smtpd', '10.0.0.1')
    tap.is_equal(len(r.inserted('Identity')), 1, 'another word hides nobody')
    d.write('ShowHiddenSenders yes')
    d.hup()
    r, line = sent(d, signed.message, 'MM4IN')
    tap.ok('policy.orig-tn=15550100001' in ''.join(r.inserted('Authentication-Results')) and 'from=15550100001' in line, 'ShowHiddenSenders yes: named in both')
    r, line = sent(d, mail(more=hide), 'smtpd', '10.0.0.1')
    tap.is_equal(r.edits, [], '... which makes nobody sign who did not')
    tap.is_equal(d.stop(), 0, 'stop')


def dest(r):
    return claims(r)['dest']['tn']


def tns(*addresses):
    return sorted(re.sub(r'\D.*', '', a[1:]) for a in addresses)


def verdict(d, octets, rcpts, client=STRANGER):
    r, _ = sent(d, octets, 'MM4IN', client, rcpts)
    found = re.search(r'policy\.replay=(\w+)', ''.join(r.inserted('Authentication-Results')))
    return result(r)[1], found.group(1) if found else None


def test_groups(place):
    d = place.daemon('groups', 'MM4MTA MM4IN, MM4OUT', 'MaxAge 1h', 'ReplayStore memory')
    group = mail(to=f'{RCPT}, "Carol" <{CAROL}>', more=(f'Cc: {DAVE}',))
    r, line = sent(d, group, 'MM4OUT', rcpts=(RCPT, CAROL, DAVE))
    tap.is_equal(dest(r), tns(RCPT, CAROL, DAVE), 'a group, To and Cc: the token names all')
    tap.ok(' dest=3 blind=0' in line, '... says the log')
    tap.is_equal(verdict(d, r.message, (RCPT, CAROL, DAVE)), ('ok', 'new'), 'delivered to all at once')
    r, _ = sent(d, group, 'MM4OUT', rcpts=(RCPT, CAROL, DAVE))
    tap.is_equal([verdict(d, r.message, (x,)) for x in (RCPT, CAROL, DAVE)], [('ok', 'new')] * 3, 'split on the way: each recipient uses the token once')
    tap.is_equal([verdict(d, r.message, (x,), '192.0.2.99') for x in (RCPT, DAVE)], [('replayed', 'replayed')] * 2, '... and a second time is a replay')
    tap.is_equal(verdict(d, r.message, (RCPT, CAROL, '+15550200009/TYPE=PLMN@b.example'), '192.0.2.98')[0], 'dest-mismatch', 'a stranger among them')
    halves = [sent(d, group, 'MM4OUT', rcpts=(x,))[0] for x in (RCPT, CAROL, DAVE)]
    tap.is_equal([dest(h) for h in halves], [tns(x) for x in (RCPT, CAROL, DAVE)], 'split before it was signed: each token names its own recipient, To or not')
    tap.is_equal([verdict(d, h.message, (x,)) for h, x in zip(halves, (RCPT, CAROL, DAVE))], [('ok', 'new')] * 3, '... and passes there')
    tap.is_equal(verdict(d, halves[0].message, (CAROL,))[0], 'dest-mismatch', '... and nowhere else')
    blind = '+15550200007/TYPE=PLMN@b.example'
    r, line = sent(d, group, 'MM4OUT', rcpts=(RCPT, CAROL, DAVE, blind))
    tap.is_equal(dest(r), tns(RCPT, CAROL, DAVE), 'a blind copy is named to nobody')
    tap.ok(' dest=3 blind=1' in line and '15550200007' not in re.sub(r'\s', '', ''.join(r.inserted('Identity'))), '... says the log')
    tap.is_equal((verdict(d, r.message, (RCPT,)), verdict(d, r.message, (blind,))[0]), (('ok', 'new'), 'dest-mismatch'), '... and does not pass at the blind one')
    r, _ = sent(d, group, 'MM4OUT', rcpts=(blind,))
    tap.is_equal((dest(r), verdict(d, r.message, (blind,))), (tns(blind), ('ok', 'new')), 'alone in its transaction, it is named to itself')
    tap.is_equal(d.stop(), 0, 'stop')


# --- what stir-milter(8) shows ------------------------------------------------------------

def example(of):
    """The one configuration of a part of MM4 AND MM3."""
    with open(os.path.join(SRC, 'doc', 'stir-milter.8')) as f:
        part = f.read().split('.Sh MM4 AND MM3\n')[1].split('.Sh ')[0].split(f'.Ss {of}\n')[1].split('.Ss ')[0]
    found = re.findall(r'(?s)\.Bd -literal -offset indent\n(.*?)\.Ed\n', part)
    if len(found) != 1:
        raise RuntimeError(f'{of}: {len(found)} configurations')
    return found[0]


def from_manual(place, name, of):
    """It, with the places of this test."""
    text = example(of)
    policy = re.search(r'(?m)^Policy +(\S+)$', text).group(1)
    for old, new in (('keys/stir.key', place.path('a.key')), ('keys/stir.pem', place.path('a.pem')), ('https://certs.b.example/stir.pem', 'https://certs.example/a.pem'),
                     ('trust/anchors.pem', place.path('pki', 'anchors.pem')), ('CertificateDir   certificates', f'CertificateDir {place.path("certs")}'),
                     ('NumberPlan       numberplan', f'NumberPlan {os.path.abspath(os.path.join(SRC, "conf", "numberplan.example"))}'),
                     ('/var/lib/stir-milter/', place.path('')), (policy, os.path.abspath(os.path.join(SRC, 'conf', policy)))):
        if old in text:
            text = text.replace(old, new)
        elif 'var/lib' not in old:
            raise RuntimeError(f'{of}: no {old}')
    d = place.daemon(name, start=False)
    place.conf(name + '.conf', f'Socket local:{d.socket}', *text.splitlines(), base=[])
    r = subprocess.run([MILTER, '-n', '-c', d.conf], capture_output=True, text=True)
    tap.is_equal(r.returncode, 0, f'the configuration of "{of}" holds ({r.stderr.strip()})')
    return d.start()


def test_manual(place):
    d = from_manual(place, 'carriers', 'Between carriers')
    signed, line = sent(d, mail(), 'MM4OUT')
    tap.ok(' channel=mm4 pdu=mm4_forward.req' in line and claims(signed), 'between carriers: what our MMSC hands over is signed')
    r, _ = sent(d, signed.message, 'MM4IN')
    tap.ok(result(r) == ('pass', 'ok') and 'policy.replay=new' in ''.join(r.inserted('Authentication-Results')), '... what a peer brings is verified')
    r, _ = sent(d, signed.message, 'MM4IN')
    tap.ok(result(r) == ('pass', 'ok') and 'policy.replay=duplicate' in ''.join(r.inserted('Authentication-Results')), '... and passes when it comes again after a lost reply')
    for t in RESPONSES + REPORTS:
        r, line = sent(d, mail((t,), body=''), 'MM4IN')
        tap.ok(result(r) is None and ' result=report' in line and ' score=0.00' in line, f'... {t} passes')
        tap.is_equal(sent(d, mail((t,), body=''), 'MM4OUT')[0].edits, [], '... both ways')
    r, line = sent(d, mail(REPORTS[:1]), 'MM4IN')
    tap.ok('REPORT_WITH_CONTENT(8.00)' in line and r.reply == 'continue', '... one with content is marked')
    r, line = sent(d, mail(REPORTS[:1], body=''), 'smtpd')
    tap.ok(result(r) == ('none', 'no-identity') and 'FOREIGN_REPORT(2.00)' in line, '... one that came another way is judged, and marked')
    tap.is_equal(d.stop(), 0, 'stop')
    d = from_manual(place, 'gateway', 'MM3, and gateways from mail to text')
    plain = mail((), sender='15550100001@vtext.com', to='5552230001@vzwpix.com')
    # 555 0100001 is no subscriber of the plan, 555 2230001 is.
    r, line = sent(d, plain, 'MAILIN', rcpts=['5552230001@vzwpix.com'], sender='x@a.example')
    tap.ok(result(r) == ('none', 'no-identity') and ' channel=' not in line, 'a gateway: mail is verified, its recipient a number by the table')
    signed, line = sent(d, mail(()), 'MAILOUT')
    tap.ok(claims(signed) and ' channel=' not in line, '... what it made of messages is signed')
    r, _ = sent(d, signed.message, 'MAILIN')
    tap.is_equal(result(r), ('pass', 'ok'), '... and verified')
    r, line = sent(d, mail(REPORTS[:1], body=''), 'MAILIN')
    tap.ok(result(r) == ('none', 'no-identity') and ' result=report' not in line, '... a mail that calls itself a report is verified like any other')
    r, line = sent(d, mail((), more=('X-Mms-Sender-Visibility: Hide',)), 'MAILOUT')
    tap.ok(not r.edits and ' result=hidden-sender' in line, '... a hidden sender is not signed for')
    tap.is_equal(d.stop(), 0, 'stop')


def main():
    with Place() as place:
        place.make_pki()
        for test in (test_verify, test_reload, test_sign, test_policy, test_hidden, test_groups, test_manual):
            tap.note(test.__name__)
            test(place)
        logs = ''.join(d.log() for d in place.daemons)
        tap.ok('AddressSanitizer' not in logs and 'runtime error' not in logs and 'LeakSanitizer' not in logs, 'no sanitizer complained')
    tap.done()


main()
