"""What the running program may still do, and what it has in its memory: asked of
the kernel, with each thing at work that needs system calls, files or addresses."""

import glob
import hashlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess

import redisserver
import tap
from httpsworld import Answer, HttpsWorld
from milterclient import send_message
from milterdaemon import MAIL, MILTER, RCPT, SENDER, STIRCTL, URL, Place, wait_for

HAS = subprocess.run([MILTER, '-V'], stdout=subprocess.PIPE, text=True, check=True, timeout=30).stdout
SECCOMP = 'seccomp yes' in HAS
LANDLOCK = not re.search('landlock of this kernel 0$', HAS, re.M)
ROOT = os.geteuid() == 0
POLICY = 'policy 1\nrate often key orig.tn limit 60 per 1h\nrule BAD { when verify == fail score 5 }\nrule OFTEN { when over(often) score 1 }\n'


def run(*args, **options):
    return subprocess.run([MILTER, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, text=True, **options)


def write(path, text, mode=0o600):
    with open(path, 'wb') as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)
    return path


def result(d, octets, daemon_name='MM4IN'):
    r = send_message(d.socket, octets, SENDER, [RCPT], daemon_name=daemon_name)
    text = ' '.join(''.join(r.inserted('Authentication-Results')).split())
    found = re.search(r'x-stir=(\w+)(?: reason=([\w-]+))?', text)
    return found and (found.group(2) or found.group(1))


def signed(place, url=URL, key='a'):
    return subprocess.run([STIRCTL, 'sign', '--key', place.path(key + '.key'), '--cert', place.path(key + '.pem'), '--x5u', url, '--rcpt', RCPT, '-'],
                          input=MAIL, stdout=subprocess.PIPE, check=True, timeout=30).stdout


def check_threads(d, what):
    """Every thread is confined, not only the first."""
    seen = []
    for path in glob.glob(f'/proc/{d.process.pid}/task/*/status'):
        try:
            with open(path) as f:
                seen.append(dict(re.findall(r'^(\w+):\s+(.*)$', f.read(), re.M)))
        except (FileNotFoundError, ProcessLookupError):
            pass    # one that ended just now
    tap.ok(len(seen) > 1 and {s['NoNewPrivs'] for s in seen} == {'1'}, f'{what}: no new rights in any of {len(seen)} threads')
    tap.is_equal({s[c] for s in seen for c in ('CapEff', 'CapPrm', 'CapInh', 'CapAmb')}, {'0' * 16}, 'no capability in any')
    if ROOT:
        tap.is_equal({s['CapBnd'] for s in seen}, {'0' * 16}, 'nor any that could be had')
    tap.is_equal({s['Seccomp'] for s in seen}, {'2' if SECCOMP else '0'}, f'system calls are {"" if SECCOMP else "not "}filtered in all')


def check_dumps(d, limit):
    with open(f'/proc/{d.process.pid}/limits') as f:
        found = re.search(r'Max core file size\s+(\w+)\s+(\w+)', f.read()).groups()
    tap.is_equal(found[0] == '0' and found[1] == '0', limit == 0, f'core dumps: {found}')


def said(d):
    found = re.findall('sandbox: .*', d.log())
    return found[-1] if found else ''


# --- root -------------------------------------------------------------------------------------

def test_root(place):
    if not ROOT:
        tap.skip('needs root')
        return
    for name, lines in (('no UserID', []), ('UserID root', ['UserID root'])):
        conf = place.conf('root.conf', f'Socket local:{place.path("root.sock")}', 'RunAsRoot no', *lines)
        for flags in ([], ['-n']):
            r = run(*flags, '-c', conf)
            tap.ok(r.returncode == 78 and 'does not run as root: set UserID' in r.stderr, f'{name} {flags}: 78, and what to set ({r.stderr.strip()[-160:]})')
    tap.ok(not os.path.exists(place.path('root.sock')), 'nothing was opened')
    tap.is_equal(run('--print-config', '-c', conf).returncode, 0, 'settings can be printed')
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        d = place.daemon('user', 'RunAsRoot no', start=False, flags=['-u', 'nobody', '-p', f'fd:{s.fileno()}'])
        d.socket = f'inet:{s.getsockname()[1]}@127.0.0.1'
        d.start(pass_fds=[s.fileno()])
        tap.is_equal(result(d, signed(place)), 'ok', 'as UserID it runs without RunAsRoot, and works')
        check_threads(d, 'as UserID')
        check_dumps(d, 0)
        d.stop()


# --- what it needs, it has -------------------------------------------------------------------

def everything(place):
    """Files of each kind, each in a folder of its own, so that one does not stand in for another."""
    for name in ('state', 'facts', 'evidence', 'cache', 'replay', 'policy'):
        os.mkdir(place.path(name), 0o700)
    write(place.path('policy', 'p.policy'), POLICY)
    return ['CoreDumps no', f'Policy {place.path("policy", "p.policy")}', f'StateFile {place.path("state", "state")}', f'FactLog {place.path("facts", "facts")}',
            f'EvidenceDir {place.path("evidence")}', f'ReplayStore sqlite:{place.path("replay", "replay.sqlite")}', 'MaxAge 1h',
            f'PidFile {place.path("m.pid")}', f'MetricsSocket local:{place.path("metrics")}']


def metrics(place):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(place.path('metrics'))
        s.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
        text = b''
        while True:
            piece = s.recv(65536)
            if not piece:
                return text.decode()
            text += piece


def test_all_at_work(place):
    d = place.daemon('all', *everything(place))
    tap.ok(re.search('no new rights, no capabilities' + (r', landlock \d+ \(\d+ folders, \d+ of them written to\)' if LANDLOCK else '.*') + (', seccomp' if SECCOMP else '.*') + ', no core dumps', said(d)),
           f'the log says what is in force: {said(d)}')
    tap.is_equal(d.count('sandbox: '), 1, 'in one line')
    mail = signed(place)
    tap.is_equal(result(d, mail), 'ok', 'a message with all of it')
    tap.is_equal(result(d, mail.replace(b'<1@a.example>', b'<2@a.example>')), 'replayed', 'a used token is found in SQLite')
    tap.is_equal(result(d, mail.replace(b'Hello', b'Jello')), 'msgi-mismatch', 'a changed one')
    r = send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4OUT')
    tap.ok(r.inserted('Identity'), 'it signs')
    check_threads(d, 'at work')
    check_dumps(d, 0)
    text = metrics(place)
    tap.ok('stir_milter_verified_total' in text or 'verified_total' in text, 'metrics answer')
    for name in ('process_open_fds', 'process_resident_memory_bytes', 'process_threads'):
        if name in text:
            tap.ok(True, f'{name} can still be read')
    tap.ok(os.listdir(place.path('evidence')), 'there is evidence')
    # What logrotate does.
    os.rename(place.path('facts', 'facts'), place.path('facts', 'facts.1'))
    tap.ok(d.hup() and d.count('configuration read again') == 1, f'a reload ({d.log()[-300:]})')
    result(d, signed(place))
    tap.ok(wait_for(lambda: os.path.exists(place.path('facts', 'facts')) and os.path.getsize(place.path('facts', 'facts'))), 'FactLog begins anew after it was moved')
    write(place.path('policy', 'p.policy'), POLICY.replace('score 5', 'score 6'))
    tap.ok(d.hup() and d.count('configuration read again') == 2, 'a policy that was changed is read')
    tap.is_equal(d.stop(), 0, 'it stops')
    tap.ok(os.path.exists(place.path('state', 'state')), 'StateFile was written')
    tap.ok(not any(os.path.exists(place.path(n)) for n in ('m.pid', 'metrics', 'all.sock')), 'and its sockets and PID file are gone')


def test_tables(place):
    """What a table, a policy or a trust file names elsewhere can be read again."""
    for name in ('keys', 'anchors', 'lists', 'more', 'nets'):
        os.mkdir(place.path(name), 0o700)
    for name in ('a.key', 'a.pem'):
        shutil.copy(place.path(name), place.path('keys', name))
    shutil.copy(place.path('pki', 'anchors.pem'), place.path('anchors', 'a.pem'))
    write(place.path('lists', 'bad.tn'), '+15550199999\n')
    write(place.path('nets', 'peers'), '203.0.113.7\n')
    write(place.path('more', 'more.conf'), 'MaxSkew 5s\n')
    os.mkdir(place.path('tables'), 0o700)
    write(place.path('tables', 'keys.csv'), f'name,key,certificate,url,pin\na,{place.path("keys", "a.key")},{place.path("keys", "a.pem")},{URL},\n')
    write(place.path('tables', 'signing.csv'), 'who,numbers,key\nnet:192.0.2.0/24,certificate,a\n')
    write(place.path('tables', 'domains'), f'domain one\n    anchors {place.path("anchors", "a.pem")}\n')
    write(place.path('tables', 'p.policy'), f'policy 1\nlist bad tn file "{place.path("lists", "bad.tn")}"\nrule BAD {{ when orig.tn in @bad score 5 }}\n')
    base = ['UMask 007', 'VerifyMTA MM4IN', 'AuthservID mx.b.example', f'CertificateDir {place.path("certs")}']
    base += [f'{name} {place.path("tables", file)}' for name, file in
             (('KeyTable', 'keys.csv'), ('SigningTable', 'signing.csv'), ('TrustDomains', 'domains'), ('Policy', 'p.policy'))]
    os.mkdir(place.path('main'), 0o700)
    os.mkdir(place.path('main', 'run'), 0o700)
    d = place.daemon('tab', start=False)
    d.socket = place.path('main', 'run', 's')
    d.conf = place.conf(os.path.join('main', 'm.conf'), f'Socket local:{d.socket}', f'PeerList file:{place.path("nets", "peers")}', f'Include {place.path("more", "more.conf")}', base=base)
    d.start()
    tap.ok(send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4OUT').inserted('Identity'), 'tables in one folder, what they name in others')
    tap.is_equal(result(d, signed(place)), 'ok', 'also to verify')
    d.hup()
    tap.ok(d.log().endswith('configuration read again\n'), f'all of it can be read again: {d.log().splitlines()[-1]}')
    d.stop()


def test_network(place):
    with HttpsWorld(place.dir) as w:
        url = w.url('/a.pem')
        host = url.split('/')[2]
        place.ctl('pki', 'issue', place.path('pki'), '--tn-auth', 'tn:+15550100000..+15550199999', '--url', url, '--out', place.path('net'))
        with open(place.path('net.pem'), 'rb') as f:
            w.set('/a.pem', Answer(body=f.read()))
        os.mkdir(place.path('netcache'), 0o700)
        d = place.daemon('net', 'FetchCertificates yes', 'FetchAddresses 127.0.0.0/8', f'FetchCAFile {w.ca}', f'CacheFile {place.path("netcache", "cache.sqlite")}', 'FetchRetry 1s')
        tap.is_equal(result(d, signed(place, url, 'net')), 'ok', f'a certificate by HTTPS from {host}')
        check_threads(d, 'after a fetch')
        # Not told to stop: of the threads that fetched one is not joined before the end, which TSan would report.
        d.kill()
        with sqlite3.connect(f'file:{place.path("netcache", "cache.sqlite")}?mode=ro', uri=True) as db:
            tap.ok(db.execute('select count(*) from sqlite_master').fetchone()[0], 'CacheFile was written')


def test_redis(place):
    if not redisserver.there():
        tap.skip('no redis-server here')
        return
    write(place.path('shared.key'), os.urandom(32))
    redis = redisserver.Redis(place.dir, 'redis').start()
    try:
        d = place.daemon('red', 'MaxAge 1h', f'ReplayStore redis:{redis.socket}', f'ReplayKey {place.path("shared.key")}')
        mail = signed(place)
        tap.is_equal((result(d, mail), result(d, mail.replace(b'<1@a.example>', b'<3@a.example>'))), ('ok', 'replayed'), 'Redis by its socket')
        d.stop()
    finally:
        redis.stop()


SOFTHSM = ('/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so')


def test_token(place):
    module = next((m for m in SOFTHSM if os.access(m, os.R_OK)), None)
    if not module:
        tap.skip('no SoftHSM here')
        return
    os.mkdir(place.path('tokens'), 0o700)
    write(place.path('softhsm2.conf'), f'directories.tokendir = {place.path("tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n')
    write(place.path('pin'), '1234\n')
    env = dict(os.environ, SOFTHSM2_CONF=place.path('softhsm2.conf'))
    for command in (['softhsm2-util', '--init-token', '--free', '--label', 'carrier', '--pin', '1234', '--so-pin', '1234'],
                    ['openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', place.path('a.key'), '-out', place.path('a8.key')],
                    ['softhsm2-util', '--import', place.path('a8.key'), '--token', 'carrier', '--label', 'stir', '--id', '01', '--pin', '1234']):
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    lines = ['MTA MM4OUT', f'KeyFile pkcs11:token=carrier;object=stir?module-path={module}', f'KeyPINFile {place.path("pin")}',
             f'CertificateFile {place.path("a.pem")}', f'CertificateURL {URL}']
    for name, more in (('hsm', []), ('hsmpaths', [f'SandboxPaths {place.path("tokens")}'])):
        d = place.daemon(name, start=False)
        d.conf = place.conf(name + '.conf', f'Socket local:{d.socket}', *more, base=lines)
        if 'was built without' in run('-n', '-c', d.conf, env=env).stderr:
            tap.skip('a build without p11-kit')
            return
        d.start(env=env)
        r = send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4OUT')
        tap.ok(r.inserted('Identity'), f'a key in a token signs {"" if more else "without "}with SandboxPaths')
        if LANDLOCK:
            tap.ok(('no landlock (a PKCS #11 module' not in said(d)) == bool(more), said(d))
        tap.ok(d.hup() and d.count('configuration read again') == 1, f'and is opened again ({d.log()[-300:]})')
        tap.ok(send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4OUT').inserted('Identity'), 'and signs then')
        d.stop()
    if LANDLOCK:
        r = run('-n', '-c', place.conf('hsmreq.conf', f'Socket local:{place.path("x.sock")}', 'Sandbox require', base=lines), env=env)
        tap.ok(r.returncode == 78 and 'SandboxPaths' in r.stderr, f'"require" wants to know where ({r.stderr.strip()})')


# --- what it does not need, it hasn't ---------------------------------------------------------

def test_outside(place):
    """A reload that would leave the folders of the start."""
    if not LANDLOCK:
        tap.skip('this kernel has no Landlock')
        return
    os.mkdir(place.path('conf'), 0o700)
    os.mkdir(place.path('elsewhere'), 0o700)
    os.mkdir(place.path('conf', 'run'), 0o700)
    for name in ('a.key', 'a.pem'):
        shutil.copy(place.path(name), place.path('conf', name))
    shutil.copy(place.path('a.key'), place.path('elsewhere', 'a.key'))
    d = place.daemon('out', start=False)
    d.socket = place.path('conf', 'run', 's')

    def conf(key, *more):
        d.conf = place.conf(os.path.join('conf', 'm.conf'), f'Socket local:{d.socket}', *more,
                            base=['MTA MM4OUT', f'KeyFile {key}', f'CertificateFile {place.path("conf", "a.pem")}', f'CertificateURL {URL}'])
    conf(place.path('conf', 'a.key'))
    d.start()
    conf(place.path('elsewhere', 'a.key'))
    d.hup()
    tap.ok(re.search(r'reload failed.*KeyFile: .*elsewhere/a.key is in no folder that this process may read since its start \(Sandbox\): restart it', d.log()), f'KeyFile elsewhere: {d.log().splitlines()[-1]}')
    tap.ok(send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4OUT').inserted('Identity'), 'and it signs with the one before')
    os.remove(place.path('conf', 'a.key'))
    os.symlink(place.path('elsewhere', 'a.key'), place.path('conf', 'a.key'))
    conf(place.path('conf', 'a.key'))
    d.hup()
    last = d.log().splitlines()[-1]
    tap.ok('reload failed' in last and 'needs' in last or 'before a restart (Sandbox)' in last, f'a link that leads elsewhere is not followed: {last}')
    tap.is_equal(d.stop(), 0, 'it stops')
    d.start()
    tap.ok(d.hup() and d.log().splitlines()[-1].endswith('configuration read again'), 'after a restart it is')
    d.stop()


def test_settings(place):
    d = place.daemon('off', 'Sandbox off', 'CoreDumps yes')
    with open(f'/proc/{d.process.pid}/status') as f:
        status = f.read()
    tap.ok(re.search(r'^NoNewPrivs:\s+0$', status, re.M) and re.search(r'^Seccomp:\s+0$', status, re.M) and 'sandbox: off' in d.log(), '"Sandbox off" leaves it as it was, and says so')
    check_dumps(d, 1)
    d.lines = ('Sandbox auto', 'CoreDumps no')
    d.write()
    d.hup()
    tap.ok(d.count('Sandbox has changed: that needs a restart') == 1 and d.count('CoreDumps has changed: that needs a restart') == 1, 'a reload does not change it, and says so')
    d.stop()
    conf = place.conf('req.conf', f'Socket local:{place.path("r.sock")}', 'Sandbox require')
    r = run('-n', '-c', conf)
    if SECCOMP and LANDLOCK:
        tap.is_equal((r.returncode, r.stderr), (0, ''), '"require" where all is there')
    else:
        tap.ok(r.returncode == 78 and '"Sandbox require": no ' in r.stderr, f'"require" where a part is missing: {r.stderr.strip()}')
    for lines, text in ((['SandboxPaths here'], 'no whole path'), (['Sandbox off', 'SandboxPaths /srv'], 'no effect'), (['Sandbox perhaps'], 'auto, require, off')):
        r = run('-n', '-c', place.conf('bad.conf', f'Socket local:{place.path("r.sock")}', *lines))
        tap.ok(r.returncode == 78 and text in r.stderr, f'{lines}: {r.stderr.strip()[-120:]}')


def test_no_program(place):
    """Nothing that starts another program is linked in."""
    if not shutil.which('nm'):
        tap.skip('no nm here')
        return
    program = os.path.realpath(MILTER)
    r = subprocess.run(['nm', '-D', '--undefined-only', program], stdout=subprocess.PIPE, text=True, timeout=30)
    names = {line.split()[-1].split('@')[0] for line in r.stdout.splitlines() if line.strip()}
    if any(n.startswith(('__asan', '__tsan', '__ubsan')) for n in names):
        tap.skip('a sanitizer runs its symbolizer')
        return
    bad = {n for n in names if re.fullmatch(r'f?exec\w*|posix_spawn\w*|v?fork|_Fork|system|popen|clone\d?|wordexp|daemon', n)}
    tap.ok('smfi_main' in names and not bad, f'stir-milter starts no program ({bad or "none of such calls"})')


# --- secrets --------------------------------------------------------------------------------------

def memory_of(pid):
    """What a core dump would have."""
    with open(f'/proc/{pid}/maps') as f:
        maps = [line.split() for line in f]
    octets = []
    with open(f'/proc/{pid}/mem', 'rb', 0) as mem:
        for m in maps:
            if not m[1].startswith('rw') or (len(m) > 5 and m[5].startswith('[v')):
                continue
            begin, end = (int(x, 16) for x in m[0].split('-'))
            at = begin
            while at < end:
                try:
                    mem.seek(at)
                    piece = mem.read(min(end - at, 1 << 24))
                except OSError:
                    break
                if not piece:
                    break
                octets.append(piece)
                at += len(piece)
    return b''.join(octets)


def test_secrets(place):
    if not ROOT or not SECCOMP:
        tap.skip('needs root, and no sanitizer')     # whose memory is large and keeps what was freed
        return
    secret = {name: os.urandom(40).hex().encode() for name in ('pseudonym', 'replay', 'password')}
    for name, octets in secret.items():
        write(place.path(name + '.secret'), octets)
    redis = redisserver.Redis(place.dir, 'secret').start() if redisserver.there() else None
    try:
        store = ['MaxAge 1h', f'ReplayStore redis:{redis.socket}', f'ReplayKey {place.path("replay.secret")}', f'RedisPasswordFile {place.path("password.secret")}'] if redis else []
        if redis:
            redis.cli('config', 'set', 'requirepass', secret['password'].decode())
        d = place.daemon('sec', f'PseudonymKey {place.path("pseudonym.secret")}', *store)
        tap.is_equal(result(d, signed(place)), 'ok', 'all the secrets are in use')
        memory = memory_of(d.process.pid)
        # That this finds anything: what is kept, is there.
        key = {name: hashlib.sha256(octets).digest() for name, octets in secret.items()}
        tap.ok(key['pseudonym'] in memory, 'the key of pseudonyms is in memory while it is in use')
        with open(place.path('a.key')) as f:
            pem = [line for line in f.read().splitlines() if line and not line.startswith('-')]
        tap.is_equal([line[:8] for line in pem if len(line) > 40 and line.encode() in memory], [], 'no line of the file of the private key is')
        tap.is_equal([n for n in ('pseudonym', 'replay') if secret[n] in memory], [], 'nor what the files of the other keys hold')
        old = key['pseudonym']
        for name in ('pseudonym', 'replay'):
            write(place.path(name + '.secret'), os.urandom(40).hex())
        tap.ok(d.hup() and d.count('configuration read again') == 1, 'other keys, by a reload')
        result(d, signed(place))
        memory = memory_of(d.process.pid)
        tap.ok(old not in memory, 'the key of pseudonyms of before is gone')
        if redis:
            tap.ok(key['replay'] not in memory, 'and that of used tokens')
        d.stop()
    finally:
        if redis:
            redis.stop()


with Place() as p:
    p.make_pki()
    for test in (test_root, test_all_at_work, test_tables, test_network, test_redis, test_token, test_outside, test_settings, test_no_program, test_secrets):
        tap.note(test.__name__)
        test(p)
    for daemon in p.daemons:
        tap.ok('Sanitizer' not in daemon.log() and 'runtime error' not in daemon.log(), f'no sanitizer complained ({daemon.name})')
tap.done()
