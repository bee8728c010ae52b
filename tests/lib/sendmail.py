"""Sendmail as one of the lab's MTAs: an instance with its own configuration, queue
and log, with conf/sendmail/stir-milter.m4 as shipped.  What the tests may ask of
an MTA is written at the top of lab.py."""

import glob
import os
import pwd
import shutil
import signal
import subprocess

import sasldb
from loopback import HOST, free_port, listening, wait_for

LIB = os.path.dirname(os.path.abspath(__file__))
SNIPPET = os.path.abspath(os.path.join(LIB, '..', '..', 'conf', 'sendmail', 'stir-milter.m4'))
PROGRAM = 'usr/libexec/sendmail/sendmail'

# A port belongs to a mailer, not to a route: one for each port we send to.
MAILER = '''\
Mport{port}, P=[IPC], F=mDFMuXa, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n, L=990, T=DNS/RFC822/SMTP, A=TCP $h {port}
'''

MC = '''\
divert(-1)
include(`{cf}/m4/cf.m4')
divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mx.{name}.example')dnl
define(`QUEUE_DIR', `{dir}/queue')dnl
define(`STATUS_FILE', `')dnl
define(`ALIAS_FILE', `')dnl
define(`HELP_FILE', `')dnl
define(`confPID_FILE', `{dir}/pid')dnl
define(`confSERVICE_SWITCH_FILE', `{dir}/service.switch')dnl
dnl The checkout may lie below a folder that a group, or with a sticky bit
dnl everybody, may write to.
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit,GroupWritableDirPathSafe')dnl
dnl No questions to the network, and no refusals for a busy test machine.
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0')dnl
define(`confREFUSE_LA', `9999')dnl
define(`confQUEUE_LA', `9999')dnl
define(`confDELAY_LA', `9999')dnl
dnl A bounce soon, not after five days.
define(`confTO_QUEUERETURN', `20s')dnl
define(`confMAX_MESSAGE_SIZE', `20000000')dnl
dnl As much as Postfix takes, so that the limits one sees are the milter's.
define(`confMAX_HEADERS_LENGTH', `102400')dnl
define(`confMILTER_LOG_LEVEL', `9')dnl
{more}dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`mailertable', `hash {dir}/mailertable')dnl
define(`MAIL_HUB', `{hub}')dnl
dnl With its usual queue of 10 a burst of connections hangs.
DAEMON_OPTIONS(`Name=MTA, Addr={host}, Port={port}, Listen=256')dnl
{listeners}{snippet}MAILER(`smtp')dnl
MAILER_DEFINITIONS
{mailers}'''

AUTH = '''\
define(`confAUTH_MECHANISMS', `PLAIN')dnl
LOCAL_CONFIG
ESASL_CONF_PATH={dir}/sasl
'''

TLS = '''\
define(`confCACERT', `{ca}')dnl
define(`confCACERT_PATH', `{dir}')dnl
define(`confSERVER_CERT', `{cert}')dnl
define(`confSERVER_KEY', `{key}')dnl
'''


def cf_folder():
    return os.path.join(Sendmail.root(), 'usr/share/sendmail/cf')


def m4_command():
    """The m4 files of Sendmail look for each other there."""
    return ['m4', f'-D_CF_DIR_={cf_folder()}/', '-I', cf_folder()]


class Sendmail:
    """routes: {domain of the recipient, or '*': port}.  absent: what a milter that
    is gone means, 'tempfail' or 'accept'.  listeners: lines of sendmail.mc.
    tls: (CA file, certificate, key).  auth: {user: password} of SMTP AUTH."""

    KIND = 'Sendmail'
    NEED = 'STIR_NEED_SENDMAIL'
    QUEUE_ID = '[0-9A-Za-z]{14,}'
    RETRIES = True
    HELD, DISCARDED = 'quarantine=', 'Milter: data, discard'       # in its log

    @staticmethod
    def root():
        return os.environ.get('STIR_SENDMAIL_ROOT', '/')

    @classmethod
    def missing(cls):
        """Why there is none here, or None."""
        if not os.access(os.path.join(cls.root(), PROGRAM), os.X_OK):
            return 'no Sendmail here; tools/get-sendmail DIR and STIR_SENDMAIL_ROOT=DIR bring one without installing it'
        return None if shutil.which('m4') else "no m4, which makes Sendmail's configuration"

    def __init__(self, lab, name, milter, routes, absent='tempfail', listeners='', tls=None, auth=None):
        self.lab, self.name = lab, name
        self.dir = os.path.join(lab.dir, 'sendmail-' + name)
        self.port = free_port()
        self.process = None
        os.makedirs(f'{self.dir}/queue', 0o700)
        # Not set-gid, or nothing can be preloaded; and by this path its processes are known.
        self.program = f'{self.dir}/sendmail'
        shutil.copyfile(os.path.join(self.root(), PROGRAM), self.program)
        os.chmod(self.program, 0o755)
        self.preload = self.build_preload()
        auth = auth if not sasldb.missing() else None
        if auth:
            sasldb.make(f'{self.dir}/sasl', f'mx.{name}.example', auth)
        self.write(milter, routes, absent, listeners, tls, auth)

    def build_preload(self):
        so = f'{self.dir}/preload.so'
        cc = os.environ.get('STIR_CC', 'cc').split()
        subprocess.run([*cc, '-shared', '-fPIC', '-O2', '-o', so, os.path.join(LIB, 'sendmail_preload.c')], check=True, timeout=60)
        return so

    def write(self, milter, routes, absent, listeners, tls, auth):
        d = self.dir
        ports = sorted(set(routes.values()))
        snippet, more = '', ''
        if milter:
            snippet = f"define(`STIR_MILTER_SOCKET', `local:{milter.socket}')dnl\n"
            if absent == 'accept':
                snippet += "define(`STIR_MILTER_ABSENT', `')dnl\n"
            snippet += f"include(`{SNIPPET}')dnl\n"
        if os.geteuid() != 0:
            more += f"define(`confTRUSTED_USER', `{pwd.getpwuid(os.geteuid()).pw_name}')dnl\n"
        if tls:
            more += TLS.format(dir=d, ca=tls[0], cert=tls[1], key=tls[2])
        if auth:
            more += AUTH.format(dir=d)
        text = MC.format(cf=cf_folder(), name=self.name, dir=d, more=more, host=HOST, port=self.port, listeners=listeners, snippet=snippet,
                         hub=f'port{ports[0]}:[{HOST}]', mailers=''.join(MAILER.format(port=p) for p in ports))
        with open(f'{d}/sendmail.mc', 'w') as f:
            f.write(text)
        r = subprocess.run([*m4_command(), f'{d}/sendmail.mc'], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        said = r.stderr.decode()
        if r.returncode or 'm4:' in said:
            raise RuntimeError(f'm4 does not make {d}/sendmail.cf: {said}')
        with open(f'{d}/sendmail.cf', 'wb') as f:
            f.write(r.stdout)
        with open(f'{d}/service.switch', 'w') as f:
            f.write('hosts files\naliases files\n')
        table = ''.join(f'{"." if k == "*" else k}\tport{v}:[{HOST}]\n' for k, v in routes.items())
        r = subprocess.run([os.path.join(self.root(), 'usr/libexec/sendmail/makemap'), '-C', f'{d}/sendmail.cf', 'hash', f'{d}/mailertable'],
                           input=table.encode(), env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if r.returncode:
            raise RuntimeError(f'makemap: {r.stdout.decode()}')

    @staticmethod
    def log_in(s, user, password):
        """In a session that has greeted."""
        s.login(user, password)

    def env(self):
        env = {k: v for k, v in os.environ.items() if k not in ('ASAN_OPTIONS', 'TSAN_OPTIONS', 'MAIL_CONFIG')}
        if self.root() != '/':
            env['LD_LIBRARY_PATH'] = ':'.join(glob.glob(f'{self.root()}/usr/lib/*-linux-*') + glob.glob(f'{self.root()}/lib/*-linux-*'))
        env.update(LD_PRELOAD=self.preload, STIR_SYSLOG_FILE=f'{self.dir}/log', STIR_HOSTNAME=f'mx.{self.name}.example')
        return env

    def command(self, *args):
        return subprocess.run([self.program, '-C', f'{self.dir}/sendmail.cf', *args], env=self.env(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)

    def start(self):
        with open(f'{self.dir}/out', 'ab') as out:
            # In the foreground; what is left in the queue is tried again each second.
            self.process = subprocess.Popen([self.program, '-C', f'{self.dir}/sendmail.cf', '-bD', '-q1s'],
                                            env=self.env(), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if not wait_for(lambda: self.process.poll() is not None or listening(self.port)) or self.process.poll() is not None:
            with open(f'{self.dir}/out', errors='replace') as f:
                raise RuntimeError(f'Sendmail {self.name} did not start: {f.read()} {self.log()}')

    def processes(self):
        """The daemon and its children.  They rewrite their command lines; the program's path stays."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                if os.readlink(f'/proc/{pid}/exe') == os.path.realpath(self.program):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if wait_for(lambda: self.process.poll() is not None and not self.processes(), 5):
                return
            for pid in self.processes():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        self.process.wait(10)

    def queue_empty(self):
        return not os.listdir(f'{self.dir}/queue')

    def held(self):
        """{queue id: why}: the q line of each queue file that is set apart, which the program shows as well."""
        found = {}
        for path in glob.glob(f'{self.dir}/queue/hf*'):
            with open(path, errors='replace') as f:
                found[os.path.basename(path)[2:]] = next((line[1:].strip() for line in f if line.startswith('q')), None)
        shown = self.command('-bp', '-qQ').stdout.decode()
        if not all(i in shown and f'QUARANTINE: {why}' in shown for i, why in found.items()):
            raise RuntimeError(f'{found} is not what Sendmail shows: {shown}')
        return found

    def release(self, ids):
        for i in ids:
            self.command('-Q', '-qQ', f'-qI{i}')

    def log(self):
        try:
            with open(f'{self.dir}/log', errors='replace') as f:
                return f.read()
        except OSError:
            return ''
