#!/usr/bin/env python3
"""stirctl pki delegate, revoke and crl: what they make is judged by stirctl verify,
and read by openssl(1)."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import tap
from pkiworld import FROM, STIRCTL, PkiWorld

DAY = 86400
HOST = 'https://certs.example'
TRUST = ('--trust', 'pilot/anchors.pem', '--certs', 'certs')


def issue(w, name, tn_auth='tn:+15550100000+1000', *more, command='issue', by='pilot', **how):
    """Files NAME.key and NAME.pem; its address."""
    url = f'{HOST}/{name}.pem'
    w.pki(command, by, '--tn-auth', tn_auth, '--url', url, '--out', name, '--certs', 'certs', *more, **how)
    return url


def verdict(w, name, url, *options, number=FROM, at=None):
    signed = w.sign(name, url, number, at)
    if signed.returncode:
        return signed.stderr.decode()
    return w.verify(signed.stdout, *(options or TRUST), at=at)


# --- delegates ---------------------------------------------------------------------


def test_delegate(w):
    carrier = issue(w, 'carrier', 'tn:+15550100000+1000', '--delegating')
    shop = issue(w, 'shop', 'tn:+15550100000+100', command='delegate', by='carrier')
    tap.is_equal(verdict(w, 'shop', shop), 'pass ok', 'a delegate speaks for its numbers')
    tap.is_equal(w.path('shop.key').stat().st_mode & 0o777, 0o600, "its key is the owner's")
    r = verdict(w, 'carrier', carrier)
    tap.ok('CA' in r, f'a delegating certificate signs nothing: {r.strip()[:70]}')
    issue(w, 'shops', 'tn:+15550100000+100', '--delegating', command='delegate', by='carrier.pem')
    branch = issue(w, 'branch', 'tn:+15550100001', command='delegate', by='shops')
    tap.is_equal(verdict(w, 'branch', branch), 'pass ok', 'and so does a delegate of a delegate')
    code, text = w.openssl('verify', '-CAfile', 'pilot/root.pem', '-untrusted', 'branch.pem', 'branch.pem')
    tap.ok(code == 0, f'openssl verify takes the chain of four: {text.strip()[:70]}')
    r = w.run(STIRCTL, 'show', 'shop.pem')
    tap.ok(r.returncode == 0 and b'tn:+15550100000+100' in r.stdout, 'stirctl show tells for what')


def test_delegate_refused(w):
    for tn_auth, says in (('tn:+15550100999+2', r"carrier doesn't speak for 15550101000;"), ('tn:+15550100000..+15550109999', r'15550101000 and the 8999 numbers after it'),
                          ('spc:1234', 'names a provider'), ('tn:+15550100000,tn:+15550200000', '15550200000')):
        issue(w, 'outside', tn_auth, command='delegate', by='carrier', want=65, says=says)
    issue(w, 'outside', command='delegate', by='shop', want=65, says='issue --delegating')
    issue(w, 'outside', command='delegate', by='nobody', want=66, says='nobody.pem')
    shutil.copy(w.path('pilot/ca.key.pem'), w.path('pilot/ca.key'))
    issue(w, 'outside', command='delegate', by='pilot/ca', want=65, says='has no TNAuthList')
    shutil.copy(w.path('shop.key'), w.path('wrong.key'))
    shutil.copy(w.path('carrier.pem'), w.path('wrong.pem'))
    issue(w, 'outside', command='delegate', by='wrong', want=65, says='is not the key of the first certificate')
    tap.ok(not list(w.dir.rglob('outside*')), 'nothing was written')
    before = w.path('shop.key').read_bytes()
    issue(w, 'shop', 'tn:+15550100000', '--force', command='delegate', by='carrier', want=65, says='never replaced')
    tap.ok(w.path('shop.key').read_bytes() == before, 'no key is replaced, not with --force either')
    issue(w, 'shop', 'tn:+15550100000', command='delegate', by='carrier', want=65, says='is there already')
    r = issue(w, 'provider', 'spc:1234,tn:+15550200000', '--delegating')
    r = w.pki('delegate', 'provider', '--tn-auth', 'tn:+15550900000', '--url', f'{HOST}/p.pem', says='SPCTable')
    tap.ok(r.returncode == 0, 'below a provider the numbers are for the table of the verifiers')


def test_beyond(w):
    """stirctl makes no delegate beyond its parent, so one is made behind its back."""
    w.path('fake').mkdir()
    shutil.copy(w.path('carrier.pem'), w.path('fake/ca.pem'))
    shutil.copy(w.path('carrier.key'), w.path('fake/ca.key.pem'))
    url = issue(w, 'beyond', 'tn:+15550100000+10000', by='fake')
    served = w.path('certs/certs.example/beyond.pem')
    served.write_bytes(served.read_bytes() + w.path('pilot/ca.pem').read_bytes())
    tap.is_equal(verdict(w, 'beyond', url), 'fail cert-untrusted', 'a delegate beyond its parent is refused by the verifier, too')


# --- revocation lists -------------------------------------------------------------------


def lists(name, policy='soft'):
    return (*TRUST, '-o', f'RevocationList={name}', '-o', f'RevocationPolicy={policy}')


def test_revoke(w):
    good, bad, late = (issue(w, n) for n in ('good', 'bad', 'late'))
    w.pki('crl', 'pilot')
    tap.is_equal(verdict(w, 'bad', bad, *lists('pilot/crl.pem', 'hard')), 'pass ok', 'before: good, also where a list is wanted')
    r = w.pki('revoke', 'pilot', 'bad.pem', '--reason', 'keycompromise')
    tap.ok(b'stirctl pki crl pilot' in r.stdout, 'what to do next is said')
    tap.is_equal(verdict(w, 'bad', bad, *lists('pilot/crl.pem')), 'pass ok', 'recorded, but not published')
    w.pki('crl', 'pilot')
    for policy in ('soft', 'hard'):
        tap.is_equal(verdict(w, 'bad', bad, *lists('pilot/crl.pem', policy)), 'fail cert-revoked', f'revoked: {policy}')
        tap.is_equal(verdict(w, 'good', good, *lists('pilot/crl.pem', policy)), 'pass ok', f'the other one is not: {policy}')
    tap.is_equal(verdict(w, 'bad', bad, *lists('pilot/crl.pem'), at=w.now - 600), 'fail cert-revoked', 'a thief may have signed before the date')
    w.pki('revoke', 'pilot', 'late.pem', '--reason', 'superseded', '--date', w.now - 300)
    w.pki('crl', 'pilot', '--not-before', w.now - 1200)
    tap.is_equal(verdict(w, 'late', late, *lists('pilot/crl.pem', 'hard'), at=w.now - 600), 'pass ok', 'superseded: what was signed before stays good')
    tap.is_equal(verdict(w, 'late', late, *lists('pilot/crl.pem')), 'fail cert-revoked', 'what was signed after it does not')


def test_expired_list(w):
    good, bad = f'{HOST}/good.pem', f'{HOST}/bad.pem'
    w.pki('crl', 'pilot', '--not-before', w.now - 2 * DAY, '--not-after', w.now - DAY)
    shutil.copy(w.path('pilot/crl.pem'), w.path('expired.pem'))
    tap.is_equal(verdict(w, 'good', good, *lists('expired.pem', 'hard')), 'temperror revocation-unknown', 'a list that has ended, hard')
    tap.is_equal(verdict(w, 'good', good, *lists('expired.pem', 'soft')), 'pass ok', 'the same, soft')
    for policy in ('soft', 'hard'):
        tap.is_equal(verdict(w, 'bad', bad, *lists('expired.pem', policy)), 'fail cert-revoked', f'what it revokes stays so: {policy}')
    w.pki('crl', 'pilot')


def test_serial(w):
    url = issue(w, 'byserial')
    _, text = w.openssl('x509', '-in', 'byserial.pem', '-noout', '-serial')
    w.pki('revoke', 'pilot', text.strip().partition('=')[2])
    w.pki('crl', 'pilot')
    tap.is_equal(verdict(w, 'byserial', url, *lists('pilot/crl.pem')), 'fail cert-revoked', 'by its serial number, as openssl prints it')
    w.pki('revoke', 'pilot', 'bad.pem', want=65, says='recorded already, as keyCompromise')
    w.pki('revoke', 'pilot', 'bad.pem', '--reason', 'superseded', '--force')
    tap.is_equal(len(w.path('pilot/revoked').read_text().splitlines()), 4, 'changed, not recorded twice')
    for args, status, says in ((['pilot', 'xyz'], 66, 'no serial number either'), (['pilot', '00'], 66, 'no serial'), (['pilot', '1' * 41], 66, 'no serial'),
                               (['pilot'], 64, 'certificate'), (['nowhere', 'bad.pem'], 66, 'pki init'), (['pilot', 'bad.pem', '--reason', 'keyCompromize'], 64, 'did you mean keyCompromise'),
                               (['pilot', 'bad.pem', '--parent', 'carrier'], 64, '--parent'), (['pilot', 'bad.key'], 65, 'no certificate'),
                               (['pilot', 'bad.pem', '--date', 'today'], 64, 'seconds since 1970')):
        w.pki('revoke', *args, want=status, says=says)
    w.pki('init', 'other')
    w.pki('issue', 'other', '--tn-auth', 'spc:1', '--url', f'{HOST}/o.pem')
    w.pki('revoke', 'pilot', 'other/o.pem', want=65, says='was not issued by the CA in pilot')


def test_delegates_revoked(w):
    shop, branch = f'{HOST}/shop.pem', f'{HOST}/branch.pem'
    w.pki('crl', 'pilot', '--parent', 'carrier')
    w.path('both.pem').write_bytes(w.path('pilot/crl.pem').read_bytes() + w.path('carrier.crl.pem').read_bytes())
    tap.is_equal(verdict(w, 'shop', shop, *lists('pilot/crl.pem', 'hard')), 'temperror revocation-unknown', "a delegate is not on the CA's list")
    tap.is_equal(verdict(w, 'shop', shop, *lists('both.pem', 'hard')), 'pass ok', 'its parent has one')
    r = w.pki('revoke', 'pilot', 'shop.pem', '--reason', 'privilegeWithdrawn')
    tap.ok(b'stirctl pki crl pilot --parent PREFIX' in r.stdout, "the list to publish is said: the CA's would not have it")
    w.pki('crl', 'pilot', '--parent', 'carrier')
    tap.is_equal(verdict(w, 'shop', shop, *lists('carrier.crl.pem')), 'fail cert-revoked', 'revoked by its parent')
    tap.is_equal(verdict(w, 'branch', branch, *lists('carrier.crl.pem')), 'pass ok', 'the other delegate is not')
    w.pki('revoke', 'pilot', 'carrier.pem')
    w.pki('crl', 'pilot')
    tap.is_equal(verdict(w, 'branch', branch, *lists('pilot/crl.pem')), 'fail cert-revoked', 'with the parent go all below it')
    alone = w.run('openssl', 'x509', '-in', 'branch.pem')
    w.path('alone.pem').write_bytes(alone.stdout)
    w.pki('revoke', 'pilot', 'alone.pem', want=65, says='its issuers must follow in the file')


def test_indirect(w):
    w.pki('crl', 'pilot', '--indirect')
    signer = w.path('pilot/crl-signer.pem').read_bytes()
    listed = issue(w, 'listed', 'tn:+15550100000+1000', '--crl-url', f'{HOST}/indirect.crl', '--crl-issuer', 'pilot/crl-signer.pem')
    other = issue(w, 'elsewhere', 'tn:+15550100000+1000', '--crl-url', f'{HOST}/other.crl', '--crl-issuer', 'other/ca.pem')
    issue(w, 'nobody', 'tn:+15550100000+1000', '--crl-url', f'{HOST}/indirect.crl', '--crl-issuer', 'good.pem', want=65, says='may sign no revocation lists')
    issue(w, 'nobody', 'tn:+15550100000+1000', '--crl-issuer', 'pilot/crl-signer.pem', want=64, says='--crl-url')
    issue(w, 'nobody', 'tn:+15550100000+1000', '--crl-url', 'http://certs.example/x.crl', want=64, says='--crl-url')
    w.path('domains').write_text('domain pilot\n    anchors pilot/anchors.pem\n    crls pilot/indirect.pem\n    crl-issuers pilot/crl-signer.pem\n'
                                 '    revocation hard\n    authority tn\n')
    conf = ('-o', 'TrustDomains=domains', '--certs', 'certs')
    tap.is_equal(verdict(w, 'listed', listed, *conf), 'pass ok', 'an indirect list covers whom it names')
    tap.is_equal(verdict(w, 'good', f'{HOST}/good.pem', *conf), 'pass ok', 'and who names none')
    tap.is_equal(verdict(w, 'elsewhere', other, *conf), 'temperror revocation-unknown', "who names another's list is not covered")
    tap.is_equal(verdict(w, 'shop', f'{HOST}/shop.pem', *conf), 'fail cert-revoked', 'certificates of all issuers are on it: a delegate')
    w.pki('revoke', 'pilot', 'listed.pem', '--reason', 'keyCompromise')
    w.pki('crl', 'pilot', '--indirect')
    tap.is_equal(verdict(w, 'listed', listed, *conf), 'fail cert-revoked', 'and one of the CA')
    tap.ok(w.path('pilot/crl-signer.pem').read_bytes() == signer, 'the signer stays')
    w.path('unnamed').write_text('domain pilot\n    anchors pilot/anchors.pem\n    crls pilot/indirect.pem\n    authority tn\n')
    tap.is_equal(verdict(w, 'listed', listed, '-o', 'TrustDomains=unnamed', '--certs', 'certs'), 'pass ok', 'without crl-issuers it is nothing')
    w.pki('crl', 'pilot', '--indirect', '--parent', 'carrier', want=64, says='exclude each other')


# --- files -----------------------------------------------------------------------------------


def test_openssl(w):
    w.pki('crl', 'pilot')
    for name, form in (('pilot/crl.pem', 'PEM'), ('pilot/ca.crl', 'DER'), ('pilot/root.crl', 'DER'), ('pilot/indirect.pem', 'PEM'), ('pilot/indirect.crl', 'DER'),
                       ('carrier.crl.pem', 'PEM'), ('carrier.crl', 'DER')):
        ca = 'pilot/crl-signer.pem' if 'indirect' in name else 'pilot/root.pem' if 'root' in name else 'carrier.pem' if 'carrier' in name else 'pilot/ca.pem'
        code, text = w.openssl('crl', '-inform', form, '-in', name, '-noout', '-text', '-CAfile', ca)
        tap.ok(code == 0 and 'verify OK' in text and 'CRL Number' in text, f'openssl crl verifies {name}')
    _, text = w.openssl('crl', '-inform', 'DER', '-in', 'pilot/indirect.crl', '-noout', '-text')
    tap.ok('Indirect CRL' in text and 'Certificate Issuer: critical' in text, 'the indirect one says so, and whose certificates')
    _, text = w.openssl('x509', '-in', 'listed.pem', '-noout', '-ext', 'crlDistributionPoints')
    tap.ok(f'URI:{HOST}/indirect.crl' in text and 'CN = SHAKEN CRL' in text, 'a certificate names list and signer')
    for name, want in (('good', 0), ('byserial', 2)):
        code, text = w.openssl('verify', '-crl_check_all', '-CAfile', 'pilot/root.pem', '-untrusted', 'pilot/ca.pem', '-CRLfile', 'pilot/crl.pem', f'{name}.pem')
        tap.ok(code == want and ('revoked' in text) == bool(want), f'openssl verify -crl_check_all: {name} {"is revoked" if want else "is good"}')


def number(w, name):
    return int(re.search(r'=(?:0x)?([0-9A-F]+)', w.openssl('crl', '-in', name, '-noout', '-crlnumber')[1]).group(1), 16)


def test_numbers(w):
    w.pki('crl', 'pilot')
    one = number(w, 'pilot/crl.pem')
    w.pki('crl', 'pilot')
    two = number(w, 'pilot/crl.pem')
    tap.ok(two > one, 'numbers rise, also within a second')
    w.path('pilot/crlnumber').unlink()
    w.pki('crl', 'pilot', '--not-before', w.now + 3600)
    tap.ok(number(w, 'pilot/crl.pem') > two, 'and when the folder comes from an old copy')
    w.path('pilot/crlnumber').write_text('many\n')
    w.pki('crl', 'pilot', want=65, says='crlnumber: a number is wanted')
    w.path('pilot/crlnumber').unlink()
    before = w.path('pilot/root.crl').read_bytes()
    w.path('pilot/root.key.pem').rename(w.path('safe'))
    w.pki('crl', 'pilot', says='no new list of the root')
    tap.ok(w.path('pilot/root.crl').read_bytes() == before, "without its key the root's list stays")
    tap.is_equal(w.path('pilot/crl.pem').read_text().count('BEGIN X509 CRL'), 2, 'and stays in crl.pem')
    w.path('safe').rename(w.path('pilot/root.key.pem'))
    records = w.path('pilot/revoked')
    text = records.read_text()
    records.write_text(text.replace('keyCompromise', 'keyComp'))
    w.pki('crl', 'pilot', want=65, says=r'revoked:\d+: is no record')
    w.pki('revoke', 'pilot', 'good.pem', want=65, says='is no record')
    tap.ok('keyComp ' in records.read_text(), 'a damaged record is not written over')
    records.write_text(text)


def test_authorities(w):
    url = issue(w, 'last')
    w.pki('revoke', 'pilot', 'pilot/root.pem', want=65, says='TrustAnchors')
    w.pki('crl', 'pilot')
    tap.is_equal(verdict(w, 'last', url, *lists('pilot/crl.pem', 'hard')), 'pass ok', 'a CA in force')
    w.pki('revoke', 'pilot', 'pilot/ca.pem', '--reason', 'cACompromise')
    w.pki('crl', 'pilot')
    tap.is_equal(verdict(w, 'last', url, *lists('pilot/crl.pem', 'hard')), 'fail cert-revoked', 'one that its root revoked')


def test_at_once(w):
    todo = [subprocess.Popen([STIRCTL, 'pki', 'revoke', 'pilot', f'{i:040X}'], cwd=w.dir, stdout=subprocess.DEVNULL) for i in range(0x10, 0x22)]
    tap.is_equal({p.wait(60) for p in todo}, {0}, 'many at once')
    text = w.path('pilot/revoked').read_text()
    tap.is_equal(sum(f'\n{i:02X} ' in text for i in range(0x10, 0x22)), 18, 'and none is lost')
    tap.ok(not list(w.dir.rglob('*.part')), 'no half file is left')


with PkiWorld() as world:
    world.pki('init', 'pilot')
    for test in (test_delegate, test_delegate_refused, test_beyond, test_revoke, test_expired_list, test_serial, test_delegates_revoked, test_indirect,
                 test_openssl, test_numbers, test_authorities, test_at_once):
        test(world)
tap.done()
