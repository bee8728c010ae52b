#!/usr/bin/env python3
"""stirctl probe: a canary is made, changed here as mail systems are known to
change mail, and read: the reading must name what was done, where, and what helps."""

import base64
import glob
import json
import mailbox
import os
import pathlib
import quopri
import random
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import tap

STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
SRC = pathlib.Path(os.environ.get('srcdir', '.')).resolve()
SHARED = pathlib.Path(os.environ.get('STIR_SHARED') or SRC.parent / 'shared')
NOW = 1795536100
ALICE, BOB = '+15550100001/TYPE=PLMN@mms.a.example', '+15550300001/TYPE=PLMN@mms.b.example'
SEED = '00000000000c0ffe'


def run(*args, data=None, want=0, seconds=60):
    r = subprocess.run([STIRCTL, 'probe', *map(str, args)], input=data, capture_output=True, timeout=seconds, check=False)
    if want is not None and r.returncode != want:
        tap.note(f'{args}: {r.returncode}, want {want}\n{r.stderr.decode(errors="replace")}')
    return r


def make(kind, *more, crlf=True):
    r = run('make', '--from', ALICE, '--to', BOB, '--kind', kind, '--seed', SEED, '--now', NOW, *(['--crlf'] if crlf else []), *more)
    return r.stdout


def read(data, *more):
    r = run('read', '--json', *more, '-', data=data, want=None)
    return r.returncode, json.loads(r.stdout) if r.stdout else None


def found(j):
    return {(f['change'], f['where']) for f in j['findings']}


def expect(data, want, what, msgi='changed', msgc='same', status=1, more=()):
    """The changed message ends with these findings, and all of them."""
    rc, j = read(data, *more)
    tap.is_equal(rc, status, f'{what}: status')
    tap.is_equal(sorted(found(j)), sorted(want), f'{what}: named')
    tap.is_equal((j['msgi'], j['msgc']), (msgi, msgc), f'{what}: msgi and msgc')
    tap.ok(all(f['help'] for f in j['findings'] if f['matters']), f'{what}: what matters has advice')
    return j


def swap(data, old, new, count=1):
    if old not in data:
        tap.ok(False, f'{old!r} is in the probe')
    return data.replace(old, new, count)


def part(data, name):
    """Header and content of the part of that name, as they stand."""
    at = data.index(b'Content-ID: <' + name.encode() + b'.')
    begin = data.rindex(b'\r\n--stir-probe-', 0, at) + 2
    begin = data.index(b'\r\n', begin) + 2
    end, blank = data.index(b'\r\n--stir-probe-', at), data.index(b'\r\n\r\n', at)
    return data[begin:end], data[begin:blank], data[blank + 4:end]


def recode(data, name, encoding):
    """A leaf in another transfer encoding, as a hop without 8BITMIME makes it."""
    whole, head, content = part(data, name)
    if encoding == b'base64':
        content = base64.encodebytes(content + b'\r\n').replace(b'\n', b'\r\n')[:-2]
    else:
        content = quopri.encodestring(content.replace(b'\r\n', b'\n')).replace(b'\n', b'\r\n')
    head = re.sub(rb'(?i)Content-Transfer-Encoding: \S+', b'Content-Transfer-Encoding: ' + encoding, head)
    return swap(data, whole, head + b'\r\n\r\n' + content)


def cut_lines(octets, at, how):
    """Long lines cut after `at` octets, again and again."""
    out = []
    for line in octets.split(b'\r\n'):
        while len(line) > at:
            out.append(line[:at] + how)
            line = b' ' + line[at:]
        out.append(line)
    return b'\r\n'.join(out)


# --- made and read again -------------------------------------------------------------

def test_usage():
    r = run('--help')
    tap.ok(b'make' in r.stdout and b'read' in r.stdout, 'help lists both')
    for cmd in 'make', 'read':
        text = run(cmd, '--help').stdout.decode()
        tap.ok('usage: stirctl probe ' + cmd in text and 'For example' in text, f'{cmd} --help')
    cases = [
        (['maek'], b'make'), (['make'], b'--from'), (['make', '--from', ALICE], b'--to'), (['make', '--from', 'a b', '--to', BOB], b'--from'),
        (['make', '--from', ALICE, '--to', '"x" <a@b.example>'], b'--to'), (['make', '--from', ALICE, '--to', BOB, '--kind', 'hostil'], b"'hostile'"),
        (['make', '--from', ALICE, '--to', BOB, '--seed', 'xyz'], b'hexadecimal'), (['make', '--from', ALICE, '--to', BOB, 'file'], b'options alone'),
        (['make', '--from', ALICE, '--to', BOB, '--key', 'k'], b'--sign'), (['make', '--from', ALICE, '--to', BOB, '--sign'], b'nothing to sign with'),
        (['make', '--from', ALICE, *['--to', BOB] * 21], b'at most 20'), (['read'], b'FILE'), (['read', '--jsom', '-'], b"'--json'"),
    ]
    for args, says in cases:
        r = run(*args, want=64)
        tap.ok(r.returncode == 64 and says in r.stderr, f'{" ".join(args)[:60]}: 64, and says what to do')


def test_manual():
    """The words for programs are those of the manual."""
    words = re.findall(r'PROBE_CHANGE\(\w+, "([a-z0-9-]+)"', (SRC / 'ctl' / 'probe_change.def').read_text())
    manual = (SRC / 'doc' / 'stirctl.1').read_text().split('stay as they are:\n', 1)[1].split('.Pp', 1)[0]
    tap.is_equal(re.findall(r'^\.Sq (\S+)', manual, re.M), words, 'the manual lists each change that can be named')


def examples(text):
    return [line.strip() for line in text.split('For example:\n', 1)[1].splitlines() if line.strip().startswith('stirctl ')]


def test_examples(folder):
    """What the help texts show can be typed."""
    env = dict(os.environ, PATH=os.path.dirname(STIRCTL) + ':' + os.environ['PATH'])
    lines = examples(run('--help').stdout.decode()) + examples(run('make', '--help').stdout.decode())
    tap.is_equal(len(lines), 3, 'the examples were found')
    for line in lines:
        r = subprocess.run(line, shell=True, cwd=folder, env=env, capture_output=True, timeout=60, check=False)
        tap.is_equal(r.returncode, 0, line[:60])
    (line,) = examples(run('read', '--help').stdout.decode())
    os.rename(folder / 'probe.eml', folder / 'arrived.eml')
    r = subprocess.run(line, shell=True, cwd=folder, env=env, capture_output=True, timeout=60, check=False)
    tap.ok(r.returncode == 0 and b'nothing that matters' in r.stdout, line)


def test_unchanged(folder):
    for kind in 'plain', 'mms', 'hostile':
        lf, crlf = make(kind, crlf=False), make(kind)
        tap.ok(lf == make(kind, crlf=False), f'{kind}: the same again from the same seed')
        tap.ok(crlf.replace(b'\r\n', b'\n') == lf, f'{kind}: --crlf changes line ends only')
        for name, data in (('LF', lf), ('CRLF', crlf)):
            rc, j = read(data)
            tap.is_equal((rc, j['well'], j['findings'], j['first'], j['msgi'], j['msgc']), (0, True, [], None, 'same', 'same'), f'{kind}, {name}: nothing changed')
            tap.is_equal((j['probe']['kind'], j['probe']['seed'], j['probe']['made'], j['probe']['from'], j['probe']['to'], j['probe']['told_by']),
                         (kind, SEED, NOW, ALICE, [BOB], 'field'), f'{kind}, {name}: what it was made from')
            tap.is_equal((j['typical']['whole'], j['longest']['whole']), (True, True), f'{kind}, {name}: tokens whole')
            tap.ok(8100 < j['longest']['octets'] <= 8192 and 1000 < j['typical']['octets'] < 1500, f'{kind}, {name}: of the lengths meant')
        tap.is_equal(j['unsafe'] == '', kind != 'hostile', f'{kind}: a signer would take it, or not')
    tap.ok(make('mms') != run('make', '--from', ALICE, '--to', BOB, '--now', NOW, '--crlf').stdout, 'without --seed another one each time')
    box = mailbox.mbox(folder / 'box.mbox')
    for data in make('mms', crlf=False), b'From: a@b.example\nSubject: other\n\nmail\n', make('plain', crlf=False):
        box.add(data)
    box.close()
    r = run('read', '--json', folder / 'box.mbox', want=None)
    js = [json.loads(line) for line in r.stdout.splitlines()]
    tap.is_equal((r.returncode, [j['probe'] and j['probe']['kind'] for j in js]), (1, ['mms', None, 'plain']), 'in an mbox: two probes and other mail')
    quoted = {f['change'] for j in js if j['probe'] for f in j['findings']}
    tap.is_equal(quoted, {'from-quoted'}, "an mbox writer that doesn't quote '>From ' is found out, nothing else")
    md = mailbox.Maildir(folder / 'md')
    md.add(make('mms', crlf=False))
    tap.is_equal(run('read', folder / 'md').returncode, 0, 'in a Maildir')


def test_not_a_probe(folder):
    r = run('read', '-', data=b'From: a@b.example\n\nno probe\n', want=65)
    tap.ok(r.returncode == 65 and b'no probe' in r.stderr and b'--sent' in r.stderr, 'no probe at all: 65, and what to do')
    tap.is_equal(run('read', folder / 'nowhere', want=66).returncode, 66, 'a file that is not there')
    tap.is_equal(run('read', '-', data=b'\x00\x01', want=65).returncode, 65, 'rubbish')
    data = make('mms')
    head, body = data.split(b'\r\n\r\n', 1)
    lost = re.sub(rb'X-STIR-Probe:(?:[^\r]|\r\n[ \t])*\r\n', b'', head)
    j = expect(lost + b'\r\n\r\n' + body, {('field-lost', 'X-STIR-Probe')}, 'its field is gone', msgi='same')
    tap.is_equal(j['probe']['told_by'], 'body', 'the body tells which it was')
    _, j = read(recode(lost + b'\r\n\r\n' + body, 'text', b'base64'))
    tap.is_equal((j['probe'] or {}).get('told_by'), 'body', 'also when it was re-encoded')
    gone = lost + b'\r\n\r\n' + swap(body, b'[stir-probe/1', b'[gone/1')
    rc, j = read(gone)
    tap.is_equal((rc, j['probe']), (65, None), 'neither: no probe')
    (folder / 'sent.eml').write_bytes(data)
    rc, j = read(gone, '--sent', folder / 'sent.eml')
    tap.is_equal((rc, j['probe']['told_by']), (1, '--sent'), '... but with --sent it is compared')
    tap.is_equal(run('read', '--sent', SRC / 'tests' / 'mailboxes' / 'report.eml', '-', data=data, want=65).returncode, 65, '--sent of something else')
    bad = swap(swap(data, b'[stir-probe/1;mms;0', b'[stir-probe/1;mms;1', 2), b'x', b'x')
    r = run('read', '-', data=bad, want=65)
    tap.ok(b'damaged or of another version' in r.stdout, 'a recipe that was changed is not believed')


# --- the body --------------------------------------------------------------------------

def test_recoded():
    data = make('mms')
    for encoding in b'base64', b'quoted-printable':
        j = expect(recode(data, '8bit', encoding), {('recoded', '8bit')}, f'8bit to {encoding.decode()}')
        tap.is_equal(j['findings'][0]['detail'], f'from 8bit to {encoding.decode()}', '... says from and to')
        tap.is_equal(j['first']['part'], '8bit', '... and the first difference is there')
        tap.ok('SignContentDigest' in j['findings'][0]['help'] and '8BITMIME' in j['findings'][0]['help'], '... what helps')
    expect(recode(recode(data, 'alternative-text', b'base64'), 'message-text', b'quoted-printable'),
           {('recoded', 'alternative-text'), ('recoded', 'message-text')}, 'inside multiparts and messages')
    # Sendmail notes what it did in the part's header.
    whole, head, _ = part(recode(data, '8bit', b'base64'), '8bit')
    marked = whole.replace(head, head + b'\r\nX-MIME-Autoconverted: from 8bit to base64 by mx.example id 7AB', 1)
    expect(swap(recode(data, '8bit', b'base64'), whole, marked), {('recoded', '8bit'), ('part-field', '8bit')}, "Sendmail's conversion")
    _, j = read(recode(data, 'base64-text', b'base64'))
    tap.is_equal((j['msgc'], {f['where'] for f in j['findings']}), ('changed', {'base64-text'}), 'base64 of base64, under the same label')
    plain = make('plain')
    head, body = plain.split(b'\r\n\r\n', 1)
    qp = quopri.encodestring(body.replace(b'\r\n', b'\n')).replace(b'\n', b'\r\n')
    expect(swap(head, b'Encoding: 8bit', b'Encoding: quoted-printable') + b'\r\n\r\n' + qp,
           {('recoded', 'message'), ('field-differs', 'Content-Transfer-Encoding')}, 'a plain probe in quoted-printable')
    expect(swap(head, b'Encoding: 8bit', b'Encoding: base64') + b'\r\n\r\n' + base64.encodebytes(body + b'\r\n').replace(b'\n', b'\r\n'),
           {('recoded', 'message'), ('field-differs', 'Content-Transfer-Encoding')}, "a plain probe in base64, with a line end more (Sendmail's F=9 the other way)")
    _, head, _ = part(data, 'quoted-printable')
    expect(swap(data, head, head.replace(b'quoted-printable\r', b'8bit\r').replace(b': quoted-printable', b': 7bit')),
           {('encoding-label', 'quoted-printable')}, 'another label on the same octets', msgc='changed')
    whole, _, content = part(data, 'image')
    joined = content.replace(b'\r\n', b'')
    rewrapped = b'\r\n'.join(joined[i:i + 60] for i in range(0, len(joined), 60))
    expect(swap(data, content, rewrapped), {('rewrapped', 'image')}, 'base64 in lines of other lengths')


def test_lines():
    hostile = make('hostile')
    head, body = hostile.split(b'\r\n\r\n', 1)
    texts = {n for n in ('line-of-991', 'line-of-998', 'line-of-999', 'line-of-2100')}
    want = {('line-cut', n) for n in ('line-of-999', 'line-of-2100', 'image-on-one-line')} | {('part-field', 'part-header-line')}
    j = expect(head + b'\r\n\r\n' + cut_lines(body, 998, b''), want, "Postfix's cut after 998", msgc='changed')
    line = next(f for f in j['findings'] if f['where'] == 'line-of-2100')
    tap.is_equal((line['count'], line['detail']), (2, 'after octet 998 of the line'), '... how often and where')
    tap.ok('smtp_line_length_limit = 0' in line['help'] and 'UnsafeBody' in line['help'], '... what helps')
    want = {('line-cut-with-bang', n) for n in texts | {'image-on-one-line', 'line-of-990'}} | {('part-field', 'part-header-line')}
    j = expect(head + b'\r\n\r\n' + cut_lines(body, 989, b'!'), want, "Sendmail's cut after 989 with '!'", msgc='changed')
    tap.ok(any('L=' in f['help'] for f in j['findings']), '... what helps')
    mms = make('mms')
    head, body = mms.split(b'\r\n\r\n', 1)
    expect(head + b'\r\n\r\n' + cut_lines(body, 998, b''), {('line-cut', 'image-on-one-line')}, 'base64 on one line, cut by Postfix: msgc holds')
    expect(head + b'\r\n\r\n' + cut_lines(body, 998, b'!'), {('line-cut-with-bang', 'image-on-one-line')}, 'base64 on one line, cut with !: msgc holds')
    _, _, line = part(mms, 'line-of-990')
    expect(swap(mms, line, line[:70] + b'\r\n' + line[70:]), {('line-wrapped', 'line-of-990')}, 'a text that was wrapped', msgc='changed')


def test_octets():
    hostile, mms = make('hostile'), make('mms')
    eight = 'Grüße aus Köln'.encode()
    _, _, content = part(mms, '8bit')
    stripped = bytes(c & 127 for c in content)
    expect(swap(mms, content, stripped), {('bit8-stripped', '8bit')}, 'bit 8 stripped', msgc='changed')
    expect(swap(mms, content, re.sub(rb'[\x80-\xff]', b'?', content)), {('eightbit-replaced', '8bit')}, 'a ? for each octet', msgc='changed')
    expect(swap(mms, content, content.decode().encode('ascii', 'replace')), {('eightbit-replaced', '8bit')}, 'a ? for each character', msgc='changed')
    # Sendmail's walk: bit 8 of preamble and epilogue, the delimiter that is missing.
    pre, epi = b'a preamble with 8 bits: \xc3\xa9', b'an epilogue with 8 bits: \xc3\xa9'
    opened = b'no delimiter closes this multipart\r\n'
    walked = swap(swap(hostile, pre, pre[:-2] + b'C)'), epi, epi[:-2] + b'C)')
    walked = swap(walked, opened, opened + b'--stir-probe-unclosed-' + SEED.encode() + b'--\r\n')
    j = expect(walked, {('bit8-stripped', 'preamble'), ('bit8-stripped', 'closed: epilogue'), ('delimiter-added', 'unclosed')}, "Sendmail's MIME walk")
    tap.ok(any('Sendmail' in f['help'] for f in j['findings']), '... says who does that')
    expect(swap(hostile, b'#\0#', b'# #'), {('nul', 'nul')}, 'NUL became a blank', msgc='changed')
    expect(swap(hostile, b'#\0#', b'##'), {('nul', 'nul')}, 'NUL dropped', msgc='changed')
    expect(swap(hostile, b'#\0# and more\r\n', b'#\r\n'), {('nul', 'nul')}, "OpenSMTPD's end of the line at a NUL", msgc='changed')
    expect(swap(hostile, b'#\r#', b'# #'), {('bare-cr', 'bare-cr')}, "Postfix's blank for a lone CR", msgc='changed')
    expect(swap(hostile, b'#\r#', b'#\r\n#'), {('bare-cr', 'bare-cr')}, "Exim's line end for a lone CR", msgc='changed')
    expect(swap(hostile, b'#\r#', b'##'), {('bare-cr', 'bare-cr')}, 'a lone CR dropped', msgc='changed')
    tap.ok(eight in content, 'the text has umlauts')
    latin = content.decode().encode('iso-8859-1')
    whole, head, _ = part(mms, '8bit')
    j = expect(swap(mms, whole, head.replace(b'utf-8', b'iso-8859-1') + b'\r\n\r\n' + latin), {('charset', '8bit'), ('part-field', '8bit')},
               'another character set, as labelled', msgc='changed')
    tap.ok(any(f['detail'] == 'from utf-8 to iso-8859-1, which it says' for f in j['findings']), '... says from and to')
    expect(swap(mms, content, latin), {('charset', '8bit')}, 'another character set, with the old label', msgc='changed')
    twice = content.decode('iso-8859-1').encode()
    expect(swap(mms, content, twice), {('charset', '8bit')}, 'UTF-8 twice over', msgc='changed')


def test_text():
    mms = make('mms')
    j = expect(swap(mms, b'at the end  \r\n', b'at the end\r\n').replace(b'end\t\r\n', b'end\r\n'), {('trailing-blanks', 'blanks')}, 'blanks at line ends', msgc='changed')
    tap.is_equal(j['findings'][0]['count'], 2, '... both counted')
    expect(swap(mms, b'three at the end\r\n\r\n\r\n\r\n', b'three at the end\r\n'), {('empty-lines', 'empty-lines')}, 'empty lines at the end of a text: msgc holds')
    expect(swap(mms, b'two empty lines\r\n\r\n\r\n', b'two empty lines\r\n\r\n'), {('empty-lines', 'empty-lines')}, 'an empty line within', msgc='changed')
    expect(swap(mms, b'\r\nFrom the', b'\r\n>From the'), {('from-quoted', 'from')}, "mbox's '>From '", msgc='changed')
    expect(swap(mms, b'\r\n.one dot\r\n..two dots\r\n.\r\n', b'\r\n..one dot\r\n...two dots\r\n..\r\n'), {('dots', 'dots')}, 'dots doubled', msgc='changed')
    expect(swap(mms, b'\r\n.one dot\r\n..two dots\r\n.\r\n', b'\r\none dot\r\n.two dots\r\n\r\n'), {('dots', 'dots')}, 'dots lost', msgc='changed')
    j = expect(swap(mms, b'no dot\r\n', b'no d0t\r\n'), {('changed', 'dots')}, 'one octet', msgc='changed')
    at = mms.split(b'\r\n\r\n', 1)[1].index(b'no dot') + 4
    tap.is_equal((j['first']['offset'], j['first']['part'], bytes.fromhex(j['first']['sent'])[:2], bytes.fromhex(j['first']['arrived'])[:2]),
                 (at, 'dots', b'ot', b'0t'), '... the first difference, octet for octet')
    body = mms.split(b'\r\n\r\n', 1)[1]
    tap.is_equal((j['first']['line'], j['first']['column']), (body[:at].count(b'\n') + 1, at - body.rindex(b'\n', 0, at)), '... its line and column')


def test_footers():
    mms, plain = make('mms'), make('plain')
    footer = b'--\r\nThis message was scanned.\r\n'
    expect(mms + footer[4:], {('appended', 'epilogue')}, 'a footer behind the last delimiter')
    expect(mms + footer, {('appended', 'epilogue')}, 'a footer that looks like a delimiter to some', msgc='changed')
    expect(plain + footer, {('appended', 'message')}, 'a footer on a plain text', msgc='changed')
    head, body = plain.split(b'\r\n\r\n', 1)
    expect(head + b'\r\n\r\n[EXTERNAL] take care\r\n' + body, {('prepended', 'text')}, 'a banner', msgc='changed')
    text = part(mms, 'smil')[2]
    j = expect(swap(mms, text, text + b'\r\nAd: buy\r\n'), {('appended', 'smil')}, 'a footer in a part', msgc='changed')
    tap.ok('Ad: buy' in j['findings'][0]['detail'], '... and what it says')
    closing = b'--stir-probe-' + SEED.encode() + b'--\r\n'
    added = b'--stir-probe-' + SEED.encode() + b'\r\nContent-Type: text/plain\r\n\r\nA disclaimer\r\n'
    expect(swap(mms, closing, added + closing), {('part-added', 'text/plain')}, 'a footer as a part', msgc='changed')
    head, body = mms.split(b'\r\n\r\n', 1)
    inner = re.search(rb'Content-Type:(?:[^\r]|\r\n[ \t])*', head).group(0)
    wrapped = head.replace(inner, b'Content-Type: multipart/mixed; boundary=list') + b'\r\n\r\n--list\r\n' + inner + b'\r\n\r\n' + body + \
        b'\r\n--list\r\nContent-Type: text/plain\r\n\r\nUnsubscribe here\r\n--list--\r\n'
    expect(wrapped, {('part-moved', 'message'), ('part-added', 'text/plain'), ('field-changed', 'Content-Type')}, "a list's wrapping", msgc='changed')
    expect(mms[:mms.index(b'.one dot')], {('part-lost', n) for n in ('from', 'empty-lines', 'alternative', 'message')} |
           {('delimiter-lost', 'message'), ('cut-off', 'dots')}, 'cut off by a size limit', msgc='changed')
    whole = part(mms, 'image')[0]
    expect(swap(mms, b'--stir-probe-' + SEED.encode() + b'\r\n' + whole + b'\r\n', b''), {('part-lost', 'image')}, 'a part taken out', msgc='changed')
    expect(mms.replace(b'stir-probe-' + SEED.encode(), b'other-' + SEED.encode()), {('boundary', 'message'), ('field-changed', 'Content-Type')}, 'another boundary')


# --- the header ---------------------------------------------------------------------------

def test_header():
    mms = make('mms')
    expect(swap(mms, b'blank,\r\n and before', b'blank, and\r\n before'), {('field-refolded', 'X-STIR-Probe-Fold')}, 'folded elsewhere', msgi='same', status=0)
    expect(swap(mms, b'two  blanks,\ta tab', b'two blanks, a tab'), {('field-blanks', 'X-STIR-Probe-Blanks')}, 'blanks made one', msgi='same', status=0)
    expect(swap(mms, b'x-sTIR-pROBE-cASE:', b'X-Stir-Probe-Case:'), {('field-name-case', 'x-sTIR-pROBE-cASE')}, 'the case of a name', msgi='same', status=0)
    a, b = b'MIME-Version: 1.0\r\n', b'Content-Transfer-Encoding: 8bit\r\n'
    head, body = mms.split(b'\r\n\r\n', 1)
    moved = swap(head + b'\r\n', b, b'').replace(a, b + a) + b'\r\n' + body
    rc, j = read(moved)
    tap.ok(rc == 0 and {f['change'] for f in j['findings']} == {'field-order'}, 'fields in another order')
    expect(swap(mms, b'X-STIR-Probe-Twice: the second of two\r\n', b''), {('field-lost', 'X-STIR-Probe-Twice')}, 'a field dropped', msgi='same')
    expect(re.sub(rb'X-Mms-[^\r]*\r\n', b'', mms), {('field-lost', n) for n in
           ('X-Mms-3GPP-MMS-Version', 'X-Mms-Message-Type', 'X-Mms-Transaction-ID', 'X-Mms-Message-ID')}, 'X-Mms fields dropped', msgi='same')
    expect(swap(mms, b'Subject: STIR', b'Subject: [SPAM] STIR'), {('field-differs', 'Subject')}, 'a tagged subject matters to no token', msgi='same', status=0)
    expect(swap(mms, b'\r\n\r\n', b'\r\nContent-Type: text/plain\r\n\r\n'), {('field-doubled', 'Content-Type')},
           'a second Content-Type', msgi='same', msgc='changed')
    early = swap(mms, b'X-STIR-Probe-Twice: the first', b'\r\nX-STIR-Probe-Twice: the first')
    rc, j = read(early)
    tap.ok(rc == 1 and ('header-ended', 'X-STIR-Probe-Twice') in found(j), 'a blank line in the header')
    blank = swap(mms, b'\r\n and before\r\n', b'\r\n \r\n and before\r\n')
    tap.ok(('field-blank-line', 'X-STIR-Probe-Fold') in found(read(blank)[1]), 'a line of blanks in a fold')


def test_tokens():
    mms = make('mms')
    field = re.compile(rb'X-STIR-Probe-(?:Typical|Longest):(?:[^\r]|\r\n[ \t])*')
    unfolded = field.sub(lambda m: m.group(0).replace(b'\r\n ', b''), mms)
    expect(unfolded, {('field-blanks', 'X-STIR-Probe-Typical'), ('field-blanks', 'X-STIR-Probe-Longest')},
           'tokens unfolded: whole all the same', msgi='same', status=0)
    banged = field.sub(lambda m: cut_lines(m.group(0).replace(b'\r\n ', b''), 989, b'!'), mms)
    j = expect(banged, {('field-with-bang', 'X-STIR-Probe-Typical'), ('field-with-bang', 'X-STIR-Probe-Longest')}, "unfolded, then Sendmail's '!'", msgi='same')
    tap.is_equal((j['typical']['whole'], j['longest']['whole']), (False, False), '... and neither is whole')
    cut = re.sub(rb'X-STIR-Probe-Longest:(?:[^\r]|\r\n[ \t])*', lambda m: m.group(0)[:2300], mms)
    j = expect(cut, {('token-damaged', 'X-STIR-Probe-Longest')}, "Sendmail's silent cut of long fields", msgi='same')
    tap.is_equal((j['typical']['whole'], j['longest']['whole']), (True, False), '... the typical one is whole')
    tap.ok('Digest sha256' in j['findings'][0]['help'], '... what helps')
    expect(re.sub(rb'X-STIR-Probe-Typical:(?:[^\r]|\r\n[ \t])*\r\n', b'', mms), {('token-lost', 'X-STIR-Probe-Typical')}, 'dropped', msgi='same')


def test_signed(folder):
    subprocess.run([STIRCTL, 'pki', 'init', folder / 'pki', '--not-before', str(NOW - 86400)], check=True, capture_output=True)
    url = 'https://certs.a.example/a.pem'
    subprocess.run([STIRCTL, 'pki', 'issue', folder / 'pki', '--tn-auth', 'tn:+15550100001', '--url', url, '--out', folder / 'a', '--certs', folder / 'certs',
                    '--not-before', str(NOW - 86400)], check=True, capture_output=True)
    keys = ['--sign', '--key', folder / 'a.key', '--cert', folder / 'a.pem', '--x5u', url]
    data = make('mms', *keys)
    rc, j = read(data)
    tap.is_equal((rc, j['identities'], j['identity']['whole'], j['findings']), (0, 1, True, []), 'signed: a token is carried, and whole')
    for name, octets in (('as made', data), ('with LF', make('mms', *keys, crlf=False))):
        r = subprocess.run([STIRCTL, 'verify', '--json', '--trust', folder / 'pki' / 'anchors.pem', '--certs', folder / 'certs', '--now', str(NOW + 2), '-'],
                           input=octets, capture_output=True, timeout=60, check=False)
        v = json.loads(r.stdout)
        tap.is_equal((r.returncode, v['reason'], v['integrity'], v['iat']), (0, 'ok', 'raw', NOW), f'{name}: and stirctl verify passes it')
    identity = re.compile(rb'Identity:(?:[^\r]|\r\n[ \t])*\r\n')
    expect(identity.sub(b'', data, 1), {('token-lost', 'Identity')}, 'signed, the field is dropped', msgi='same')
    bang = identity.sub(lambda m: m.group(0).replace(b'\r\n ', b'!\r\n ', 1), data, 1)
    rc, j = read(bang)
    tap.ok(rc == 1 and ('field-with-bang', 'Identity') in found(j), "signed, with '!' in it")
    rc, j = read(identity.sub(lambda m: m.group(0).replace(b'Identity: ey', b'Identity: ez', 1), data, 1))
    tap.ok(rc == 1 and ('token-damaged', 'Identity') in found(j), 'signed, one letter changed')
    r = run('make', '--from', ALICE, '--to', BOB, '--kind', 'hostile', *keys, '--now', NOW)
    tap.ok(b'Identity:' in r.stdout and b'without digests' in r.stderr, 'hostile: signed without digests, and that is said')
    r = run('make', '--from', BOB, '--to', ALICE, *keys, '--now', NOW, want=65)
    tap.ok(r.returncode == 65 and r.stdout == b'' and b'not signed' in r.stderr, "a number that isn't ours: no message, and why")


# --- who and when --------------------------------------------------------------------------

def stamped(data, seconds, at=0):
    t = time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime(NOW + seconds))
    return f'Received: from a by b; {t}\r\n'.encode() + data


def test_way(folder):
    mms = make('mms')
    rc, j = read(stamped(stamped(stamped(mms, 1), 31), 33))
    tap.is_equal((rc, j['hops'], j['received'], j['slowest_hop'], j['slowest_s']), (0, 3, NOW + 33, 2, 30), 'hops, delay and the slowest hop')
    j = expect(stamped(mms, 3600), {('delay', 'message')}, 'an hour on the way', msgi='same')
    tap.ok('MaxAge' in j['findings'][0]['help'] and 'ReplayStore' in j['findings'][0]['help'], '... what helps')
    conf = folder / 'conf'
    conf.write_text('MaxAge 2h\nAllowReplay yes\n')
    expect(stamped(mms, 3600), set(), 'an hour, and MaxAge allows it', msgi='same', status=0, more=('-c', conf))
    expect(stamped(mms, -3600), {('clock', 'message')}, 'an hour before it was made', msgi='same')
    renamed = swap(mms, b'From: +1555010', b'From: 555010')
    expect(renamed, {('field-differs', 'From'), ('from-rewritten', 'From')}, 'From without its country code', msgi='same')
    plan = folder / 'plan'
    plan.write_text('mms.a.example national 1\n')
    expect(renamed, {('field-differs', 'From')}, '... a plan makes it the same number', msgi='same', status=0, more=('--plan', plan))
    expect(swap(mms, b'@mms.a.example\r\nTo', b'@gw.a.example\r\nTo'), {('field-differs', 'From')}, 'another domain, the same number', msgi='same', status=0)
    j = expect(b'Delivered-To: +15550300009/TYPE=PLMN@mms.b.example\r\n' + mms, {('recipients-rewritten', 'Delivered-To')}, 'forwarded to another number', msgi='same')
    tap.ok('DestCover' in j['findings'][0]['help'] and 'SignDiversions' in j['findings'][0]['help'], '... what helps')


def test_table():
    hostile = make('hostile')
    head, body = hostile.split(b'\r\n\r\n', 1)
    r = run('read', '-', data=stamped(head, 3600) + b'\r\n\r\n' + cut_lines(body, 998, b''), want=1)
    text = r.stdout.decode('ascii')
    tap.ok(all(s in text for s in ('first change', 'What helps', 'smtp_line_length_limit', "! line-of-2100: a long line was cut", '60 min', 'mismatch')),
           'the table has it all')
    tap.ok(max(len(line) for line in text.splitlines()) < 200, 'and its lines are no longer than a terminal bears')


def test_hostile_input(folder):
    rng = random.Random(8225)
    base = make('hostile')
    worst = 0
    for i in range(60):
        data = bytearray(base)
        for _ in range(rng.randrange(1, 40)):
            at = rng.randrange(len(data))
            data[at:at + rng.randrange(20)] = rng.randbytes(rng.randrange(20))
        started = time.monotonic()
        r = run('read', '--json', '-', data=bytes(data), want=None)
        worst = max(worst, time.monotonic() - started)
        if r.returncode not in (0, 1, 65):
            tap.ok(False, f'random change {i}: status {r.returncode}')
    tap.ok(worst < 20, f'60 messages changed at random: the slowest took {worst:.1f} s')
    big = base + b'x' * 20_000_000 + b'\r\n'
    tap.ok(run('read', '-', data=big, want=1).returncode == 1, 'twenty megabytes behind it')
    many = base.replace(b'MIME-Version', b'X-STIR-Probe-Twice: x\r\n' * 200000 + b'MIME-Version')
    tap.ok(run('read', '--json', '-', data=many, want=1).returncode == 1, 'two hundred thousand fields of one name')
    nest = make('mms').replace(b'\r\n\r\n<smil>', b'\r\n\r\n' + b'--stir-probe-0\r\n' * 100000 + b'<smil>')
    tap.ok(run('read', '-', data=nest, want=1).returncode == 1, 'a hundred thousand lines like delimiters')


def test_samples(folder):
    files = [f for f in glob.glob(str(SHARED / 'samples' / '**' / '*'), recursive=True) if os.path.isfile(f)]
    if not files:
        tap.skip('no samples here')
        return
    sent = folder / 'for-samples.eml'
    sent.write_bytes(make('hostile'))
    bad, slow = [], 0.0
    for i in range(0, len(files), 100):
        started = time.monotonic()
        for more in ([], ['--sent', sent]):
            r = run('read', '--json', *more, *files[i:i + 100], want=None, seconds=300)
            if r.returncode not in (1, 65):
                bad.append((files[i], r.returncode))
            for line in r.stdout.splitlines():
                json.loads(line)
        slow = max(slow, time.monotonic() - started)
    tap.is_equal(bad, [], f'{len(files)} samples end in an answer')
    tap.ok(slow < 120, f'the slowest hundred took {slow:.1f} s')


def main():
    if not os.access(STIRCTL, os.X_OK):
        tap.skip_all(f'{STIRCTL} is not built')
    with tempfile.TemporaryDirectory(prefix='tap-probe-', dir='.') as d:
        folder = pathlib.Path(d).resolve()
        test_usage()
        for test in (test_manual, test_recoded, test_lines, test_octets, test_text, test_footers, test_header, test_tokens, test_table):
            test()
        for test in (test_examples, test_unchanged, test_not_a_probe, test_signed, test_way, test_hostile_input, test_samples):
            test(folder)
    tap.done()


main()
