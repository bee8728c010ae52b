"""The policy over the milter protocol, against the real program: every action, what an MTA
does not let us do, who the client is, reloads, and the files that are kept."""

import json
import os
import re
import resource
import subprocess
import time

import tap
from milterclient import ADDRCPT, DELRCPT, POSTFIX_ACTIONS, QUARANTINE, Client, send_message
from milterdaemon import MAIL, MILTER, RCPT, SENDER, Place, wait_for
from scrape import metrics

FIELD = 'X-STIR-Policy'
OTHER = '+15550200003/TYPE=PLMN@b.example'

ACTIONS = '''policy 1 mode enforce
rule HOLD   { when subject == "hold"   final quarantine }
rule AWAY   { when subject == "away"   final redirect "spam@b.example" }
rule LATER  { when subject == "later"  final tempfail 4.7.5 "100%% later, %{queue_id}" }
rule NO     { when subject == "no"     final reject 5.7.9 "no: %{rules}, see %{help_url}" }
rule GONE   { when subject == "gone"   final discard }
rule MARK   { when subject == "mark"   score 4.5 }
actions { tag at 4 }
'''


def write(place, name, text):
    with open(place.path(name), 'w') as f:
        f.write(text)
    return place.path(name)


def mail(subject, more=''):
    return (more.encode() + MAIL).replace(b'Subject: picture', b'Subject: ' + subject.encode())


def judge(d, subject='x', helo='client.example', addr='192.0.2.1', macros=None, rcpts=(RCPT,), queue_id='4Q', more='', **options):
    """One message of a client; the result."""
    c = Client(d.socket, **options).negotiate()
    try:
        c.connect(addr=addr, daemon_name='MM4IN')
        c.helo(helo)
        c.macros.update(macros or {})
        return c.message(mail(subject, more), SENDER, list(rcpts), queue_id=queue_id)
    finally:
        c.quit()


def words(r):
    """The field's words as a dict, {} when there is none."""
    values = r.inserted(FIELD)
    return dict(w.split('=', 1) for w in values[0].split()) if len(values) == 1 else {}


def policy_of(place, d, text, name='p.policy'):
    write(place, name, text)
    return d.hup()


def daemon(place, name, policy, *lines, **options):
    write(place, name + '.policy', policy)
    return place.daemon(name, f'Policy {place.path(name + ".policy")}', *lines, **options)


def kinds(r):
    return [e[0] for e in r.edits]


def test_actions(place):
    d = daemon(place, 'a', ACTIONS, 'HelpURL https://help.example/')
    r = judge(d)
    tap.is_equal((r.reply, kinds(r)), ('continue', ['insheader', 'insheader']), 'accept: two fields')
    tap.is_equal([e[2] for e in r.edits], [FIELD, 'Authentication-Results'], 'the result on top, the policy below it')
    tap.is_equal(words(r)['action'], 'accept', 'which says so')
    r = judge(d, 'mark')
    tap.is_equal((r.reply, words(r)['action'], words(r)['rules']), ('continue', 'tag', 'MARK(4.50)'), 'tag')
    r = judge(d, 'hold')
    tap.is_equal((r.reply, kinds(r)), ('continue', ['insheader', 'insheader', 'quarantine']), 'quarantine, after the fields')
    tap.is_equal(r.edits[-1][3], 'STIR policy: score=0.00 rules=HOLD(0.00)', 'with a reason')
    r = judge(d, 'away', rcpts=(RCPT, OTHER))
    tap.is_equal([(e[0], e[3]) for e in r.edits[2:]], [('+', '<spam@b.example>\0'), ('-', f'<{RCPT}>\0'), ('-', f'<{OTHER}>\0')],
                 'redirect: the new recipient, and each old one away, as it was given')
    r = judge(d, 'later', queue_id='4LATER')
    tap.is_equal((r.reply, r.text, r.edits), ('replycode', '451 4.7.5 100%% later, 4LATER', []), 'tempfail, its code and text, a format to the MTA')
    r = judge(d, 'no')
    tap.is_equal((r.reply, r.text, r.edits), ('replycode', '550 5.7.9 no: NO, see https://help.example/', []), 'reject, its code and text')
    r = judge(d, 'gone')
    tap.is_equal((r.reply, r.edits), ('discard', []), 'discard')
    line = next(s for s in d.log().splitlines() if 'rules=HOLD' in s)
    tap.ok(re.search(r' score=0\.00 would=quarantine rules=HOLD\(0\.00\) policy=[0-9a-f]{16} final=HOLD because=final size=8 action=quarantine edits=2 ms=\d+$', line),
           f'the log has it all ({line})')
    r = judge(d, 'hold', more='X-STIR-Policy: score=-9.00 action=accept\r\n' * 3)
    tap.is_equal(r.values(FIELD), r.inserted(FIELD), 'forged fields of ours are gone')
    policy_of(place, d, ACTIONS.replace('enforce', 'tag'), 'a.policy')
    r = judge(d, 'gone')
    tap.is_equal((r.reply, words(r)['action'], words(r)['would']), ('continue', 'tag', 'discard'), 'mode tag')
    policy_of(place, d, ACTIONS.replace('enforce', 'observe'), 'a.policy')
    r = judge(d, 'no', more='X-STIR-Policy: score=-9.00\r\n')
    tap.is_equal((r.reply, r.values(FIELD), r.values('Authentication-Results')), ('continue', [], []), 'mode observe: nothing, but forged fields go')
    tap.ok(d.log().splitlines()[-1].count(' would=reject ') == 1, '... and the log has what would have been')
    tap.is_equal(d.stop(), 0, 'stop')


def test_less(place):
    """MTAs that let us do less."""
    d = daemon(place, 'l', ACTIONS)
    for lacking, subject, action, cannot in ((QUARANTINE, 'hold', 'tag', 'quarantine'), (ADDRCPT, 'away', 'quarantine', 'redirect'),
                                             (DELRCPT, 'away', 'quarantine', 'redirect'), (ADDRCPT | QUARANTINE, 'away', 'tag', 'redirect'),
                                             (QUARANTINE, 'away', 'redirect', None)):
        r = judge(d, subject, actions=POSTFIX_ACTIONS & ~lacking)
        tap.is_equal((words(r).get('action'), words(r).get('cannot')), (action, cannot), f'without {lacking:#x}, {subject} becomes {action}')
        tap.is_equal('quarantine' in kinds(r), action == 'quarantine', '... which is done')
        tap.is_equal('+' in kinds(r), action == 'redirect', '... and nothing else')
    tap.is_equal(d.count('does not let us'), 1, 'said once')
    two = [Client(d.socket, actions=a).negotiate() for a in (POSTFIX_ACTIONS, POSTFIX_ACTIONS & ~QUARANTINE, POSTFIX_ACTIONS)]
    got = []
    for c in (two[1], two[0]):
        c.connect(daemon_name='MM4IN')
        c.helo()
        r = c.message(mail('hold'), SENDER, [RCPT])
        got.append((r.reply, words(r).get('action')))
        c.quit()
    tap.is_equal(got, [('continue', 'tag'), ('continue', 'quarantine')], 'two MTAs at once: each gets what it can')
    two[2].quit()
    tap.ok(wait_for(lambda: d.counters()[0] == 0), 'a connection that only negotiated leaves nothing behind')
    c = Client(d.socket, actions=POSTFIX_ACTIONS & ~QUARANTINE).negotiate()
    for i in range(2):
        c.connect(daemon_name='MM4IN')
        c.helo()
        r = c.message(mail('hold'), SENDER, [RCPT])
        tap.is_equal(words(r).get('action'), 'tag', f'session {i + 1} of one connection')
        c.quit_nc()
    c.close()
    tap.is_equal(d.stop(), 0, 'stop')


PEERS = '''policy 1 mode enforce
peer tls   { match tls.subject == "mm4.partner-a.example" and tls.issuer == "CA" }
peer ours  { match helo == "mm4.ours.example" mode observe }
peer who   { match auth.user == "partner" }
peer plain { match tls.version == "TLSv1.3" and tls.bits >= 256 and tls.cipher == "X" }
rule R { when rcpt.count > 0 final tempfail "later" }
'''


def test_client(place):
    d = daemon(place, 'c', PEERS.replace('final tempfail "later"', 'score 1'))
    tls = {'{tls_version}': 'TLSv1.3', '{cipher}': 'X', '{cipher_bits}': '256', '{cert_subject}': 'mm4.partner-a.example', '{cert_issuer}': 'CA'}
    sendmail = dict(tls, **{'{cert_subject}': '/O=A/CN=mm4.partner-a.example', '{cert_issuer}': '/CN=CA', '{cn_subject}': 'mm4.partner-a.example', '{cn_issuer}': 'CA'})
    for macros, want, what in ((tls, 'tls', 'a certificate that Postfix verified'), (dict(tls, **{'{verify}': 'OK'}), 'tls', 'or Sendmail'),
                               (dict(tls, **{'{verify}': 'FAIL'}), 'plain', 'one that did not verify names nobody'), ({}, None, 'no TLS'),
                               (dict(tls, **{'{cert_subject}': 'x' * 2000}), 'plain', 'a name too long is none'),
                               (dict(sendmail, **{'{verify}': 'OK'}), 'tls', "Sendmail's common name is told apart from its whole name"),
                               (dict(sendmail, **{'{verify}': 'OK', '{cn_subject}': 'mm4+2epartner-a+2Eexample'}), 'tls', '... and read with its +XX'),
                               (dict(sendmail, **{'{verify}': 'OK', '{cn_subject}': 'mm4.partner-a.example+00x'}), 'plain', '... which can write no NUL'),
                               (dict(sendmail, **{'{verify}': 'OK', '{cn_subject}': 'mm4.partner-a.example' + '+78' * 2000}), 'plain', '... nor be cut'),
                               (dict(sendmail, **{'{verify}': 'FAIL'}), 'plain', '... and names nobody unless verified')):
        tap.is_equal(words(judge(d, macros=macros)).get('peer'), want, what)
    c = Client(d.socket).negotiate()
    c.connect(daemon_name='MM4IN')
    c.helo('client.example')
    c.macros.update(tls)
    c.helo('client.example')
    tap.is_equal([words(c.message(mail('x'), SENDER, [RCPT])).get('peer') for _ in range(2)], ['tls', 'tls'], 'after STARTTLS a second HELO')
    for k in tls:
        c.macros.pop(k)
    tap.is_equal(words(c.message(mail('x'), SENDER, [RCPT])).get('peer'), None, 'what the MTA no longer says is no longer there')
    tap.is_equal(words(c.message(mail('x'), SENDER, [RCPT], auth='partner')).get('peer'), 'who', 'authentication')
    tap.is_equal(words(c.message(mail('x'), SENDER, [RCPT], auth='part+6eer')).get('peer'), None, '... Postfix says who as it is')
    c.quit()
    c = Client(d.socket).negotiate()
    c.macros['{if_name}'] = 'mx.b.example'
    c.connect(daemon_name='MM4IN')
    tap.is_equal(words(c.message(mail('x'), SENDER, [RCPT], auth='part+6Eer')).get('peer'), 'who', '... and Sendmail, which alone has {if_name}, with +XX')
    c.quit()
    r = judge(d, helo='MM4.ours.example.')
    tap.is_equal(r.edits, [], 'the name in HELO, case and dot ignored; its peer is only observed')
    tap.ok(wait_for(lambda: ' peer=ours ' in d.log()), '... and logged')
    tap.is_equal(d.stop(), 0, 'stop')


RATE = 'policy 1 mode enforce\nrate hour key orig.tn limit 3 per 1h\nrule R { when over(hour) final reject 5.7.1 "too many" }\n'


def test_reload(place):
    d = daemon(place, 'r', RATE)
    tap.is_equal([judge(d).reply for _ in range(2)], ['continue'] * 2, 'two of three messages an hour')
    in_hand = Client(d.socket).negotiate()
    in_hand.connect(daemon_name='MM4IN')
    in_hand.helo()
    in_hand.envelope(SENDER, [RCPT])
    in_hand.content(MAIL, up_to_eom=True)
    d.in_hand()
    old = words(judge(d))['policy']
    for text, place_of in (('policy 1 mode enforce\nrule R { when verify == untrustd score 1 }\n', r'r\.policy:2:25: error: "untrustd"'),
                           ('policy 1 mode enforce\nlist l tn file "l.tn"\nrule R { when orig.tn in @l score 1 }\n', r'l\.tn:2:\d+: error: '),
                           ('policy 1 mode enforce\ninclude "none.policy"\n', r'r\.policy:2:\d+: error: '),
                           ('policy 2\n', r'r\.policy:1:\d+: error: ')):
        write(place, 'l.tn', '+15550100001\n+1555O\n')
        before = d.log()
        policy_of(place, d, text, 'r.policy')
        lines = d.log()[len(before):].splitlines()
        tap.ok(len(lines) == 1 and re.search('reload failed, the configuration in force stays: .*' + place_of, lines[0]), f'one line: {lines}')
        r = judge(d)
        tap.is_equal((r.reply, r.text), ('replycode', '550 5.7.1 too many'), '... and what was in force stays')
    policy_of(place, d, RATE.replace('too many', 'far too many'), 'r.policy')
    tap.is_equal(judge(d).text, '550 5.7.1 far too many', 'a good one: new text, and the rate stays used up')
    r = in_hand.finish(MAIL)
    tap.is_equal((r.reply, r.text), ('replycode', '550 5.7.1 too many'), 'a message in hand has the policy it began with, and shares the rate')
    in_hand.quit()
    tap.ok(re.fullmatch('[0-9a-f]{16}', old), f'the hash of the policy ({old})')
    d.write(f'FactLog {place.path("none", "facts")}')
    before = d.log()
    d.hup()
    tap.ok('reload failed, the configuration in force stays: FactLog' in d.log()[len(before):], 'a file that can not be written is refused')
    d.write('StateEntries 5000')
    before = d.log()
    d.hup()
    tap.ok('StateEntries has changed: that needs a restart' in d.log()[len(before):], 'another StateEntries is for a restart')
    tap.is_equal(d.stop(), 0, 'stop')


def test_state(place):
    state = place.path('kept', 'state')
    where = place.path('s.metrics')
    d = daemon(place, 's', RATE, f'StateFile {state}', f'MetricsSocket local:{where}', start=False)
    r = subprocess.run([MILTER, '-n', '-c', d.conf], capture_output=True, text=True)
    tap.ok(r.returncode == 78 and 'StateFile' in r.stderr, f'-n: no folder for it: 78 ({r.stderr.strip()})')
    os.mkdir(place.path('kept'))
    tap.is_equal(subprocess.run([MILTER, '-n', '-c', d.conf]).returncode, 0, '-n: there is one')
    if os.geteuid() == 0:
        os.chmod(place.dir, 0o711)
        r = subprocess.run([MILTER, '-n', '-c', d.conf, '-u', 'nobody'], capture_output=True, text=True)
        tap.ok(r.returncode == 78 and 'Permission denied' in r.stderr, f'-n: one that UserID may not write: 78 ({r.stderr.strip()})')
    d.start()
    for _ in range(3):
        judge(d)
    tap.is_equal(d.stop(), 0, 'stop')
    tap.ok(os.path.exists(state) and os.listdir(place.path('kept')) == ['state'], 'a stop writes it')
    d.start()
    tap.is_equal(judge(d).reply, 'replycode', 'after a restart the rate stays used up')
    d.kill()
    with open(state, 'r+b') as f:
        f.write(b'x')
    r = subprocess.run([MILTER, '-n', '-c', d.conf], capture_output=True, text=True)
    tap.ok(r.returncode == 0 and 'warning' in r.stderr and os.path.exists(state), f'-n: a broken one is a warning ({r.stderr.strip()})')
    d.start()
    tap.ok('starting without a past; what was there is kept as' in d.log() and os.path.exists(state + '.broken'), 'a broken one: said, and kept')
    tap.is_equal(judge(d).reply, 'continue', '... and mail goes on')
    write(place, 's.policy', '')
    with open(d.conf) as f:
        base = [s for s in f.read().splitlines() if not s.startswith(('Policy', 'StateFile'))]
    with_policy = open(d.conf).read()
    write(place, 's.conf', '\n'.join(base) + '\n')
    d.hup()
    tap.is_equal(words(judge(d)), {}, 'a reload takes the policy away')
    tap.ok(os.path.exists(state), '... and keeps what it knew')
    write(place, 's.policy', RATE)
    write(place, 's.conf', with_policy)
    d.hup()
    tap.is_equal([judge(d).reply for _ in range(3)], ['continue', 'continue', 'replycode'], 'another brings it back, with what it knew')
    failures = metrics(where).get_value('stir_milter_state_failures_total')
    tap.is_equal(failures, 1.0, 'the broken one is counted')
    os.makedirs(os.path.join(state + '.new', 'in-the-way'))
    write(place, 's.conf', '\n'.join(base) + '\n')
    d.hup()
    tap.ok(f'StateFile: {state}.new: ' in d.log(), 'a state that can not be written is said')
    tap.is_equal(metrics(where).get_value('stir_milter_state_failures_total') - failures, 1.0, '... and counted')
    tap.is_equal(judge(d).reply, 'continue', '... and mail goes on')
    tap.is_equal(d.stop(), 0, 'stop')


def facts(name):
    with open(name) as f:
        return [json.loads(line) for line in f]


def test_factlog(place):
    log = place.path('facts.json')
    d = daemon(place, 'f', ACTIONS, f'FactLog {log}')
    judge(d, 'hold', queue_id='4ONE')
    judge(d, 'no', queue_id='4TWO')
    lines = facts(log)
    tap.is_equal([(x['id'], x['action'], x['would'], x['because']) for x in lines],
                 [('4ONE', 'quarantine', 'quarantine', 'final'), ('4TWO', 'reject', 'reject', 'final')], 'a line for each message')
    tap.ok(re.fullmatch('~[0-9a-f]{16}', lines[0]['facts']['orig.tn']) and '5550100001' not in open(log).read(), 'numbers are pseudonyms')
    os.rename(log, log + '.1')
    d.hup()
    judge(d, queue_id='4THREE')
    tap.is_equal([x['id'] for x in facts(log)], ['4THREE'], 'a new file after rotation and a reload')
    os.rename(log, log + '.2')
    time.sleep(1.1)
    judge(d, queue_id='4FOUR')
    tap.is_equal([x['id'] for x in facts(log)], ['4FOUR'], '... or a second')
    tap.is_equal([x['id'] for x in facts(log + '.2')], ['4THREE'], 'and nothing is lost')
    tap.is_equal(d.stop(), 0, 'stop')
    size = os.path.getsize(log) + 100
    d.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (max(size, 4096), resource.RLIM_INFINITY)))
    replies = {judge(d).reply for _ in range(40)}
    tap.is_equal(replies, {'continue'}, 'a full disk stops no mail')
    tap.is_equal(len(re.findall(r'FactLog .*; lines that were not written: 1$', d.log(), re.M)), 1, '... and is said once')
    tap.is_equal(d.stop(), 0, 'stop')


def test_signed(place):
    d = daemon(place, 'g', 'policy 1 mode enforce\nrule PASS { when verify == pass and passport.orig == +15550100001 score 1 }\n'
               'rule NEW { when signer.first_seen < 1h and signer.reputation == 50 score 2 }\nrule ANY { when present(signer.reputation) score 4 }\n')
    signed = send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4OUT')
    tap.is_equal((len(signed.inserted('Identity')), signed.inserted(FIELD)), (1, []), 'what is signed is not judged')
    got = [words(send_message(d.socket, signed.message, SENDER, [RCPT], daemon_name='MM4IN'))['rules'] for _ in range(2)]
    tap.is_equal(got, ['PASS(1.00),NEW(2.00),ANY(4.00)', 'PASS(1.00),ANY(4.00)'], 'a signed message, and its signer seen again')
    tap.is_equal(words(judge(d))['rules'], 'none', 'an unsigned one has no signer')
    policy_of(place, d, 'policy 1 mode enforce\nrule FORGED { when reason == msgi-mismatch final reject "no" }\nrule BAD { when signer.reputation < 50 score 1 }\n', 'g.policy')
    copied = signed.message.replace(b'Hello.', b'Hello!')
    got = [send_message(d.socket, copied, SENDER, [RCPT], daemon_name='MM4IN').reply for _ in range(6)]
    tap.is_equal(got, ['replycode'] * 6, 'its token on top of other content is refused')
    tap.is_equal(words(send_message(d.socket, signed.message, SENDER, [RCPT], daemon_name='MM4IN'))['rules'], 'none', '... and that is not held against the signer')
    tap.is_equal(d.stop(), 0, 'stop')


def test_overload(place):
    d = daemon(place, 'o', 'policy 1 mode enforce\non overload tempfail 4.3.2 "busy"\nrule R { when any(mime.type) == "text/plain" score 1 }\n', 'Overload 2')
    tap.is_equal(words(judge(d))['score'], '1.00', 'not much in hand: content is looked at')
    busy = []
    for n in range(2):
        c = d.client()
        c.envelope(SENDER, [RCPT])
        busy.append(c)
    d.in_hand(2)
    tap.is_equal(judge(d).text, '451 4.3.2 busy', 'one more than Overload')
    for c in busy:
        tap.is_equal(c.content(MAIL).reply, 'continue', 'those that came before')
        c.quit()
    tap.is_equal(judge(d).reply, 'continue', 'and after')
    tap.is_equal(d.stop(), 0, 'stop')


def test_check(place):
    d = daemon(place, 'n', 'policy 1\nrule A { when verfy == none score 1 }\nrule B { when verify == nun score 1 }\nrule C { when any(url.hst) == "x" score 1 }\n', start=False)

    def check(policy=None, *more):
        if policy:
            write(place, 'n.policy', policy)
        return subprocess.run([MILTER, '-n', '-c', d.conf, *more], capture_output=True, text=True)
    r = check()
    tap.ok(r.returncode == 78 and all(f'n.policy:{n}:' in r.stderr for n in (2, 3, 4)) and r.stderr.count('^') == 3, f'-n: all mistakes, 78 ({r.stderr})')
    r = check('policy 1\nrule A { when verify == none score 1 }\ntest "a" { given verify none expect hit A }\ntest "b" { given verify pass expect hit A }\n')
    tap.ok(r.returncode == 78 and 'n.policy:4:' in r.stderr and '1 of its 2 tests failed' in r.stderr, f'-n: a failing test, 78 ({r.stderr})')
    r = check('policy 1\nlist l tn { +15550100001 }\nrule A { when verify == none score 1 }\n')
    tap.ok(r.returncode == 0 and 'n.policy:2:6: warning:' in r.stderr, f'-n: a warning, 0 ({r.stderr})')
    write(place, 'diary', 'Dear diary\n')
    r = check(None, '-o', f'FactLog={place.path("diary")}')
    tap.ok(r.returncode == 78 and 'holds no facts' in r.stderr, f'-n: a FactLog that is something else, 78 ({r.stderr})')
    d.start()
    tap.is_equal(len(re.findall(r'n\.policy:2:6: warning: ', d.log())), 1, 'a start says the warning once, in one line')
    tap.is_equal(d.log().count('^'), 0, '... without the lines for a terminal')
    tap.is_equal(d.stop(), 0, 'stop')


def main():
    with Place() as place:
        place.make_pki()
        for test in (test_actions, test_less, test_client, test_reload, test_state, test_factlog, test_signed, test_overload, test_check):
            tap.note(test.__name__)
            test(place)
        logs = ''.join(d.log() for d in place.daemons)
        tap.ok('AddressSanitizer' not in logs and 'runtime error' not in logs and 'LeakSanitizer' not in logs, 'no sanitizer complained')
    tap.done()


main()
