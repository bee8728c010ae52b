"""The policy on a real MTA: every action, modes, peers, TLS, reloads under load,
restarts.  tests/e2e runs it on Postfix and on Sendmail."""

import os
import re
import shutil
import smtplib
import ssl
import subprocess
import threading
import time

import lab as lab_module
import scenarios
from lab import HOST, wait_for
from tap import is_equal, note, ok, skip

BOB = scenarios.BOB + '@direct.example'
CAROL = scenarios.CAROL + '@direct.example'

ACTIONS = '''policy 1 mode enforce
rate  numbers key orig.tn, subject limit 2 per 1h
peer  half    { match client in 127.2.0.0/16  mode tag }
peer  quiet   { match client in 127.3.0.0/16  mode observe }
peer  secure  { match tls.subject == "mm4.partner-a.example" and tls.version ~ /^TLSv1/ and tls.issuer == "Test CA" }
rule  HOLD   { when subject == "hold"   final quarantine }
rule  AWAY   { when subject == "away"   final redirect "spam@direct.example" }
rule  LATER  { when subject == "later"  final tempfail 4.7.5 "100%% later, %{queue_id}" }
rule  NO     { when subject == "no"     final reject 5.7.9 "no: %{rules}" }
rule  GONE   { when subject == "gone"   final discard }
rule  MARK   { when subject == "mark"   score 4.5 }
rule  OVER   { when over(numbers) and subject == "rate"  final reject "too many" }
actions { tag at 4 }
'''


class PolicyLab(lab_module.Lab):
    """Carrier B judges by the file p.policy."""

    def make_pki(self, plan):
        super().make_pki(plan)
        self.policy(ACTIONS)
        self.b_more = f'Policy {self.path("p.policy")}\nStateFile {self.path("state")}\nFactLog {self.path("facts.json")}\n'

    def policy(self, text):
        with open(self.path('p.new'), 'w') as f:
            f.write(text)
        os.rename(self.path('p.new'), self.path('p.policy'))

    def reload(self, text=None):
        """Whether it was taken; what the log says of it."""
        if text:
            self.policy(text)
        return self.milter_b.reload()

    def send(self, marker, subject, rcpts=(BOB,), source=None, extra='', port=None):
        """None, or (code, text) of the refusal."""
        octets = scenarios.mms(marker, to=rcpts, extra=f'Subject: {subject}\n' + extra)
        try:
            lab_module.send(port or self.b.port, scenarios.ALICE, rcpts, octets, source=source)
        except smtplib.SMTPDataError as e:
            return e.smtp_code, e.smtp_error.decode()
        return None

    def find(self, marker, seconds=20):
        """(recipients, octets), or None."""
        found = self.sink.find(b'X-Lab: ' + marker.encode() + b'\r\n', seconds)
        return found and found[1:]


def words(octets):
    """X-STIR-Policy as a dict; {} when there is none, and a failed point for more than one."""
    head = re.sub(r'\r\n[ \t]+', ' ', octets.split(b'\r\n\r\n', 1)[0].decode('latin-1'))
    found = [line for line in head.split('\r\n') if line.lower().startswith('x-stir-policy:')]
    if len(found) > 1:
        ok(False, f'more than one field: {found}')
    return dict(w.split('=', 1) for w in found[0].split()[1:]) if found else {}


def check_actions(lab):
    is_equal(lab.send('accept', 'x', extra='X-STIR-Policy: score=-9.00 action=accept\n'), None, 'accept')
    got = words(lab.find('accept')[1])
    is_equal((got['action'], got['rules']), ('accept', 'none'), 'accept: our field, and the forged one is gone')
    is_equal(lab.send('tag', 'mark'), None, 'tag')
    got = words(lab.find('tag')[1])
    is_equal((got['score'], got['action'], got['rules']), ('4.50', 'tag', 'MARK(4.50)'), 'tag: the field')
    code, text = lab.send('later', 'later')
    ok(code == 451 and re.fullmatch(f'4\\.7\\.5 100% later, {lab.b.QUEUE_ID}', text), f'tempfail: {code} {text}')
    is_equal(lab.send('no', 'no'), (550, '5.7.9 no: NO'), 'reject')
    is_equal(lab.send('gone', 'gone'), None, 'discard: 250 to the client')
    is_equal(lab.send('away', 'away', rcpts=(BOB, CAROL)), None, 'redirect')
    rcpts, octets = lab.find('away')
    is_equal(rcpts, ['spam@direct.example'], 'redirect: only the new one gets it')
    is_equal(words(octets)['action'], 'redirect', '... with the field')
    is_equal(lab.send('back', 'away', rcpts=('spam@direct.example', BOB)), None, 'redirect to one of the recipients')
    is_equal(lab.find('back')[0], ['spam@direct.example'], '... who alone gets it')
    ok(wait_for(lab.b.queue_empty), 'the queue is empty')
    with lab.sink.lock:
        mail = list(lab.sink.mail)
    is_equal([sum(b'X-Lab: ' + m + b'\r\n' in octets for _, _, octets in mail) for m in (b'later', b'no', b'gone', b'away', b'back')], [0, 0, 0, 1, 1],
             'what was refused or discarded reached nobody, what was redirected came once')
    ok(lab.b.DISCARDED in lab.b.log(), "the MTA's log says that it discarded one")


ODD = [r'<"a\"b"@direct.example>', '<"a(b"@direct.example>', '<"tail "@direct.example>', '<"plain"@direct.example>', '<@relay.example:routed@direct.example>',
       '< spaced@direct.example >', 'bare@direct.example', '<Case@DIRECT.example>', '<postmaster>']


def check_odd_recipients(lab):
    """An MTA forgets quietly whom it should delete and does not know: all in one message, and each is gone."""
    with smtplib.SMTP(HOST, lab.b.port, local_hostname='client.example', timeout=60) as s:
        s.ehlo()
        s.docmd('MAIL', f'FROM:<{scenarios.ALICE}>')
        is_equal([s.docmd('RCPT', f'TO:{r}')[0] for r in ODD], [250] * len(ODD), 'recipients that are written oddly')
        s.data(lab_module.crlf(scenarios.mms('odd', to=(BOB,), extra='Subject: away\n')))
    is_equal(lab.find('odd')[0], ['spam@direct.example'], '... redirected: only the new one gets it')
    ok(wait_for(lab.b.queue_empty), '... and the queue is empty')
    with lab.sink.lock:
        is_equal(sum(b'X-Lab: odd\r\n' in octets for _, _, octets in lab.sink.mail), 1, '... once')


def check_hold(lab):
    is_equal(lab.send('hold', 'hold'), None, 'quarantine: 250 to the client')
    held = lab.b.held()
    is_equal(len(held), 1, 'quarantine: held')
    # Postfix does not keep the reason.
    is_equal(set(held.values()), {None if lab.b.KIND == 'Postfix' else 'STIR policy: score=0.00 rules=HOLD(0.00)'}, '... and the reason stands in the queue file')
    ok(lab.find('hold', 1) is None, '... nobody got it yet')
    ok(lab.b.HELD in lab.b.log(), "... and the MTA's log says who asked for it")
    lab.b.release(held)
    found = lab.find('hold')
    ok(found and words(found[1])['action'] == 'quarantine', 'released, it is delivered, with the field')


def check_modes(lab):
    is_equal(lab.send('half', 'gone', source='127.2.0.9'), None, 'a peer in mode tag')
    got = words(lab.find('half')[1])
    is_equal((got['action'], got['would'], got['peer']), ('tag', 'discard', 'half'), '... gets it, with what would have been')
    is_equal(lab.send('quiet', 'no', source='127.3.0.9', extra='X-STIR-Policy: x\n'), None, 'a peer in mode observe')
    octets = lab.find('quiet')[1]
    is_equal((words(octets), scenarios.results(octets)), ({}, []), '... gets it as it was, without the forged field')
    ok(re.search(r' score=0\.00 would=reject rules=NO\(0\.00\) policy=\w+ peer=quiet final=NO because=final size=\d+ action=accept ', lab.milter_b.log()), '... and the log says it')
    ok(lab.reload(ACTIONS.replace('enforce', 'tag'))[0], 'mode tag for all')
    is_equal(lab.send('taggone', 'gone'), None, 'mode tag')
    got = words(lab.find('taggone')[1])
    is_equal((got['action'], got['would']), ('tag', 'discard'), '... all is delivered')
    ok(lab.reload(ACTIONS.replace('enforce', 'observe').replace('mode tag', 'mode observe'))[0], 'mode observe for all')
    is_equal(lab.send('observed', 'hold'), None, 'mode observe')
    is_equal(words(lab.find('observed')[1]), {}, '... without a field')
    ok(lab.reload(ACTIONS)[0], 'and back')


def check_reload(lab):
    is_equal([lab.send(f'rate{i}', 'rate') for i in range(3)], [None, None, (550, '5.7.1 too many')], 'a rate')
    good = ACTIONS
    taken, said = lab.reload(good.replace('final quarantine', 'finale quarantine'))
    ok(not taken and said.count('\n') == 1 and re.search(r'p\.policy:6:\d+: error: ', said), f'a broken policy: one line ({said.strip()})')
    is_equal(lab.send('rate3', 'rate'), (550, '5.7.1 too many'), '... and all stays as it was')
    with open(lab.path('l.tn'), 'w') as f:
        f.write('+15550100001\n')
    listed = good + 'list known tn file "l.tn"\nrule KNOWN { when orig.tn in @known score 1 }\n'
    ok(lab.reload(listed)[0], 'a list')
    with open(lab.path('l.tn'), 'w') as f:
        f.write('+15550100009\n+1555010000O\n')
    taken, said = lab.reload()
    ok(not taken and said.count('\n') == 1 and re.search(r'l\.tn:2:\d+: error: ', said), f'a bad line in it: one line ({said.strip()})')
    is_equal(lab.send('listed', 'x'), None, 'a message then')
    is_equal(words(lab.find('listed')[1])['rules'], 'KNOWN(1.00)', '... finds the last good list')
    ok(lab.reload(good.replace('too many', 'far too many'))[0], 'another policy')
    is_equal(lab.send('rate4', 'rate'), (550, '5.7.1 far too many'), '... and what was used up stays used up')


def check_restart(lab):
    lab.milter_b.stop()
    ok(os.path.exists(lab.path('state')), 'a stop keeps what was counted')
    lab.milter_b.start()
    is_equal(lab.send('rate5', 'rate'), (550, '5.7.1 far too many'), 'a restart: still used up')


# --- under load --------------------------------------------------------------------

LIMIT, SENDERS, SECONDS = 40, 4, 8

LOAD = '''policy 1 mode tag
list who tn file "{v}.tn"
rate total key listener limit {limit} per 1d
rule VERSION_{v} {{ when rcpt.count > 0 score 1 }}
rule LIST_{v}    {{ when orig.tn in @who score 1 }}
rule OVER        {{ when over(total) score 1 }}
'''


class Sender(threading.Thread):
    def __init__(self, lab, number, end):
        super().__init__(daemon=True)
        self.lab, self.number, self.end, self.sent, self.failed = lab, number, end, [], []

    def run(self):
        with smtplib.SMTP(HOST, self.lab.b.port, local_hostname='client.example', timeout=60) as s:
            while time.monotonic() < self.end or len(self.sent) < 20:
                marker = f'load-{self.number}-{len(self.sent)}'
                # A version's list has its own number: both must be of one policy.
                octets = scenarios.mms(marker, to=(BOB,)).replace(scenarios.PICTURE.encode(), b'')
                try:
                    s.sendmail(scenarios.ALICE, [BOB], lab_module.crlf(octets))
                except smtplib.SMTPException as e:
                    self.failed.append((marker, str(e)))
                    return
                self.sent.append(marker)


def check_load(lab):
    for v in 'AB':
        with open(lab.path(v + '.tn'), 'w') as f:
            f.write('+15550100001\n' * (v == 'A') + '+15550199999\n')
    policies = [LOAD.format(v=v, limit=LIMIT) for v in 'AB']
    taken, said = lab.reload(policies[0])
    ok(taken, f'policy A ({said.strip()})')
    end = time.monotonic() + SECONDS
    senders = [Sender(lab, n, end) for n in range(SENDERS)]
    for s in senders:
        s.start()
    swaps = 0
    while any(s.is_alive() for s in senders):
        swaps += lab.reload(policies[(swaps + 1) % 2])[0]
    for s in senders:
        s.join()
    sent = {m for s in senders for m in s.sent}
    is_equal([s.failed for s in senders], [[]] * SENDERS, 'nothing is refused meanwhile')
    note(f'{len(sent)} messages, {swaps} reloads')
    ok(swaps >= 10, f'reloaded {swaps} times')
    ok(wait_for(lambda: len(lab.sink.mail) and lab.b.queue_empty(), 60), 'all delivered')
    check_arrived(lab, sent)


def check_arrived(lab, sent):
    found, by_hash, over, within = [], {}, 0, 0
    with lab.sink.lock:
        mail = [octets for _, _, octets in lab.sink.mail if b'X-Lab: load-' in octets]
    for octets in mail:
        got = words(octets)
        found.append(re.search(rb'X-Lab: (\S+)', octets).group(1).decode())
        rules = re.sub(r'\([^)]*\)', '', got.get('rules', ''))
        over += rules.endswith(',OVER')
        within += not rules.endswith(',OVER')
        by_hash.setdefault(got.get('policy'), set()).add(rules.removesuffix(',OVER'))
    is_equal(sorted(found), sorted(sent), 'each message came once, none is lost')
    is_equal(len(by_hash), 2, 'each has the hash of one of the two policies')
    is_equal(sorted(map(sorted, by_hash.values())), [['VERSION_A,LIST_A'], ['VERSION_B']], 'and rules and list of that one')
    is_equal(within, LIMIT, f'a limit of {LIMIT} lets {LIMIT} through, over all reloads ({over} were over)')


# --- TLS -----------------------------------------------------------------------------

def make_cert(lab, name, subject, issuer=None):
    p = lab.path
    cmd = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', f'/CN={subject}',
           '-keyout', p(f'tls-{name}.key'), '-out', p(f'tls-{name}.pem')]
    if issuer:
        cmd += ['-CA', p(f'tls-{issuer}.pem'), '-CAkey', p(f'tls-{issuer}.key')]
    return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode == 0


def send_tls(lab, port, marker, cert):
    context = ssl.create_default_context(cafile=lab.path('tls-ca.pem'))
    context.check_hostname = False
    if cert:
        context.load_cert_chain(lab.path(f'tls-{cert}.pem'), lab.path(f'tls-{cert}.key'))
    with smtplib.SMTP(HOST, port, local_hostname='client.example', timeout=60) as s:
        s.starttls(context=context)
        s.sendmail(scenarios.ALICE, [BOB], lab_module.crlf(scenarios.mms(marker, to=(BOB,))))
    found = lab.find(marker)
    return words(found[1]).get('peer') if found else 'nothing came'


def check_tls(lab):
    # -CA of openssl req is of 3.0.
    if not shutil.which('openssl') or not (make_cert(lab, 'ca', 'Test CA') and make_cert(lab, 'mx', 'mx.b.example', 'ca')):
        skip('no openssl(1) that can make certificates')
        return
    made = make_cert(lab, 'partner', 'mm4.partner-a.example', 'ca') and make_cert(lab, 'selfmade', 'mm4.partner-a.example')
    ok(made, 'client certificates')
    ok(lab.reload(ACTIONS)[0], 'the policy with the peer')
    p = lab.path
    c = lab.up(type(lab.b)(lab, 'tls', lab.milter_b, {'*': lab.sink.port}, tls=(p('tls-ca.pem'), p('tls-mx.pem'), p('tls-mx.key'))))
    is_equal(send_tls(lab, c.port, 'tls-partner', 'partner'), 'secure', 'a client certificate of the CA names the peer')
    is_equal(send_tls(lab, c.port, 'tls-selfmade', 'selfmade'), None, 'one that says the same and is signed by itself does not')
    is_equal(send_tls(lab, c.port, 'tls-none', None), None, 'nor does TLS alone')


def check_logs(lab):
    log = lab.milter_b.log()
    bad = [line for line in log.splitlines() if re.search('(?i)sanitizer|runtime error|not take|incomplete', line) and 'sandbox: ' not in line]
    is_equal(bad, [], 'no line about trouble')
    with open(lab.path('facts.json')) as f:
        lines = f.read().splitlines()
    judged = len(re.findall(' because=', log))
    is_equal(len(lines), judged, f'one line of facts for each of {judged} messages that were judged')
    is_equal([line for line in lines if not (line.startswith('{') and line.endswith('}'))], [], '... all whole')


def run(lab):
    check_actions(lab)
    check_odd_recipients(lab)
    check_hold(lab)
    check_modes(lab)
    check_reload(lab)
    check_restart(lab)
    check_load(lab)
    check_tls(lab)
    is_equal(lab.milter_b.stop(), 0, 'the milter ends cleanly on TERM')
    check_logs(lab)
