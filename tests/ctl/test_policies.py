#!/usr/bin/env python3
"""The policies in conf/, over the mail in tests/mailboxes/policy that shows each of
their rules; and the examples of stir-milter-policy(5)."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import tap

STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
SRC = pathlib.Path(os.environ.get('srcdir', '.')).resolve()
CONF, MAIL, PAGE = SRC / 'conf', SRC / 'tests' / 'mailboxes' / 'policy', SRC / 'doc' / 'stir-milter-policy.5'
SHIPPED = {'observe': 'observe', 'carrier-mm4': 'tag', 'mail-to-text-gateway': 'tag'}
# What the session of the messages in these folders showed besides the client's address.
SESSION = {'mm4/partner-a': ['--env', 'tls.subject=CN=mm4.partner-a.example'],
           'mm4/reports': ['--env', 'listener=MM4IN', '-o', 'MM4MTA=MM4IN']}
SETTINGS = ['--trust', MAIL / 'pki/anchors.pem', '--certs', MAIL / 'pki/certs', '-o', f'RevocationList={MAIL}/pki/crl.pem',
            '--authserv-id', 'mx.gateway.example', '-o', 'TrustedResults=dkim,dmarc,spf', '-o', 'TrustedScores=198.51.100.25', '--now', 'receipt']


def run(*args, want=0):
    r = subprocess.run([STIRCTL, *map(str, args)], capture_output=True, timeout=300, text=True, check=False)
    if want is not None and r.returncode != want:
        tap.note(f'{[str(a) for a in args]}: {r.returncode}, want {want}\n{r.stdout[-2000:]}{r.stderr[-2000:]}')
    return r


# --- the files themselves

def check_shipped(name, mode):
    path = CONF / f'{name}.policy'
    r = run('policy', 'check', path)
    tap.ok(r.returncode == 0 and r.stderr == '', f'{name}: no error and no warning')
    tap.ok(f'mode {mode},' in r.stdout, f'{name}: mode {mode}')
    r = run('policy', 'fmt', '--diff', path)
    tap.ok(r.returncode == 0, f'{name}: laid out as "policy fmt" does')
    rules = json.loads(run('policy', 'dump', '--json', path).stdout)['rules']
    text, by_rate = path.read_text(), set()
    for rule in rules:      # in tests no rate is ever over
        if '"over"' in json.dumps(rule['condition']) or any(f'"rule": "{x}"' in json.dumps(rule['condition']) for x in by_rate):
            by_rate.add(rule['name'])
    names = {r['name'] for r in rules}
    shown = set(re.findall(r'\bhit (\w+)', text))
    tap.ok(names - by_rate <= shown, f'{name}: an inline test shows each rule that asks no rate: {sorted(names - by_rate - shown)}')
    tap.ok(len(by_rate) >= 2, f'{name}: some rules ask a rate')
    tap.ok(all(r['describe'] for r in rules), f'{name}: each rule says what it is for')
    tap.ok(not any(r['score'] and r['score'] < 0 and r['condition'].get('fact') == 'verify' for r in rules), f'{name}: nothing is earned by a pass alone')
    return names


# --- what they say of the mail

def rows_of(policy):
    with open(MAIL / f'{policy}.tsv') as f:
        for line in f:
            if not line.startswith('#'):
                message, index, would, score, rules = line.rstrip('\n').split('\t')
                yield message, int(index), (would, float(score), rules.split() if rules != '-' else [])


def verdict_of(line):
    rules = sorted(r['name'] + ('?' if r['shadow'] else '') for r in line['rules'])
    return line['would'], line['score'], rules


def repeated(message, times, folder):
    """An mbox of the same message, so many times: all received at one moment."""
    octets = (MAIL / message).read_bytes()
    path = folder / (os.path.basename(message) + '.mbox')
    path.write_bytes((b'From burst@example.net Sun Nov  1 18:00:00 2026\n' + re.sub(rb'(?m)^From ', b'>From ', octets) + b'\n') * times)
    return path


def judge(policy, paths, session=()):
    r = run('verify', '--json', '--policy', CONF / f'{policy}.policy', *SETTINGS, *session, *paths, want=None)
    if r.returncode not in (0, 1):
        tap.note(r.stderr[-2000:])
    return {(line['file'], line['index']): line for line in map(json.loads, r.stdout.splitlines())}


def groups_of(rows):
    """Messages of one run: a folder each, and each burst alone."""
    groups = {}
    for message, index, expected in rows:
        folder = message if message.startswith('burst/') else '/'.join(message.split('/')[:2])
        groups.setdefault(folder, []).append((message, index, expected))
    return groups


def compare(policy, rows, found, path_of):
    hit = set()
    for message, index, expected in rows:
        line = found.get((str(path_of[message]), index))
        got = verdict_of(line) if line else None
        tap.is_equal(got, expected, f'{policy}: {message} {index}')
        hit |= {r.rstrip('?') for r in expected[2]}
    return hit


def check_mail(policy, rules, folder):
    hit, lines = set(), {}
    for group, rows in groups_of(list(rows_of(policy))).items():
        if group.startswith('burst/'):
            path_of = {group: repeated(group, max(index for _, index, _ in rows), folder)}
        else:
            path_of = {m: MAIL / m for m in sorted({m for m, _, _ in rows})}
            present = sorted(str(p.relative_to(MAIL)) for p in (MAIL / group).iterdir())
            tap.is_equal(present, list(path_of), f'{policy}: something is expected of each message in {group}')
        found = judge(policy, path_of.values(), SESSION.get(group, ()))
        hit |= compare(policy, rows, found, path_of)
        lines.update(found)
    tap.ok(rules <= hit, f'{policy}: a message shows each rule: {sorted(rules - hit)}')
    plain = [v for v in lines.values() if v['result'] == 'pass' and v['integrity'] == 'raw' and v['file'].endswith('wanted/signed.eml')]
    tap.ok(all(v['score'] == 0 and v['would'] == 'accept' for v in plain), f'{policy}: a bare pass scores 0')


# --- the manual page

def blocks(section):
    part = re.split(r'(?m)^\.Sh ', PAGE.read_text().split(f'.Sh {section}\n', 1)[1])[0]
    return [b.replace('\\e', '\\') for b in re.findall(r'(?ms)^\.Bd -literal -offset indent\n(.*?)^\.Ed', part)]


def check_page(folder):
    os.mkdir(folder / 'lists')
    for path in (CONF / 'lists').iterdir():
        shutil.copyfile(path, folder / 'lists' / path.name)
    pieces = {'STATEMENTS': ['\n'.join(blocks('STATEMENTS'))], 'DESCRIPTION': blocks('DESCRIPTION'), 'EXAMPLES': blocks('EXAMPLES')}
    for section, texts in pieces.items():
        for i, text in enumerate(texts):
            path = folder / f'{section.lower()}-{i + 1}.policy'
            path.write_text(text)
            r = run('policy', 'check', path)
            tap.ok(r.returncode == 0 and r.stderr == '' and ' 0 tests' not in r.stdout, f'manual, {section} {i + 1}: no error, no warning, tests hold')
    tap.ok(len(pieces['EXAMPLES']) >= 4 and len(blocks('STATEMENTS')) >= 9, 'the examples were found')
    broken = folder / 'broken.policy'
    for sample in re.findall(r'(?ms)^\.Bd -literal\n(inbound\.policy:.*?)^\.Ed', PAGE.read_text()):
        what = re.search(r'error: (.*)', sample).group(1)
        broken.write_text('policy 1\nrule BLOCKED_TN { when verify == none  final reject 4.7.1 "number blocked" }\n')
        r = run('policy', 'check', broken, want=78)
        tap.ok(r.returncode == 78 and what in r.stderr and '^' in r.stderr, f'the error shown is one: {what}')


def check_words():
    page = PAGE.read_text().split('.Sh FACTS\n', 1)[1]
    facts = json.loads(run('policy', 'facts', '--json').stdout)
    wrong = []
    for f in facts:
        entry = re.split(r'(?m)^\.It ', page.split(f'.It Sy {f["name"]} Ar ', 1)[1])[0]
        words = re.search(r'(?m)^Words:\n\.Li (.*) \.$', entry)
        if f['words'] and f['name'] != 'reason' and (not words or words.group(1).split() != f['words']):
            wrong.append((f['name'], f['words']))
    tap.ok(len(facts) > 80 and wrong == [], f'the manual has the words of each enum: {wrong}')


tmp = pathlib.Path(tempfile.mkdtemp(prefix='tap-policies-', dir=os.getcwd()))
try:
    for shipped, its_mode in SHIPPED.items():
        check_mail(shipped, check_shipped(shipped, its_mode), tmp)
    check_page(tmp)
    check_words()
finally:
    shutil.rmtree(tmp, ignore_errors=True)
tap.done()
