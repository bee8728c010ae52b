"""A small world to try policies in: a PKI, a number plan, labelled mailboxes of signed, unsigned and forged messages, a policy."""

import email.utils
import os
import pathlib
import subprocess

import tap

STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
NOW = 1795536100
URL = 'https://certs.alpha.example/mms/signer.pem'
FROM = '+15555550101'

POLICY = '''policy 1  mode enforce
list shorteners host { "bit.ly", "tinyurl.com" }
list friends    tn   { +15555550101, +15555550199 }
rate tn_hour key orig.tn limit 3 per 1h
peer partner { match client in 192.0.2.0/24  expect signed }

rule FORGED   { when reason == msgi-mismatch          score 9   describe "not the content that was signed" }
rule UNSIGNED { when verify == none and peer.expect == signed  score 4 }
rule SHORT    { when any(url.host) in @shorteners     score 1.5 per url.count max 4  group content }
rule LOUD     { when any(text) ~ /WINNER/             score 3   group content }
rule SMISH    { when UNSIGNED and SHORT               score 5   absorb SHORT }
rule BURST    { when over(tn_hour) and orig.tn not in @friends   score 2 }
rule BLOCKED  { when orig.tn == +15555550166          final reject 5.7.1 "number blocked" }
rule NEW shadow { when orig.first_seen < 7d           score 2 }
group content { max 4 }
actions { tag at 4  quarantine at 8  reject 5.7.1 "message refused" at 15 }
test "forged content is held" {
    given  verify fail, reason msgi-mismatch
    expect quarantine, score 9, hit FORGED
}
'''


def run(*args, data=None, want=0, env=None):
    """stirctl with these arguments; says when the status is not the wanted one (None: any)."""
    r = subprocess.run([STIRCTL, *map(str, args)], input=data, capture_output=True, timeout=600, env=env, check=False)
    if want is not None and r.returncode != want:
        tap.note(f'{args}: status {r.returncode}, want {want}\n{r.stderr.decode(errors="replace")}')
    return r


def message(n, sender=FROM, text='hello', received=NOW, client='192.0.2.9', extra=''):
    """One message as it is stored: with the Received field of our own Postfix, unless client is None."""
    stamp = date_of(received)
    top = ''
    if client:
        top = f'Received: from mm4.partner.example (mm4.partner.example [{client}])\n\tby mx.beta.example (Postfix) with ESMTPS id {n:06X}\n\tfor <+15555550102@mms.beta.example>; {stamp}\n'
    return (f'{top}From: {sender}@mms.alpha.example\nTo: +15555550102@mms.beta.example\nMessage-ID: <{n}@mms.alpha.example>\n'
            f'Date: {stamp}\n{extra}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}\n').encode()


def date_of(t):
    return email.utils.formatdate(t)


def mbox(path, messages):
    with open(path, 'wb') as f:
        for m in messages:
            f.write(b'From MAILER-DAEMON Tue Nov 24 16:57:24 2026\n' + m.replace(b'\nFrom ', b'\n>From ') + b'\n')
    return path


class World:
    def __init__(self, top):
        self.top = pathlib.Path(top)
        pki, certs, plan = self.top / 'pki', self.top / 'certs', self.top / 'plan'
        run('pki', 'init', pki, '--not-before', NOW - 86400)
        run('pki', 'issue', pki, '--tn-auth', 'tn:' + FROM, '--url', URL, '--certs', certs, '--not-before', NOW - 86400)
        plan.write_text('mms.alpha.example nanp\nmms.beta.example nanp\n')
        self.sign = ['--key', pki / 'signer.key', '--cert', pki / 'signer.pem', '--x5u', URL, '--plan', plan]
        self.verify = ['--trust', pki / 'anchors.pem', '--certs', certs, '--plan', plan]
        self.policy = self.write('inbound.policy', POLICY)

    def write(self, name, text):
        path = self.top / name
        path.write_text(text)
        return path

    def signed(self, box, now=NOW):
        """The mbox with each message signed, as of now; below its Received field, as a relay before ours would have."""
        r = run('sign', *self.sign, '--now', now, box, want=None)
        return r.stdout

    def mailboxes(self, wanted=12, abuse=8):
        """wanted.mbox: signed mail and some that is not ours to judge; abuse.mbox: forged, unsigned with links, blocked."""
        plain = [message(i, text=f'hello number {i}', received=NOW + i) for i in range(wanted)]
        box = self.signed(mbox(self.top / 'plain.mbox', plain))
        self.wanted = self.top / 'wanted.mbox'
        self.wanted.write_bytes(box + b''.join([b'From x Tue Nov 24 16:57:24 2026\n', b'Received: from a (b [198.51.100.7])\n\tby mx.beta.example; '
                                + date_of(NOW).encode() + b'\nFrom: anna@example.net\nTo: bert@example.net\n\nordinary mail\n\n']))
        forged = self.signed(mbox(self.top / 'f.mbox', [message(100 + i, text='parcel waits', received=NOW + 1 + i) for i in range(abuse)]))
        forged = forged.replace(b'parcel waits', b'parcel is lost')
        bad = [message(200 + i, sender='+15555550177', text='WINNER http://bit.ly/x http://bit.ly/y', received=NOW + 90 + i) for i in range(abuse)]
        bad += [message(300, sender='+15555550166', received=NOW + 200)]
        self.abuse = self.top / 'abuse.mbox'
        self.abuse.write_bytes(forged + mbox(self.top / 'b.mbox', bad).read_bytes())
        return ['--wanted', self.wanted, '--abuse', self.abuse]
