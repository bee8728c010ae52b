"""Trust domains, signed trust lists, revocation lists and number lists by
reference, as they come from the network, through the milter."""

import os
import re
import subprocess
import time

import forge
import tap
from httpsworld import Answer, HttpsWorld
from milterclient import send_message
from milterdaemon import MAIL, MILTER, RCPT, SENDER, STIRCTL, Place, wait_for
from stirca import StirCA, tn_list


def signed(key, url, number_in_certificate=True):
    """stirctl would not sign for a number that its own certificate does not show."""
    if not number_in_certificate:
        claims = {'dest': {'tn': ['15550200002']}, 'iat': int(time.time()), 'msgi': forge.msgi(MAIL.split(b'\r\n\r\n', 1)[1]), 'orig': {'tn': '15550100001'}}
        return forge.field(forge.token(key + '.key', forge.header(url), claims), url).replace(b'\n', b'\r\n') + MAIL
    return subprocess.run([STIRCTL, 'sign', '--key', key + '.key', '--cert', key + '.pem', '--x5u', url, '--rcpt', RCPT, '-'],
                          input=MAIL, stdout=subprocess.PIPE, check=True, timeout=30).stdout


def verdict(d, octets):
    r = send_message(d.socket, octets, SENDER, [RCPT], daemon_name='MM4IN')
    field = ' '.join(''.join(r.inserted('Authentication-Results')).split())
    out = {'result': ' '.join(re.search(r'x-stir=(\w+) reason=([\w-]+)', field).groups())}
    out.update(re.findall(r'policy\.([\w-]+)=(\S+)', field))
    return out


class TrustPlace(Place):
    """Daemons with TrustDomains that fetch from a world."""

    def __init__(self, make_world):
        super().__init__()
        self.world = make_world(self.dir)

    def conf(self, name, *lines, base=None):
        given = {l.split()[0] for l in lines}
        mine = [l for l in ['UMask 007', 'VerifyMTA MM4IN', 'AuthservID mx.b.example', f'TrustDomains {self.path("domains")}', 'FetchCertificates yes',
                            'FetchRetry 1s', 'FetchAddresses 127.0.0.0/8', f'FetchCAFile {self.world.ca}', f'CacheFile {self.path("cache.sqlite")}']
                if l.split()[0] not in given]
        return super().conf(name, *lines, base=mine if base is None else base)

    def domains(self, text):
        with open(self.path('domains'), 'w') as f:
            f.write(text)

    def serve(self, ca, name):
        """The certificate's address, where it is served from now on."""
        self.world.set(f'/{ca.name}-{name}.pem', Answer(ca.read(name + '.pem'), cache='max-age=3600'))
        return self.world.url(f'/{ca.name}-{name}.pem')

    def send(self, d, ca, name, **more):
        return verdict(d, signed(ca.path(name), self.serve(ca, name), **more))


def test_domains(p, one, two):
    one.issue('spc', ['spc:1234'])
    two.issue('spc', ['spc:1234'])
    two.issue('number', [('15550100000', 1000)])
    p.domains(f'''domain one
    anchors       {one.path("ca.pem")}
    authority     spc
    score-ceiling -1.00
domain two
    anchors    {two.path("ca.pem")}
    authority  tn
''')
    with open(p.path('credit.policy'), 'w') as f:
        f.write('policy 1 mode tag\nrule GOOD { when verify == pass score -3 }\nrule ONE { when signer.domain == "one" score 0 }\nactions { tag at 4 }\n')
    d = p.daemon('domains', f'Policy {p.path("credit.policy")}')
    v = p.send(d, one, 'spc')
    tap.is_equal((v['result'], v.get('authority'), v.get('domain')), ('pass ok', 'spc', 'one'), 'a provider of domain one')
    tap.ok(wait_for(lambda: 'score=-1.00' in d.log() and 'ONE' in d.log()), 'is worth no more than its ceiling')
    v = p.send(d, two, 'spc')
    tap.is_equal((v['result'], v.get('domain')), ('policy spc-not-authorised', 'two'), 'a provider of domain two, which asks for the number')
    v = p.send(d, two, 'number')
    tap.is_equal((v['result'], v.get('authority')), ('pass ok', 'tn'), 'the number itself, of domain two')
    before = d.log()
    with open(p.path('domains'), 'a') as f:
        f.write('    anchros x.pem\n')
    d.hup()
    tap.ok(re.search(r'reload failed.*domains:8:5: .*anchors', d.log()[len(before):]), 'a broken file: said with its place, and a suggestion')
    tap.is_equal(p.send(d, two, 'number')['result'], 'pass ok', 'the one in force stays')


def trust_list(ca, signer, sequence):
    return forge.token(signer + '.key', {'alg': 'ES256', 'typ': 'JWT'},
                       {'version': '1.0', 'sequence': sequence, 'exp': int(time.time()) + 86400, 'iat': int(time.time()), 'trustList': [ca.read('ca.pem').decode()]}).encode()


def test_trust_list(p, listed, old):
    signer = listed.issue('admin')
    url = p.world.url('/list.jws')
    listed.issue('a', [('15550100000', 1000)])
    old.issue('a', [('15550100000', 1000)])
    p.domains(f'domain listed\n    trust-list {url}\n    trust-list-signer {signer}.pem\n    trust-list-max-age 7d\n')
    p.world.set('/list.jws', trust_list(old, signer, 5))
    d = p.daemon('listed')
    tap.ok(wait_for(lambda: p.send(d, old, 'a')['result'] == 'pass ok', 20), 'a list from an address comes into force by itself')
    tap.is_equal(p.send(d, listed, 'a')['result'], 'fail cert-untrusted', 'who is not on it is not trusted')
    p.world.set('/list.jws', trust_list(listed, signer, 4))
    d.signal(15)
    d.process.wait()
    before = len(d.log())
    d.start()
    tap.ok(wait_for(lambda: re.search(r'trust list was not renewed.*sequence', d.log()[before:]), 20), 'an older list is refused, and that is said')
    tap.is_equal(p.send(d, old, 'a')['result'], 'pass ok', 'the last good copy is in force after a restart')
    d.signal(15)
    d.process.wait()
    p.world.set('/list.jws', trust_list(listed, signer, 6))
    d.start()
    tap.ok(wait_for(lambda: p.send(d, listed, 'a')['result'] == 'pass ok', 20), 'a newer one is taken')
    tap.is_equal(p.send(d, old, 'a')['result'], 'fail cert-untrusted', 'whole: who is gone from it is gone')


def test_revocation(p, ca):
    crl = p.world.url('/crl.pem')
    for name in ('good', 'bad'):
        ca.issue(name, [('15550100000', 1000)], crl=crl)
    ca.issue('nowhere', [('15550100000', 1000)], crl=p.world.url('/no-crl.pem'))
    ca.revoke('bad')
    p.world.set('/crl.pem', ca.crl())
    p.domains(f'domain hard\n    anchors {ca.path("ca.pem")}\n    revocation hard\n    authority tn\n')
    offline = p.conf('offline.conf', base=[f'Socket local:{p.path("o.sock")}', f'TrustDomains {p.path("domains")}', f'CertificateDir {p.dir}'])
    r = subprocess.run([MILTER, '-n', '-c', offline], stderr=subprocess.PIPE, timeout=60)
    tap.ok(r.returncode == 78 and b'trust domain hard: "revocation hard" needs crls' in r.stderr, f'hard, and no list could ever be had: {r.stderr.decode()}')
    d = p.daemon('hard')
    tap.is_equal(p.send(d, ca, 'good')['result'], 'pass ok', 'on no list: good')
    tap.is_equal(p.send(d, ca, 'bad')['result'], 'fail cert-revoked', 'on the list its certificate points to')
    tap.is_equal(p.send(d, ca, 'nowhere')['result'], 'temperror revocation-unknown', 'no list to be had, hard')
    tap.is_equal(p.world.count('/crl.pem'), 1, 'one fetch of the list')
    p.domains(f'domain soft\n    anchors {ca.path("ca.pem")}\n    authority tn\n')
    d.hup()
    tap.is_equal(p.send(d, ca, 'nowhere')['result'], 'pass ok', 'no list to be had, soft')
    tap.is_equal(p.send(d, ca, 'bad')['result'], 'fail cert-revoked', 'revoked all the same')


def test_reference(p, ca):
    lists = {'within': tn_list(('15550100000', 1000)), 'beyond': tn_list('15550999999'), 'broken': b'\x30\x03abc'}
    for name, octets in lists.items():
        ca.issue(name, reference=p.world.url(f'/{name}.tn'))
        p.world.set(f'/{name}.tn', Answer(octets))
    ca.issue('missing', reference=p.world.url('/missing.tn'))
    p.domains(f'domain reference\n    anchors {ca.path("ca.pem")}\n    authority tn\n')
    d = p.daemon('reference')
    v = p.send(d, ca, 'within', number_in_certificate=False)
    tap.is_equal((v['result'], v.get('authority')), ('pass ok', 'tn'), 'a list by reference that has the number')
    tap.is_equal(p.send(d, ca, 'beyond', number_in_certificate=False)['result'], 'fail number-not-authorised', 'one that has not')
    tap.is_equal(p.send(d, ca, 'broken', number_in_certificate=False)['result'], 'permerror cert-invalid', 'one that can not be read')
    tap.is_equal(p.send(d, ca, 'missing', number_in_certificate=False)['result'], 'temperror cert-unreachable', 'one that is not there: never a pass')


def test_spc_table(p, ca):
    ca.issue('mine', ['spc:1234'])
    ca.issue('other', ['spc:9999'])
    ca.issue('none', ['spc:7777'])
    p.domains(f'domain table\n    anchors {ca.path("ca.pem")}\n    authority tn\n')
    with open(p.path('spc.csv'), 'w') as f:
        f.write('spc,start,count\n1234,+15550100000,1000\n9999,15550200000,1000\n')
    d = p.daemon('table', f'SPCTable {p.path("spc.csv")}')
    v = p.send(d, ca, 'mine')
    tap.is_equal((v['result'], v.get('authority')), ('pass ok', 'tn'), 'the provider that holds the number')
    tap.is_equal(p.send(d, ca, 'other')['result'], 'fail number-not-authorised', 'one that holds others')
    tap.is_equal(p.send(d, ca, 'none')['result'], 'policy spc-not-authorised', 'one that the table does not know')


with TrustPlace(HttpsWorld) as place, place.world:
    test_domains(place, StirCA(place.dir, 'one'), StirCA(place.dir, 'two'))
    test_trust_list(place, StirCA(place.dir, 'listed'), StirCA(place.dir, 'old'))
    test_revocation(place, StirCA(place.dir, 'hard-ca'))
    test_reference(place, StirCA(place.dir, 'reference-ca'))
    test_spc_table(place, StirCA(place.dir, 'table-ca'))
tap.done()
