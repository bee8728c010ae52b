"""Makes tests/mailboxes/policy anew: mail that shows each rule of the policies in
conf/, what each policy is to say of it, and the PKI it was signed with.

Run by hand, from the top of the tree, when a message is added:
    STIRCTL=build/x/stirctl python3 tests/mailboxes/make.py
The results are committed.  What is expected is written here by hand, beside the
message, never taken from a program.  Private keys are forgotten.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
sys.path.insert(0, HERE)

import forge            # noqa: E402
import gateway_mail     # noqa: E402
import mm4_mail         # noqa: E402

OUT = os.path.join(HERE, 'policy')
STIRCTL = os.environ.get('STIRCTL', 'stirctl')
DAY = 86400
NOON = 1793556000       # 1 November 2026, 18:00 UTC: noon in Chicago
POLICIES = ('observe', 'carrier-mm4', 'mail-to-text-gateway')


def run(*args, data=None, quiet=False):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None, check=True).stdout


class Mail:
    """One message: fields and text as a carrier or a person would write them."""

    def __init__(self, sender, to, text, at=NOON, client='198.51.100.7', host=None, original_to=None, results=(), **fields):
        self.at, self.client, self.host = at, client, host or f'host-{client.split(".")[-1]}.example'
        self.original_to, self.results = original_to, results
        to = [to] if isinstance(to, str) else to
        self.fields = {'From': sender, 'To': ',\n '.join(to), 'Date': formatdate(at), **{k.replace('_', '-'): v for k, v in fields.items()}}
        self.text = text

    def octets(self):
        """What is signed: with LF."""
        return (''.join(f'{k}: {v}\n' for k, v in self.fields.items() if v is not None) + '\n' + self.text).encode()

    def arrived(self, octets, more=''):
        """The same, as our MTA stores it once it was signed (or not) and sent."""
        day = formatdate(self.at + 2)
        top = ''.join(f'{r}\n' for r in self.results)
        if self.original_to:
            top += f'X-Original-To: {self.original_to}\n'
        top += f'Received: from {self.host} ({self.host} [{self.client}])\n\tby mx.gateway.example (Postfix) with ESMTP id 4A11B0C7;\n\t{day}\n{more}'
        return top.encode() + octets


class Maker:
    def __init__(self, tmp):
        self.tmp = tmp
        self.rows = {p: [] for p in POLICIES}
        shutil.rmtree(OUT, ignore_errors=True)
        os.makedirs(OUT)
        self.pki_dir = os.path.join(OUT, 'pki')
        self.certs = os.path.join(self.pki_dir, 'certs')
        os.makedirs(self.pki_dir)
        for pki in 'pki', 'rogue-pki':
            run(STIRCTL, 'pki', 'init', self.path(pki), '--name', pki, '--not-before', str(NOON - 365 * DAY), '--not-after', str(NOON + 3650 * DAY))
        shutil.copy(self.path('pki', 'anchors.pem'), os.path.join(self.pki_dir, 'anchors.pem'))
        numbers = 'tn:+12025550100..+12025550199'
        self.issue('a', numbers)
        self.issue('known', numbers)
        self.issue('other', 'tn:+13125550100..+13125550199')
        self.issue('spc', 'spc:123A')
        self.issue('blocked', 'spc:666X')
        self.issue('rogue', numbers, pki='rogue-pki')
        self.issue('expired', numbers, end=-DAY)
        self.issue('ending', numbers, end=2 * DAY)
        self.issue('revoked', numbers)
        self.revoke('revoked')

    def path(self, *names):
        return os.path.join(self.tmp, *names)

    @staticmethod
    def url(key):
        return f'https://certs.example/{key}.pem'

    def issue(self, key, tn_auth, pki='pki', end=80 * DAY):
        run(STIRCTL, 'pki', 'issue', self.path(pki), '--tn-auth', tn_auth, '--url', self.url(key), '--out', self.path(key), '--certs', self.certs,
            '--not-before', str(NOON - 60 * DAY), '--not-after', str(NOON + end))

    def revoke(self, key):
        index, conf = self.path('index.txt'), self.path('ca.cnf')
        open(index, 'a').close()
        with open(conf, 'w') as f:
            f.write('\n'.join([
                '[ca]', 'default_ca=c', '[c]', f'database={index}', f'certificate={self.path("pki", "ca.pem")}',
                f'private_key={self.path("pki", "ca.key.pem")}', 'default_md=sha256', '']))
        run('openssl', 'ca', '-config', conf, '-revoke', self.path(key + '.pem'), '-crl_reason', 'keyCompromise', quiet=True)
        run('openssl', 'ca', '-config', conf, '-gencrl', '-out', os.path.join(self.pki_dir, 'crl.pem'),
            '-crl_lastupdate', '20261001000000Z', '-crl_nextupdate', '20361001000000Z', quiet=True)

    # --- signing

    def sign(self, mail, key='a', at=None):
        return run(STIRCTL, 'sign', '--key', self.path(key + '.key'), '--cert', self.path(key + '.pem'), '--x5u', self.url(key),
                   '--now', str(mail.at if at is None else at), '-', data=mail.octets())

    def claims(self, octets):
        value = re.sub(rb'\s', b'', re.match(rb'Identity: ((?:[^\n]|\n )*)', octets).group(1))
        return json.loads(base64.urlsafe_b64decode(value.split(b'.')[1] + b'=='))

    def forge(self, mail, key='a', url=None, drop=(), **claims):
        """Signed with any claims, also those that stirctl would not sign."""
        payload = {k: v for k, v in {**self.claims(self.sign(mail)), **claims}.items() if k not in drop}
        url = url or self.url(key)
        tok = forge.token(self.path(key + '.key'), forge.header(url), payload)
        return forge.field(tok, url) + mail.octets()

    # --- writing

    def add(self, name, octets, **expected):
        """expected: POLICY='verdict score RULE RULE?...'; '?' ends a rule in shadow."""
        path = os.path.join(OUT, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(octets, list):
            octets = b''.join(b'From sender@example.net Sun Nov  1 18:00:00 2026\n' + re.sub(rb'(?m)^From ', b'>From ', o) + b'\n' for o in octets)
        with open(path, 'wb') as f:
            f.write(octets)
        for policy, row in expected.items():
            if not row:
                continue
            for at, text in (row if isinstance(row, dict) else {1: row}).items():
                would, score, *rules = text.split()
                self.rows[policy.replace('_', '-')].append((name, str(at), would, score, ' '.join(sorted(rules)) or '-'))

    def finish(self):
        for policy, rows in self.rows.items():
            with open(os.path.join(OUT, policy + '.tsv'), 'w') as f:
                f.write('# message\tindex\twould\tscore\trules (? in shadow)\n')
                f.writelines('\t'.join(r) + '\n' for r in sorted(rows, key=lambda r: (r[0], int(r[1]))))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        m = Maker(tmp)
        mm4_mail.make(m, Mail, NOON)
        gateway_mail.make(m, Mail, NOON)
        m.finish()
    print(sum(len(files) for _, _, files in os.walk(OUT)), 'files')


if __name__ == '__main__':
    main()
