"""Two carriers in a folder: private Postfix instances, stir-milters, a PKI and
mail boxes at the end, all on loopback, for the end-to-end tests and the demo.

Nothing outside the lab's folder is written, and Lab.stop() ends every process
that was started.  Postfix needs root (or rather: master(8) does).
"""

import ctypes
import errno
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import time

MAIL_OWNER, SETGID_GROUP = 'daemon', 'mail'     # any two system accounts

# A loopback address of this process's own: a port that was free a moment ago can
# then not be taken by another lab, which would get half of our mail (Postfix
# lets two instances listen on one port).
_PID = os.getpid()
HOST = f'127.{64 + (_PID >> 16 & 63)}.{_PID >> 8 & 255}.{min(max(_PID & 255, 1), 254)}'

MASTER_CF = '''\
{listen}pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
no8bit unix - - n - - smtp -o smtp_discard_ehlo_keywords=8bitmime,smtputf8
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
'''


def free_port():
    """A port nobody uses now; the caller binds it next."""
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


def wait_for(test, seconds=20.0, step=0.05):
    """Waits until test() is true; its value, or None when time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = test()
        if value:
            return value
        time.sleep(step)
    return None


def listening(port):
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False


def crlf(octets):
    """Line ends as they go over SMTP."""
    return octets.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


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
            f'user {MAIL_OWNER} (Postfix) can not reach {path}, since a folder above it is closed to others, '
            f'and no private mount could be made ({os.strerror(ctypes.get_errno())}); '
            'put the checkout below a folder that others may enter, such as /srv')
    return '/mnt'


class Sink(threading.Thread):
    """An SMTP server that keeps what it gets: [(mail_from, [rcpt], octets)].

    With forward=(port, mutate) it passes each message on, changed by mutate.
    """

    def __init__(self, forward=None):
        super().__init__(daemon=True)
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind((HOST, 0))
        self.server.listen(64)
        self.port = self.server.getsockname()[1]
        self.forward = forward
        self.mail = []
        self.lock = threading.Lock()
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        f = conn.makefile('rwb')

        def say(text):
            f.write(text.encode() + b'\r\n')
            f.flush()
        sender, rcpts = None, []
        say('220 sink.example ESMTP')
        try:
            for line in f:
                word = line.strip().upper()
                if word.startswith(b'EHLO'):
                    say('250-sink.example\r\n250 8BITMIME')
                elif word.startswith(b'MAIL FROM:'):
                    sender, rcpts = line.split(b'<', 1)[1].split(b'>')[0].decode(), []
                    say('250 ok')
                elif word.startswith(b'RCPT TO:'):
                    rcpts.append(line.split(b'<', 1)[1].split(b'>')[0].decode())
                    say('250 ok')
                elif word == b'DATA':
                    say('354 go on')
                    say(self.take(sender, rcpts, self.data(f)))
                elif word == b'QUIT':
                    say('221 bye')
                    break
                else:
                    say('250 ok')
        except OSError:
            pass
        finally:
            f.close()
            conn.close()

    @staticmethod
    def data(f):
        lines = []
        for line in f:
            if line == b'.\r\n':
                break
            lines.append(line[1:] if line.startswith(b'.') else line)
        return b''.join(lines)

    def take(self, sender, rcpts, octets):
        if self.forward:
            port, mutate = self.forward
            try:
                send(port, sender, rcpts, mutate(octets))
            except smtplib.SMTPException as e:
                return f'451 {e}'
            return '250 forwarded'
        with self.lock:
            self.mail.append((sender, rcpts, octets))
        return '250 kept'

    def find(self, text, seconds=20):
        """The first message that holds these octets."""
        def look():
            with self.lock:
                return next((m for m in self.mail if text in m[2]), None)
        return wait_for(look, seconds)

    def close(self):
        self.server.close()


def send(port, sender, rcpts, octets, xclient=None):
    """One message by SMTP; octets get CRLF line ends. Raises what smtplib raises."""
    with smtplib.SMTP(HOST, port, local_hostname='client.example', timeout=60) as s:
        s.ehlo()
        if xclient:
            s.docmd('XCLIENT', xclient)
            s.ehlo()
        eightbit = any(c > 127 for c in octets)
        s.mail(sender, ['BODY=8BITMIME'] if eightbit else [])
        for r in rcpts:
            code, text = s.rcpt(r)
            if code // 100 != 2:
                raise smtplib.SMTPRecipientsRefused({r: (code, text)})
        code, text = s.data(crlf(octets))
        if code // 100 != 2:
            raise smtplib.SMTPDataError(code, text)
        return text.decode()


class Milter:
    """One stir-milter process."""

    def __init__(self, lab, name, conf):
        self.dir = os.path.join(lab.dir, name)
        os.makedirs(self.dir, exist_ok=True)
        self.socket = os.path.join(self.dir, 'sock')
        self.conf = os.path.join(self.dir, 'stir-milter.conf')
        self.log_path = os.path.join(self.dir, 'log')
        with open(self.conf, 'w') as f:
            f.write(f'Socket local:{self.socket}\nUMask 000\nLogWhy yes\nLogNumbers yes\n' + conf)
        self.env = dict(os.environ)
        self.lab = lab

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([self.lab.stir_milter, '-c', self.conf], stdout=log, stderr=log, env=self.env)
        if not wait_for(lambda: os.path.exists(self.socket) or self.process.poll() is not None) or self.process.poll() is not None:
            raise RuntimeError('stir-milter did not start: ' + self.log())

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


class Postfix:
    """One instance with its own configuration, queue and log."""

    def __init__(self, lab, name, milter, transports, listeners=None):
        self.lab, self.name = lab, name
        self.dir = os.path.join(lab.dir, 'postfix-' + name)
        self.port = free_port()
        self.listeners = listeners or {}
        self.write(milter, transports)

    def write(self, milter, transports):
        d, root = self.dir, self.lab.postfix_root
        for sub in ('etc', 'queue', 'data', 'bin'):
            os.makedirs(os.path.join(d, sub))
        shutil.chown(os.path.join(d, 'data'), MAIL_OWNER)
        # The set-gid programs refuse a private configuration; copies aren't set-gid.
        for program in ('postdrop', 'postqueue', 'postlog', 'postsuper', 'postfix', 'postconf', 'sendmail', 'postmap', 'postalias'):
            shutil.copy(f'{root}/usr/sbin/{program}', f'{d}/bin/{program}')
        settings = {
            'compatibility_level': '3.6', 'config_directory': f'{d}/etc', 'queue_directory': f'{d}/queue',
            'data_directory': f'{d}/data', 'command_directory': f'{d}/bin', 'sendmail_path': f'{d}/bin/sendmail',
            'daemon_directory': f'{root}/usr/lib/postfix/sbin', 'shlib_directory': f'{root}/usr/lib/postfix',
            'meta_directory': f'{root}/etc/postfix', 'mail_owner': MAIL_OWNER, 'setgid_group': SETGID_GROUP,
            'maillog_file': f'{d}/log', 'maillog_file_prefixes': '/',
            'syslog_name': 'postfix-' + self.name, 'inet_interfaces': '127.0.0.1', 'inet_protocols': 'ipv4',
            'myhostname': f'mx.{self.name}.example', 'myorigin': '$myhostname', 'mydestination': '',
            'mynetworks': '127.0.0.0/8', 'smtp_dns_support_level': 'disabled', 'smtpd_peername_lookup': 'no',
            'smtpd_relay_restrictions': 'permit_mynetworks, reject', 'local_recipient_maps': '',
            'alias_maps': '', 'alias_database': '', 'biff': 'no', 'smtp_tls_security_level': 'none',
            'smtpd_authorized_xclient_hosts': '127.0.0.0/8',
            # A bounce at once instead of five days of queueing.
            'maximal_queue_lifetime': '0', 'bounce_queue_lifetime': '0',
            'message_size_limit': '20000000',
            'import_environment': 'LD_LIBRARY_PATH MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ',
            'export_environment': 'LD_LIBRARY_PATH TZ MAIL_CONFIG LANG',
            'transport_maps': 'inline:{ ' + ', '.join(f'{{ {k} = {v} }}' for k, v in transports.items()) + ' }',
        }
        if milter:
            settings['smtpd_milters'] = f'unix:{milter.socket}'
            settings['non_smtpd_milters'] = ''
            settings['milter_default_action'] = 'tempfail'
        with open(f'{d}/etc/main.cf', 'w') as f:
            f.writelines(f'{k} = {v}\n' for k, v in settings.items())
        listen = f'{HOST}:{self.port} inet n - n - - smtpd\n'
        for port, options in self.listeners.items():
            listen += f'{HOST}:{port} inet n - n - - smtpd {options}\n'
        with open(f'{d}/etc/master.cf', 'w') as f:
            f.write(MASTER_CF.format(listen=listen))

    def command(self, *args):
        env = dict(os.environ)
        if self.lab.postfix_root != '/':
            env['LD_LIBRARY_PATH'] = f'{self.lab.postfix_root}/usr/lib/postfix'
        for name in ('LD_PRELOAD', 'ASAN_OPTIONS', 'MAIL_CONFIG'):
            env.pop(name, None)
        return subprocess.run([f'{self.dir}/bin/{args[0]}', '-c', f'{self.dir}/etc', *args[1:]],
                              env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)

    def start(self):
        r = self.command('postfix', 'start')
        if r.returncode or not wait_for(lambda: listening(self.port)):
            raise RuntimeError(f'Postfix {self.name} did not start: {r.stdout.decode()} {self.log()}')

    def stop(self):
        pid_file = f'{self.dir}/queue/pid/master.pid'
        self.command('postfix', 'stop')
        try:
            with open(pid_file) as f:
                pid = int(f.read())
        except (OSError, ValueError):
            return
        if not wait_for(lambda: not os.path.exists(f'/proc/{pid}'), 5):
            os.kill(pid, signal.SIGKILL)

    def queue_empty(self):
        return b'Mail queue is empty' in self.command('postqueue', '-p').stdout

    def log(self):
        try:
            with open(f'{self.dir}/log', errors='replace') as f:
                return f.read()
        except OSError:
            return ''


class Lab:
    """carrier A signs, carrier B verifies; A's mail goes to B by the domain of
    the recipient: direct.example, no8bit.example (a hop without 8BITMIME) and
    middle.example (through a relay that changes each message by mutate())."""

    def __init__(self, plan='', mutate=lambda octets: octets, a_holds='tn:+15550100000..+15550199999', b_more=''):
        self.stirctl = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
        self.stir_milter = os.environ.get('STIR_MILTER') or os.path.abspath('stir-milter')
        self.postfix_root = os.environ.get('STIR_POSTFIX_ROOT', '/')
        self.real_dir = tempfile.mkdtemp(prefix='tap-lab-', dir=os.getcwd())
        os.chmod(self.real_dir, 0o755)
        self.dir = self.real_dir
        self.a_holds, self.b_more = a_holds, b_more
        self.running = []
        self.mutate = mutate
        try:
            if not _reachable_by_others(self.real_dir):
                self.dir = _bind_to_mnt(self.real_dir)
            self.make_pki(plan)
            self.make_carriers()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def or_skip():
        """Ends a test that can have no lab here: skipped, or failed where tools/check promised one."""
        import tap
        why = Lab.missing()
        if why and os.environ.get('STIR_NEED_POSTFIX'):
            tap.ok(False, why)
            tap.done()
        if why:
            tap.skip_all(why)

    @staticmethod
    def missing():
        """Why no lab can be had here, or None."""
        root = os.environ.get('STIR_POSTFIX_ROOT', '/')
        if os.geteuid() != 0:
            return "Postfix's master(8) needs root; run as root to test with it"
        if not os.access(f'{root}/usr/lib/postfix/sbin/master', os.X_OK):
            return 'no Postfix here; tools/get-postfix DIR and STIR_POSTFIX_ROOT=DIR bring one without installing it'
        try:
            pwd.getpwnam(MAIL_OWNER)
        except KeyError:
            return f'no account {MAIL_OWNER}'
        return None

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
        self.b = Postfix(self, 'b', self.milter_b, {'*': f'smtp:[{HOST}]:{self.sink.port}'})
        self.middle = Sink(forward=(self.b.port, lambda octets: self.mutate(octets)))
        self.a = Postfix(self, 'a', self.milter_a, {
            'no8bit.example': f'no8bit:[{HOST}]:{self.b.port}',
            'middle.example': f'smtp:[{HOST}]:{self.middle.port}',
            '*': f'smtp:[{HOST}]:{self.b.port}'})
        self.up(self.b)
        self.up(self.a)

    def up(self, thing):
        thing.start()
        self.running.append(thing)
        return thing

    def stop(self):
        # Postfix before its milters, or it complains of them.
        for thing in reversed(self.running):
            thing.stop()
        self.running = []
        for name in ('sink', 'middle'):
            if hasattr(self, name):
                getattr(self, name).close()
        for entry in os.listdir(self.real_dir):
            path = os.path.join(self.real_dir, entry)
            if os.path.isdir(path):
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
