"""A dozen and more messages between two carriers, what happens to each on the
way, and what the receiving carrier must find: one table for the demo and the
end-to-end test.
"""

import base64
import re
import time
from email.utils import formatdate

import forge
import lab as lab_module

ALICE = '+15550100001/TYPE=PLMN@mms.a.example'
MALLORY_NUMBER = '+15550200001'
BOB = '+15550300001/TYPE=PLMN'
CAROL = '+15550300002/TYPE=PLMN'
VICTIM_RESULT = 'Authentication-Results: mx.b.example; x-stir=pass reason=ok policy.orig-tn=15550100001'

PICTURE = base64.encodebytes(bytes(range(256)) * 24).decode()


def mms(marker, sender=ALICE, to=(BOB + '@direct.example',), extra='', text='See you at eight?', ctype=None, eightbit=False):
    """An MM4-like message with a text and a picture."""
    ctype = ctype or 'multipart/related; type="application/smil"; start="<smil>"; boundary="frontier"'
    cte = '8bit' if eightbit else '7bit'
    return f'''From: {sender}
To: {', '.join(to)}
Date: {formatdate()}
Message-ID: <{marker}@mms.a.example>
X-Mms-3GPP-MMS-Version: 6.10.0
X-Mms-Message-Type: MM4_forward.REQ
X-Mms-Transaction-ID: "{marker}"
X-Lab: {marker}
{extra}MIME-Version: 1.0
Content-Type: {ctype}

--frontier
Content-Type: application/smil; charset=utf-8
Content-ID: <smil>

<smil><body><par><text src="t.txt"/><img src="p.jpg"/></par></body></smil>
--frontier
Content-Type: text/plain; charset=utf-8
Content-Location: t.txt
Content-Transfer-Encoding: {cte}

{text}
--frontier
Content-Type: image/jpeg; name="p.jpg"
Content-ID: <p.jpg>
Content-Transfer-Encoding: base64

{PICTURE}--frontier--
'''.encode()


def mutate(octets):
    """What the relay middle.example does to a message, told by its marker."""
    if b'X-Lab: tampered' in octets:
        return octets.replace(b'at eight?', b'at  nine?')
    if b'X-Lab: retyped' in octets:
        return octets.replace(b'boundary="frontier"', b'boundary="frontiers"', 1)
    return octets


class Crew:
    """Sends scenarios into a lab and reads what came out at the far end."""

    def __init__(self, lab):
        self.lab = lab
        lab.issue('mallory', f'tn:{MALLORY_NUMBER}')
        lab.must('pki', 'init', lab.path('rogue-pki'), '--name', 'Rogue')
        lab.issue('rogue', 'tn:+15550100000..+15550199999', pki='rogue-pki')

    def sign(self, octets, key='a', cert=None, url=None, now=None, rcpt=BOB + '@direct.example'):
        lab = self.lab
        args = ['sign', '--key', lab.path(key + '.key'), '--cert', lab.path((cert or key) + '.pem'),
                '--x5u', url or f'https://certs.example/{key}.pem', '--rcpt', rcpt]
        if now:
            args += ['--now', str(int(now))]
        return lab.must(*args, '-', input=octets)

    def via_a(self, octets, rcpts=(BOB + '@direct.example',), sender=ALICE):
        lab_module.send(self.lab.a.port, sender, rcpts, octets)

    def to_b(self, octets, rcpts=(BOB + '@direct.example',), sender=ALICE):
        lab_module.send(self.lab.b.port, sender, rcpts, octets)

    def fetch(self, marker):
        found = self.lab.sink.find(b'X-Lab: ' + marker.encode() + b'\r\n')
        return found[2] if found else None


def results(octets):
    """Every Authentication-Results value in the header, unfolded, in order."""
    head = octets.split(b'\r\n\r\n', 1)[0].decode('latin-1')
    head = re.sub(r'\r\n[ \t]+', ' ', head)
    return [line.split(':', 1)[1].strip() for line in head.split('\r\n') if line.lower().startswith('authentication-results:')]


def read_result(octets):
    """{'result': ..., 'reason': ..., 'msgi': ..., ...} of our own field, or {}."""
    for value in results(octets):
        if 'x-stir=' in value:
            out = {'result': re.search(r'x-stir=(\w+)', value).group(1)}
            out.update({k: v for k, v in re.findall(r'(?:policy\.)?([\w-]+)=(\S+)', value) if k != 'x-stir'})
            return out
    return {}


def good(crew):
    crew.via_a(mms('good'))


def group(crew):
    people = [f'+155503000{n:02}/TYPE=PLMN@direct.example' for n in range(1, 21)]
    crew.via_a(mms('group', to=people), rcpts=people)


def reencoded(crew):
    to = BOB + '@no8bit.example'
    crew.via_a(mms('reencoded', to=(to,), text='Grüße aus Köln, café — 東京', eightbit=True), rcpts=(to,))


def tampered(crew):
    to = BOB + '@middle.example'
    crew.via_a(mms('tampered', to=(to,)), rcpts=(to,))


def retyped(crew):
    to = BOB + '@middle.example'
    crew.via_a(mms('retyped', to=(to,)), rcpts=(to,))


def unsigned(crew):
    crew.to_b(mms('unsigned'))


def forged(crew):
    extra = VICTIM_RESULT + '\nAuthentication-Results: (x) "MX.B.example" 1 ;\n X-Stir (y) = pass\n' + \
        'Authentication-Results: mx.elsewhere.example; dkim=pass\nX-STIR-Policy: score=0 action=accept\n'
    crew.to_b(mms('forged', extra=extra))


def spoofed(crew):
    """Mallory's certificate is trusted, and says nothing of Alice's number."""
    octets, url = lab_module.crlf(mms('spoofed')), 'https://certs.example/mallory.pem'
    claims = {'dest': {'tn': ['15550300001']}, 'iat': int(time.time()), 'orig': {'tn': '15550100001'},
              'msgi': forge.msgi(octets.split(b'\r\n\r\n', 1)[1])}
    crew.to_b(forge.field(forge.token(crew.lab.path('mallory.key'), forge.header(url), claims), url) + octets)


def other_number(crew):
    signed = crew.sign(mms('othernumber', sender=f'{MALLORY_NUMBER}/TYPE=PLMN@mms.m.example'), key='mallory')
    crew.to_b(signed.replace(MALLORY_NUMBER.encode(), b'+15550100001', 1))


def rogue(crew):
    crew.to_b(crew.sign(mms('rogue'), key='rogue'))


def redirected(crew):
    crew.to_b(crew.sign(mms('redirected')), rcpts=(CAROL + '@direct.example',))


def stale(crew):
    crew.to_b(crew.sign(mms('stale'), now=time.time() - 3600))


def future(crew):
    crew.to_b(crew.sign(mms('future'), now=time.time() + 3600))


def damaged(crew):
    """One character inside the signature."""
    signed = crew.sign(mms('damaged'))
    dot = signed.index(b';info=')
    spot = dot - 20
    while signed[spot:spot + 1] in b'\r\n\t .':
        spot -= 1
    other = b'A' if signed[spot:spot + 1] != b'A' else b'B'
    crew.to_b(signed[:spot] + other + signed[spot + 1:])


def no_cert(crew):
    crew.to_b(crew.sign(mms('nocert'), url='https://certs.example/gone.pem'))


def two_senders(crew):
    signed = crew.sign(mms('twosenders'))
    crew.to_b(signed.replace(b'From: ', b'From: +15550199999/TYPE=PLMN@x.example, ', 1))


def foreign_number(crew):
    crew.via_a(mms('foreign', sender=f'{MALLORY_NUMBER}/TYPE=PLMN@mms.m.example'))


def ordinary(crew):
    crew.to_b(b'From: ann@people.example\r\nTo: ben@people.example\r\nX-Lab: ordinary\r\nSubject: lunch\r\n\r\nAt noon.\r\n',
              rcpts=('ben@people.example',), sender='ann@people.example')


# marker, what a person should know, how it is sent, what B must find
TABLE = [
    ('good', 'signed by A, delivered as it was', good, {'result': 'pass', 'reason': 'ok', 'msgi': 'raw', 'authority': 'tn', 'dest': 'full'}),
    ('group', 'signed for 20 recipients', group, {'result': 'pass', 'reason': 'ok', 'msgi': 'raw', 'dest': 'full'}),
    ('reencoded', '8-bit text, a hop on the way re-encodes it', reencoded, {'result': 'pass', 'reason': 'ok', 'msgi': 'decoded'}),
    ('tampered', 'a relay changes the text', tampered, {'result': 'fail', 'reason': 'msgi-mismatch', 'msgi': 'mismatch'}),
    ('retyped', 'a relay changes only the top Content-Type', retyped, {'result': 'fail', 'reason': 'msgc-mismatch', 'msgi': 'mismatch'}),
    ('spoofed', "Mallory's certificate, Alice's number", spoofed, {'result': 'fail', 'reason': 'number-not-authorised'}),
    ('othernumber', "From changed after signing", other_number, {'result': 'fail', 'reason': 'orig-mismatch'}),
    ('rogue', 'certificate of a CA nobody trusts', rogue, {'result': 'fail', 'reason': 'cert-untrusted'}),
    ('redirected', 'replayed to another recipient', redirected, {'result': 'fail', 'reason': 'dest-mismatch'}),
    ('stale', 'replayed an hour later', stale, {'result': 'fail', 'reason': 'stale'}),
    ('future', 'dated an hour ahead', future, {'result': 'fail', 'reason': 'from-future'}),
    ('damaged', 'one character of the signature changed', damaged, {'result': 'fail', 'reason': 'bad-signature'}),
    ('nocert', 'the certificate is not where x5u says', no_cert, {'result': 'temperror', 'reason': 'cert-unreachable'}),
    ('twosenders', 'two addresses in From', two_senders, {'result': 'permerror', 'reason': 'ambiguous-sender'}),
    ('unsigned', 'no Identity field at all', unsigned, {'result': 'none', 'reason': 'no-identity'}),
    ('forged', 'unsigned, with forged results for us', forged, {'result': 'none', 'reason': 'no-identity'}),
    ('foreign', "A is asked to sign a number it doesn't hold", foreign_number, {'result': 'none', 'reason': 'no-identity'}),
    ('ordinary', 'ordinary mail: untouched', ordinary, {}),
]
