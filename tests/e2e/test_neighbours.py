"""The filters that stand beside stir-milter, as real programs with the files of
conf/ as shipped: OpenDKIM, rspamd, SpamAssassin, Sieve; each way the verdicts go,
and what a stranger's word is worth to each of them."""

import os
import re

import lab as lab_module
import neighbours
import scenarios
from lab import HOST, Milter, Postfix, Sink, free_port, send
from sendmail import Sendmail
from tap import done, is_equal, note, ok, skip

lab_module.Lab.or_skip()
neighbours.or_skip()

ME = 'mx.b.example'
DOMAIN = 'mms.a.example'
TO = scenarios.BOB + '@out.example'
STRANGER = 'ADDR=192.0.2.9 NAME=[UNAVAILABLE]'
POLICY = '''policy 1 mode tag
rule DKIM_OK   { when dkim == pass and all(dkim.domain) in {"mms.a.example"} }
rule DKIM_BAD  { when dkim != pass }
rule ALIGNED   { when dmarc.aligned == yes }
rule UNALIGNED { when dmarc.aligned == no }
rule HELD      { when verify == fail  score 9 }
actions { tag at 4  quarantine at 8 }
'''


def unix(*daemons):
    """For smtpd_milters, in that order."""
    return ', '.join(f'inet:{HOST}:{d.milter_port}' if hasattr(d, 'milter_port') else f'unix:{d.socket}' for d in daemons)


class Chain(Postfix):
    """smtpd_milters as it is given; more listeners, each with its own."""

    def __init__(self, lab, name, milters, port, others=()):
        self.milters = milters
        super().__init__(lab, name, None, {'*': port})
        with open(f'{self.dir}/etc/main.cf', 'a') as f:
            f.write(f'smtpd_milters = {milters}\nmilter_default_action = tempfail\nnon_smtpd_milters =\n'
                    'mynetworks = 127.0.0.0/8 192.0.2.0/24\n')
        with open(f'{self.dir}/etc/master.cf', 'a') as f:
            for other, chain in others:
                f.write(f'{HOST}:{other} inet n - n - - smtpd -o {{ smtpd_milters = {chain} }}\n')


class NeighbourLab(lab_module.Lab):
    """A: stir-milter, OpenDKIM.  B takes in at two ports: OpenDKIM, stir-milter, rspamd;
    and rspamd, stir-milter."""

    def make_carriers(self):
        self.sink, self.out = Sink(), Sink()
        key, record, public_keys = neighbours.dkim_key(self, 'dkim', DOMAIN)
        self.names = neighbours.NameServer({f's1._domainkey.{DOMAIN}': record, f'_dmarc.{DOMAIN}': 'v=DMARC1; p=reject'})
        policy = neighbours.write(self.path('p.policy'), POLICY)
        verifier = f'''Mode v
AuthservID {ME}
TrustAnchors {self.path('pki', 'anchors.pem')}
CertificateDir {self.path('certs')}
NumberPlan {self.path('plan')}
Policy {policy}
'''
        self.stir_a = self.up(Milter(self, 'stir-a', f'''Mode s
InternalHosts 127.0.0.0/8
KeyFile {self.path('a.key')}
CertificateFile {self.path('a.pem')}
CertificateURL https://certs.example/a.pem
NumberPlan {self.path('plan')}
'''))
        self.stir_b = self.up(Milter(self, 'stir-b', verifier + 'TrustedResults dkim\n'))
        self.stir_c = self.up(Milter(self, 'stir-c', verifier + 'TrustedResults dkim, dmarc\n'))
        self.signer = self.up(neighbours.OpenDKIM(self, 'opendkim-a', 'opendkim/stir-sign.conf', ME,
                                                  f'Domain {DOMAIN}\nSelector s1\nKeyFile {key}\nRequireSafeKeys no\n'))
        self.dkim = self.up(neighbours.OpenDKIM(self, 'opendkim-b', 'opendkim/stir-verify.conf', ME, f'TestPublicKeys {public_keys}\n'))
        rules = {'plugins.d/stir.lua': neighbours.shipped('rspamd/plugins.d/stir.lua', ME),
                 'rspamd.conf.local': neighbours.shipped('rspamd/rspamd.conf.local', ME)}
        self.rspamd = self.up(neighbours.Rspamd(self, 'rspamd-behind', self.names, {
            **rules, 'local.d/milter_headers.conf': 'use = ["x-spamd-result"];\n'}))
        self.rspamd_first = self.up(neighbours.Rspamd(self, 'rspamd-first', self.names, {
            'plugins.d/stir.lua': rules['plugins.d/stir.lua'], 'rspamd.conf.local': 'stir { own_hops = 0; }\n',
            'local.d/milter_headers.conf': neighbours.shipped('rspamd/local.d/milter_headers.conf', ME)}))
        self.first_port = free_port()
        self.a = Chain(self, 'a', unix(self.stir_a, self.signer), self.out.port)
        self.b = Chain(self, 'b', unix(self.dkim, self.stir_b, self.rspamd), self.sink.port,
                       [(self.first_port, unix(self.rspamd_first, self.stir_c))])
        self.up(self.b)
        self.up(self.a)
        self.trials = 0

    def signed(self, marker, **kw):
        """As it leaves A, with both signatures."""
        send(self.a.port, scenarios.ALICE, [TO], scenarios.mms(marker, to=(TO,), **kw))
        return self.out.find(b'X-Lab: ' + marker.encode() + b'\r\n')[2]

    def delivered(self, octets, port=None, top='', sender=scenarios.ALICE, rcpt=TO):
        """As it leaves B, when a stranger brings it."""
        self.trials += 1
        mark = f'X-Trial: {self.trials}.\r\n'.encode()
        send(port or self.b.port, sender, [rcpt], top.encode() + mark + octets, STRANGER)
        return self.sink.find(mark)[2]

    def stop(self):
        super().stop()
        for name in ('out', 'names'):
            if hasattr(self, name):
                getattr(self, name).close()


# --- reading ---------------------------------------------------------------------------

def field(octets, name):
    """The values of a field, each on one line."""
    head = re.sub(rb'\r\n[ \t]+', b' ', octets.split(b'\r\n\r\n', 1)[0]).decode('latin-1')
    return [line.split(':', 1)[1].strip() for line in head.split('\r\n') if line.lower().startswith(name.lower() + ':')]


def result(octets, method):
    """The word of the first result of that method of our host."""
    for value in field(octets, 'Authentication-Results'):
        found = re.search(rf'[; ]{method}=(\w+)', value)
        if found and value.startswith(ME + ';'):
            return found.group(1)
    return None


def rules(octets):
    policy = field(octets, 'X-STIR-Policy')
    return set(re.findall(r'[,=]([A-Z_]+)\(', re.search(r'rules=\S+', policy[0]).group(0))) if len(policy) == 1 else set()


def broken_signature(octets):
    """One character inside the PASSporT's signature is another."""
    spot = octets.index(b';info=') - 20
    while octets[spot:spot + 1] in b'\r\n\t .':
        spot -= 1
    return octets[:spot] + (b'A' if octets[spot:spot + 1] != b'A' else b'B') + octets[spot + 1:]


# --- OpenDKIM --------------------------------------------------------------------------

def check_dkim(lab):
    raw = lab.signed('dkim')
    signed = re.search(r' h=([^;]*);', field(raw, 'DKIM-Signature')[0].replace(' ', '').replace(';', '; ')).group(1).lower().split(':')
    is_equal(signed.count('identity'), 2, 'A: DKIM signs Identity, and that there is no second one')
    ok('authentication-results' not in signed and 'x-stir-policy' not in signed, '... and no result')
    whole = lab.delivered(raw)
    is_equal((result(whole, 'dkim'), result(whole, 'x-stir')), ('pass', 'pass'), 'B: both signatures hold')
    ok('DKIM_OK' in rules(whole), "... the policy knows of DKIM's, by TrustedResults")
    ok(re.search(r'verification \(s=s1, d=mms.a.example, .*\) succeeded', lab.dkim.check(whole)), 'the fields that B added break no DKIM signature')
    changed = lab.delivered(broken_signature(raw))
    is_equal((result(changed, 'dkim'), result(changed, 'x-stir')), ('fail', 'fail'), 'a change in Identity breaks DKIM')
    extra = b'Identity: ' + field(raw, 'Identity')[0].encode() + b'\r\n'
    is_equal(result(lab.delivered(extra + raw), 'dkim'), 'fail', '... and so does a second one')
    other = lab.delivered(b'Authentication-Results: relay.example; dkim=fail; x-stir=fail\r\nX-Relay: yes\r\n' + raw)
    is_equal((result(other, 'dkim'), result(other, 'x-stir')), ('pass', 'pass'), "a relay's result and field break neither")
    ok(any(v.startswith('relay.example') for v in field(other, 'Authentication-Results')), '... and stay where they were')


def check_dkim_forged(lab):
    plain = scenarios.mms('dkimforged', to=(TO,))
    claim = f'Authentication-Results: {ME}; dkim=pass header.d={DOMAIN}; dmarc=pass header.from={DOMAIN}\r\n'
    arrived = lab.delivered(plain, top=claim)
    ok('DKIM_OK' not in rules(arrived), f"a forged dkim=pass under our name is not believed {rules(arrived)}")
    ok(not rules(arrived) & {'ALIGNED', 'UNALIGNED'}, '... nor dmarc=pass, where no filter of ours writes it')
    many = [f'Authentication-Results: {who}; dmarc=pass header.from={n}.example\r\n' for n, who in enumerate((ME, 'relay.example', ME.upper(), ME, 'relay.example'))]
    kept = [re.findall(r'from=(\d)', v) for v in field(lab.delivered(plain, top=''.join(many)), 'Authentication-Results') if 'dmarc=' in v]
    is_equal(kept, [['1'], ['4']], 'OpenDKIM deletes every result under our name, also of DMARC, and no other')
    arrived = lab.delivered(plain, top=claim.replace(ME, 'mx.evil.example'))
    ok(not rules(arrived) & {'DKIM_OK', 'ALIGNED', 'UNALIGNED'}, '... nor that of another host')


SENDMAIL_LISTENERS = """\
INPUT_MAIL_FILTER(`stir-out', `S=local:{a}, F=T')dnl
INPUT_MAIL_FILTER(`opendkim-out', `S=local:{signer}, F=T')dnl
INPUT_MAIL_FILTER(`opendkim', `S=local:{dkim}, F=T')dnl
DAEMON_OPTIONS(`Name=OUT, Addr={host}, Port={out},
	InputMailFilters=stir-out;opendkim-out')dnl
DAEMON_OPTIONS(`Name=IN, Addr={host}, Port={into},
	InputMailFilters=opendkim;stir-milter')dnl
"""


def check_sendmail(lab):
    """The same order at Sendmail, per listener."""
    why = Sendmail.missing()
    if why:
        if os.environ.get(Sendmail.NEED):
            ok(False, why)
        else:
            skip(why)
        return
    out, into = free_port(), free_port()
    listeners = SENDMAIL_LISTENERS.format(a=lab.stir_a.socket, signer=lab.signer.socket, dkim=lab.dkim.socket, host=HOST, out=out, into=into)
    lab.up(Sendmail(lab, 's', lab.stir_b, {'*': lab.sink.port}, listeners=listeners))
    send(out, scenarios.ALICE, [TO], scenarios.mms('sendmail', to=(TO,)))
    raw = lab.sink.find(b'X-Lab: sendmail\r\n')[2]
    ok(b'x-stir' not in raw and len(field(raw, 'Identity')) == 1, 'Sendmail: the listener for what leaves signs, and verifies nothing')
    send(into, scenarios.ALICE, [TO], b'X-Trial: sendmail\r\n' + raw)
    arrived = lab.sink.find(b'X-Trial: sendmail\r\n')[2]
    is_equal((result(arrived, 'dkim'), result(arrived, 'x-stir')), ('pass', 'pass'), '... the one for what comes verifies both')
    ok('DKIM_OK' in rules(arrived), '... DKIM first, so that the policy knows')
    send(into, scenarios.ALICE, [TO], b'X-Trial: sendmail-broken\r\n' + broken_signature(raw))
    is_equal(result(lab.sink.find(b'X-Trial: sendmail-broken\r\n')[2], 'dkim'), 'fail', '... and DKIM covers Identity')


# --- DMARC -----------------------------------------------------------------------------

def check_dmarc(lab):
    """rspamd before stir-milter: the real DMARC result of our own host."""
    raw = lab.signed('dmarc')
    arrived = lab.delivered(raw, lab.first_port)
    is_equal((result(arrived, 'dkim'), result(arrived, 'dmarc'), result(arrived, 'x-stir')), ('pass', 'pass', 'pass'), 'rspamd, then STIR: all three pass')
    ok({'ALIGNED', 'DKIM_OK'} <= rules(arrived), f'... and the policy has dmarc.aligned == yes {rules(arrived)}')
    claim = f'Authentication-Results: {ME}; dkim=pass header.d={DOMAIN}; dmarc=pass header.from={DOMAIN}\r\n'
    forged = lab.delivered(scenarios.mms('dmarcforged', to=(TO,)), lab.first_port, top=claim + 'Authentication-Results: relay.example; none\r\n')
    is_equal([w for v in field(forged, 'Authentication-Results') for w in re.findall(r'dmarc=\w+', v)], ['dmarc=fail'],
             'a forged dmarc=pass is gone, and the true one is fail')
    ok(b'relay.example' not in forged, "... and so is any host's: rspamd deletes them all, and may not do so behind stir-milter")
    ok('UNALIGNED' in rules(forged) and 'ALIGNED' not in rules(forged), '... so dmarc.aligned == no')
    foreign = scenarios.mms('nodmarc', sender='+15550100001/TYPE=PLMN@mms.other.example', to=(TO,))
    ok('ALIGNED' not in rules(lab.delivered(foreign, lab.first_port, top=claim.replace(DOMAIN, 'mms.other.example'))),
       'a domain without DMARC is aligned with nothing')


# --- what rspamd, SpamAssassin and Sieve are shown -----------------------------------------

RECEIVED = 'Received: from client.example (unknown [192.0.2.9])\r\n\tby mx.b.example (Postfix) with ESMTP id 0000000001;\r\n\tThu, 1 Jan 2026 00:00:00 +0000\r\n'
PASS = 'Authentication-Results: {}; x-stir=pass reason=ok policy.orig-tn=15550100001\r\n policy.authority=tn policy.msgi=raw policy.dest=full policy.age=3\r\n'
REFUSED = 'X-STIR-Policy: score=9.00 action=tag would=reject rules=A(9.00) policy=0\r\n'


def gallery(lab):
    """{name: (message, rspamd's symbols, SpamAssassin's rules, mailbox)}: by way of B, and
    what could only come where stir-milter did not stand."""
    plain = scenarios.mms('gallery', to=(TO,))
    raw = lab.signed('shown')
    tampered = raw.replace(b'at eight?', b'at  nine?')
    held = {'STIR_FAIL', 'STIR_HELD'}
    url = 'https://certs.example/gone.pem'
    gone = lab.must('sign', '--key', lab.path('a.key'), '--cert', lab.path('a.pem'), '--x5u', url, '--rcpt', TO, '-', input=plain)
    ordinary = b'From: ann@people.example\r\nTo: ben@people.example\r\nSubject: lunch\r\n\r\nAt noon.\r\n'
    through = {
        'signed': (lab.delivered(raw), {'STIR_PASS', 'STIR_PASS_FULL'}, 'INBOX'),
        'tampered': (lab.delivered(tampered), held | {'STIR_CHANGED'}, 'STIR suspect'),
        'forged signature': (lab.delivered(broken_signature(raw)), held | {'STIR_FORGED'}, 'STIR suspect'),
        'unsigned': (lab.delivered(plain), {'STIR_NONE'}, 'STIR unsigned'),
        'no certificate': (lab.delivered(gone), {'STIR_TEMPERROR'}, 'STIR unclear'),
        'forged pass, sent to B': (lab.delivered(plain, top=PASS.format(ME)), {'STIR_NONE'}, 'STIR unsigned'),
        'forged pass and policy, on ordinary mail': (
            lab.delivered(ordinary, top=PASS.format(ME) + REFUSED, sender='ann@people.example', rcpt='ben@people.example'), set(), 'INBOX'),
    }
    text = plain.decode()
    none = PASS.format(ME).replace('=pass reason=ok', '=none reason=no-identity')
    fail = PASS.format(ME).replace('=pass reason=ok', '=fail reason=bad-signature')
    alone = {
        'a pass of another host': (PASS.format('mx.evil.example') + RECEIVED + text, {'STIR_FOREIGN'}, 'INBOX'),
        'a pass of ours, in the message when it came': (RECEIVED + PASS.format(ME) + text, {'STIR_FOREIGN'}, None),
        '... and ours above it': (none + RECEIVED + PASS.format(ME) + text, {'STIR_NONE', 'STIR_FOREIGN'}, 'STIR unsigned'),
        'ours, above a forged fail': (PASS.format(ME) + RECEIVED + fail + text, {'STIR_PASS', 'STIR_PASS_FULL', 'STIR_FOREIGN'}, 'INBOX'),
        'a fail of another host': (fail.replace(ME, 'mx.evil.example') + RECEIVED + text, {'STIR_FOREIGN'}, 'INBOX'),
        'two results that could be ours': (PASS.format(ME) + PASS.format(ME) + RECEIVED + text, {'STIR_AMBIGUOUS'}, 'INBOX'),
        'a name that begins as ours': (PASS.format(ME + '.evil.example') + RECEIVED + text, {'STIR_FOREIGN'}, 'INBOX'),
        'a pass behind another method': (PASS.format(ME).replace('; x-stir', '; x=y x-stir') + RECEIVED + text, {'STIR_FOREIGN'}, 'INBOX'),
        'a policy field without a result': (REFUSED + RECEIVED + text, set(), 'INBOX'),
    }
    shown = dict(through)
    shown.update({k: (lab_module.crlf(m.encode()), s, box) for k, (m, s, box) in alone.items()})
    return shown


def check_rspamd(lab, shown):
    code, said = lab.rspamd.config_test()
    ok(code == 0 and 'syntax OK' in said and 'stir' not in said, 'rspamadm configtest: the shipped files are well') or note(said)
    scores = {'STIR_FORGED': 5.0, 'STIR_CHANGED': 3.0, 'STIR_REPLAYED': 4.0}
    for name, (octets, want, _) in shown.items():
        found = lab.rspamd.symbols(octets)
        is_equal(set(found), want, f'rspamd: {name}')
        is_equal({n: s for n, (s, _) in found.items() if s}, {n: scores[n] for n in want if n in scores}, '... scores what is clearly bad, nothing else')
    signed = shown['signed'][0]
    is_equal(lab.rspamd.symbols(signed, '127.0.0.1'), {}, "mail of our own hosts is signed, not verified: its fields count for nothing")
    is_equal(lab.rspamd.symbols(shown['tampered'][0])['STIR_FAIL'][1], 'msgi-mismatch', 'the reason stands with the symbol')
    behind = field(shown['tampered'][0], 'X-Spamd-Result')
    ok(len(behind) == 1 and 'STIR_CHANGED(3.00)' in behind[0] and 'STIR_FAIL(0.00)[msgi-mismatch]' in behind[0], 'as a milter behind stir-milter it finds the same') or note(behind)


def check_rspamd_log(lab, shown):
    """configtest runs no plugin, so the log is where a plugin speaks."""
    ok(f'stir: reads the results of {ME}' in lab.rspamd.log(), "rspamd's log says whose results are read")
    ok('authserv_id = ' in lab.rspamd_first.log(), '... and without authserv_id, what to write')
    is_equal(lab.rspamd_first.symbols(shown['signed'][0]), {}, '... and nothing is read')


def check_spamassassin(lab, shown):
    assassin = neighbours.SpamAssassin(lab, ME)
    code, said = assassin.lint()
    ok(code == 0 and said == '', 'spamassassin --lint: nothing to say of stir.cf') or note(said)
    # It has no rule for what counts for nothing.
    silent = {'STIR_FOREIGN', 'STIR_AMBIGUOUS'}
    scores = {'STIR_FORGED': 3.5, 'STIR_CHANGED': 2.0, 'STIR_REPLAYED': 3.0}
    found = assassin.rules([octets for octets, _, _ in shown.values()])
    if not ok(None not in found, 'spamassassin -t reports on every message'):
        return
    for (name, (_, want, _)), rule in zip(shown.items(), found):
        is_equal(set(rule), want - silent, f'SpamAssassin: {name}')
        is_equal({n: s for n, s in rule.items() if abs(s) >= 0.1}, {n: scores[n] for n in want if n in scores}, '... scores what is clearly bad, nothing else')


def check_sieve(lab, shown):
    sieve = neighbours.Sieve(lab, 'sieve/stir.sieve', ME)
    code, said = sieve.compile()
    ok(code == 0 and said == '', 'sievec compiles stir.sieve') or note(said)
    for name, (octets, _, box) in shown.items():
        if box:
            is_equal(sieve.mailbox(octets), box, f'Sieve: {name}')
    # Where no policy decides, the result does.
    without = re.sub(rb'X-STIR-Policy: (?:[^\r]|\r\n[ \t])*\r\n', b'', shown['tampered'][0])
    is_equal(sieve.mailbox(without), 'STIR failed', 'Sieve: tampered, without a policy')


with NeighbourLab() as lab:
    check_dkim(lab)
    check_dkim_forged(lab)
    check_sendmail(lab)
    check_dmarc(lab)
    shown = gallery(lab)
    check_rspamd(lab, shown)
    check_rspamd_log(lab, shown)
    check_spamassassin(lab, shown)
    check_sieve(lab, shown)
    is_equal((lab.stir_a.stop(), lab.stir_b.stop(), lab.stir_c.stop()), (0, 0, 0), 'every stir-milter ends cleanly on TERM')
done()
