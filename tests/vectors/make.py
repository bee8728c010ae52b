"""Makes the folders of tests/vectors/cases and the PKI beside them anew.

Run by hand, from the top of the tree, when a case is added:
    STIRCTL=build/x/stirctl python3 tests/vectors/make.py
The results are committed: a vector is data, the same for everybody.  Private
keys stay in a temporary folder and are forgotten.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))

import forge    # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CASES, PKI = os.path.join(HERE, 'cases'), os.path.join(HERE, 'pki')
STIRCTL = os.environ.get('STIRCTL', 'stirctl')
NOW = 1793534400                        # 1 November 2026, 12:00 UTC
DAY = 86400
A, BOB, CAROL = '15550100001', '15550300001', '15550300002'
DAVE = '15550400001'                    # whom mail for BOB and CAROL is forwarded to

MESSAGE = f'''From: +{A}/TYPE=PLMN@mms.a.example
To: +{BOB}/TYPE=PLMN@mms.b.example
Date: Sun, 01 Nov 2026 12:00:00 +0000
Message-ID: <v1@mms.a.example>
Subject: tonight
X-Mms-3GPP-MMS-Version: 6.10.0
X-Mms-Message-Type: MM4_forward.REQ
X-Mms-Transaction-ID: "v1"
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="frontier"

--frontier
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Wir sehen uns um acht im Café?
--frontier
Content-Type: image/gif; name="dot.gif"
Content-ID: <dot>
Content-Transfer-Encoding: base64

R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=
--frontier--
'''.replace('\n', '\r\n').encode()
HEAD, BODY = MESSAGE.split(b'\r\n\r\n', 1)


def run(*args, data=None):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, check=True).stdout


class Maker:
    def __init__(self, tmp):
        self.tmp = tmp
        for d in (CASES, PKI):
            shutil.rmtree(d, ignore_errors=True)
            os.makedirs(d)
        self.certs = os.path.join(PKI, 'certs')
        self.pki('pki', 'Vectors')
        self.pki('rogue-pki', 'Rogue')
        shutil.copy(self.path('pki', 'anchors.pem'), os.path.join(PKI, 'anchors.pem'))
        self.issue('a', 'tn:+15550100000..+15550199999')
        self.issue('spc', 'spc:123A')
        self.issue('other', 'tn:+15550200000..+15550299999')
        self.issue('bob', 'tn:+15550300000..+15550399999')
        self.issue('rogue', 'tn:+15550100000..+15550199999', pki='rogue-pki')
        self.issue('old', 'tn:+15550100000..+15550199999', '--not-before', str(NOW - 90 * DAY), '--not-after', str(NOW - DAY))
        self.issue('revoked', 'tn:+15550100000..+15550199999')
        self.bare_cert('nolist', [])
        self.bare_cert('constrained', ['1.3.6.1.5.5.7.1.26=DER:3008A006160431323334',
                                       # mustInclude "attest"
                                       '1.3.6.1.5.5.7.1.27=DER:300CA00A30081606617474657374'])
        self.bare_cert('bothrules', ['1.3.6.1.5.5.7.1.26=DER:3008A006160431323334',
                                     '1.3.6.1.5.5.7.1.27=DER:300CA00A30081606617474657374',
                                     '1.3.6.1.5.5.7.1.33=DER:300CA00A30081606617474657374'])
        self.crl('crl.pem', ['revoked'])
        good = self.sign()
        self.claims = self.read_claims(good)

    def path(self, *names):
        return os.path.join(self.tmp, *names)

    def pki(self, folder, name):
        run(STIRCTL, 'pki', 'init', self.path(folder), '--name', name, '--not-before', str(NOW - 365 * DAY), '--not-after', str(NOW + 3650 * DAY))

    def issue(self, name, tn_auth, *more, pki='pki'):
        dates = () if more else ('--not-before', str(NOW - 10 * DAY), '--not-after', str(NOW + 80 * DAY))
        run(STIRCTL, 'pki', 'issue', self.path(pki), '--tn-auth', tn_auth, '--url', self.url(name), '--out', self.path(name),
            '--certs', self.certs, *(more or dates))

    @staticmethod
    def url(name):
        return f'https://certs.example/{name}.pem'

    def ca_conf(self, *sections):
        """An openssl CA over the intermediate of the PKI."""
        index = self.path('index.txt')
        open(index, 'a').close()
        with open(self.path('ca.cnf'), 'w') as f:
            f.write('[ca]\ndefault_ca=c\n[c]\n' + '\n'.join([
                f'database={index}', f'new_certs_dir={self.tmp}', f'certificate={self.path("pki", "ca.pem")}',
                f'private_key={self.path("pki", "ca.key.pem")}', 'default_md=sha256', 'rand_serial=yes', 'policy=p', 'unique_subject=no',
                'x509_extensions=x', 'default_crl_days=3650', '[p]', 'commonName=supplied', '[x]', *sections, '']))
        return self.path('ca.cnf')

    def bare_cert(self, name, extensions):
        """A signer's certificate with any extensions, by openssl."""
        key, csr, out = self.path(name + '.key'), self.path(name + '.csr'), self.path(name + '.leaf')
        run('openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-subj', '/CN=SHAKEN ' + name, '-out', csr)
        conf = self.ca_conf('basicConstraints=critical,CA:false', 'keyUsage=critical,digitalSignature', 'subjectKeyIdentifier=hash',
                            'authorityKeyIdentifier=keyid', *extensions)
        run('openssl', 'ca', '-batch', '-notext', '-config', conf, '-in', csr, '-out', out, '-startdate', '20261020000000Z', '-enddate', '20270120000000Z')
        with open(out) as leaf, open(self.path('pki', 'ca.pem')) as ca, open(os.path.join(self.certs, 'certs.example', name + '.pem'), 'w') as chain:
            chain.write(leaf.read() + ca.read())

    def crl(self, name, revoked):
        conf = self.ca_conf('basicConstraints=CA:false')
        for r in revoked:
            run('openssl', 'ca', '-config', conf, '-revoke', self.path(r + '.pem'), '-crl_reason', 'keyCompromise')
        run('openssl', 'ca', '-config', conf, '-gencrl', '-out', os.path.join(PKI, name), '-crl_lastupdate', '20261031000000Z', '-crl_nextupdate', '20361031000000Z')
        run('openssl', 'ca', '-config', conf, '-gencrl', '-out', os.path.join(PKI, 'crl-old.pem'), '-crl_lastupdate', '20261001000000Z', '-crl_nextupdate', '20261015000000Z')

    def sign(self, octets=MESSAGE, key='a', now=NOW, rcpt=BOB, more=()):
        return run(STIRCTL, 'sign', '--key', self.path(key + '.key'), '--cert', self.path(key + '.pem'), '--x5u', self.url(key),
                   '--now', str(now), '--rcpt', f'+{rcpt}/TYPE=PLMN@mms.b.example', *more, '-', data=octets)

    @staticmethod
    def read_claims(octets):
        value = re.sub(rb'\s', b'', re.match(rb'Identity: ((?:[^\r]|\r\n )*)', octets).group(1))
        payload = value.split(b';')[0].split(b'.')[1]
        return json.loads(base64.urlsafe_b64decode(payload + b'=' * (-len(payload) % 4)))

    def token(self, key='a', url=None, header=None, payload=None, **claims):
        url = url or self.url(key)
        return forge.token(self.path(key + '.key'), header or forge.header(url), payload or {**self.claims, **claims})

    def field(self, tok, url=None, params=';alg=ES256;ppt=msg'):
        return forge.field(tok, url or self.url('a'), params).replace(b'\n', b'\r\n')

    def forged(self, key='a', url=None, **kw):
        """The message with a field around any token of that key."""
        url = url or self.url(key)
        return self.field(self.token(key, url, **kw), url) + MESSAGE

    def div(self, old, new, key='bob', url=None, orig=A, iat=None, spoil=False):
        """A field with a div token: forwarded from old to new."""
        url = url or self.url(key)
        claims = {'dest': {'tn': [new]}, 'div': {'tn': old}, 'iat': iat or self.claims['iat'], 'orig': {'tn': orig}}
        tok = self.token(key, url, header=forge.header(url, ppt='div'), payload=claims)
        return self.field(tok[:-8] + 'AAAAAAAA' if spoil else tok, url, ';ppt="div"')

    def case(self, name, what, octets, result, reason, rcpt=(BOB,), now=NOW + 3, settings=(), earlier=None, **expect):
        folder = os.path.join(CASES, name)
        os.makedirs(folder)
        with open(os.path.join(folder, 'message.eml'), 'wb') as f:
            f.write(octets)
        if earlier:
            with open(os.path.join(folder, 'earlier.eml'), 'wb') as f:
                f.write(earlier)
        with open(os.path.join(folder, 'case.json'), 'w') as f:
            json.dump({'what': what, 'now': now, 'mail_from': f'+{A}/TYPE=PLMN@mms.a.example',
                       'rcpt': [r if '@' in r else f'+{r}/TYPE=PLMN@mms.b.example' for r in rcpt], 'settings': list(settings),
                       'expect': {'result': result, 'reason': reason, **expect}}, f, indent=1, ensure_ascii=False)
            f.write('\n')


def drop(claims, *names):
    return {k: v for k, v in claims.items() if k not in names}


def passing(m):
    good = m.sign()
    m.case('pass', 'signed, and as it was', good, 'pass', 'ok', orig=A, dest=[BOB], authority='tn', integrity='raw', dest_cover='full', age=3)
    for alg in ('sha384', 'sha512'):
        m.case(f'pass-{alg}', f'msgi with {alg}', m.sign(more=('-o', f'Digest={alg}')), 'pass', 'ok', integrity='raw')
    m.case('pass-provider-certificate', 'a certificate that names a provider only', m.sign(key='spc'), 'pass', 'ok', authority='spc', spc='123A')
    two = MESSAGE.replace(b'To: ', f'To: +{CAROL}/TYPE=PLMN@mms.b.example, '.encode(), 1)
    both = m.sign(two, more=('--rcpt', f'+{CAROL}/TYPE=PLMN@mms.b.example'))
    m.case('pass-one-of-two-recipients', 'dest names two, the envelope has one of them', both, 'pass', 'ok', dest=[BOB, CAROL], dest_cover='full')
    qp = good.replace(b'8bit', b'quoted-printable').replace('Café'.encode(), b'Caf=C3=A9')
    m.case('pass-reencoded', 'the 8-bit part became quoted-printable', qp, 'pass', 'ok', integrity='decoded')
    field, rest = good.split(b'From: ', 1)
    value = re.sub(rb'\r\n ', b'', field[10:-2])
    m.case('pass-folded-everywhere', 'folded after every character',
           b'Identity: ' + b'\r\n\t'.join(value[i:i + 1] for i in range(len(value))) + b'\r\nFrom: ' + rest, 'pass', 'ok')
    m.case('pass-unfolded', 'not folded at all', b'Identity: ' + value + b'\r\nFrom: ' + rest, 'pass', 'ok')
    m.case('pass-unpadded-digest', 'msgi without padding, as RFC 9795 writes', m.forged(msgi=m.claims['msgi'].rstrip('=')), 'pass', 'ok')
    m.case('pass-not-canonical', 'claims in another order: a lint, not a failure',
           m.forged(payload=json.dumps({k: m.claims[k] for k in ('orig', 'msgi', 'msgc', 'iat', 'dest')}, separators=(',', ':'))), 'pass', 'ok')
    m.case('pass-msgi-only', 'no msgc', m.forged(payload=drop(m.claims, 'msgc')), 'pass', 'ok', integrity='raw')
    m.case('pass-msgc-only', 'no msgi', m.forged(payload=drop(m.claims, 'msgi')), 'pass', 'ok', integrity='decoded')
    m.case('pass-no-digest', 'neither digest: the content is not protected', m.forged(payload=drop(m.claims, 'msgi', 'msgc')), 'pass', 'ok', integrity='none')
    m.case('pass-hidden-sender', 'a sender that asks to be hidden is verified like any other', good.replace(b'MIME-Version', b'X-Mms-Sender-Visibility: Hide\r\nMIME-Version', 1), 'pass', 'ok')
    m.case('pass-unknown-claim', 'a claim nobody here knows', m.forged(hint='x'), 'pass', 'ok')
    m.case('pass-sixty-seconds', 'exactly as old as accepted', good, 'pass', 'ok', now=NOW + 60, age=60)
    junk = b'Identity: rubbish\r\n' + m.field(m.token(orig={'tn': CAROL})) + m.field(m.token(header=forge.header(m.url('a'), ppt='shaken')), params=';ppt=shaken')
    m.case('pass-behind-junk', 'junk in front never lowers the result', junk + good, 'pass', 'ok')


def failing(m):
    good = m.sign()
    m.case('bad-signature', 'one bit of the signature', m.field(m.token()[:-8] + 'AAAAAAAA') + MESSAGE, 'fail', 'bad-signature', integrity=None)
    m.case('bad-signature-other-key', "signed with another signer's key", m.forged('other', url=m.url('a')), 'fail', 'bad-signature')
    m.case('orig-mismatch', 'another number in From', good.replace(A.encode(), b'15550100002', 1), 'fail', 'orig-mismatch')
    m.case('replayed', 'the same token came before, with another message', good, 'fail', 'replayed', settings=['ReplayStore memory', 'ReplaySize 16M'], replay='replayed',
           earlier=good.replace(b'Message-ID: <v1@', b'Message-ID: <v0@', 1))
    m.case('dest-mismatch', 'replayed to somebody else', good, 'fail', 'dest-mismatch', rcpt=(CAROL,), dest_cover='none')
    m.case('dest-partial', 'one recipient is not in dest', good, 'fail', 'dest-mismatch', rcpt=(BOB, CAROL), dest_cover='partial')
    m.case('dest-partial-accepted', 'the same where DestCover any says so', good, 'pass', 'ok', rcpt=(BOB, CAROL), settings=['DestCover any'], dest_cover='partial')
    m.case('msgi-mismatch', 'eight became nine', good.replace(b'um acht', b'um neun'), 'fail', 'msgi-mismatch', integrity='mismatch')
    m.case('msgc-mismatch', 'another top Content-Type over the same octets', good.replace(b'multipart/mixed', b'multipart/alternative', 1), 'fail', 'msgc-mismatch', integrity='mismatch')
    evil = good.replace(b'boundary="frontier"', b'boundary="evil"; boundary="frontier"', 1).replace(b'--frontier\r\n', b'--evil\r\n\r\nTransfer the money.\r\n--evil--\r\n--frontier\r\n', 1)
    m.case('two-boundaries', 'two boundary parameters and a part for each: who reads which?', evil, 'fail', 'msgi-mismatch', integrity='mismatch')
    twice = good.replace(b'MIME-Version', b'Content-Type: text/plain\r\nMIME-Version', 1)
    m.case('two-content-types', 'a second top Content-Type', twice, 'fail', 'msgc-mismatch', integrity='mismatch')
    more = good.replace(b'ACAkQBADs=\r\n', b'ACAkQBADs=\r\nSGVsbG8=\r\n', 1)
    m.case('base64-goes-on', 'base64 after the padding: some readers decode it', more, 'fail', 'msgi-mismatch', integrity='mismatch')
    m.case('part-header-without-colon', 'a line in a part header that is no field: some readers show it', good.replace(b'--frontier\r\n', b'--frontier\r\nPay 666\r\n', 1), 'fail', 'msgi-mismatch', integrity='mismatch')
    m.case('preamble-with-delimiter', 'a delimiter of nobody before the first part', good.replace(b'--frontier\r\n', b'--evil\r\n\r\nPay 666\r\n--evil--\r\n--frontier\r\n', 1), 'fail', 'msgi-mismatch', integrity='mismatch')
    m.case('encoding-with-comment', 'a top encoding that only some readers know', good.replace(b'MIME-Version', b'Content-Transfer-Encoding: base64 (x)\r\nMIME-Version', 1), 'fail', 'msgc-mismatch', integrity='mismatch')
    m.case('msgc-only-mismatch', 'no msgi, and another text', m.forged(payload=drop(m.claims, 'msgi')).replace(b'um acht', b'um neun'), 'fail', 'msgi-mismatch', integrity='mismatch')
    m.case('msgi-malformed', 'the value RFC 9475 prints: 42 octets', m.forged(msgi='sha256-H8BRh8j48O9oYatfu5AZzq6A9RINQZngK7T62em8MUt1FLm52t+eX6xO'), 'fail', 'msgi-malformed', integrity='malformed')
    m.case('msgi-malformed-alphabet', 'base64url where base64 belongs', m.forged(msgi='sha256-' + '-_' * 21 + 'A='), 'fail', 'msgi-malformed')
    m.case('msgi-malformed-case', 'SHA256 in capitals', m.forged(msgi=m.claims['msgi'].replace('sha', 'SHA')), 'fail', 'msgi-malformed')
    m.case('constraint-violated', 'the certificate asks for a claim that is not there', m.forged('constrained'), 'fail', 'constraint-violated')
    m.case('stale', 'one second too old', good, 'fail', 'stale', now=NOW + 61)
    m.case('stale-no-digest', 'an hour is accepted, but not without a digest', m.forged(payload=drop(m.claims, 'msgi', 'msgc')), 'fail', 'stale',
           now=NOW + 61, settings=['MaxAge 1h', 'AllowReplay yes'])
    m.case('from-future', 'one second too far ahead', good, 'fail', 'from-future', now=NOW - 61)
    m.case('cert-untrusted', 'a CA nobody trusts', m.sign(key='rogue'), 'fail', 'cert-untrusted')
    m.case('cert-expired', 'the certificate had expired before iat', m.forged('old'), 'fail', 'cert-expired')
    m.case('cert-revoked', 'the certificate is on the list', m.sign(key='revoked'), 'fail', 'cert-revoked', settings=['RevocationList @PKI@/crl.pem'])
    m.case('cert-revoked-by-old-list', 'what was revoked stays so when the list gets old', m.sign(key='revoked'), 'fail', 'cert-revoked', settings=['RevocationList @PKI@/crl-old.pem'])
    m.case('cert-not-revoked', 'another certificate is on the list', good, 'pass', 'ok', settings=['RevocationList @PKI@/crl.pem'])
    m.case('number-not-authorised', 'a number outside the list', m.forged('other'), 'fail', 'number-not-authorised', authority='outside')
    m.case('number-not-authorised-no-list', 'a certificate without a list', m.forged('nolist'), 'fail', 'number-not-authorised', authority='none')


def diverted(m):
    good = m.sign()
    m.case('pass-diverted', 'forwarded, with a div token beside the msg token', m.div(BOB, DAVE) + good, 'pass', 'ok', rcpt=(DAVE,), dest_cover='diverted', dest=[BOB])
    m.case('pass-diverted-twice', 'forwarded twice, the fields in any order', m.div(CAROL, DAVE) + good.replace(b'From: ', m.div(BOB, CAROL) + b'From: ', 1),
           'pass', 'ok', rcpt=(DAVE,), dest_cover='diverted')
    m.case('pass-diverted-alias', 'one recipient stayed, the other was forwarded', m.div(BOB, DAVE) + good, 'pass', 'ok', rcpt=(BOB, DAVE), dest_cover='diverted')
    m.case('pass-broken-diversion', 'a broken div token that nobody needs', m.div(BOB, DAVE, spoil=True) + good, 'pass', 'ok', dest_cover='full')
    m.case('pass-diverted-behind-junk', 'a broken div token beside a good one', m.div(BOB, DAVE, spoil=True) + m.div(BOB, DAVE) + good, 'pass', 'ok', rcpt=(DAVE,), dest_cover='diverted')
    m.case('div-broken', 'the div token between is missing', m.div(CAROL, DAVE) + good, 'fail', 'div-broken', rcpt=(DAVE,), dest_cover='none')
    m.case('div-broken-authority', 'who forwards holds another number', m.div(BOB, DAVE, key='other') + good, 'fail', 'div-broken', rcpt=(DAVE,), dest_cover='none')
    m.case('div-broken-signature', "the div token's signature does not hold", m.div(BOB, DAVE, spoil=True) + good, 'fail', 'div-broken', rcpt=(DAVE,))
    m.case('div-broken-orig', 'the div token names another sender', m.div(BOB, DAVE, orig='15550100002') + good, 'fail', 'div-broken', rcpt=(DAVE,))
    m.case('div-broken-stale', 'the div token is an hour old', m.div(BOB, DAVE, iat=NOW - 3600) + good, 'fail', 'div-broken', rcpt=(DAVE,))
    m.case('div-broken-elsewhere', 'forwarded to another than the recipient', m.div(BOB, DAVE) + good, 'fail', 'div-broken', rcpt=(CAROL,))
    m.case('diverted-unreachable', "the div token's certificate can't be had now", m.div(BOB, DAVE, url=m.url('gone')) + good, 'temperror', 'cert-unreachable', rcpt=(DAVE,))
    m.case('div-alone', 'a div token and no msg token', m.div(BOB, DAVE) + MESSAGE, 'none', 'ppt-unsupported', rcpt=(DAVE,))


def other_words(m):
    good = m.sign()
    m.case('no-identity', 'unsigned', MESSAGE, 'none', 'no-identity')
    m.case('no-identity-report', 'calls itself a report of MM4: nothing but the channel makes it one', MESSAGE.replace(b'MM4_forward.REQ', b'MM4_delivery_report.REQ'), 'none', 'no-identity')
    forged = b'Authentication-Results: mx.b.example; x-stir=pass\r\nAuthentication-Results: other.example; x-stir=pass\r\n' \
        b'X-STIR-Policy: score=0\r\nauthentication-results: (c) "mx.b.example" ;\r\n x-stir\r\n =pass\r\n'
    m.case('no-identity-forged-results', 'unsigned, with results that pretend to be ours', forged + MESSAGE, 'none', 'no-identity')
    m.case('ppt-unsupported', 'a shaken token is no msg token', m.field(m.token(header=forge.header(m.url('a'), ppt='shaken')), params=';ppt=shaken') + MESSAGE, 'none', 'ppt-unsupported')
    m.case('ppt-absent', 'a base PASSporT of RFC 8225', m.field(m.token(header={k: v for k, v in forge.header(m.url('a')).items() if k != 'ppt'}), params='') + MESSAGE, 'none', 'ppt-unsupported')
    m.case('spc-not-authorised', 'the number is asked for, a provider is named', m.sign(key='spc'), 'policy', 'spc-not-authorised', settings=['Authority tn'])
    m.case('msgi-missing', 'a digest is asked for', m.forged(payload=drop(m.claims, 'msgi', 'msgc')), 'policy', 'msgi-missing', settings=['RequireMsgi yes'])
    m.case('cert-unreachable', 'nothing stands at x5u', m.forged(url=m.url('gone')), 'temperror', 'cert-unreachable')
    m.case('revocation-unknown', 'the only list is out of date, and one is asked for', good, 'temperror', 'revocation-unknown',
           settings=['RevocationList @PKI@/crl-old.pem', 'RevocationPolicy hard'])
    m.case('no-resource', 'a header larger than is looked at', good.replace(b'Subject: ', b'X-Filler: ' + b'x' * 900 + b'\r\nSubject: ', 1), 'temperror', 'no-resource', settings=['MaximumHeaders 1k'])
    m.case('identity-syntax', 'no info parameter', b'Identity: ' + m.token().encode() + b';ppt=msg\r\n' + MESSAGE, 'permerror', 'identity-syntax')
    m.case('identity-syntax-sendmail', "broken by a mailer's line folding: ! CRLF SP", m.field(m.token()[:60] + '!' + m.token()[60:]) + MESSAGE, 'permerror', 'identity-syntax')
    m.case('token-syntax', 'two parts', m.field(m.token().rsplit('.', 1)[0]) + MESSAGE, 'permerror', 'token-syntax')
    m.case('token-syntax-compact', 'the compact form', m.field('..' + m.token().rsplit('.', 1)[1]) + MESSAGE, 'permerror', 'token-syntax')
    m.case('token-syntax-crit', 'a critical header nobody knows', m.forged(header=forge.header(m.url('a'), crit=['b64'])), 'permerror', 'token-syntax')
    m.case('token-too-large', 'nine kilobytes', m.forged(hint='x' * 9000), 'permerror', 'token-too-large')
    m.case('alg-unsupported', 'alg none', m.field(m.token(header=forge.header(m.url('a'), alg='none')), params=';alg=none;ppt=msg') + MESSAGE, 'permerror', 'alg-unsupported')
    m.case('claims-invalid', 'iat is a string', m.forged(iat=str(NOW)), 'permerror', 'claims-invalid')
    m.case('claims-invalid-twice', 'orig twice: which one?', m.forged(payload=forge.text(m.claims)[:-1] + ',"orig":{"tn":"15550100009"}}'), 'permerror', 'claims-invalid')
    m.case('claims-invalid-two-identities', 'tn and uri in orig', m.forged(orig={'tn': A, 'uri': 'mailto:a@a.example'}), 'permerror', 'claims-invalid')
    m.case('info-mismatch', 'info is not x5u', m.field(m.token(), url=m.url('spc')) + MESSAGE, 'permerror', 'info-mismatch')
    m.case('ambiguous-sender', 'two From fields', b'From: +15550100002/TYPE=PLMN@mms.a.example\r\n' + good, 'permerror', 'ambiguous-sender')
    m.case('ambiguous-sender-list', 'two addresses in From', good.replace(b'From: ', b'From: +15550100002/TYPE=PLMN@mms.a.example, ', 1), 'permerror', 'ambiguous-sender')
    m.case('ambiguous-sender-bare-cr', 'a CR in a field: some readers see a From field behind it',
           good.replace(b'Subject: ', b'X-A: a\rFrom: +15550100009/TYPE=PLMN@mms.a.example\rX-B: b\r\nSubject: ', 1), 'permerror', 'ambiguous-sender')
    m.case('x5u-forbidden', 'plain http', m.forged(url='http://certs.example/a.pem'), 'permerror', 'x5u-forbidden')
    m.case('x5u-forbidden-query', 'a query', m.forged(url=m.url('a') + '?id=1'), 'permerror', 'x5u-forbidden')
    m.case('cert-invalid', 'both kinds of claim constraints', m.forged('bothrules'), 'permerror', 'cert-invalid')
    nine = m.field(m.token()[:-8] + 'AAAAAAAA') * 9
    m.case('nine-fields', 'nine fields with bad signatures', nine + MESSAGE, 'fail', 'bad-signature')


def main():
    with tempfile.TemporaryDirectory() as tmp:
        m = Maker(tmp)
        passing(m)
        failing(m)
        diverted(m)
        other_words(m)
    print(len(os.listdir(CASES)), 'cases')


if __name__ == '__main__':
    main()
