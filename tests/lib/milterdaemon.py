"""A stir-milter with a key, a certificate and a trust anchor, in a folder below
the build tree, for the tests that need no MTA."""

import os
import re
import signal
import subprocess
import time

import tap
from milterclient import Client, dial
from workfolder import WorkFolder

MILTER = os.environ.get('STIR_MILTER') or os.path.abspath('stir-milter')
STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')

SENDER = '+15550100001/TYPE=PLMN@a.example'
RCPT = '+15550200002/TYPE=PLMN@b.example'
URL = 'https://certs.example/a.pem'

MAIL = (f'From: <{SENDER}>\r\nTo: <{RCPT}>\r\nSubject: picture\r\nDate: Tue, 24 Nov 2026 16:00:00 +0000\r\n'
        'Message-ID: <1@a.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n'
        'X-Mms-Message-Type: MM4_forward.REQ\r\n\r\nHello.\r\n').encode()


def wait_for(test, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = test()
        if value:
            return value
        time.sleep(0.01)
    return test()


def as_we_are(*lines):
    """Root says that it means it; who is not root could not look at a process (/proc) that leaves no core dumps."""
    more = 'RunAsRoot yes' if os.geteuid() == 0 else 'CoreDumps yes'
    return [] if any(line.split()[:1] == more.split()[:1] for line in lines) else [more]


class Place:
    """A folder with a PKI; with Place() as p: ..."""

    def __init__(self):
        for program in (MILTER, STIRCTL):
            if not os.access(program, os.X_OK):
                tap.skip_all(f'{program} is not built')
        self.folder = WorkFolder('tap-milter-')
        self.dir = self.folder.path
        self.daemons = []

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def ctl(self, *args):
        r = subprocess.run([STIRCTL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if r.returncode:
            raise RuntimeError(f'stirctl {" ".join(args)}: {r.stderr.decode()}')

    def make_pki(self):
        self.ctl('pki', 'init', self.path('pki'))
        self.issue('a')

    def issue(self, name):
        os.makedirs(self.path('certs'), exist_ok=True)
        self.ctl('pki', 'issue', self.path('pki'), '--tn-auth', 'tn:+15550100000..+15550199999', '--url', f'https://certs.example/{name}.pem',
                 '--out', self.path(name), '--certs', self.path('certs'))

    def conf(self, name, *lines, base=None):
        """Signs mail of listener MM4OUT, verifies that of all others."""
        if base is None:
            base = ['UMask 007', 'LogWhy yes', 'MTA MM4OUT', 'VerifyMTA MM4IN', 'AuthservID mx.b.example',
                    f'KeyFile {self.path("a.key")}', f'CertificateFile {self.path("a.pem")}', f'CertificateURL {URL}',
                    f'TrustAnchors {self.path("pki", "anchors.pem")}', f'CertificateDir {self.path("certs")}']
        with open(self.path(name), 'w') as f:
            f.write('\n'.join([*base, *as_we_are(*base, *lines), *lines, '']))
        return self.path(name)

    def daemon(self, name='m', *lines, flags=(), start=True):
        d = Daemon(self, name, lines, flags)
        self.daemons.append(d)
        if start:
            d.start()
        return d

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for d in self.daemons:
            d.kill()
        if exc[0]:
            for d in self.daemons:
                tap.note(d.log()[-4000:])
        self.folder.remove()


class Daemon:
    def __init__(self, place, name, lines, flags):
        self.place, self.name, self.flags = place, name, list(flags)
        self.socket = place.path(name + '.sock')
        self.log_path = place.path(name + '.log')
        self.lines = lines
        self.process = None
        self.write()

    def write(self, *lines):
        self.conf = self.place.conf(self.name + '.conf', f'Socket local:{self.socket}', *self.lines, *lines)

    def write_broken(self):
        with open(self.conf, 'a') as f:
            f.write('MaxAeg 60s\n')

    def spawn(self, **options):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([MILTER, '-c', self.conf, *self.flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)

    def start(self, **options):
        self.spawn(**options)
        if not wait_for(self.answers) or self.process.poll() is not None:
            raise RuntimeError('stir-milter did not start: ' + self.log())
        return self

    def answers(self):
        if self.process.poll() is not None:
            return True
        try:
            dial(self.socket).close()
            return True
        except OSError:
            return False

    def alive(self):
        return self.process.poll() is None

    def client(self, daemon_name='MM4IN', **options):
        c = Client(self.socket, **options).negotiate()
        c.connect(daemon_name=daemon_name)
        return c

    def signal(self, number):
        os.kill(self.process.pid, number)

    def hup(self):
        """Reloads, and waits for the line that says how it went."""
        before = self.reloads()
        self.signal(signal.SIGHUP)
        return wait_for(lambda: self.reloads() > before)

    def reloads(self):
        return self.count('configuration read again') + self.count('reload failed')

    def counters(self):
        """(connections, messages in hand, messages so far), by USR2."""
        find = re.compile(r'connections=(\d+) in-hand=(\d+) messages=(\d+)')
        before = len(find.findall(self.log()))
        self.signal(signal.SIGUSR2)
        found = wait_for(lambda: find.findall(self.log())[before:])
        return tuple(map(int, found[-1])) if found else None

    def in_hand(self, n=1):
        """Waits until so many messages are in hand: without replies, steps take their time."""
        return wait_for(lambda: self.counters()[1] == n)

    def wait(self, seconds=20):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self):
        try:
            with open(self.log_path, errors='replace') as f:
                return f.read()
        except OSError:
            return ''

    def count(self, text):
        return self.log().count(text)

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))
