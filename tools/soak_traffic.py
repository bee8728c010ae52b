"""What tools/soak sends, and the book it keeps of each message: was it taken, refused
or given up, how often did it come to each recipient, and what was found."""

import collections
import json
import random
import re
import smtplib
import socket
import struct
import threading
import time

import forge
import loopback
import scenarios

BOB, CAROL = scenarios.BOB + '@direct.example', scenarios.CAROL + '@direct.example'
LITE = scenarios.BOB + '@lite.example'      # carrier C, with SQLite
URL = 'https://certs.example/a.pem'
NOT_PASS = 'anything but pass'
PASS, NONE = {('pass', 'ok')}, {('none', 'no-identity')}

MARKER = re.compile(rb'^X-Lab: (\S+)\r?$', re.M)
RECIPIENT = re.compile(rb'^Final-Recipient: rfc822; *(\S+)', re.M)


class Entry:
    __slots__ = ('kind', 'want', 'came', 'bounced', 'state', 'said')

    def __init__(self, kind, rcpts, want):
        self.kind, self.want, self.state, self.said = kind, want, 'sending', ''
        self.came = {r.lower(): 0 for r in rcpts}
        self.bounced = {}


class Book:
    """state: sending, taken, refused, given up (by the client, before the end), unsure (the client left
    between its last octet and the answer: it may come, or not)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.entries = {}
        self.number = 0
        self.counts = collections.Counter()     # states, and 'delivered', 'bounced'
        self.found = collections.Counter()      # (kind, what became of it)
        self.wrong = []                         # what nobody expected, as text
        self.strange = 0                        # mail at the end that we did not send

    def begin(self, kind, rcpts, want):
        with self.lock:
            self.number += 1
            marker = f'{kind}-{self.number}'
            self.entries[marker] = Entry(kind, rcpts, want)
            return marker

    def ends(self, marker, state, said='', may_refuse=False):
        with self.lock:
            e = self.entries[marker]
            e.state, e.said = state, said
            self.counts[state] += 1
            if state == 'refused':
                self.found[e.kind, 'refused ' + said[:3]] += 1
                if not may_refuse:
                    self.wrong.append(f'{marker} was refused: {said}')

    def fault(self, text):
        with self.lock:
            self.wrong.append(text)

    def arrives(self, sender, rcpts, octets):
        marker = MARKER.search(octets)
        with self.lock:
            e = self.entries.get(marker.group(1).decode('latin-1')) if marker else None
            if not e:
                self.strange += 1
            elif sender:
                self.delivery(marker.group(1).decode(), e, rcpts, scenarios.read_result(octets))
            else:
                self.counts['bounced'] += 1
                self.found[e.kind, 'bounced'] += 1
                for r in RECIPIENT.findall(octets):
                    r = r.decode('latin-1').lower()
                    e.bounced[r] = e.bounced.get(r, 0) + 1

    def delivery(self, marker, e, rcpts, found):
        self.counts['delivered'] += 1
        for r in rcpts:
            e.came[r.lower()] = e.came.get(r.lower(), 0) + 1
        got = found.get('result', 'untouched'), found.get('reason', '')
        self.found[e.kind, ' '.join(got).strip()] += 1
        if got[0] == 'pass' if e.want == NOT_PASS else e.want is not None and got not in e.want:
            self.wrong.append(f'{marker} arrived with {got}, expected {e.want}')

    def audit(self, queued):
        """{'lost': [...], 'twice': [...], 'ghosts': [...], 'queued': n}; queued: markers that still wait in a queue."""
        out = {'lost': [], 'twice': [], 'ghosts': [], 'queued': 0}
        with self.lock:
            for marker, e in self.entries.items():
                for r, n in e.came.items():
                    times = n + e.bounced.get(r, 0)
                    if times > 1:
                        out['twice'].append(f'{marker} to {r}: came {n} times, bounced {e.bounced.get(r, 0)} times')
                    if times and e.state in ('given up', 'refused'):
                        out['ghosts'].append(f'{marker} to {r}: {e.state}, and yet it came')
                    if not times and e.state in ('taken', 'sending'):
                        if marker in queued:
                            out['queued'] += 1
                        else:
                            out['lost'].append(f'{marker} to {r}')
        return out


class KeepingSink(loopback.Sink):
    """Notes what comes, and forgets it: an hour of mail is larger than memory."""

    def __init__(self, book):
        self.book = book
        super().__init__()

    def take(self, sender, rcpts, octets):
        self.book.arrives(sender, rcpts, octets)
        return '250 kept'


class Relay(loopback.Sink):
    """Passes on, and says to its client what it was told."""

    def take(self, sender, rcpts, octets):
        port, mutate = self.forward
        code, said = Session(port).whole(sender, rcpts, mutate(octets))
        return f'{code or 451} {said}'.replace('\n', ' ')


STAGES = ('connect', 'ehlo', 'mail', 'rcpt', 'data', 'header', 'body', 'last', 'dot')


class Session:
    """One SMTP session, which can end at any stage of a message."""

    def __init__(self, port, source=None):
        self.port, self.source, self.smtp = port, source, None

    def open(self):
        self.smtp = smtplib.SMTP(loopback.HOST, self.port, local_hostname='client.example', timeout=120, source_address=self.source and (self.source, 0))

    def drop(self, reset):
        if reset:
            self.smtp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.smtp.close()

    def message(self, sender, rcpts, octets, leave=None, reset=False):
        """(code, text) of the last answer; (0, stage) when it left at that stage; code -1: no answer after the end."""
        octets = re.sub(rb'(?m)^\.', b'..', loopback.crlf(octets))
        head = octets.index(b'\r\n\r\n')
        eightbit = ' BODY=8BITMIME' if any(c > 127 for c in octets) else ''
        for stage, line in (('mail', f'MAIL FROM:<{sender}>{eightbit}'), *(('rcpt', f'RCPT TO:<{r}>') for r in rcpts), ('data', 'DATA')):
            code, said = self.smtp.docmd(line)
            if code not in (250, 354):
                return code, said.decode('latin-1')
            if stage == leave and (stage != 'rcpt' or line.endswith(f'<{rcpts[-1]}>')):
                self.drop(reset)
                return 0, leave
        cut = {'header': head // 2, 'body': (head + len(octets)) // 2, 'last': len(octets)}.get(leave)
        if cut is not None:
            self.smtp.send(octets[:cut])
            self.drop(reset)
            return 0, leave
        self.smtp.send(octets + (b'' if octets.endswith(b'\r\n') else b'\r\n') + b'.\r\n')
        if leave == 'dot':
            self.drop(reset)
            return 0, leave
        try:
            code, said = self.smtp.getreply()
        except (OSError, smtplib.SMTPException) as e:
            return -1, str(e)
        return code, said.decode('latin-1')

    def whole(self, sender, rcpts, octets, leave=None, reset=False):
        try:
            self.open()
            if leave != 'connect':
                self.smtp.ehlo()
            if leave in ('connect', 'ehlo'):
                self.drop(reset)
                return 0, leave
            code, said = self.message(sender, rcpts, octets, leave, reset)
        except (OSError, smtplib.SMTPException) as e:
            return 421, f'no session: {e}'
        if code:
            self.quit()
        return code, said

    def quit(self):
        try:
            self.smtp.docmd('QUIT')
        except (OSError, smtplib.SMTPException):
            pass
        self.smtp.close()


class Stock(threading.Thread):
    """Messages that were signed by hand, made anew before they are stale: {name: octets}."""

    AGE_S = 120

    def __init__(self, crew, ending):
        super().__init__(daemon=True)
        self.crew, self.ending, self.signed = crew, ending, {}
        self.make()

    def make(self):
        sign, mms, now = self.crew.sign, scenarios.mms, time.time()
        good = sign(mms('stock'))
        mallory = sign(mms('stock', sender=f'{scenarios.MALLORY_NUMBER}/TYPE=PLMN@mms.m.example'), key='mallory')
        dot = good.index(b';info=') - 20
        while good[dot:dot + 1] in b'\r\n\t .':
            dot -= 1
        body = loopback.crlf(mms('stock')).split(b'\r\n\r\n', 1)[1]
        claims = {'dest': {'tn': ['15550300001']}, 'iat': int(now), 'orig': {'tn': '15550100001'}, 'msgi': forge.msgi(body)}
        url = 'https://certs.example/mallory.pem'
        spoof = forge.field(forge.token(self.crew.lab.path('mallory.key'), forge.header(url), claims), url)
        self.signed = {
            'good': good,
            'spoofed': spoof + mms('stock'),
            'othernumber': mallory.replace(scenarios.MALLORY_NUMBER.encode(), b'+15550100001', 1),
            'rogue': sign(mms('stock'), key='rogue'),
            'stale': sign(mms('stock'), now=now - 3600),
            'future': sign(mms('stock'), now=now + 3600),
            'damaged': good[:dot] + (b'B' if good[dot:dot + 1] == b'A' else b'A') + good[dot + 1:],
            'nocert': sign(mms('stock'), url='https://certs.example/gone.pem'),
            'twosenders': good.replace(b'From: ', b'From: +15550199999/TYPE=PLMN@x.example, ', 1),
        }

    def run(self):
        while not self.ending.wait(self.AGE_S):
            try:
                self.make()
            except Exception as e:      # the old ones are good for a while
                self.crew.lab.book.fault(f'nothing could be signed by hand: {e!r}')

    def get(self, name, marker):
        """The marker is no part of what is signed."""
        return self.signed[name].replace(b'X-Lab: stock', b'X-Lab: ' + marker.encode(), 1)


def raw_token(header, payload, signature=b'\1' * 64):
    parts = [x if isinstance(x, bytes) else json.dumps(x).encode() for x in (header, payload)]
    return '.'.join(forge.b64url(x) for x in (*parts, signature))


def bad_identities():
    """Values of Identity that are wrong in every way we know."""
    head, claims = forge.header(URL), {'dest': {'tn': ['15550300001']}, 'iat': int(time.time()), 'orig': {'tn': '15550100001'}}
    tail = f';info=<{URL}>;alg=ES256;ppt=msg'
    return [value.encode('latin-1') for value in (
        '', 'x', '...' + tail, 'a.b.c' + tail, raw_token(head, claims), raw_token(head, claims) + tail, raw_token(head, claims) + ';info=<' + URL,
        raw_token(head, claims, b'') + tail, raw_token(head, claims, b'\0' * 64) + tail, raw_token(head, claims, b'\xff' * 4000) + tail,
        raw_token({**head, 'alg': 'none'}, claims) + tail, raw_token({**head, 'alg': 'HS256'}, claims) + tail,
        raw_token({**head, 'x5u': 'http://127.0.0.1/'}, claims) + ';info=<http://127.0.0.1/>;alg=ES256;ppt=msg',
        raw_token({**head, 'x5u': 'https://' + 'a' * 3000}, claims) + tail, raw_token(head, b'[' * 3000) + tail, raw_token(head, b'{"iat":1' + b'0' * 400 + b'}') + tail,
        raw_token(head, b'\xff\xfe\0{}') + tail, raw_token(head, {**claims, 'msgi': 'sha256-\r\nX-Forged: 1'}) + tail, 'A' * 900 + '\n ' + '=' * 900 + tail,
        '\n ' + '\n '.join(raw_token(head, claims)) + tail, 'caf\xe9 \xff\xfe' + tail)]


def bad_bodies():
    """(value of Content-Type and more fields, body) that readers disagree about."""
    nested = ''.join(f'--b{i}\nContent-Type: multipart/mixed; boundary=b{i + 1}\n\n' for i in range(200))
    letters = 'Content-Type: message/rfc822\n\n' * 150
    return [(f.encode('latin-1'), b.encode('latin-1')) for f, b in (
        ('multipart/mixed; boundary=a; boundary=b', '--a\n\nhttps://a.example/\n--b\n\nhttps://b.example/\n--a--\n--b--\n'),
        ('text/plain\nContent-Type: text/html', '<a href="https://x.example/">https://y.example/</a>\n'),
        ('multipart/mixed; boundary=b0', nested), ('message/rfc822', letters), ('multipart/mixed; boundary=x', '--x\n\na\n' * 3000),
        ('multipart/mixed', 'no boundary\n'), ('multipart/mixed; boundary=""', '--\n\nx\n----\n'), ('multipart/mixed; boundary=x', '--x\nContent-Type: text/plain'),
        ('text/plain; charset=utf-8\nContent-Transfer-Encoding: base64', '=\xff===' * 500 + '\n'), ('text/plain; charset="no-such"', '\xff\xfe\x80' * 300 + '\n'),
        ('text/html; charset=utf-16', '<' * 5000 + '\n'), ('text/plain; charset=utf-8', 'x' * 100000 + '\n'), ('text/plain', 'a\x00b\x1b[2J\n.\n..\nFrom x\n'),
        ('image/jpeg; name="a\\"\\; b=\x1b]0;x\x07"', 'x\n'), ('application/smil', '<smil>' * 4000 + '\n'), ('text/plain\nContent-Transfer-Encoding: uuencode', 'begin 644 x\nM' + 'x' * 60 + '\n'))]


def hostile(marker, rng, identity=b''):
    fields, body = rng.choice(bad_bodies())
    return (identity + f'From: {scenarios.ALICE}\nTo: {BOB}\nDate: {loopback_date()}\nMessage-ID: <{marker}@mms.a.example>\nX-Mms-Message-Type: MM4_forward.REQ\n'
            f'X-Lab: {marker}\nMIME-Version: 1.0\nContent-Type: '.encode() + fields + b'\n\n' + body)


def loopback_date():
    return time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())


def text(marker):
    """Equal messages of one second are still different."""
    return f'See you at eight? {marker}'


def plain(marker, to, **more):
    return scenarios.mms(marker, to=(to,), text=more.pop('text', text(marker)), **more)


def ordinary(marker):
    return f'From: ann@people.example\nTo: ben@people.example\nX-Lab: {marker}\nSubject: lunch\n\nAt noon.\n'.encode()


def flood(marker, to):
    return plain(marker, to, extra=''.join(f'X-Flood-{i}: {"x" * 900}\n' for i in range(330)))


def fields(octets):
    return b''.join(b'Identity: ' + octets + b'\n' for _ in range(100))


# share, kind, carrier (A signs; B or C verifies, told by the recipient), recipients, wanted results, octets
# of (marker, stock, random).  Where a carrier is 'bc' one of both is taken.
KINDS = [
    (24, 'good', 'a', (BOB,), PASS, lambda m, s, r: plain(m, BOB)),
    (14, 'lite', 'a', (LITE,), PASS, lambda m, s, r: plain(m, LITE)),
    (3, 'group', 'a', tuple(f'+155503000{n:02}/TYPE=PLMN@{d}.example' for n in range(1, 11) for d in ('direct', 'lite')), PASS,
     lambda m, s, r: scenarios.mms(m, to=KIND['group'][3], text=text(m))),
    (3, 'reencoded', 'a', (scenarios.BOB + '@no8bit.example',), PASS, lambda m, s, r: plain(m, KIND['reencoded'][3][0], text='Grüße aus Köln — ' + m, eightbit=True)),
    (4, 'tampered', 'a', (scenarios.BOB + '@middle.example',), {('fail', 'msgi-mismatch')}, lambda m, s, r: plain(m, KIND['tampered'][3][0])),
    (2, 'retyped', 'a', (scenarios.BOB + '@middle.example',), {('fail', 'msgc-mismatch')}, lambda m, s, r: plain(m, KIND['retyped'][3][0])),
    (2, 'foreign', 'a', (BOB,), NONE, lambda m, s, r: plain(m, BOB, sender=f'{scenarios.MALLORY_NUMBER}/TYPE=PLMN@mms.m.example')),
    (1, 'large', 'a', (BOB,), PASS, lambda m, s, r: plain(m, BOB).replace(scenarios.PICTURE.encode(), scenarios.PICTURE.encode() * 150)),
    (2, 'signedmime', 'a', (BOB,), None, lambda m, s, r: hostile(m, r)),
    (4, 'unsigned', 'bc', (BOB,), NONE, lambda m, s, r: plain(m, BOB)),
    (3, 'forged', 'bc', (BOB,), NONE, lambda m, s, r: plain(m, BOB, extra=scenarios.VICTIM_RESULT + '\nX-STIR-Policy: score=0 action=accept\n')),
    (2, 'spoofed', 'bc', (BOB,), {('fail', 'number-not-authorised')}, lambda m, s, r: s.get('spoofed', m)),
    (2, 'othernumber', 'bc', (BOB,), {('fail', 'orig-mismatch')}, lambda m, s, r: s.get('othernumber', m)),
    (2, 'rogue', 'bc', (BOB,), {('fail', 'cert-untrusted')}, lambda m, s, r: s.get('rogue', m)),
    (2, 'redirected', 'bc', (CAROL,), {('fail', 'dest-mismatch')}, lambda m, s, r: s.get('good', m)),
    (2, 'stale', 'bc', (BOB,), {('fail', 'stale')}, lambda m, s, r: s.get('stale', m)),
    (2, 'future', 'bc', (BOB,), {('fail', 'from-future')}, lambda m, s, r: s.get('future', m)),
    (2, 'damaged', 'bc', (BOB,), {('fail', 'bad-signature')}, lambda m, s, r: s.get('damaged', m)),
    (2, 'nocert', 'bc', (BOB,), {('temperror', 'cert-unreachable')}, lambda m, s, r: s.get('nocert', m)),
    (2, 'twosenders', 'bc', (BOB,), {('permerror', 'ambiguous-sender')}, lambda m, s, r: s.get('twosenders', m)),
    # The first one passes, and so does one while the store is away or new.
    (5, 'replayed', 'bc', (BOB,), PASS | {('fail', 'replayed')}, lambda m, s, r: s.get('good', m)),
    (6, 'malformed', 'bc', (BOB,), NOT_PASS, lambda m, s, r: b'Identity: ' + r.choice(bad_identities()) + b'\n' + plain(m, BOB)),
    (1, 'hundred', 'bc', (BOB,), NOT_PASS, lambda m, s, r: fields(r.choice(bad_identities())) + plain(m, BOB)),
    (2, 'flood', 'bc', (BOB,), NOT_PASS, lambda m, s, r: flood(m, BOB)),
    (4, 'hostilemime', 'bc', (BOB,), NOT_PASS, lambda m, s, r: hostile(m, r)),
    (4, 'ordinary', 'bc', ('ben@people.example',), {('untouched', '')}, lambda m, s, r: ordinary(m)),
]
KIND = {k[1]: k for k in KINDS}


class Client(threading.Thread):
    """Sends, one session after the other, until told to stop; one in seven leaves in the midst."""

    def __init__(self, number, ports, stock, book, ending, pause):
        super().__init__(daemon=True)
        self.ports, self.stock, self.book, self.ending, self.pause = ports, stock, book, ending, pause
        self.random = random.Random(number)
        self.left = collections.Counter()       # stage -> how often
        self.warm = threading.Event()           # everything has been sent once

    def compose(self, row):
        """marker, port, sender, rcpts, octets, whether it may be refused"""
        _, kind, carrier, rcpts, want, make = row
        carrier = self.random.choice(carrier)
        marker = self.book.begin(kind, rcpts, want)
        sender = 'ann@people.example' if kind == 'ordinary' else scenarios.ALICE
        return marker, self.ports[carrier], sender, rcpts, make(marker, self.stock, self.random), carrier == 'c'

    def note(self, marker, code, said, may_refuse):
        if code == 250:
            self.book.ends(marker, 'taken')
        elif code == 0:
            self.left[said] += 1
            self.book.ends(marker, 'unsure' if said == 'dot' else 'given up', said)
        elif code == -1:
            self.book.ends(marker, 'unsure', said)
            self.book.fault(f'{marker}: no answer after its end: {said}')
        else:
            self.book.ends(marker, 'refused', f'{code} {said}', may_refuse and code == 550)

    def one(self, row, leave=None):
        marker, port, sender, rcpts, octets, may_refuse = self.compose(row)
        source = f'127.{self.random.randrange(200, 250)}.0.1'
        self.note(marker, *Session(port, source).whole(sender, rcpts, octets, leave, self.random.random() < 0.5), may_refuse)

    def several(self):
        """Some messages in one session, with RSET in the midst of others."""
        rows = [r for r in KINDS if r[2] == 'bc']
        carrier = self.random.choice('bc')
        session, marker = Session(self.ports[carrier]), None
        try:
            session.open()
            session.smtp.ehlo()
            for _ in range(self.random.randrange(2, 6)):
                if self.random.random() < 0.5:
                    session.smtp.docmd(f'MAIL FROM:<{scenarios.ALICE}>')
                    session.smtp.docmd(f'RCPT TO:<{BOB}>')
                    session.smtp.docmd('RSET')
                row = self.random.choice(rows)
                marker, _, sender, rcpts, octets, may_refuse = self.compose((*row[:2], carrier, *row[3:]))
                self.note(marker, *session.message(sender, rcpts, octets), may_refuse)
                marker = None
            session.quit()
        except (OSError, smtplib.SMTPException) as e:
            self.book.fault(f'a session of several messages broke: {e!r}')
            if marker:
                self.book.ends(marker, 'unsure', repr(e))

    def each_once(self):
        for row in KINDS:
            self.one(row)
        for stage in STAGES:
            self.one(KINDS[0], stage)
        self.several()

    def run(self):
        try:
            self.each_once()
            self.warm.set()
            self.work()
        except Exception as e:
            self.book.fault(f'a client of ours broke: {e!r}')
        finally:
            self.warm.set()

    def work(self):
        while not self.ending.wait(self.pause):
            chance = self.random.random()
            if chance < 0.05:
                self.several()
            else:
                self.one(self.random.choices(KINDS, [k[0] for k in KINDS])[0], self.random.choice(STAGES) if chance < 0.2 else None)
