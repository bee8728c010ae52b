"""Tokens and Identity fields of any shape, right or wrong, made with the openssl
program: what an attacker could write, and what stirctl would refuse to."""

import base64
import hashlib
import json
import subprocess


def b64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b'=').decode()


def text(value):
    """JSON as RFC 8225, 9 writes it; a str goes as it is."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False)


def es256(key, octets):
    """r and s, 64 octets, with the PEM key at that path."""
    der = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key], input=octets, stdout=subprocess.PIPE, check=True).stdout
    out, at = b'', 2
    for _ in range(2):
        n = der[at + 1]
        out += der[at + 2:at + 2 + n].lstrip(b'\0').rjust(32, b'\0')
        at += 2 + n
    return out


def token(key, header, payload):
    signing_input = b64url(text(header).encode()) + '.' + b64url(text(payload).encode())
    return signing_input + '.' + b64url(es256(key, signing_input.encode()))


def header(x5u, **more):
    return {'alg': 'ES256', 'ppt': 'msg', 'typ': 'passport', 'x5u': x5u, **more}


def msgi(body, alg='sha256'):
    """The digest of a body with CRLF line ends."""
    return alg + '-' + base64.b64encode(hashlib.new(alg, body).digest()).decode()


def field(tok, x5u, params=';alg=ES256;ppt=msg'):
    """A folded Identity field with its line end (LF)."""
    value = f'{tok};info=<{x5u}>{params}'
    lines = [value[i:i + 70] for i in range(0, len(value), 70)]
    return ('Identity: ' + '\n '.join(lines) + '\n').encode()
