"""Postfix as one of the lab's MTAs: an instance with its own configuration, queue
and log, with conf/postfix/main.cf.example as shipped.  What the tests may ask of
an MTA is written at the top of lab.py."""

import os
import pwd
import re
import shutil
import signal
import subprocess

from loopback import HOST, free_port, listening, wait_for

MAIL_OWNER, SETGID_GROUP = 'daemon', 'mail'     # any two system accounts

CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'conf', 'postfix')

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
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
'''


def shipped(name):
    with open(os.path.join(CONF, name)) as f:
        return f.read()


class Postfix:
    """routes: {domain of the recipient, or '*': port}.  absent: what a milter that
    is gone means, 'tempfail' or 'accept'.  listeners: {port: options of smtpd}, or
    lines of master.cf.  tls: (CA file, certificate, key).  auth: not used; XCLIENT says
    who has logged in."""

    KIND = 'Postfix'
    NEED = 'STIR_NEED_POSTFIX'
    QUEUE_ID = '[0-9A-F]{6,}'
    RETRIES = False     # what can't be delivered at once is bounced, so that no test waits
    HELD, DISCARDED = 'milter-hold', 'milter-discard'       # in its log

    @staticmethod
    def root():
        return os.environ.get('STIR_POSTFIX_ROOT', '/')

    @classmethod
    def missing(cls):
        """Why there is none here, or None."""
        if os.geteuid() != 0:
            return "Postfix's master(8) needs root; run as root to test with it"
        if not os.access(f'{cls.root()}/usr/lib/postfix/sbin/master', os.X_OK):
            return 'no Postfix here; tools/get-postfix DIR and STIR_POSTFIX_ROOT=DIR bring one without installing it'
        try:
            pwd.getpwnam(MAIL_OWNER)
        except KeyError:
            return f'no account {MAIL_OWNER}'
        return None

    def __init__(self, lab, name, milter, routes, absent='tempfail', listeners=None, tls=None, auth=None):
        self.lab, self.name = lab, name
        self.dir = os.path.join(lab.dir, 'postfix-' + name)
        self.port = free_port()
        self.absent, self.listeners, self.tls = absent, listeners or {}, tls
        self.write(milter, routes)

    def write(self, milter, routes):
        d, root = self.dir, self.root()
        for sub in ('etc', 'queue', 'data', 'bin'):
            os.makedirs(os.path.join(d, sub), exist_ok=True)
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
            'transport_maps': 'inline:{ ' + ', '.join(f'{{ {k} = smtp:[{HOST}]:{v} }}' for k, v in routes.items()) + ' }',
        }
        if self.tls:
            ca, cert, key = self.tls
            settings.update({'smtpd_tls_security_level': 'may', 'smtpd_tls_ask_ccert': 'yes', 'smtpd_tls_CAfile': ca,
                             'smtpd_tls_cert_file': cert, 'smtpd_tls_key_file': key})
        with open(f'{d}/etc/main.cf', 'w') as f:
            f.writelines(f'{k} = {v}\n' for k, v in settings.items())
            if milter:
                f.write(self.snippet(milter))
        listen = f'{HOST}:{self.port} inet n - n - - smtpd\n'
        if isinstance(self.listeners, str):
            listen += self.listeners
        else:
            for port, options in self.listeners.items():
                listen += f'{HOST}:{port} inet n - n - - smtpd {options}\n'
        with open(f'{d}/etc/master.cf', 'w') as f:
            f.write(MASTER_CF.format(listen=listen))

    def snippet(self, milter):
        """The shipped lines; the milter is where they look for it.  One that a chroot of
        Postfix must reach was started with its socket there (Milter's folder)."""
        text = shipped('main.cf.example')
        way = 'default_action=tempfail }'
        if text.count(way) != 1:
            raise RuntimeError(f'conf/postfix/main.cf.example: "{way}" is not in it once')
        os.makedirs(f'{self.dir}/queue/stir-milter', exist_ok=True)
        path = f'{self.dir}/queue/stir-milter/stir-milter.sock'
        if not os.path.exists(path):
            os.symlink(milter.socket, path)
        return text.replace(way, f'default_action={self.absent} }}')

    @staticmethod
    def log_in(s, user, password):
        """In a session that has greeted."""
        s.docmd('XCLIENT', 'LOGIN=' + ''.join(c if c.isalnum() else f'+{ord(c):02X}' for c in user))
        s.ehlo()

    def command(self, *args):
        env = dict(os.environ)
        if self.root() != '/':
            env['LD_LIBRARY_PATH'] = f'{self.root()}/usr/lib/postfix'
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

    def held(self):
        """{queue id: why, or None where the MTA does not keep it}"""
        queue = self.command('postqueue', '-p').stdout.decode()
        return dict.fromkeys(re.findall(r'^([0-9A-F]+)!', queue, re.M))

    def release(self, ids):
        self.command('postsuper', '-H', *ids)
        self.command('postqueue', '-f')

    def log(self):
        try:
            with open(f'{self.dir}/log', errors='replace') as f:
                return f.read()
        except OSError:
            return ''
