"""Probes through real Postfix instances: a way that changes nothing, a hop without
8BITMIME, one that cuts long lines and one that doesn't, and a content filter
that adds a footer.  The reading must name what was done, and what helps must help."""

import json

import lab as lab_module
import scenarios
from postfix import Postfix
from tap import done, is_equal, note, ok

Lab, HOST = lab_module.Lab, lab_module.HOST
Lab.or_skip()

FOOTER = b'\r\nThis message was scanned by nobody.\r\n'


class Probes:
    """Makes probes, sends them and reads what arrives."""

    def __init__(self, lab):
        self.lab = lab
        self.n = 0

    def through(self, kind, domain, *more, port=None, sink=None):
        """(status, reading as JSON, the message as it arrived)"""
        self.n += 1
        seed = f'{self.n:016x}'
        to = f'{scenarios.BOB}@{domain}'
        sent = self.lab.must('probe', 'make', '--from', scenarios.ALICE, '--to', to, '--kind', kind, '--seed', seed, *more)
        lab_module.send(port or self.lab.a.port, 'probe@mms.a.example', [to], sent)
        arrived = (sink or self.lab.sink).find(b'STIR path probe ' + seed.encode())
        if not ok(arrived is not None, f'{kind} to {domain}: delivered'):
            note('\n'.join(x.log()[-1500:] for x in self.lab.running))
            done()
        r = self.lab.ctl('probe', 'read', '--json', '-', input=arrived[2])
        return r.returncode, json.loads(r.stdout), arrived[2]

    @staticmethod
    def named(j):
        return {(f['change'], f['where']) for f in j['findings']}


ONE_LINE = ('line-cut', 'image-on-one-line')     # what Postfix does by default to base64 without line ends


def check_direct(probes):
    for kind, want, msgi in ('plain', set(), 'same'), ('mms', {ONE_LINE}, 'changed'):
        status, j, octets = probes.through(kind, 'direct.example')
        is_equal((status, probes.named(j), j['msgi'], j['msgc']), (bool(want), want, msgi, 'same'), f'{kind}: what two Postfix change as they come')
        is_equal(j['parts_sent'] - j['parts_same'], len(want), f'{kind}: in so many parts')
        is_equal((j['identities'], j['typical']['whole'], j['longest']['whole']), (1, True, True), f"{kind}: A's token arrives, and the longest one would")
        ok({'Received', 'Authentication-Results'} <= set(j['fields_new']) and j['hops'] == 2, f'{kind}: what is new is told')
        is_equal(scenarios.read_result(octets).get('result'), 'pass', f'{kind}: and B agrees')


def check_signed(probes):
    lab = probes.lab
    status, j, octets = probes.through('mms', 'direct.example', '--sign', '--key', lab.path('a.key'), '--cert', lab.path('a.pem'),
                                       '--x5u', 'https://certs.example/a.pem')
    is_equal((status, j['identities'], j['identity']['whole']), (1, 1, True), "the probe's own token comes through whole, and A adds no second")
    is_equal(scenarios.read_result(octets).get('result'), 'pass', '... and B verifies it')


def check_no8bit(probes):
    status, j, octets = probes.through('mms', 'no8bit.example')
    parts = ('8bit', 'unicode', 'alternative-text', 'alternative-html', 'message-text')
    is_equal(status, 1, 'without 8BITMIME: changed')
    is_equal({f['where']: f['detail'] for f in j['findings'] if f['change'] == 'recoded'}, {p: 'from 8bit to quoted-printable' for p in parts},
             'every 8-bit part, from and to')
    is_equal({f['change'] for f in j['findings'] if f['matters']} - {'recoded', 'line-cut'}, set(), 'nothing else that matters')
    is_equal((j['msgi'], j['msgc']), ('changed', 'same'), 'msgi is lost, msgc holds')
    found = scenarios.read_result(octets)
    is_equal((found.get('result'), found.get('msgi')), ('pass', 'decoded'), "as B's verifier says")
    status, j, _ = probes.through('plain', 'no8bit.example')
    ok(status == 1 and ('recoded', 'message') in probes.named(j) and j['msgc'] == 'same', 'a plain probe as well')
    # What the advice says helps.
    set_main(probes.lab.a, 'disable_mime_output_conversion', 'yes')
    status, j, _ = probes.through('mms', 'no8bit.example')
    is_equal(probes.named(j), {ONE_LINE}, 'disable_mime_output_conversion = yes: none is converted')
    set_main(probes.lab.a, 'disable_mime_output_conversion', 'no')


def set_main(postfix, name, value):
    r = postfix.command('postconf', '-e', f'{name} = {value}')
    r2 = postfix.command('postfix', 'reload')
    if r.returncode or r2.returncode:
        ok(False, f'{name} = {value} is set: {r.stdout.decode()} {r2.stdout.decode()}')


def check_long_lines(probes):
    status, j, _ = probes.through('hostile', 'direct.example')
    cut = {w for c, w in probes.named(j) if c == 'line-cut'}
    is_equal((status, cut), (1, {'line-of-999', 'line-of-2100', 'image-on-one-line'}), 'lines over 998 are cut')
    ok(all('after octet 998' in f['detail'] for f in j['findings'] if f['change'] == 'line-cut'), '... after octet 998')
    ok(('bare-cr', 'bare-cr') in probes.named(j), 'a lone CR is repaired at the entry')
    ok('long-line' in j['unsafe'] and j['msgc'] == 'changed', '... in a body that a signer should not sign')
    set_main(probes.lab.a, 'smtp_line_length_limit', '0')
    set_main(probes.lab.b, 'smtp_line_length_limit', '0')
    status, j, _ = probes.through('hostile', 'direct.example')
    is_equal({(c, w) for c, w in probes.named(j) if 'line-cut' in c}, set(), 'smtp_line_length_limit = 0: none is cut')
    is_equal(probes.named(j), {('bare-cr', 'bare-cr')}, '... and nothing else but the lone CR is changed')
    status, j, _ = probes.through('mms', 'direct.example')
    is_equal((status, j['findings'], j['msgi']), (0, [], 'same'), '... in an MMS nothing at all')
    set_main(probes.lab.a, 'smtp_line_length_limit', '200')
    status, j, _ = probes.through('mms', 'direct.example')
    is_equal({w for c, w in probes.named(j) if c == 'line-cut'}, {'line-of-990', 'image-on-one-line'}, 'smtp_line_length_limit = 200: named as well')
    ok(all('after octet 200' in f['detail'] for f in j['findings'] if f['change'] == 'line-cut'), '... with the place')
    set_main(probes.lab.a, 'smtp_line_length_limit', '998')
    set_main(probes.lab.b, 'smtp_line_length_limit', '998')


class Filtered:
    """A third Postfix with a content filter that puts a footer at the end."""

    def __init__(self, lab):
        self.sink = lab_module.Sink()
        back = lab_module.free_port()
        self.filter = lab_module.Sink(forward=(back, lambda octets: octets + FOOTER))
        self.port = lab_module.free_port()
        self.postfix = Postfix(lab, 'filtered', None, {'*': self.sink.port},
                                          listeners={self.port: f'-o content_filter=smtp:[{HOST}]:{self.filter.port}',
                                                     back: '-o content_filter='})
        lab.up(self.postfix)

    def close(self):
        self.sink.close()
        self.filter.close()


def check_footer(probes):
    filtered = Filtered(probes.lab)
    try:
        status, j, _ = probes.through('plain', 'direct.example', port=filtered.port, sink=filtered.sink)
        is_equal((status, probes.named(j)), (1, {('appended', 'message')}), 'a content filter with a footer: named, and only that')
        (finding,) = j['findings']
        ok('scanned by nobody' in finding['detail'] and 'sign after it' in finding['help'], '... with its words, and what helps')
        is_equal((j['first']['part'], j['msgi'], j['msgc']), ('behind the end', 'changed', 'changed'), '... and no digest holds')
        status, j, _ = probes.through('mms', 'direct.example', port=filtered.port, sink=filtered.sink)
        is_equal((status, probes.named(j), j['msgc']), (1, {('appended', 'epilogue'), ONE_LINE}, 'same'), 'behind a multipart msgc holds')
    finally:
        filtered.close()


with Lab() as lab:
    all_probes = Probes(lab)
    check_direct(all_probes)
    check_signed(all_probes)
    check_no8bit(all_probes)
    check_long_lines(all_probes)
    check_footer(all_probes)
done()
