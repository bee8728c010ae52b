"""Section 17 of doc/profile.md, recomputed from its text: the digests, the canonical
form, the octets of header and payload, the folds of the field, and the signature."""

import base64
import hashlib
import os
import re
import subprocess
import tempfile

from tap import done, is_equal, note, ok

SRC = os.path.abspath(os.environ.get('srcdir', '.'))


def blocks():
    with open(os.path.join(SRC, 'doc', 'profile.md'), encoding='utf-8') as f:
        part = f.read().split('\n## 17. Example\n', 1)[1].split('\n## 18.', 1)[0]
    return part, re.findall(r'^```\n(.*?)^```$', part, re.M | re.S)


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b'=').decode()


def digest(octets):
    return 'sha256-' + base64.b64encode(hashlib.sha256(octets).digest()).decode()


def der(signature):
    """r and s as ECDSA-Sig-Value."""
    def integer(octets):
        octets = octets.lstrip(b'\0')
        octets = (b'\0' if octets[0] & 0x80 else b'') + octets
        return b'\x02' + bytes([len(octets)]) + octets
    both = integer(signature[:32]) + integer(signature[32:])
    return b'\x30' + bytes([len(both)]) + both


def verifies(folder, key, signed, signature):
    for name, octets in (('key', key.encode()), ('signed', signed), ('signature', der(signature))):
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(octets)
    r = subprocess.run(['openssl', 'dgst', '-sha256', '-verify', 'key', '-signature', 'signature', 'signed'],
                       cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    if r.returncode:
        note(r.stdout.decode())
    return r.returncode == 0


text, found = blocks()
is_equal(len(found), 6, 'message, canonical form, token, field, key and result are there')
message, canonical, token, field, key, result = found
body = message.replace('\n', '\r\n').encode().split(b'\r\n\r\n', 1)[1]
header, payload = token.split('\n')[:2]

ok(f'The body is {len(body)} octets' in text, 'the body has as many octets as it says')
ok(hashlib.sha256(body).hexdigest() in text, 'and that digest')
ok(f'"msgi":"{digest(body)}"' in payload, 'msgi is it')
ok(f'form is {len(canonical)} octets' in ' '.join(text.split()), 'the canonical form has as many octets as it says')
ok(f'"msgc":"{digest(canonical.encode())}"' in payload, 'msgc is its digest')
ok(f'({len(header)} and {len(payload)} octets' in text, 'header and payload have as many octets as they say')

lines = field.splitlines()
ok(all(len(line) <= 72 for line in lines) and all(line.startswith(' ') for line in lines[1:]), 'the field is folded as 2.3 says')
value = re.sub(r'\s', '', field.split(':', 1)[1])
jws, rest = value.split(';', 1)
is_equal(jws.rsplit('.', 1)[0], base64url(header.encode()) + '.' + base64url(payload.encode()), 'the field has that header and payload')
is_equal(rest, 'info=<https://certs.example/a.pem>;alg=ES256;ppt=msg', 'and the parameters in their order')
signature = base64.urlsafe_b64decode(jws.rsplit('.', 1)[1] + '==')
with tempfile.TemporaryDirectory(prefix='tap-profile-', dir=os.getcwd()) as folder:
    ok(verifies(folder, key, jws.rsplit('.', 1)[0].encode(), signature), 'the key verifies the signature')
    ok(not verifies(folder, key, jws.rsplit('.', 1)[0].encode() + b'x', signature), 'and no other octets')
ok(result.startswith('Authentication-Results: mx.b.example; x-stir=pass reason=ok'), 'the result is a pass')
done()
