"""Two carriers in a folder: private MTAs, stir-milters, a PKI and mail boxes at
the end, all on loopback, for the end-to-end tests and the demo.

Nothing outside the lab's folder is written, and Lab.stop() ends every process
that was started.

An MTA is a class (postfix.Postfix, sendmail.Sendmail) with
    KIND, NEED          its name; the variable that says a test must find one
    QUEUE_ID            how it writes one
    RETRIES             whether mail that can't be delivered at once is tried again soon
    HELD, DISCARDED     what its log says of such a message
    missing()           why it can't be had here, or None
    port                where it listens
    start(), stop(), log()
    queue_empty()       whether nothing waits in its queue
    held(), release()   messages in quarantine, {id: why}; lets them go
and is made from (lab, name, milter, routes), see there.
"""

import ctypes
import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from loopback import HOST, Sink, crlf, free_port, listening, send, wait_for     # noqa: F401
from postfix import MAIL_OWNER, Postfix
from workfolder import too_long


def _reachable_by_others(path):
    while path != '/':
        if not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


def _bind_to_mnt(path):
    """Shows path as /mnt to this process and its children only."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_ns, rec_private, bind = 0x00020000, 0x4000 | 0x40000, 0x1000
    good = libc.unshare(new_ns) == 0
    # In a chroot "/" is no mount point and can't be made private; stop() unmounts.
    if good and libc.mount(b'none', b'/', None, rec_private, None) and ctypes.get_errno() != errno.EINVAL:
        good = False
    if not good or libc.mount(path.encode(), b'/mnt', None, bind, None):
        raise RuntimeError(
            f'{path} is too long a path for sockets, or user {MAIL_OWNER} (Postfix) can not reach it since a folder above is closed to others, '
            f'and no private mount could be made ({os.strerror(ctypes.get_errno())}); '
            'put the checkout below a folder with a short name that others may enter, such as /srv')
    return '/mnt'


class Milter:
    """One stir-milter process; its socket is where an MTA wants it, if folder says so."""

    def __init__(self, lab, name, conf, folder=None):
        self.dir = os.path.join(lab.dir, name)
        if folder:
            # A short way to it: the path of a socket has at most 107 octets.
            os.makedirs(folder)
            os.symlink(folder, self.dir)
        else:
            os.makedirs(self.dir, exist_ok=True)
        self.socket = os.path.join(self.dir, 'stir-milter.sock' if folder else 'sock')
        self.conf = os.path.join(self.dir, 'stir-milter.conf')
        self.log_path = os.path.join(self.dir, 'log')
        with open(self.conf, 'w') as f:
            f.write(f'Socket local:{self.socket}\nUMask 000\nLogWhy yes\nLogNumbers full\nRunAsRoot yes\n' + conf)
        self.env = dict(os.environ)
        self.lab = lab

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([self.lab.stir_milter, '-c', self.conf], stdout=log, stderr=log, env=self.env)
        if not wait_for(lambda: self.process.poll() is not None or self.answers()) or self.process.poll() is not None:
            raise RuntimeError('stir-milter did not start: ' + self.log())

    def answers(self):
        """A killed one leaves its socket behind."""
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.socket) == 0

    def reload(self):
        """Whether the configuration was taken, and what the log says of it."""
        before = self.log()
        os.kill(self.process.pid, signal.SIGHUP)
        wait_for(lambda: re.search('configuration read again|reload failed', self.log()[len(before):]))
        said = self.log()[len(before):]
        return 'read again' in said, said

    def set(self, name, value):
        """Changes one setting, and reloads."""
        with open(self.conf) as f:
            lines = [line for line in f if line.split(' ')[0] != name]
        with open(self.conf, 'w') as f:
            f.write(''.join(lines) + f'{name} {value}\n')
        taken, said = self.reload()
        if not taken:
            raise RuntimeError(said)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def log(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()


class Lab:
    """carrier A signs, carrier B verifies; A's mail goes to B by the domain of
    the recipient: direct.example, no8bit.example (a hop without 8BITMIME) and
    middle.example (through a relay that changes each message by mutate()).
    mtas: the class of A's and that of B's, or one for both."""

    def __init__(self, plan='', mutate=lambda octets: octets, a_holds='tn:+15550100000..+15550199999', b_more='', mtas=(Postfix,)):
        self.stirctl = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
        self.stir_milter = os.environ.get('STIR_MILTER') or os.path.abspath('stir-milter')
        self.mtas = mtas
        self.real_dir = tempfile.mkdtemp(prefix='tap-lab-', dir=os.getcwd())
        os.chmod(self.real_dir, 0o755)
        self.dir = self.real_dir
        self.a_holds, self.b_more = a_holds, b_more
        self.running = []
        self.mutate = mutate
        try:
            if too_long(self.real_dir) or (Postfix in mtas and not _reachable_by_others(self.real_dir)):
                self.dir = _bind_to_mnt(self.real_dir)
            self.make_pki(plan)
            self.make_carriers()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def or_skip(*mtas):
        """Ends a test that can have no lab here: skipped, or failed where tools/check promised one."""
        import tap
        for mta in mtas or (Postfix,):
            why = mta.missing()
            if why and os.environ.get(mta.NEED):
                tap.ok(False, why)
                tap.done()
            if why:
                tap.skip_all(why)

    @staticmethod
    def missing():
        """Why no lab with Postfix can be had here, or None."""
        return Postfix.missing()

    def ctl(self, *args, **kw):
        return subprocess.run([self.stirctl, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **kw)

    def must(self, *args, **kw):
        r = self.ctl(*args, **kw)
        if r.returncode:
            raise RuntimeError(f'stirctl {" ".join(args)}: {r.stderr.decode()}')
        return r.stdout

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def issue(self, name, tn_auth, *more, pki='pki'):
        """A certificate in the folder certs, its key beside; https://certs.example/NAME.pem"""
        self.must('pki', 'issue', self.path(pki), '--tn-auth', tn_auth, '--url', f'https://certs.example/{name}.pem',
                  '--out', self.path(name), '--certs', self.path('certs'), *more)

    def make_pki(self, plan):
        os.mkdir(self.path('certs'))
        self.must('pki', 'init', self.path('pki'))
        self.issue('a', self.a_holds)
        with open(self.path('plan'), 'w') as f:
            f.write(plan)

    def make_carriers(self):
        self.sink = Sink()
        signer = f'''Mode s
InternalHosts 127.0.0.0/8
KeyFile {self.path('a.key')}
CertificateFile {self.path('a.pem')}
CertificateURL https://certs.example/a.pem
NumberPlan {self.path('plan')}
'''
        verifier = f'''Mode v
AuthservID mx.b.example
TrustAnchors {self.path('pki', 'anchors.pem')}
CertificateDir {self.path('certs')}
NumberPlan {self.path('plan')}
{self.b_more}
'''
        self.milter_a = self.up(Milter(self, 'milter-a', signer))
        self.milter_b = self.up(Milter(self, 'milter-b', verifier))
        self.b = self.mtas[-1](self, 'b', self.milter_b, {'*': self.sink.port})
        self.middle = Sink(forward=(self.b.port, lambda octets: self.mutate(octets)))
        self.no8bit = Sink(forward=(self.b.port, lambda octets: octets), eightbit=False)
        self.a = self.mtas[0](self, 'a', self.milter_a, {'no8bit.example': self.no8bit.port, 'middle.example': self.middle.port, '*': self.b.port})
        self.up(self.b)
        self.up(self.a)

    def up(self, thing):
        thing.start()
        self.running.append(thing)
        return thing

    def stop(self):
        # An MTA before its milters, or it complains of them.
        for thing in reversed(self.running):
            thing.stop()
        self.running = []
        for name in ('sink', 'middle', 'no8bit'):
            if hasattr(self, name):
                getattr(self, name).close()
        for entry in os.listdir(self.real_dir):
            path = os.path.join(self.real_dir, entry)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.remove(path)
        if self.dir != self.real_dir:
            ctypes.CDLL(None).umount2(self.dir.encode(), 2)     # MNT_DETACH
        try:
            os.rmdir(self.real_dir)
        except OSError:
            pass        # a process that is just ending may still be in it

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
