"""Listeners as the samples in conf/ have them: one on which mail is signed, one on
which it is verified, one for mail that the milter has seen.  tests/e2e runs it on
Postfix and on Sendmail."""

import re

import loopback
import postfix
import sasldb
import scenarios
import sendmail
from lab import Lab, Milter
from tap import is_equal, ok, skip

# An MTA may write such a name in another way to a milter.
USER, PASSWORD = 'mms+2b alice', 'secret'
POLICY = f'policy 1 mode tag\npeer alice {{ match auth.user == "{USER}" }}\nrule R {{ when rcpt.count > 0 score 1 }}\n'

BOB = scenarios.BOB + '@direct.example'


def put_in(text, ports):
    """The operator's part: addresses. Each stands there once."""
    for sample, port in ports.items():
        if text.count(sample) != 1:
            raise RuntimeError(f'"{sample}" is not in the sample once')
        text = text.replace(sample, port)
    return text


def of_postfix(port):
    text = postfix.shipped('master.cf.example')
    text = '\n'.join(line for line in text.splitlines() if not line.startswith('#')) + '\n'
    return put_in(text, {'192.0.2.1:25': f'{loopback.HOST}:{port["in"]}', '192.0.2.2:25': f'{loopback.HOST}:{port["out"]}',
                         '127.0.0.1:10025': f'{loopback.HOST}:{port["back"]}'})


def of_sendmail(port):
    with open(sendmail.SNIPPET) as f:
        text = '\n'.join(re.findall(r'(?m)^dnl # +(DAEMON_OPTIONS.*)$', f.read())) + '\n'
    return put_in(text, {'Addr=192.0.2.1, Port=25': f'Addr={loopback.HOST}, Port={port["in"]}',
                         'Addr=192.0.2.2, Port=25': f'Addr={loopback.HOST}, Port={port["out"]}',
                         'Addr=127.0.0.1, Port=10025': f'Addr={loopback.HOST}, Port={port["back"]}'})


class ListenerLab(Lab):
    """One carrier and one milter that does both."""

    def make_pki(self, plan):
        super().make_pki(plan)
        with open(self.path('p.policy'), 'w') as f:
            f.write(POLICY)

    def make_carriers(self):
        self.sink = loopback.Sink()
        mta = self.mtas[0]
        self.milter = self.up(Milter(self, 'milter', f'''MTA MM4OUT
VerifyMTA MM4IN
SignAuthenticated yes
AuthservID mx.b.example
KeyFile {self.path('a.key')}
CertificateFile {self.path('a.pem')}
CertificateURL https://certs.example/a.pem
TrustAnchors {self.path('pki', 'anchors.pem')}
Policy {self.path('p.policy')}
CertificateDir {self.path('certs')}
''', folder=self.path('postfix-c', 'queue', 'stir-milter') if mta is postfix.Postfix else None))
        self.port = {name: loopback.free_port() for name in ('in', 'out', 'back')}
        text = (of_postfix if mta is postfix.Postfix else of_sendmail)(self.port)
        self.mta = self.up(mta(self, 'c', self.milter, {'*': self.sink.port}, listeners=text, auth={USER: PASSWORD}))
        for port in self.port.values():
            loopback.wait_for(lambda: loopback.listening(port))


def through(lab, port, marker, octets):
    """What arrived: whether it has an Identity, and the result."""
    loopback.send(port, scenarios.ALICE, (BOB,), octets)
    found = lab.sink.find(f'X-Lab: {marker}\r\n'.encode())
    return (b'\r\nIdentity:' in b'\r\n' + found[2], scenarios.read_result(found[2]).get('reason')) if found else None


def logged_in(lab, port, marker):
    """The message, sent by USER."""
    with loopback.client(port) as s:
        lab.mta.log_in(s, USER, PASSWORD)
        s.sendmail(scenarios.ALICE, [BOB], loopback.crlf(scenarios.mms(marker)))
    found = lab.sink.find(f'X-Lab: {marker}\r\n'.encode())
    return found[2] if found else b''


def check_login(lab):
    why = sasldb.missing() if lab.mta.KIND == 'Sendmail' else None
    if why:
        skip(why)
        return
    ok(b'Identity:' in logged_in(lab, lab.mta.port, 'l-auth').split(b'From:')[0], 'another listener: a client that did is signed for')
    ok(b' peer=alice' in re.sub(rb'\r\n ', b' ', logged_in(lab, lab.port['in'], 'l-who')), 'MM4IN: its name is the fact auth.user, sign for sign')


def run(lab):
    sign = scenarios.Crew(lab).sign
    is_equal(through(lab, lab.port['out'], 'l-out', scenarios.mms('l-out')), (True, None), 'MM4OUT: signed')
    is_equal(through(lab, lab.port['in'], 'l-in', sign(scenarios.mms('l-in'))), (True, 'ok'), 'MM4IN: verified')
    is_equal(through(lab, lab.port['in'], 'l-none', scenarios.mms('l-none')), (False, 'no-identity'), 'MM4IN: not signed, whatever comes')
    is_equal(through(lab, lab.port['back'], 'l-back', sign(scenarios.mms('l-back'))), (True, None), 'behind a content filter: not looked at again')
    before = lab.milter.log()
    is_equal(through(lab, lab.mta.port, 'l-other', scenarios.mms('l-other')), (False, 'no-identity'),
             'another listener: a client that did not authenticate is a stranger')
    ok('why=stranger' in lab.milter.log()[len(before):], '... says the log')
    check_login(lab)
    ok(loopback.wait_for(lab.mta.queue_empty), 'the queue is empty')
