"""What stirctl pki makes, in front of the real stir-milter: delegates, and
revocation lists from files and from the network, direct and indirect."""

import os
import re
import shutil
import subprocess
import time

import forge
import tap
from httpsworld import Answer, HttpsWorld
from milterclient import send_message
from milterdaemon import MAIL, RCPT, SENDER, STIRCTL, Place

DAY = 86400
NUMBERS = 'tn:+15550100000+1000'


class PkiPlace(Place):
    def __init__(self):
        super().__init__()
        self.world = HttpsWorld(self.dir)
        self.dirs = self.path('certs')
        os.makedirs(self.dirs)

    def issue(self, name, *more, tn_auth=NUMBERS, command='issue', by='pilot'):
        self.ctl('pki', command, self.path(by), '--tn-auth', tn_auth, '--url', f'https://certs.example/{name}.pem', '--out', self.path(name), '--certs', self.dirs, *more)

    def conf(self, name, *lines, base=None):
        mine = ['UMask 007', 'VerifyMTA MM4IN', 'AuthservID mx.b.example', f'CertificateDir {self.dirs}']
        return super().conf(name, *lines, base=mine if base is None else base)

    def sign(self, name):
        url = f'https://certs.example/{name}.pem'
        return subprocess.run([STIRCTL, 'sign', '--key', self.path(name + '.key'), '--cert', self.path(name + '.pem'), '--x5u', url, '--rcpt', RCPT, '-'],
                              input=MAIL, stdout=subprocess.PIPE, check=True, timeout=30).stdout

    def forge(self, name):
        """stirctl would not sign for a number that is not the certificate's."""
        url = f'https://certs.example/{name}.pem'
        claims = {'dest': {'tn': ['15550200002']}, 'iat': int(time.time()), 'msgi': forge.msgi(MAIL.split(b'\r\n\r\n', 1)[1]), 'orig': {'tn': '15550100001'}}
        return forge.field(forge.token(self.path(name + '.key'), forge.header(url), claims), url).replace(b'\n', b'\r\n') + MAIL

    def judge(self, d, name, octets=None):
        r = send_message(d.socket, octets or self.sign(name), SENDER, [RCPT], daemon_name='MM4IN')
        field = ' '.join(''.join(r.inserted('Authentication-Results')).split())
        return ' '.join(re.search(r'x-stir=(\w+) reason=([\w-]+)', field).groups())

    def crl(self, *more):
        self.ctl('pki', 'crl', self.path('pilot'), *more)

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()


def test_delegate(p):
    p.issue('carrier', '--delegating')
    p.issue('shop', command='delegate', by='carrier', tn_auth='tn:+15550100000+100')
    p.issue('other', command='delegate', by='carrier', tn_auth='tn:+15550100900+100')
    os.makedirs(p.path('fake'))
    shutil.copy(p.path('carrier.pem'), p.path('fake/ca.pem'))
    shutil.copy(p.path('carrier.key'), p.path('fake/ca.key.pem'))
    p.issue('beyond', by='fake', tn_auth='tn:+15550100000+5000')
    with open(p.path('certs/certs.example/beyond.pem'), 'ab') as f:
        f.write(p.read('pilot/ca.pem'))
    d = p.daemon('delegate', f'TrustAnchors {p.path("pilot/anchors.pem")}', 'Authority tn')
    tap.is_equal(p.judge(d, 'shop'), 'pass ok', 'a delegate with the number')
    tap.is_equal(p.judge(d, 'other', p.forge('other')), 'fail number-not-authorised', 'one with other numbers')
    tap.is_equal(p.judge(d, 'beyond'), 'fail cert-untrusted', 'one beyond its parent, which stirctl would not have made')


def test_file(p):
    for name in ('good', 'bad'):
        p.issue(name)
    p.ctl('pki', 'revoke', p.path('pilot'), p.path('bad.pem'), '--reason', 'keyCompromise')
    p.crl()
    anchors, crls = f'TrustAnchors {p.path("pilot/anchors.pem")}', f'RevocationList {p.path("pilot/crl.pem")}'
    hard = p.daemon('hard', anchors, crls, 'RevocationPolicy hard')
    soft = p.daemon('soft', anchors, crls)
    for d in (hard, soft):
        tap.is_equal(p.judge(d, 'bad'), 'fail cert-revoked', f'revoked: {d.name}')
        tap.is_equal(p.judge(d, 'good'), 'pass ok', f'not revoked: {d.name}')
    tap.is_equal(p.judge(hard, 'shop'), 'temperror revocation-unknown', 'a delegate, whose issuer has no list here: hard')
    now = int(time.time())
    p.crl('--not-before', str(now - 2 * DAY), '--not-after', str(now - DAY))
    for d in (hard, soft):
        d.hup()
    tap.is_equal(p.judge(hard, 'good'), 'temperror revocation-unknown', 'the list has ended: hard')
    tap.is_equal(p.judge(soft, 'good'), 'pass ok', 'the list has ended: soft')
    for d in (hard, soft):
        tap.is_equal(p.judge(d, 'bad'), 'fail cert-revoked', f'what it revoked stays so: {d.name}')
    p.crl()


def fetching(p, name, text):
    with open(p.path(name), 'w') as f:
        f.write(text)
    return p.daemon(name + '-d', f'TrustDomains {p.path(name)}', 'FetchCertificates yes', 'FetchRetry 1s', 'FetchAddresses 127.0.0.0/8', f'FetchCAFile {p.world.ca}')


def test_served(p):
    p.ctl('pki', 'init', p.path('served'), '--crl-url', p.world.url('/root.crl'))
    for name in ('up', 'down', 'away'):
        p.issue(name, '--crl-url', p.world.url('/nowhere.crl' if name == 'away' else '/ca.crl'), by='served')
    p.ctl('pki', 'revoke', p.path('served'), p.path('down.pem'))
    p.ctl('pki', 'crl', p.path('served'))
    for name in ('ca.crl', 'root.crl'):
        p.world.set('/' + name, Answer(p.read('served/' + name)))
    d = fetching(p, 'network', f'domain served\n    anchors {p.path("served/anchors.pem")}\n    revocation hard\n    authority tn\n')
    tap.is_equal(p.judge(d, 'up'), 'pass ok', 'lists of CA and root, in DER, from where certificates say')
    tap.is_equal(p.judge(d, 'down'), 'fail cert-revoked', 'which revoke')
    tap.is_equal(p.judge(d, 'away'), 'temperror revocation-unknown', 'a list that is not there')
    tap.is_equal([p.world.count('/' + n) for n in ('ca.crl', 'root.crl')], [1, 1], 'each was had once')


def test_indirect(p):
    p.crl('--indirect')
    url = p.world.url('/indirect.crl')
    for name in ('named', 'gone'):
        p.issue(name, '--crl-url', url, '--crl-issuer', p.path('pilot/crl-signer.pem'))
    for name in ('gone', 'shop'):
        p.ctl('pki', 'revoke', p.path('pilot'), p.path(name + '.pem'), '--reason', 'keyCompromise')
    p.crl('--indirect')
    p.world.set('/indirect.crl', Answer(p.read('pilot/indirect.crl')))
    d = fetching(p, 'indirect', f'domain pilot\n    anchors {p.path("pilot/anchors.pem")}\n    crl-issuers {p.path("pilot/crl-signer.pem")}\n    crl-urls {url}\n'
                 '    revocation hard\n    authority tn\n')
    tap.is_equal(p.judge(d, 'named'), 'pass ok', 'an indirect list from the network covers whom it is named by')
    tap.is_equal(p.judge(d, 'good'), 'pass ok', 'and who names none')
    tap.is_equal(p.judge(d, 'gone'), 'fail cert-revoked', 'a certificate of the CA on it')
    tap.is_equal(p.judge(d, 'shop'), 'fail cert-revoked', 'and a delegate, of another issuer')
    tap.is_equal(p.world.count('/indirect.crl'), 1, 'one list for all')


with PkiPlace() as place, place.world:
    place.ctl('pki', 'init', place.path('pilot'))
    for test in (test_delegate, test_file, test_served, test_indirect):
        test(place)
tap.done()
