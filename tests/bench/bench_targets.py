"""The milters that are measured: each a process with a socket in the work folder."""

import ctypes
import os
import signal
import subprocess
import time

import bench_corpus
import neighbours

AUTHSERV_ID = 'mx.example.net'
DAEMON_NAME = 'mx.example.net'     # as the client says
TOOLS = os.path.abspath('tests/bench')
MILTER = os.environ.get('STIR_MILTER') or os.path.abspath('stir-milter')
STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def tool(name):
    return os.path.join(TOOLS, name)


def die_with_us():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*args):
    r = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if r.returncode:
        raise RuntimeError(f'{" ".join(args)}: {r.stdout.decode(errors="replace")[-2000:]}')


class Target:
    """name; corpus: the folder is corpus-SIZE; expect: what the client must see in each message."""

    def __init__(self, place, name, args, corpus='plain', expect=None, env=None):
        self.place, self.name, self.corpus, self.expect, self.env = place, name, corpus, expect, env
        self.socket = os.path.join(place, name + '.sock')
        self.args = [a.replace('SOCKET', 'local:' + self.socket) for a in args]
        self.process = None

    def log(self):
        with open(os.path.join(self.place, self.name + '.log'), errors='replace') as f:
            return f.read()[-2000:]

    def start(self):
        with open(os.path.join(self.place, self.name + '.log'), 'wb') as log:
            self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True,
                                            preexec_fn=die_with_us)
        end = time.monotonic() + 30
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f'{self.name} did not start: {self.log()}')
            time.sleep(0.02)
        return self

    @property
    def pid(self):
        return self.process.pid

    def rss_kb(self):
        with open(f'/proc/{self.pid}/status') as f:
            return int(next(line for line in f if line.startswith('VmRSS:')).split()[1])

    def stop(self, gently=False):
        if not self.process:
            return
        if self.process.poll() is None and gently:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                pass
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process = None
        if os.path.exists(self.socket):
            os.unlink(self.socket)


def conf(place, name, *lines):
    path = os.path.join(place, name + '.conf')
    with open(path, 'w') as f:
        f.write('\n'.join([*lines, '']))
    return path


def stir_verify(place, name, *lines, corpus='signed', expect='x-stir=pass', age='5d'):
    c = conf(place, name, f'Socket local:{place}/{name}.sock', 'RunAsRoot yes', 'Mode v', f'AuthservID {AUTHSERV_ID}', f'TrustAnchors {place}/pki/anchors.pem',
             f'CertificateDir {place}/certs', 'CertificateTTL 1d', f'MaxAge {age}', 'AllowReplay yes', f'PidFile {place}/{name}.pid', *lines)
    return Target(place, name, [MILTER, '-c', c], corpus, f'Authentication-Results: {expect}')


def stir_sign(place, name='stir-sign', *lines):
    c = conf(place, name, f'Socket local:{place}/{name}.sock', 'RunAsRoot yes', 'Mode s', f'MTA {DAEMON_NAME}', f'KeyFile {place}/lab.key', f'CertificateFile {place}/lab.pem',
             f'CertificateURL {bench_corpus.URL}', 'RequireSafeKeys no', f'PidFile {place}/{name}.pid', *lines)
    return Target(place, name, [MILTER, '-c', c], 'plain', 'Identity: ey')


def make_pki(place):
    run(STIRCTL, 'pki', 'init', f'{place}/pki', '--name', 'bench')
    run(STIRCTL, 'pki', 'issue', f'{place}/pki', '--tn-auth', 'tn:' + bench_corpus.NUMBERS, '--url', bench_corpus.URL, '--out', f'{place}/lab',
        '--certs', f'{place}/certs')


def sign_with_many(place, folder, count):
    """So many messages, each with a key, a certificate and an address of its own."""
    os.makedirs(os.path.join(place, folder))
    mails = sorted(os.listdir(os.path.join(place, 'plain-2KB')))
    for i in range(count):
        name, url = f'{place}/many-{i:04}', f'https://certs.example.org/many-{i:04}.pem'
        run(STIRCTL, 'pki', 'issue', f'{place}/pki', '--tn-auth', 'tn:' + bench_corpus.NUMBERS, '--url', url, '--out', name, '--certs', f'{place}/certs')
        run(STIRCTL, 'sign', '--key', name + '.key', '--cert', name + '.pem', '--x5u', url, '--out', f'{place}/{folder}/m{i:04}.eml',
            f'{place}/plain-2KB/{mails[i % len(mails)]}')


def noop(place, kind):
    return Target(place, f'noop-{kind}', [tool('noop_milter'), 'SOCKET', kind])


# name: words of floor_milter
FLOORS = {
    'floor-verify': 'copy hash verify insert',
    'floor-sign': 'copy hash sign insert',
    'floor-stream': 'hash verify insert',
    'floor-mime-verify': 'hash verify mime insert',
    'floor-mime-sign': 'hash sign mime insert',
    'floor-decode': 'hash verify mime decode insert',
}


def floor(place, name):
    return Target(place, name, [tool('floor_milter'), 'SOCKET', *FLOORS[name].split()])


def dkim_program():
    return neighbours.program('opendkim')


def dkim_key(place):
    key = os.path.join(place, 'dkim.key')
    run('openssl', 'genrsa', '-out', key, '2048')
    os.chmod(key, 0o600)
    public = subprocess.run(['openssl', 'rsa', '-in', key, '-pubout'], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    conf(place, 'dkim-keys', f's1._domainkey.{bench_corpus.DOMAIN} v=DKIM1; k=rsa; p=' + ''.join(public.split('\n')[1:-2]))


def dkim(place, kind):
    name = 'dkim-' + kind
    lines = [f'Socket local:{place}/{name}.sock', 'Syslog no', 'Background no', f'Mode {kind[0]}', 'UMask 000']
    if kind == 'sign':
        lines += ['Canonicalization relaxed/simple', f'Domain {bench_corpus.DOMAIN}', 'Selector s1', f'KeyFile {place}/dkim.key', 'RequireSafeKeys no',
                  'InternalHosts 192.0.2.0/24', 'OversignHeaders From']
        expect = 'DKIM-Signature: b='
    else:
        lines += [f'TestPublicKeys {place}/dkim-keys.conf', 'AlwaysAddARHeader yes', f'AuthservID {AUTHSERV_ID}']
        expect = 'Authentication-Results: dkim=pass'
    return Target(place, name, [dkim_program(), '-f', '-x', conf(place, name, *lines)], 'plain' if kind == 'sign' else 'dkim', expect,
                  neighbours.environment())


def client(target, corpus, *args):
    """One run of the load client: its figures, or what went wrong."""
    import json
    words = [tool('milter_client'), '-s', 'local:' + target.socket, '-p', str(target.pid), *map(str, args)]
    if target.expect and '--expect' not in words:
        words += ['--expect', target.expect]
    r = subprocess.run([*words, os.path.join(target.place, corpus)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       preexec_fn=die_with_us, timeout=900)
    try:
        d = json.loads(r.stdout)
    except ValueError:
        raise RuntimeError(f'{target.name}: the client ended with {r.returncode}: {r.stderr.decode(errors="replace")[-500:]}') from None
    if r.returncode:
        raise RuntimeError(f'{target.name}, {corpus}: {d["unexpected"]} unexpected, {d["failed"]} failed: {d["first"]}')
    return d
