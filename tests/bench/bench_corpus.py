"""The messages of the benchmark: the same ones in each run."""

import base64
import os
import random

SIZES = {'2KB': 2048, '30KB': 30000, '300KB': 300000, '1MB': 1000000}
COUNT = {'2KB': 20, '30KB': 20, '300KB': 10, '1MB': 6}
FIELDS = 17             # of the header, before anybody adds one
URL = 'https://certs.example.org/lab.pem'
NUMBERS = '+12155550000..+12155559999'      # that our certificate is for
DOMAIN = 'mms.example.org'
WORDS = ('hello meet photo tomorrow station lunch please call back when you can great picture from the '
         'beach and more soon thanks see attached late running ten minutes').split()


def text(r, n):
    lines, line, have = [], '', 0
    while have + len(line) < n - 8:
        line += r.choice(WORDS) + ' '
        if len(line) > 64:
            lines.append(line.rstrip())
            have += len(lines[-1]) + 2
            line = ''
    return '\r\n'.join([*lines, line + 'bye.', ''])


def header(r, number, kind):
    sender = f'+1215555{r.randrange(10000):04}/TYPE=PLMN@{DOMAIN}'
    rcpt = f'+1212555{r.randrange(10000):04}/TYPE=PLMN@mms.example.net'
    fields = [
        f'Received: from mmsc.example.org (mmsc.example.org [192.0.2.10])\r\n\tby relay.example.net (Postfix) with ESMTP id {r.randrange(1 << 32):08X}\r\n'
        f'\tfor <{rcpt}>; Tue, 3 Mar 2026 12:{r.randrange(60):02}:{r.randrange(60):02} +0000 (UTC)',
        f'From: <{sender}>', f'To: <{rcpt}>', 'Date: Tue, 3 Mar 2026 12:00:00 +0000', f'Message-ID: <{r.randrange(1 << 64):016x}@mmsc.example.org>',
        f'Subject: message {number}', 'MIME-Version: 1.0', 'X-Mms-3GPP-MMS-Version: 6.10.0', 'X-Mms-Message-Type: MM4_forward.REQ',
        f'X-Mms-Transaction-ID: "{r.randrange(1 << 64):x}"', f'X-Mms-Message-ID: "{r.randrange(1 << 64):x}"', 'X-Mms-Message-Class: Personal',
        'X-Mms-Priority: Normal', 'X-Mms-Ack-Request: Yes', 'X-Mms-Originator-System: system-user@mmsc.example.org',
        *kind]
    assert len(fields) == FIELDS
    return ''.join(f + '\r\n' for f in fields) + '\r\n'


def plain(r, number, size):
    head = header(r, number, ['Content-Type: text/plain; charset=us-ascii', 'Content-Transfer-Encoding: 7bit'])
    return head + text(r, size - len(head))


def picture(r, number, size):
    """As an MMSC sends it: SMIL, a text, and an image that fills the rest."""
    mark = f'mms{r.randrange(1 << 64):016x}'
    head = header(r, number, [f'Content-Type: multipart/related; type="application/smil"; start="<smil>";\r\n boundary="{mark}"', 'X-Priority: 3'])
    parts = (f'--{mark}\r\nContent-Type: application/smil; charset=us-ascii\r\nContent-ID: <smil>\r\n\r\n<smil><head><layout><root-layout width="320" '
             'height="480"/></layout></head>\r\n<body><par dur="5000ms"><img src="cid:img"/><text src="cid:txt"/></par></body></smil>\r\n'
             f'--{mark}\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-ID: <txt>\r\n\r\n{text(r, 160)}'
             f'--{mark}\r\nContent-Type: image/jpeg; name="img.jpg"\r\nContent-ID: <img>\r\nContent-Transfer-Encoding: base64\r\n'
             'Content-Disposition: attachment; filename="img.jpg"\r\n\r\n')
    end = f'--{mark}--\r\n'
    lines = max(1, (size - len(head) - len(parts) - len(end)) // 78)
    image = base64.encodebytes(b'\xff\xd8\xff\xe0' + r.randbytes(57 * lines - 4)).decode().replace('\n', '\r\n')
    return head + parts + image + end


def write(folder, name, octets):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(octets if isinstance(octets, bytes) else octets.encode())


def make(place, sizes):
    """plain-SIZE for each."""
    for size in sizes:
        for i in range(COUNT[size]):
            r = random.Random(f'{size} {i}')
            write(os.path.join(place, 'plain-' + size), f'm{i:02}.eml', (plain if SIZES[size] < 10000 else picture)(r, i, SIZES[size]))


def read(folder):
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as f:
            yield name, f.read()


def token_of(octets):
    """The Identity field on top, as it stands there."""
    end = octets.index(b'\r\n')
    while octets[end + 2:end + 3] in (b' ', b'\t'):
        end = octets.index(b'\r\n', end + 2)
    assert octets.startswith(b'Identity:')
    return octets[:end + 2]


def payload_of(octets):
    """The claims of that token, as text."""
    part = b''.join(token_of(octets).split())[len('Identity:'):].split(b'.')[1]
    return base64.urlsafe_b64decode(part + b'=' * (-len(part) % 4)).decode()


def malformed(place):
    """A token whose claims are no JSON; the signature was never looked at."""
    for name, octets in read(os.path.join(place, 'signed-2KB')):
        token = token_of(octets)
        head, claims, rest = b''.join(token.split())[len('Identity:'):].split(b'.', 2)
        broken = b'Identity: ' + head + b'.' + base64.urlsafe_b64encode(b'{"attest":' * 30).rstrip(b'=') + b'.' + rest.partition(b';')[0]
        broken += b';' + rest.partition(b';')[2] + b'\r\n'
        write(os.path.join(place, 'malformed'), name, broken + octets[len(token):])


def stacked(place, folders, n):
    """tokens-N: n different tokens on each message."""
    more = [{name: token_of(octets) for name, octets in read(f)} for f in folders[:n]]
    for name, octets in read(folders[0]):
        bare = octets[len(token_of(octets)):]
        write(os.path.join(place, f'tokens-{n}'), name, b''.join(m[name] for m in more) + bare)
