"""A milter that is killed at each stage of a message: with "tempfail" nothing is
lost and nothing comes unseen, with "accept" everything comes, unseen; and never
twice.  tests/e2e runs it on Postfix and on Sendmail."""

import os
import re
import signal
import smtplib
import time

import loopback
import scenarios
from lab import Lab, Milter
from loopback import wait_for
from tap import is_equal, note, ok

BOB = scenarios.BOB + '@direct.example'
LARGE = scenarios.PICTURE.encode() * 600     # more than any socket keeps for a process that doesn't read

# Killed when the client has got so far; the last two while the MTA hands over.
STAGES = ('before', 'connect', 'ehlo', 'mail', 'rcpt', 'body', 'eom', 'after')


class GoneLab(Lab):
    """One carrier that verifies, twice: behind an MTA that tempfails without its
    milter, and behind one that does without."""

    def make_carriers(self):
        self.sink = loopback.Sink()
        mta = self.mtas[0]
        verifier = f'Mode v\nAuthservID mx.b.example\nTrustAnchors {self.path("pki", "anchors.pem")}\nCertificateDir {self.path("certs")}\n'
        self.place = {}
        for absent in ('tempfail', 'accept'):
            milter = self.up(Milter(self, 'milter-' + absent, verifier))
            self.place[absent] = milter, self.up(mta(self, absent, milter, {'*': self.sink.port}, absent=absent))


class Attempt:
    """One message; the milter is killed at a stage of it."""

    def __init__(self, milter, mta, stage, marker):
        self.milter, self.mta, self.stage = milter, mta, stage
        octets = scenarios.mms(marker, to=(BOB,), extra=scenarios.VICTIM_RESULT + '\n')
        if stage == 'body':
            octets = octets.replace(scenarios.PICTURE.encode(), LARGE)
        self.octets = loopback.crlf(octets)

    def kill(self, stage):
        if stage == self.stage:
            self.milter.process.kill()
            self.milter.process.wait()

    def hand_over(self, s):
        """Everything comes at once and the milter does not read: it dies with its socket full, or with the answer due."""
        if self.stage not in ('body', 'eom'):
            return s.getreply()
        time.sleep(1.0)
        self.milter.process.kill()
        self.milter.process.wait()
        return s.getreply()

    def steps(self):
        """The code of each reply, until one is not what a client wants."""
        self.kill('before')
        s = smtplib.SMTP(timeout=90)
        try:
            yield s.connect(loopback.HOST, self.mta.port)[0], 220
            self.kill('connect')
            yield s.ehlo('client.example')[0], 250
            self.kill('ehlo')
            yield s.docmd('MAIL', f'FROM:<{scenarios.ALICE}>')[0], 250
            self.kill('mail')
            yield s.docmd('RCPT', f'TO:<{BOB}>')[0], 250
            self.kill('rcpt')
            yield s.docmd('DATA')[0], 354
            if self.stage in ('body', 'eom'):
                os.kill(self.milter.process.pid, signal.SIGSTOP)
            s.send(self.octets + b'.\r\n')
            yield self.hand_over(s)[0], 250
            self.kill('after')
            yield s.docmd('QUIT')[0], 221
        finally:
            s.close()

    def run(self):
        """The first reply that was not as wanted, or the last of all."""
        got = None
        for got, want in self.steps():
            if got != want:
                break
        return got


def copies(lab, marker):
    """(how many came, how many of them with our field on top, how many with the forged one)"""
    with lab.sink.lock:
        mine = [octets for _, _, octets in lab.sink.mail if f'X-Lab: {marker}\r\n'.encode() in octets]
    ours = sum(any('x-stir=none' in v for v in scenarios.results(octets)) for octets in mine)
    forged = sum(any('x-stir=pass' in v for v in scenarios.results(octets)) for octets in mine)
    return len(mine), ours, forged


def settle(lab, mta, marker, least):
    """Waits until what was taken has been delivered, and a little for what should not come."""
    if least:
        wait_for(lambda: copies(lab, marker)[0] >= least)
    ok(wait_for(mta.queue_empty, 30), f'{marker}: the queue is empty')
    return copies(lab, marker)


def check_tempfail(lab, stage):
    milter, mta = lab.place['tempfail']
    marker = 'tempfail-' + stage
    code = Attempt(milter, mta, stage, marker).run()
    if stage == 'after':
        is_equal(code, 221, f'{marker}: taken already')
    else:
        ok(code in (421, 451), f'{marker}: the client keeps it ({code})')
        is_equal(settle(lab, mta, marker, 0), (0, 0, 0), f'{marker}: nothing is delivered')
    milter.start()
    if stage != 'after':
        loopback.send(mta.port, scenarios.ALICE, (BOB,), Attempt(milter, mta, stage, marker).octets)
    is_equal(settle(lab, mta, marker, 1), (1, 1, 0), f'{marker}: with the milter back it comes once, judged')


def check_accept(lab, stage):
    milter, mta = lab.place['accept']
    marker = 'accept-' + stage
    is_equal(Attempt(milter, mta, stage, marker).run(), 221, f'{marker}: taken')
    want = (1, 1, 0) if stage == 'after' else (1, 0, 1)
    is_equal(settle(lab, mta, marker, 1), want, f'{marker}: it comes once' + (', unseen' if want[2] else ''))
    milter.start()


def check_session(lab, absent):
    """A restart between two messages of one session: the rest of it is in error, or unseen; a new one is not."""
    milter, mta = lab.place[absent]
    codes = []
    with loopback.client(mta.port) as s:
        for i, marker in enumerate(('first', 'second')):
            try:
                s.sendmail(scenarios.ALICE, [BOB], Attempt(milter, mta, None, f'{absent}-{marker}').octets)
                codes.append(250)
            except smtplib.SMTPResponseException as e:
                codes.append(e.smtp_code)
            except smtplib.SMTPRecipientsRefused as e:
                codes.append(next(iter(e.recipients.values()))[0])
            if i == 0:
                milter.process.kill()
                milter.process.wait()
                milter.start()
    loopback.send(mta.port, scenarios.ALICE, (BOB,), Attempt(milter, mta, None, absent + '-third').octets)
    is_equal(settle(lab, mta, absent + '-third', 1), (1, 1, 0), f'{absent}: a restart; a new session is judged')
    is_equal(codes[0], 250, f'{absent}: the first message of the session that was open')
    if absent == 'tempfail':
        is_equal((codes[1], copies(lab, absent + '-second')), (451, (0, 0, 0)), '... its second one stays with the client')
    else:
        is_equal((codes[1], copies(lab, absent + '-second')), (250, (1, 0, 1)), '... its second one comes unseen, as the manual says')


def check_hop(lab):
    """The client is an MTA that tries again: what came while the milter was dead, dies and lives, comes once."""
    milter, mta = lab.place['tempfail']
    front = lab.up(lab.mtas[0](lab, 'front', None, {'*': mta.port}))
    for marker in ('hop-dead', 'hop-again'):
        milter.process.kill()
        milter.process.wait()
        loopback.send(front.port, scenarios.ALICE, (BOB,), Attempt(milter, mta, None, marker).octets)
        time.sleep(1.5)
        is_equal(copies(lab, marker), (0, 0, 0), f'{marker}: not delivered')
        ok(not front.queue_empty(), f'{marker}: but kept')
        milter.start()
        wait_for(front.queue_empty)
        is_equal(settle(lab, mta, marker, 1), (1, 1, 0), f'{marker}: with the milter back it comes once, judged')


# What an operator's monitor looks for: stir-milter.8 and the samples name it.
SAID = {'Postfix': ('warning: connect to Milter service unix:stir-milter/stir-milter.sock: ', 'warning: milter unix:stir-milter/stir-milter.sock: '),
        'Sendmail': ('Milter (stir-milter): to error state',)}


def run(lab):
    for stage in STAGES:
        check_tempfail(lab, stage)
        check_accept(lab, stage)
    if lab.mtas[0].RETRIES:
        check_hop(lab)
    for absent in ('tempfail', 'accept'):
        check_session(lab, absent)
        log = lab.place[absent][1].log()
        if not ok(all(line in log for line in SAID[lab.mtas[0].KIND]), f'{absent}: the log says that the milter was gone'):
            note('\n'.join(line[:200] for line in log.splitlines() if re.search('(?i)milter', line))[-3000:])
