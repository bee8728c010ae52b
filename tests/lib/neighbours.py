"""The other filters of a mail host, run as real programs: rspamd, SpamAssassin,
OpenDKIM, and Dovecot's Sieve, from the folder that tools/get-neighbours printed
(STIR_NEIGHBOURS_ROOT) or as installed.  No network: names are answered by a
NameServer of our own."""

import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading

from lab import HOST, MAIL_OWNER, free_port, listening, wait_for

CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'conf')
EXAMPLE_ID = 'mx.example.com'       # the AuthservID in the shipped files
PROGRAMS = ('rspamd', 'rspamadm', 'rspamc', 'spamassassin', 'opendkim', 'sievec', 'sieve-test')


def root():
    return os.environ.get('STIR_NEIGHBOURS_ROOT', '').rstrip('/')


def program(name):
    """Where it is, or None."""
    for folder in (root(), ''):
        for part in ('/usr/bin/', '/usr/sbin/'):
            if os.access(folder + part + name, os.X_OK):
                return folder + part + name
    return None


def environment(**more):
    env = dict(os.environ)
    for name in ('LD_PRELOAD', 'ASAN_OPTIONS', 'PERL5LIB'):
        env.pop(name, None)
    if root():
        lib = root() + '/usr/lib'
        machine = sorted(d for d in os.listdir(lib) if d.endswith('-linux-gnu'))
        env['LD_LIBRARY_PATH'] = ':'.join([f'{lib}/{d}' for d in machine] + [lib, f'{lib}/rspamd', f'{lib}/dovecot'])
    env.update(more)
    return env


def or_skip():
    """Ends a test that has no neighbours here: skipped, or failed where tools/check promised them."""
    import tap
    gone = [name for name in PROGRAMS if not program(name)]
    if not gone:
        return
    why = f'no {", ".join(gone)} here; tools/get-neighbours DIR and STIR_NEIGHBOURS_ROOT=DIR bring them without installing'
    if os.environ.get('STIR_NEED_NEIGHBOURS'):
        tap.ok(False, why)
        tap.done()
    tap.skip_all(why)


def shipped(path, authserv_id):
    """A file of conf/, with our name for the example's."""
    with open(os.path.join(CONF, path)) as f:
        text = f.read()
    for old in (EXAMPLE_ID, EXAMPLE_ID.replace('.', r'\.')):
        text = text.replace(old, authserv_id if '\\' not in old else authserv_id.replace('.', r'\.'))
    return text


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)
    return path


def run(args, octets=None, **more):
    r = subprocess.run(args, input=octets, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(**more), timeout=180)
    return r.returncode, r.stdout.decode(errors='replace')


class Process:
    """One daemon in a folder of its own."""

    def __init__(self, lab, name):
        self.lab, self.name, self.process = lab, name, None
        self.dir = lab.path(name)
        os.makedirs(self.dir, exist_ok=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def spawn(self, args, ready, seconds=120):
        with open(self.path('out'), 'ab') as out:
            self.process = subprocess.Popen(args, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment(),
                                            start_new_session=True)
        if not wait_for(lambda: ready() or self.process.poll() is not None, seconds) or self.process.poll() is not None:
            self.stop()
            raise RuntimeError(f'{self.name} did not start: {self.log()[-3000:]}')

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)     # its own session: nobody else's
                self.process.wait()

    def log(self):
        text = ''
        for name in ('out', 'rspamd.log'):
            if os.path.exists(self.path(name)):
                with open(self.path(name), errors='replace') as f:
                    text += f.read()
        return text


# --- names -----------------------------------------------------------------------------

class NameServer(threading.Thread):
    """Answers TXT from a table {name: text}; of anything else it says that there is none."""

    def __init__(self, txt):
        super().__init__(daemon=True)
        self.txt = txt
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
                self.socket.sendto(self.answer(query), peer)
            except OSError:
                return
            except (IndexError, struct.error):
                continue

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode('latin-1').lower())
            at += 1 + query[at]
        kind, = struct.unpack('!H', query[at + 1:at + 3])
        text = self.txt.get('.'.join(labels)) if kind == 16 else None
        question = query[12:at + 5]
        head = query[:2] + struct.pack('!HHHHH', 0x8580 | (0 if text else 3), 1, 1 if text else 0, 0, 0)
        if not text:
            return head + question
        parts = [text[i:i + 255].encode() for i in range(0, len(text), 255)]
        data = b''.join(bytes([len(p)]) + p for p in parts)
        return head + question + b'\xc0\x0c' + struct.pack('!HHIH', 16, 1, 60, len(data)) + data

    def close(self):
        self.socket.close()


# --- OpenDKIM --------------------------------------------------------------------------

class OpenDKIM(Process):
    """With a file of conf/opendkim as shipped, and what every host has to add.  keys: a
    file for TestPublicKeys, in place of the DNS."""

    def __init__(self, lab, name, path, authserv_id, more):
        super().__init__(lab, name)
        self.socket = self.path('sock')
        self.conf = write(self.path('opendkim.conf'), shipped(path, authserv_id) + f'''
Socket local:{self.socket}
UMask 000
Syslog no
InternalHosts 0.0.0.0/0
AlwaysAddARHeader yes
''' + more)

    def start(self):
        self.spawn([program('opendkim'), '-f', '-x', self.conf], lambda: os.path.exists(self.socket))

    def check(self, octets):
        """What it says of one message, without a mail server."""
        path = self.path('message')
        with open(path, 'wb') as f:
            f.write(octets)
        return run([program('opendkim'), '-x', self.conf, '-t', path, '-v'])[1]


def dkim_key(lab, name, domain, selector='s1'):
    """The private key in a file, its record, and a file for TestPublicKeys."""
    key = lab.path(name + '.key')
    subprocess.run(['openssl', 'genrsa', '-out', key, '2048'], check=True, stderr=subprocess.DEVNULL)
    os.chmod(key, 0o600)
    public = subprocess.run(['openssl', 'rsa', '-in', key, '-pubout'], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    record = 'v=DKIM1; k=rsa; p=' + ''.join(public.decode().split('\n')[1:-2])
    public_keys = write(lab.path(name + '.keys'), f'{selector}._domainkey.{domain} {record}\n')
    return key, record, public_keys


# --- rspamd ----------------------------------------------------------------------------

class Rspamd(Process):
    """files: {path below its local folder: text}.  A scanner at .port, a milter at .milter_port."""

    def __init__(self, lab, name, names, files):
        super().__init__(lab, name)
        self.port, self.milter_port, control = free_port(), free_port(), free_port()
        for folder in ('local', 'db'):
            os.makedirs(self.path(folder), exist_ok=True)
        workers = {'normal': self.port, 'controller': control, 'proxy': self.milter_port}
        everything = {f'override.d/worker-{w}.inc': f'bind_socket = "{HOST}:{p}";\ncount = 1;\n' for w, p in workers.items()}
        everything['override.d/worker-proxy.inc'] += 'upstream "local" { default = yes; self_scan = yes; }\n'
        # Compiling expressions, and ten thousand names of domains, takes longer than all our tests.
        everything['override.d/options.inc'] = f'''filters = "chartable,dkim,regexp";
disable_hyperscan = true;
url_tld = "{write(self.path('tld'), 'example' + chr(10) + 'com' + chr(10))}";
dns {{ nameserver = ["{HOST}:{names.port}:1"]; timeout = 2s; retransmits = 2; }}
tempdir = "{self.path('db')}";
'''
        # It judges, and stands in nobody's way.
        everything['override.d/actions.conf'] = ''.join(f'{a} = null;\n' for a in ('reject', 'add_header', 'greylist', 'rewrite_subject'))
        everything.update(files)
        for path, text in everything.items():
            write(self.path('local', path), text)

    def args(self, tool):
        r = root()
        share = f'{r}/usr/share/rspamd'
        where = {'CONFDIR': f'{r}/etc/rspamd', 'LOCAL_CONFDIR': self.path('local'), 'SHAREDIR': share, 'RULESDIR': f'{share}/rules',
                 'LUALIBDIR': f'{share}/lualib', 'PLUGINSDIR': f'{share}/plugins', 'WWWDIR': f'{share}/www',
                 'DBDIR': self.path('db'), 'RUNDIR': self.path('db'), 'LOGDIR': self.dir}
        return [program(tool)] + [f'--var={k}={v}' for k, v in where.items()]

    @property
    def conf(self):
        return f'{root()}/etc/rspamd/rspamd.conf'

    def config_test(self):
        return run(self.args('rspamadm') + ['configtest', '-c', self.conf])

    def start(self):
        self.spawn(self.args('rspamd') + ['-f', '-i', '-c', self.conf], lambda: listening(self.port) and listening(self.milter_port))
        # The first answers wait until the rules are compiled.
        wait_for(lambda: self.scan(b'From: a@a.example\r\n\r\n\r\n')[0] == 0, 60, 0.5)

    def scan(self, octets, ip='192.0.2.9'):
        return run([program('rspamc'), '-h', f'{HOST}:{self.port}', '-i', ip, '-t', '60', 'symbols'], octets)

    def symbols(self, octets, ip='192.0.2.9'):
        """{name: (score, options)} of ours."""
        out = self.scan(octets, ip)[1]
        return {n: (float(s), o or '') for n, s, o in re.findall(r'Symbol: (STIR_\w+) \((-?[\d.]+)\)(?:\[(.*)\])?', out)}


# --- SpamAssassin ----------------------------------------------------------------------

class SpamAssassin:
    """The rules of the distribution and conf/spamassassin/stir.cf; no network, no user."""

    def __init__(self, lab, authserv_id, more=''):
        self.home = lab.path('spamassassin')
        self.site = os.path.join(self.home, 'site')
        shutil.copytree(f'{root()}/etc/spamassassin', self.site)
        write(os.path.join(self.site, 'stir.cf'), shipped('spamassassin/stir.cf', authserv_id))
        write(os.path.join(self.site, 'zz-lab.cf'), more + 'report_safe 0\nrequired_score 100\n')

    def run(self, *args):
        perl = ['perl', '-T']
        if root():
            lib = f'{root()}/usr/lib'
            perl += [f'-I{root()}/usr/share/perl5'] + [f'-I{lib}/{d}/perl5/{v}' for d in os.listdir(lib) if d.endswith('-linux-gnu')
                                                       for v in sorted(os.listdir(f'{lib}/{d}/perl5'))]
        return run(perl + [program('spamassassin'), '-x', '-L', '-C', f'{root()}/usr/share/spamassassin', f'--siteconfigpath={self.site}',
                           *args], HOME=self.home)

    def lint(self):
        return self.run('--lint')

    def rules(self, messages):
        """For each message {rule: score} of ours, from one run of "spamassassin -t"."""
        box = os.path.join(self.home, 'box')
        with open(box, 'wb') as f:
            for n, octets in enumerate(messages):
                f.write(b'From lab@example Thu Jan  1 00:00:00 2026\nX-Lab-Number: %d\n' % n)
                f.write(octets.replace(b'\r\n', b'\n').rstrip(b'\n') + b'\n\n')
        # They come out in an order of its own.
        _, out = self.run('-t', '--mbox', box)
        found = {}
        for part in re.split(r'(?m)^X-Lab-Number: ', out)[1:]:
            report = part.partition('\nContent analysis details:')[2]
            found[int(part.split('\n')[0])] = {n: float(s) for s, n in re.findall(r'(?m)^ *(-?[\d.]+) (STIR_\w+)', report)}
        return [found.get(n) for n in range(len(messages))]


# --- Sieve -----------------------------------------------------------------------------

class Sieve:
    """A script of conf/sieve, compiled; "sieve-test -e" stores, as an account that is not root."""

    def __init__(self, lab, path, authserv_id):
        self.dir = lab.path('sieve')
        self.script = write(os.path.join(self.dir, 'script.sieve'), shipped(path, authserv_id))
        owner = pwd.getpwnam(MAIL_OWNER)
        os.chown(self.dir, owner.pw_uid, owner.pw_gid)
        # In the environment, as doveconf would hand the settings on.
        self.env = {'DOVECONF_ENV': '1', 'HOME': self.dir, 'FIRST_VALID_UID': '1', 'FIRST_VALID_GID': '1'}

    def account(self):
        return ['setpriv', f'--reuid={MAIL_OWNER}', f'--regid={MAIL_OWNER}', '--clear-groups']

    def compile(self):
        return run(self.account() + [program('sievec'), self.script], **self.env)

    def mailbox(self, octets):
        """Where the message was stored."""
        message = os.path.join(self.dir, 'message')
        with open(message, 'wb') as f:
            f.write(octets)
        _, out = run(self.account() + [program('sieve-test'), '-e', '-l', f'maildir:{self.dir}/mail', self.script, message], **self.env)
        found = re.findall(r"stored mail into mailbox '([^']*)'", out)
        return found[0] if found else out
