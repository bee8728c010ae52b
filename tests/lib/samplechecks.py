"""Every carrier MMS mail of the shared samples, through two real MTAs: as it is, with
one octet changed, re-encoded, with another top Content-Type.  tests/e2e runs it on
Postfix and on Sendmail; skipped where the samples aren't there."""

import glob
import os
import re

import loopback
import scenarios
from lab import Lab
from tap import is_equal, note, ok, skip_all

SHARED = os.environ.get('STIR_SHARED') or os.path.join(os.environ.get('srcdir', '.'), '..', 'shared')

# The samples' gateways: digits with or without a country code at any domain.
PLAN = '''orange.fr national 33 trunk 0
* international
'''


def octets_of(path):
    with open(path, 'rb') as f:
        octets = f.read().replace(b'\r\n', b'\n')
    if octets.startswith(b'From '):
        octets = octets.split(b'\n', 1)[1]
    return octets


def flip(octets):
    """One letter or digit in the middle of the body becomes another."""
    head, body = octets.split(b'\r\n\r\n', 1)
    spot = len(body) // 2
    while spot < len(body) and not body[spot:spot + 1].isalnum():
        spot += 1
    if spot == len(body):
        spot = next(i for i in range(len(body)) if body[i:i + 1].isalnum())
    other = b'Q' if body[spot:spot + 1] != b'Q' else b'Z'
    return head + b'\r\n\r\n' + body[:spot] + other + body[spot + 1:]


def retype(octets):
    """Another top Content-Type over the same body."""
    head, body = octets.split(b'\r\n\r\n', 1)
    if re.search(rb'(?im)^content-type:', head):
        head = re.sub(rb'(?im)^content-type:(?:[^\r]|\r\n[ \t])*', b'Content-Type: text/html', head, count=1)
    else:
        head += b'\r\nContent-Type: text/html'
    return head + b'\r\n\r\n' + body


def mutate(octets):
    if b'X-Way: flip' in octets:
        return flip(octets)
    if b'X-Way: retype' in octets:
        return retype(octets)
    return octets


def through(crew, octets, marker, way, domain):
    to = f'{scenarios.BOB}@{domain}'
    crew.via_a(b'X-Lab: ' + marker.encode() + b'\r\nX-Way: ' + way.encode() + b'\r\n' + octets, rcpts=(to,))
    arrived = crew.fetch(marker)
    return arrived, scenarios.read_result(arrived) if arrived else None


def judge(crew, name, octets, i):
    """Whether the hop without 8BITMIME changed it; None: there was nothing to sign."""
    arrived, found = through(crew, octets, f's{i}-plain', 'plain', 'direct.example')
    if b'\r\nIdentity:' not in arrived:
        ok(found == {} or found.get('reason') == 'no-identity', f'{name}: no number in From, not signed')
        return None
    is_equal((found['result'], found['reason'], found['msgi']), ('pass', 'ok', 'raw'), f'{name}: pass, raw')
    _, found = through(crew, octets, f's{i}-flip', 'flip', 'middle.example')
    is_equal((found['result'], found['reason']), ('fail', 'msgi-mismatch'), f'{name}: one octet changed')
    arrived, found = through(crew, octets, f's{i}-no8', 'plain', 'no8bit.example')
    # An MTA re-encodes only what declares 8-bit content.
    changed = arrived.split(b'\r\n\r\n', 1)[1] != loopback.crlf(octets).split(b'\r\n\r\n', 1)[1]
    is_equal((found['result'], found['msgi']), ('pass', 'decoded' if changed else 'raw'), f'{name}: through a hop without 8BITMIME')
    _, found = through(crew, octets, f's{i}-type', 'retype', 'middle.example')
    is_equal((found['result'], found['reason']), ('fail', 'msgc-mismatch'), f'{name}: another top Content-Type')
    return changed


def run(mta):
    files = sorted(glob.glob(os.path.join(SHARED, 'samples', 'mms-email', '*', '*')))
    if not files:
        skip_all(f'no samples/mms-email below {SHARED}; they are not part of the project')
    with Lab(plan=PLAN, mutate=mutate, a_holds='spc:1234', mtas=(mta,)) as lab:
        crew = scenarios.Crew(lab)
        changed = [judge(crew, os.path.basename(path), octets_of(path), i) for i, path in enumerate(files)]
        signed = len(files) - changed.count(None)
        note(f'{signed} of {len(files)} samples have a number in From')
        note(f'{changed.count(True)} of them were re-encoded by the hop without 8BITMIME')
        ok(signed > 0, 'some samples were signed')
        ok(changed.count(True) > 0, 'some samples were re-encoded')
