#!/usr/bin/env python3
"""stirctl pki request and expiry, and every example of the manual and of the help texts."""

import json
import os
import pathlib
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import forge
import tap
from pkiworld import STIRCTL, PkiWorld

DAY = 86400
SRC = pathlib.Path(os.environ.get('srcdir', '.')).resolve()
URL = 'https://certs.example/{}.pem'

# --- requests -------------------------------------------------------------------------


def request_text(w, name):
    code, text = w.openssl('req', '-in', f'{name}.csr', '-noout', '-text', '-verify')
    return text if code == 0 and 'verify OK' in text else f'openssl req: {code} {text}'


def make_ca(w):
    w.path('ca.ext').write_text('basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n')
    w.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9', '-subj', '/CN=Real CA', '-keyout', 'real.key', '-out', 'real.pem',
              '-addext', 'keyUsage=critical,keyCertSign,cRLSign')


def granted(w, name):
    """The CA makes a certificate of the request, with what it asks for, and it is used."""
    w.openssl('x509', '-req', '-in', f'{name}.csr', '-CA', 'real.pem', '-CAkey', 'real.key', '-CAcreateserial', '-days', '5', '-copy_extensions', 'copyall',
              '-extfile', 'ca.ext', '-out', f'{name}.pem')
    served = w.path(f'certs/certs.example/{name}.pem')
    served.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(w.path(f'{name}.pem'), served)


def test_request(w):
    make_ca(w)
    w.pki('request', '--tn-auth', 'tn:+15550100000+1000,spc:1234', '--name', 'Carrier Inc.', '--country', 'US', '--out', 'new')
    text = request_text(w, 'new')
    for part in ('C = US, O = Carrier Inc., CN = SHAKEN 1234', 'Requested Extensions', '1.3.6.1.5.5.7.1.26', 'ecdsa-with-SHA256', 'P-256', 'Version: 1'):
        tap.ok(part in text, f'the request has {part}')
    tap.is_equal(w.path('new.key').stat().st_mode & 0o777, 0o600, "the key is the owner's")
    granted(w, 'new')
    r = w.run(STIRCTL, 'show', 'new.pem')
    tap.ok(b'tn:+15550100000+1000' in r.stdout and b'may sign PASSporTs' in r.stdout, 'what a CA makes of it speaks for the numbers')
    signed = w.sign('new', URL.format('new')).stdout
    tap.is_equal(w.verify(signed, '--trust', 'real.pem', '--certs', 'certs'), 'pass ok', 'and what it signs is verified')
    w.pki('request', '--tn-auth', 'spc:1', '--common-name', 'SHAKEN 1 test', '--key', 'new.key', '--out', 'again')
    tap.ok('Subject: CN = SHAKEN 1 test' in request_text(w, 'again'), 'with a key that is there')
    tap.ok(not w.path('again.key').exists(), 'which is not written again')
    keys = [re.search(r'pub:(.*?)ASN1', request_text(w, n), re.S).group(1) for n in ('new', 'again')]
    tap.is_equal(keys[0], keys[1], 'it is that key')


def test_request_refused(w):
    before = w.path('new.key').read_bytes()
    w.pki('request', '--tn-auth', 'spc:1234', '--out', 'new', '--force', want=65, says='new.key: is there already, and is never replaced')
    tap.ok(w.path('new.key').read_bytes() == before, 'a key is never replaced')
    w.pki('request', '--tn-auth', 'spc:1', '--key', 'new.key', '--out', 'again', want=65, says='again.csr: is there already; --force')
    w.pki('request', '--tn-auth', 'spc:2', '--key', 'new.key', '--out', 'again', '--force')
    tap.ok('CN = SHAKEN 2' in request_text(w, 'again'), 'a request is, with --force')
    w.openssl('ecparam', '-name', 'secp384r1', '-genkey', '-noout', '-out', 'p384.key')
    w.openssl('genrsa', '-out', 'rsa.key', '2048')
    shutil.copy(w.path('new.key'), w.path('open.key'))
    for name, mode in (('p384', 0o600), ('rsa', 0o600), ('open', 0o644)):
        w.path(f'{name}.key').chmod(mode)
    for name, says in (('p384', 'P-256'), ('rsa', 'P-256'), ('open', 'chmod'), ('nowhere', 'nowhere.key')):
        r = w.pki('request', '--tn-auth', 'spc:1', '--key', f'{name}.key', '--out', 'bad', want=None)
        tap.ok(r.returncode in (65, 66, 77, 78) and says in r.stderr.decode(), f'the key {name}.key: {r.stderr.decode().strip()[:90]}')
    for args, says in ((['--out', 'bad'], '--tn-auth is wanted'), (['--tn-auth', 'spc:1'], '--out is wanted'), (['--tn-auth', '15550100000', '--out', 'bad'], 'tn:'),
                       (['--tn-auth', 'spc:1', '--out', 'bad', '--country', 'usa'], 'two capital letters'), (['--tn-auth', 'spc:1', '--out', 'bad', '--pin-file', 'x'], '--pin-file'),
                       (['--tn-auth', 'spc:1', '--out', 'bad', 'pilot'], 'no argument is wanted'), (['--tn-aut', 'spc:1'], "did you mean '--tn-auth'|--out is wanted")):
        w.pki('request', *args, want=64, says=says)
    tap.ok(not list(w.dir.glob('bad*')), 'nothing was written')


def softhsm():
    return next((p for p in ('/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so') if os.path.exists(p)), None)


def test_request_token(w):
    module = softhsm()
    if not module or not shutil.which('softhsm2-util') or not shutil.which('pkcs11-tool'):
        tap.skip('softhsm2 and opensc are not installed')
        return
    w.path('tokens').mkdir()
    w.path('softhsm2.conf').write_text(f'directories.tokendir = {w.path("tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n')
    env = dict(os.environ, SOFTHSM2_CONF=str(w.path('softhsm2.conf')))
    w.run('softhsm2-util', '--init-token', '--free', '--label', 'carrier', '--pin', '98765', '--so-pin', '98765', env=env)
    for label, kind in (('stir', 'EC:prime256v1'), ('large', 'EC:secp384r1')):
        w.run('pkcs11-tool', '--module', module, '--login', '--pin', '98765', '--token-label', 'carrier', '--keypairgen', '--key-type', kind, '--label', label, env=env)
    w.path('pin').write_text('98765\n')
    w.path('pin').chmod(0o600)
    uri = f'pkcs11:token=carrier;object=stir?module-path={module}'
    make = [STIRCTL, 'pki', 'request', '--tn-auth', 'spc:1234', '--pin-file', 'pin', '--out', 'token', '--key']
    r = w.run(*make, uri, env=env)
    if b'p11-kit' in r.stderr:
        tap.skip('built without p11-kit')
        return
    tap.is_equal((r.returncode, r.stderr), (0, b''), 'a request with a key in a token')
    tap.ok('CN = SHAKEN 1234' in request_text(w, 'token') and not w.path('token.key').exists(), 'verifies, and the key stays there')
    granted(w, 'token')
    tap.ok(b'spc:1234' in w.run(STIRCTL, 'show', 'token.pem').stdout, 'and a CA takes it')
    r = w.run(*make, uri.replace('object=stir', 'object=large'), '--force', env=env)
    tap.ok(r.returncode != 0 and r.stderr, f'a key of another kind: {r.stderr.decode().strip()[-80:]}')


# --- expiry -------------------------------------------------------------------------------


def report(w, *args, want=0):
    r = w.pki('expiry', '--json', *args, want=want)
    return [json.loads(line) for line in r.stdout.splitlines()]


def make_dated(w):
    w.pki('init', 'dated')
    for name, days in (('short', 10), ('long', 200)):
        w.pki('issue', 'dated', '--tn-auth', 'spc:1234', '--url', URL.format(name), '--certs', 'dcerts', '--out', name, '--days', days)
    w.pki('crl', 'dated', '--days', 20)


def test_expiry(w):
    make_dated(w)
    items = report(w, 'dated', 'dcerts', 'short.pem', want=1)
    tap.is_equal([i['days_left'] // 5 * 5 for i in items], sorted(i['days_left'] // 5 * 5 for i in items), 'soonest first')
    kinds = [(i['kind'], i['days_left'] in (9, 10, 19, 20), i['soon']) for i in items[:3]]
    tap.is_equal(kinds, [('certificate', True, True), ('crl', True, True), ('crl', True, True)], 'a certificate, then two lists')
    tap.is_equal(items[0]['files'], ['dcerts/certs.example/short.pem', 'short.pem'], 'once, with each file it stands in')
    tap.is_equal([i['subject'] for i in items].count('/O=Pilot/CN=Pilot SHAKEN CA 1'), 2, "the CA's certificate and its list, once")
    tap.ok(not any('key' in f for i in items for f in i['files']), 'keys are not looked at')
    for within, want, what in (('9d', 0, 'none within nine days'), ('11d', 1, 'one within eleven'), ('300h', 1, 'or three hundred hours'), ('15', 1, 'days without a unit')):
        tap.is_equal(w.pki('expiry', '--within', within, 'dated', 'short.pem', want=want).returncode, want, what)
    text = w.pki('expiry', 'short.pem', want=1).stdout.decode()
    tap.ok(re.search(r'^! +(9|10)  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC  certificate  short.pem  /O=Pilot/CN=SHAKEN 1234$', text, re.M), 'a line for people')
    one = report(w, '--now', w.now + 11 * DAY, 'short.pem', want=1)[0]
    tap.ok(one['ended'] and one['days_left'] < 0, 'what has ended has less than no days left')
    der = w.run('openssl', 'x509', '-in', 'long.pem', '-outform', 'DER').stdout
    w.path('long.der').write_bytes(der)
    tap.is_equal([i['days_left'] in (199, 200) for i in report(w, 'long.der')], [True], 'a certificate in DER')


def test_expiry_conf(w):
    w.path('e.conf').write_text('Socket local:/x\nCertificateFile short.pem\nTrustAnchors dated/anchors.pem\nRevocationList dated/crl.pem\nCertificateDir dcerts\n')
    items = report(w, '-c', 'e.conf', want=1)
    tap.is_equal((len(items), items[0]['kind'], {i['subject'][-4:] for i in items}), (6, 'certificate', {'1234', 'CA 1', 'ROOT'}), 'all that a configuration names')
    w.path('sub').mkdir()
    w.pki('crl', 'dated', '--indirect', '--days', 3)
    payload = {'version': '1.0', 'sequence': 1, 'exp': w.now + 5 * DAY, 'trustList': [w.path('dated/ca.pem').read_text()]}
    w.path('sub/list.jws').write_bytes(forge.token(str(w.path('long.key')), {'alg': 'ES256', 'typ': 'JWT'}, payload).encode())
    w.run('sh', '-c', 'openssl x509 -in long.pem >sub/list-signer.pem')
    w.path('sub/domains').write_text('domain one\n    anchors ../dated/anchors.pem\n    crls ../dated/indirect.pem\n    crl-issuers ../dated/crl-signer.pem\n    trust-list list.jws\n'
                                     '    trust-list-signer list-signer.pem\n')
    w.path('d.conf').write_text('Socket local:/x\nTrustDomains sub/domains\n')
    items = report(w, '-c', 'd.conf', want=1)
    tap.is_equal([(i['kind'], i['days_left'] in (2, 3, 4, 5, 199, 200)) for i in items[:3]], [('crl', True), ('trust-list', True), ('certificate', True)], 'a list, a trust list and its signer, of trust domains')
    tap.is_equal({i['subject'] for i in items[3:]}, {f'/O=Pilot{c}' for c in ('/CN=Pilot SHAKEN ROOT', '/CN=Pilot SHAKEN CA 1', ' STI-PA/CN=SHAKEN CRL')}, 'anchors, listed ones and who signs lists')
    w.path('sub/keys.csv').write_text('name,key,certificate,url\na,../short.key,../short.pem,https://certs.example/short.pem\n')
    w.path('t.conf').write_text('Socket local:/x\nKeyTable sub/keys.csv\nSigningTable nowhere\n')
    items = report(w, '-c', 't.conf', want=1)
    tap.ok(items and 'sub/../short.pem' in items[0]['files'][0], 'the certificates of tenants (KeyTable)')
    w.path('sub/keys.csv').write_text('name,key\n')
    w.pki('expiry', '-c', 't.conf', want=78, says='keys.csv:')


def test_expiry_faults(w):
    w.path('rubbish').mkdir()
    w.path('rubbish/notes.txt').write_text('no certificate')
    w.path('rubbish/empty').write_text('')
    for name, target in (('round', '.'), ('back', '..'), ('dangling', 'nothing')):
        w.path(f'rubbish/{name}').symlink_to(target)
    r = w.pki('expiry', 'rubbish', want=None)
    tap.ok('dangling: No such file' in r.stderr.decode(), 'a link to nothing is said')
    w.path('rubbish/dangling').unlink()
    w.path('rubbish/back').unlink()
    tap.is_equal(w.pki('expiry', 'rubbish').stdout, b'', 'a folder may hold anything, also a link to itself')
    w.path('rubbish/broken.pem').write_text(w.path('short.pem').read_text().replace('MII', 'MIX', 1))
    w.pki('expiry', 'rubbish', want=65, says="broken.pem: a certificate in it can't be read")
    r = w.pki('expiry', 'nowhere', 'short.key', 'short.pem', want=65, says='(?s)nowhere: .*short.key: neither a certificate')
    tap.ok(b'short.pem' in r.stdout, 'the others are reported all the same')
    for args, status, says in (([], 64, 'nothing to look at'), (['--within', '3w', 'short.pem'], 64, 'such as 30d'), (['--within', '-1d', 'short.pem'], 64, 'such as 30d'),
                               (['--now', 'x', 'short.pem'], 64, 'seconds since 1970'), (['-c', 'no.conf'], 66, 'no.conf')):
        w.pki('expiry', *args, want=status, says=says)


# --- manual and help -----------------------------------------------------------------------


def commands(text):
    """Command lines of a literal display."""
    return [' '.join(c.split()) for c in text.replace('\\e\n', ' ').splitlines()]


def test_manual(w):
    text = (SRC / 'doc' / 'stirctl.1').read_text().split('.Sh PKI COMMANDS')[1].split('\n.Sh ')[0]
    lines = [c for block in re.findall(r'\.Bd -literal[^\n]*\n(.*?)\.Ed', text, re.S) for c in commands(block)]
    tap.is_equal({c.split()[2] for c in lines if c.startswith('stirctl')}, {'init', 'issue', 'delegate', 'revoke', 'crl', 'request', 'expiry'}, 'the manual has an example of each command')
    folder = w.path('manual')
    folder.mkdir()
    env = dict(os.environ, PATH=f'{os.path.dirname(STIRCTL)}:{os.environ["PATH"]}')
    for c in lines:
        r = w.run('sh', '-c', f'cd manual && {c}', env=env)
        if not tap.ok(r.returncode == 0, f'manual: {c[:90]}'):
            tap.note((r.stdout + r.stderr).decode())
    for name in ('pilot/crl.pem', 'pilot/indirect.crl', 'pilot/carrier.crl', 'shop.pem', 'carrier.csr', 'certs/certs.example/shop.pem'):
        tap.ok((folder / name).exists(), f'which makes {name}')


def test_help(w):
    listed = re.findall(r'^  (\w+) +\S', w.pki('--help').stdout.decode(), re.M)
    tap.is_equal(listed, ['init', 'issue', 'delegate', 'revoke', 'crl', 'request', 'expiry'], 'the help lists the commands')
    w.path('help').mkdir()
    env = dict(os.environ, PATH=f'{os.path.dirname(STIRCTL)}:{os.environ["PATH"]}')
    for name in listed:
        text = w.pki(name, '--help').stdout.decode()
        example = re.search(r'For example:\n  (.*)\n', text).group(1)
        tap.ok(text.startswith(f'usage: stirctl pki {name} '), f'{name} --help')
        if name == 'delegate':
            w.run('sh', '-c', 'cd help && stirctl pki issue pilot --delegating --tn-auth tn:+15550100000+100 --url https://certs.example/carrier.pem', env=env)
        if name != 'expiry':
            r = w.run('sh', '-c', f'cd help && {example}', env=env)
            tap.ok(r.returncode == 0, f'help: {example[:90]} {r.stderr.decode()[:100]}')
    w.pki('delegat', want=64, says="did you mean 'delegate'")
    w.pki(want=64, says='--help')


with PkiWorld() as world:
    for test in (test_request, test_request_refused, test_request_token, test_expiry, test_expiry_conf, test_expiry_faults, test_manual, test_help):
        test(world)
tap.done()
