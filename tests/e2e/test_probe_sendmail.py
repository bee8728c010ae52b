"""Probes through two real Sendmail instances: what they do to long lines, to
multiparts, and without 8BITMIME; the reading must name it."""

import json

import lab as lab_module
import scenarios
from sendmail import Sendmail
from tap import done, is_equal, note, ok

Lab = lab_module.Lab
Lab.or_skip(Sendmail)


def through(lab, seed, kind, domain):
    """(status, reading as JSON)"""
    to = f'{scenarios.BOB}@{domain}'
    sent = lab.must('probe', 'make', '--from', scenarios.ALICE, '--to', to, '--kind', kind, '--seed', seed)
    # Sendmail answers a lone CR with 421.
    sent = sent.replace(b'#\r#', b'# #')
    lab_module.send(lab.a.port, 'probe@mms.a.example', [to], sent)
    arrived = lab.sink.find(b'STIR path probe ' + seed.rjust(16, '0').encode())
    if not ok(arrived is not None, f'{kind} to {domain}: delivered'):
        note('\n'.join(x.log()[-1500:] for x in lab.running))
        done()
    r = lab.ctl('probe', 'read', '--json', '-', input=arrived[2])
    return r.returncode, json.loads(r.stdout)


def named(j, *kinds):
    return {f['where'] for f in j['findings'] if f['change'] in kinds}


with Lab(mtas=(Sendmail,)) as lab:
    status, j = through(lab, '1', 'plain', 'direct.example')
    is_equal((status, j['findings'], j['msgi']), (0, [], 'same'), 'plain: two Sendmail change nothing')
    status, j = through(lab, '2', 'mms', 'direct.example')
    is_equal((status, {(f['change'], f['where']) for f in j['findings']}, j['msgc']), (1, {('line-cut-with-bang', 'image-on-one-line')}, 'same'),
             "mms: base64 on one line is cut with '!', and msgc holds")
    is_equal((j['typical']['whole'], j['longest']['whole'], j['identities']), (True, True, 1), 'mms: tokens come through whole')
    status, j = through(lab, '3', 'hostile', 'direct.example')
    is_equal(named(j, 'line-cut-with-bang') >= {'line-of-991', 'line-of-998', 'line-of-999', 'line-of-2100'}, True, "hostile: lines over 990 are cut with '!'")
    is_equal(named(j, 'bit8-stripped'), {'preamble', 'closed: epilogue'}, 'hostile: bit 8 is stripped around the parts')
    is_equal(named(j, 'delimiter-added'), {'unclosed'}, 'hostile: a missing delimiter is added')
    is_equal(named(j, 'field-with-bang'), {'X-STIR-Probe-Line'}, 'hostile: a header line as well')
    status, j = through(lab, '4', 'mms', 'no8bit.example')
    is_equal(named(j, 'recoded'), {'8bit', 'unicode', 'alternative-text', 'alternative-html', 'message-text'}, 'without 8BITMIME: each 8-bit part')
    is_equal((status, j['msgi'], j['msgc']), (1, 'changed', 'same'), '... msgi is lost, msgc holds')
    ok(any('X-MIME-Autoconverted' in f['detail'] for f in j['findings'] if f['change'] == 'part-field'), "... and Sendmail's note of it is shown")
done()
