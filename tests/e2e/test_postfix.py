"""Two real Postfix instances, a real stir-milter behind each: every scenario of
the demo's table, and what must not change on the way."""

import re

import lab as lab_module
import scenarios
from tap import done, is_equal, note, ok

Lab = lab_module.Lab
Lab.or_skip()


def check_table(crew):
    for marker, what, run, want in scenarios.TABLE:
        run(crew)
        arrived = crew.fetch(marker)
        if not ok(arrived is not None, f'{marker}: delivered'):
            note(crew.lab.a.log()[-1500:] + crew.lab.b.log()[-1500:])
            continue
        found = scenarios.read_result(arrived)
        is_equal({k: found.get(k) for k in want} if want else found, want, f'{marker}: {what}')


def header_names(octets):
    head = octets.split(b'\r\n\r\n', 1)[0]
    return [line.split(b':', 1)[0].decode() for line in head.split(b'\r\n') if line[:1] not in b' \t']


def check_forged(crew):
    values = scenarios.results(crew.fetch('forged'))
    ours = [v for v in values if 'stir' in v.lower()]
    is_equal(len(ours), 1, 'forged: one result field of ours is left')
    ok(values[0].startswith('mx.b.example; x-stir=none'), 'forged: it stands on top')
    ok(any('dkim=pass' in v for v in values), "forged: another host's result is left alone")
    ok(b'X-STIR-Policy' not in crew.fetch('forged'), 'forged: the old policy field is gone')


def check_fields(crew):
    arrived = crew.fetch('good')
    is_equal(header_names(arrived)[0], 'Authentication-Results', 'the result stands on top of everything')
    names = header_names(arrived)
    is_equal(names.count('Identity'), 1, 'one Identity field')
    ok(names.index('Identity') < names.index('From'), 'Identity above the original fields')
    ours = re.findall(rb'(?m)^(?:Identity|Authentication-Results):(?:[^\r]|\r\n[ \t])*', arrived.split(b'\r\n\r\n', 1)[0])
    ok(len(ours) == 2 and all(len(line) <= 78 for field in ours for line in field.split(b'\r\n')), 'no line of ours over 78 octets')
    original = lab_module.crlf(scenarios.mms('good'))
    is_equal(arrived.split(b'\r\n\r\n', 1)[1], original.split(b'\r\n\r\n', 1)[1], 'the body is byte for byte as it came')
    kept = [n for n in names if n in header_names(original)]
    is_equal(kept, header_names(original), 'every original field is there, in its order')


def check_untouched(crew):
    ok(b'Authentication-Results' not in crew.fetch('ordinary'), 'ordinary mail gets no field')
    ok(b'Identity:' not in crew.fetch('foreign'), 'a number A does not hold is not signed')
    ok('not-covered' in crew.lab.milter_a.log(), "... and A's log says why")


def check_signed_once(crew):
    crew.via_a(crew.sign(scenarios.mms('once')))
    arrived = crew.fetch('once')
    is_equal(header_names(arrived).count('Identity'), 1, 'a signed message is not signed twice')
    is_equal(scenarios.read_result(arrived).get('result'), 'pass', '... and still passes')


def check_blind(crew):
    """A blind recipient is never named to the others (profile.md Q9)."""
    hidden = scenarios.CAROL + '@direct.example'
    crew.via_a(scenarios.mms('blind'), rcpts=(scenarios.BOB + '@direct.example', hidden))
    arrived = crew.fetch('blind')
    shown = crew.lab.must('show', '-', input=re.search(rb'Identity: (?:[^\r]|\r\n[ \t])*', arrived).group(0))
    ok(b'15550300001' in shown and b'15550300002' not in shown, 'blind copy: not in dest')
    is_equal(scenarios.read_result(arrived).get('reason'), 'dest-mismatch', 'blind copy in one transaction: dest does not cover it')


def check_large(crew):
    """A picture of 1.2 MB on the wire, the largest of real carrier mail; and a flood of forged results."""
    small = scenarios.mms('large')
    crew.via_a(small.replace(scenarios.PICTURE.encode(), scenarios.PICTURE.encode() * 145))
    arrived = crew.fetch('large')
    ok(len(arrived) > 1200000, f'a message of {len(arrived)} octets is delivered')
    is_equal(scenarios.read_result(arrived).get('msgi'), 'raw', '... and verified')
    flood = 'Authentication-Results: mx.b.example; x-stir=pass reason=ok\n' * 300
    crew.to_b(scenarios.mms('flood', extra=flood))
    is_equal(len([v for v in scenarios.results(crew.fetch('flood')) if 'x-stir' in v]), 1, '300 forged results: only ours is left')
    try:
        crew.to_b(scenarios.mms('deluge', extra=flood * 2))
        ok(False, '600 forged results are refused')
    except lab_module.smtplib.SMTPDataError as e:
        is_equal(e.smtp_code, 550, '600 forged results are refused')


def check_log(crew):
    line = next((entry for entry in crew.lab.milter_b.log().splitlines() if 'reason=msgi-mismatch' in entry), '')
    ok(re.search(r' [0-9A-F]{6,}: client=127\.[0-9.]+ ', line), 'the decisive line begins with the queue id')
    ok('dir=verify' in line and 'why=stranger' in line, 'it says which way and why')
    ok('integrity=mismatch' in line and 'action=tag' in line, 'it says what was found and done')
    logs = crew.lab.milter_a.log() + crew.lab.milter_b.log()
    ok('ERROR' not in logs.upper().replace('TEMPERROR', '').replace('PERMERROR', ''), 'no error line in either log')


def check_queue(crew):
    ok(lab_module.wait_for(lambda: crew.lab.a.queue_empty() and crew.lab.b.queue_empty()), 'both queues end empty: nothing is held back')


with Lab(mutate=scenarios.mutate) as lab:
    crew = scenarios.Crew(lab)
    check_table(crew)
    check_forged(crew)
    check_fields(crew)
    check_untouched(crew)
    check_signed_once(crew)
    check_blind(crew)
    check_large(crew)
    check_log(crew)
    check_queue(crew)
    is_equal((lab.milter_a.stop(), lab.milter_b.stop()), (0, 0), 'both milters end cleanly on TERM')
done()
