"""stir-milter as a program: command line, check, start, reload, signals, stop."""

import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import time

import tap
from milterclient import Closed, Silent, send_message
from milterdaemon import MAIL, MILTER, RCPT, SENDER, Place, wait_for

RESULT = 'Authentication-Results'


def run(*args, **options):
    return subprocess.run([MILTER, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, text=True, **options)


def authserv_id(d, client=None):
    r = send_message(client or d.socket, MAIL, SENDER, [RCPT], **({} if client else {'daemon_name': 'MM4IN'}))
    values = r.inserted(RESULT)
    return values[0].split(';')[0] if values else None


def test_command_line(place):
    r = run('-V')
    tap.is_equal(r.returncode, 0, '-V')
    for library in ('stir-milter 0', 'libmilter ', 'OpenSSL 3', 'GMime 3', 'jansson 2', 'libcurl 7'):
        tap.ok(re.search('^' + library, r.stdout, re.M), f'says the version of {library.split()[0]}')
    r = run('-h')
    tap.ok(r.returncode == 0 and '--print-config' in r.stdout, '-h')
    for args in (['-Z'], ['--no-such'], ['-c'], ['-o', 'Socket'], ['-o', '=x'], ['more'], ['-n', 'more']):
        r = run(*args)
        tap.ok(r.returncode == 64 and r.stderr.startswith('stir-milter: '), f'{" ".join(args)}: usage, 64 ({r.stderr.splitlines()[0]})')
    tap.is_equal(run('-c', place.path('missing.conf')).returncode, 66, 'a missing file: 66')
    with open('/dev/full', 'w') as full:
        tap.is_equal(subprocess.run([MILTER, '-V'], stdout=full, stderr=subprocess.DEVNULL, timeout=30).returncode, 71, 'output that can not be written: 71')


def test_check(place):
    good = place.conf('good.conf', f'Socket local:{place.path("c.sock")}')
    r = run('-n', '-c', good)
    tap.is_equal((r.returncode, r.stdout, r.stderr), (0, '', ''), '-n on a good configuration')
    tap.ok(not os.path.exists(place.path('c.sock')), 'makes no socket')
    place.issue('b')
    bad = {
        'an unknown name': (['MaxAeg 60s'], r'x\.conf:\d+:\d+: .*MaxAge'),
        'a key of another certificate': ([f'KeyFile {place.path("b.key")}'], r'is not the key'),
        'a missing anchor file': (['TrustAnchors nowhere.pem'], r'nowhere\.pem'),
        'no socket': ([], r'Socket is not set'),
        'a socket without address': (['Socket inet:8895'], r'inet:PORT@127\.0\.0\.1'),
        'a port too high': (['Socket inet:88950@127.0.0.1'], r'port'),
        'a kind of socket that is none': (['Socket tcp:8895'], r'local:PATH'),
        'a socket in a folder that is none': (['Socket local:/nonexistent/sock'], r'/nonexistent: No such file'),
        'a socket path too long': (['Socket local:/' + 'x' * 120], r'path'),
        'a descriptor that is not open': (['Socket fd:77'], r'not open'),
        'a user that is none': (['Socket inet:8895@127.0.0.1', 'UserID no-such-user'], r'no such user: no-such-user'),
        'a group that is none': (['Socket inet:8895@127.0.0.1', 'UserID root:no-such-group'], r'no such group: no-such-group'),
    }
    base = open(good).read().splitlines()[:-1]
    for name, (lines, text) in bad.items():
        drop = {line.split()[0] for line in lines}
        conf = place.conf('x.conf', *lines, base=[line for line in base if line.split()[0] not in drop])
        r = run('-n', '-c', conf)
        tap.ok(r.returncode == 78 and re.search(text, r.stderr) and r.stderr.count('\n') == 1, f'-n: {name}: 78 ({r.stderr.strip()})')
    tap.is_equal(run('-n', '-c', place.path('missing.conf')).returncode, 78, '-n: a missing file: 78')
    tap.is_equal(run('-n', '-c', good, '-o', 'MaxAge=never').returncode, 78, '-n: a bad value on the command line: 78')
    r = run('--print-config', '-c', good, '-p', 'inet:8895@127.0.0.1', '-P', '/run/x.pid', '-u', 'mail', '-l', '-o', 'MaxSkew=5s', '-o', 'MaxSkew=7s')
    for line in ('Socket inet:8895@127.0.0.1', 'PidFile /run/x.pid', 'UserID mail', 'Syslog yes', 'MaxSkew 7s', 'AuthservID mx.b.example'):
        tap.ok(re.search('^' + re.escape(line).replace(r'\ ', r'\s+') + '$', r.stdout, re.M), f'--print-config has {line}')


def test_socket(place):
    d = place.daemon('s')
    tap.is_equal(stat.S_IMODE(os.stat(d.socket).st_mode), 0o770, 'the mode of the socket follows UMask')
    tap.is_equal(run('-n', '-c', d.conf).returncode, 0, '-n while it runs')
    r = run('-c', d.conf)
    tap.ok(r.returncode == 69 and 'another process answers' in r.stderr, f'a second one on the same socket: 69 ({r.stderr.splitlines()[-1]})')
    tap.is_equal(authserv_id(d), 'mx.b.example', 'and the first goes on')
    d.kill()
    tap.ok(os.path.exists(d.socket), 'killed, it leaves its socket behind')
    d.start()
    tap.is_equal(authserv_id(d), 'mx.b.example', 'which does not keep the next from starting')
    tap.is_equal(d.stop(), 0, 'it stops')
    tap.ok(not os.path.exists(d.socket), 'and takes the socket with it')
    with open(d.socket, 'w'):
        pass
    r = run('-c', d.conf)
    tap.ok(r.returncode == 69 and os.path.exists(d.socket), f'a file in the way stays: 69 ({r.stderr.splitlines()[-1]})')
    os.remove(d.socket)
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen()
        port = s.getsockname()[1]
        tap.is_equal(run('-c', d.conf, '-p', f'inet:{port}@127.0.0.1').returncode, 69, 'a port in use: 69')
    test_socket_fd(place, d)


def test_socket_fd(place, d):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
        d.flags = ['-p', f'fd:{s.fileno()}']
        d.socket = f'inet:{port}@127.0.0.1'
        d.start(pass_fds=[s.fileno()])
        tap.is_equal(authserv_id(d), 'mx.b.example', 'a socket handed in as a descriptor')
        tap.is_equal(d.stop(), 0, 'which stops as well')


def test_reload(place):
    d = place.daemon('r', flags=['-o', 'MaxSkew=11s'])
    kept = d.client()
    tap.is_equal(authserv_id(d, kept), 'mx.b.example', 'before a reload')
    place.conf('r.conf', f'Socket local:{d.socket}', 'LogNumbers full', base=[line.replace('mx.b', 'mx.c') for line in open(d.conf).read().splitlines() if not line.startswith('Socket')])
    in_hand = d.client()
    in_hand.envelope(SENDER, [RCPT])
    d.in_hand()
    tap.ok(d.hup(), 'a reload')
    r = in_hand.content(MAIL)
    tap.is_equal(r.inserted(RESULT)[0].split(';')[0], 'mx.b.example', 'a message in hand keeps the rules it began with')
    tap.is_equal(authserv_id(d, in_hand), 'mx.c.example', 'the next on that connection has the new ones')
    tap.is_equal(authserv_id(d, kept), 'mx.c.example', 'as has every other connection')
    before = d.log().count('\n')
    d.write_broken()
    d.hup()
    time.sleep(0.2)
    lines = d.log().splitlines()[before:]
    tap.ok(len(lines) == 1 and re.search(r'reload failed.*r\.conf:\d+:\d+: .*MaxAeg', lines[0]), f'a broken file: one line ({lines})')
    tap.is_equal(authserv_id(d, kept), 'mx.c.example', 'and the configuration in force stays')
    d.signal(signal.SIGUSR1)
    tap.ok(wait_for(lambda: d.count('reload failed') == 2), 'USR1 reloads too')
    d.lines = ('PidFile /run/elsewhere.pid',)
    d.write()
    d.hup()
    tap.ok(d.count('PidFile has changed: that needs a restart') == 1 and authserv_id(d, kept) == 'mx.b.example', 'a start-only setting is noted, the rest taken')
    os.rename(place.path('a.key'), place.path('a.key.away'))
    d.hup()
    tap.is_equal((d.count('reload failed'), authserv_id(d, kept)), (3, 'mx.b.example'), 'a key that is gone: the configuration in force stays')
    os.rename(place.path('a.key.away'), place.path('a.key'))
    kept.quit()
    in_hand.quit()
    tap.is_equal(d.stop(), 0, 'stop')


def test_flags_stay(place):
    d = place.daemon('f', flags=['-o', 'AuthservID=flag.example'])
    tap.is_equal(authserv_id(d), 'flag.example', 'a flag wins over the file')
    d.hup()
    tap.is_equal(authserv_id(d), 'flag.example', 'also after a reload')
    d.stop()


def test_stop(place):
    pid_file = place.path('t.pid')
    d = place.daemon('t', f'PidFile {pid_file}', 'ShutdownTimeout 3s')
    with open(pid_file) as f:
        tap.is_equal(int(f.read()), d.process.pid, 'the PID file')
    c = d.client()
    c.envelope(SENDER, [RCPT])
    idle = d.client()
    tap.ok(d.in_hand(), 'a message is in hand')
    d.signal(signal.SIGTERM)
    time.sleep(0.5)
    tap.ok(d.alive(), 'a message in hand keeps it from stopping')
    r = c.content(MAIL)
    tap.is_equal((r.reply, r.inserted(RESULT)[0].split(';')[0]), ('continue', 'mx.b.example'), 'which is finished')
    begun = time.monotonic()
    tap.is_equal(d.wait(), 0, 'then it stops')
    tap.ok(time.monotonic() - begun < 2, f'at once ({time.monotonic() - begun:.1f} s)')
    tap.ok(not os.path.exists(pid_file) and not os.path.exists(d.socket), 'PID file and socket are gone')
    c.close()
    idle.close()
    d.start()
    c = d.client()
    c.envelope(SENDER, [RCPT])
    d.in_hand()
    begun = time.monotonic()
    tap.is_equal(d.stop(), 0, 'a message that does not end')
    tap.ok(2.5 < time.monotonic() - begun < 4.5, f'is waited for as long as ShutdownTimeout says ({time.monotonic() - begun:.1f} s)')
    tap.ok(c.closed(), 'and cut')
    d.start()
    c = d.client()
    c.mail(SENDER)
    d.in_hand()
    stopping = d.count('stopping; ')
    d.signal(signal.SIGINT)
    wait_for(lambda: d.count('stopping; ') > stopping)
    d.signal(signal.SIGTERM)
    begun = time.monotonic()
    tap.is_equal(d.wait(), 0, 'INT, and a second signal')
    tap.ok(time.monotonic() - begun < 2, 'stops at once')
    c.close()


def test_stop_in_storm(place):
    d = place.daemon('w')
    for _ in range(200):
        d.signal(signal.SIGHUP)
        d.signal(signal.SIGUSR1)
    c = d.client()
    c.envelope(SENDER, [RCPT])
    d.in_hand()
    for k in range(200):
        d.signal(signal.SIGHUP)
        d.signal(signal.SIGTERM) if k == 100 else None
    time.sleep(0.3)
    r = c.content(MAIL)
    tap.is_equal(r.reply, 'continue', 'HUPs around a TERM: the message in hand is finished')
    tap.is_equal(d.wait(), 0, 'and it stops')
    c.close()


def test_counters(place):
    d = place.daemon('u')
    authserv_id(d)
    c = d.client()
    c.mail(SENDER)
    c.rcpt(RCPT)
    d.in_hand()
    tap.is_equal(d.counters(), (1, 1, 2), 'USR2 logs the counters')
    c.abort()
    c.quit()
    d.stop()


def test_user(place):
    if os.geteuid() != 0:
        tap.ok(run('-c', place.conf('o.conf', f'Socket local:{place.path("o.sock")}'), '-u', 'root').returncode == 77, 'only root can become another: 77')
        return
    account = pwd.getpwnam('nobody')
    # Where that user may go, whoever owns the build tree.
    d = place.daemon('n', start=False, flags=['-u', 'nobody', '-p', 'fd:3'])
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        d.flags = ['-u', 'nobody', '-p', f'fd:{s.fileno()}']
        d.socket = f'inet:{s.getsockname()[1]}@127.0.0.1'
        d.start(pass_fds=[s.fileno()])
        with open(f'/proc/{d.process.pid}/status') as f:
            status = f.read()
        tap.is_equal(re.search(r'Uid:\s+(.*)', status)[1].split(), [str(account.pw_uid)] * 4, 'started by root, it becomes UserID')
        tap.is_equal(re.search(r'Gid:\s+(.*)', status)[1].split(), [str(account.pw_gid)] * 4, 'and its group')
        tap.is_equal(authserv_id(d), 'mx.b.example', 'and works')
        d.stop()
    d = place.daemon('q')
    tap.ok(d.count('running as root; set UserID') == 1, 'root without UserID is warned about')
    d.stop()


SOFTHSM = ('/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so')


def test_token_of_root(place):
    """A token is used by UserID, for each signature: that only root may is found out at the start, not with the first message."""
    module = next((m for m in SOFTHSM if os.access(m, os.R_OK)), None)
    if os.geteuid() != 0 or not module:
        tap.skip('needs root and SoftHSM')
        return
    os.mkdir(place.path('tokens'), 0o700)
    with open(place.path('softhsm2.conf'), 'w') as f:
        f.write(f'directories.tokendir = {place.path("tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n')
    with open(place.path('pin'), 'w') as f:
        f.write('1234\n')
    os.chmod(place.path('pin'), 0o600)
    env = dict(os.environ, SOFTHSM2_CONF=place.path('softhsm2.conf'))
    for command in (['softhsm2-util', '--init-token', '--free', '--label', 'carrier', '--pin', '1234', '--so-pin', '1234'],
                    ['openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', place.path('a.key'), '-out', place.path('a8.key')],
                    ['softhsm2-util', '--import', place.path('a8.key'), '--token', 'carrier', '--label', 'stir', '--id', '01', '--pin', '1234']):
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    conf = place.conf('hsm.conf', f'Socket local:{place.path("hsm.sock")}', 'MTA MM4OUT', 'UserID nobody',
                      f'KeyFile pkcs11:token=carrier;object=stir?module-path={module}', f'KeyPINFile {place.path("pin")}',
                      f'CertificateFile {place.path("a.pem")}', 'CertificateURL https://certs.example/a.pem', base=[])
    if 'was built without' in run('-n', '-c', conf, env=env).stderr:
        tap.skip('a build without p11-kit')
        return
    for flags, what in ((['-n'], 'the check'), ([], 'the start')):
        r = run(*flags, '-c', conf, env=env)
        tap.ok(r.returncode == 78 and 'can not sign with this key' in r.stderr, f'a token that only root may open: {what} says so ({r.returncode}: {r.stderr.strip()[-140:]})')
    r = run('-n', '-c', conf, '-u', 'root', env=env)
    tap.is_equal(r.returncode, 0, f'as its owner it is well ({r.stderr.strip()})')


def test_pid_file(place):
    """A slip of the pen in PidFile overwrites nothing."""
    key = place.path('a.key')
    with open(key, 'rb') as f:
        before = f.read()
    d = place.daemon('slip', f'PidFile {key}', start=False)
    r = run('-c', d.conf)
    tap.ok(r.returncode == 78 and 'not overwritten' in r.stderr, f'PidFile names the key: {r.returncode} ({r.stderr.strip()[-120:]})')
    with open(key, 'rb') as f:
        tap.ok(f.read() == before, 'the key is as it was')


def test_log_nobody_reads(place):
    """A full pipe for a log: mail goes on, and so does TERM."""
    d = place.daemon('deaf', start=False)
    d.process = subprocess.Popen([MILTER, '-c', d.conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if not tap.ok(wait_for(d.answers) and d.alive(), 'it starts'):
        tap.note(d.process.stderr.read())
        return
    c = d.client()
    replies = {c.message(MAIL, SENDER, [RCPT]).reply for _ in range(600)}
    c.quit()
    tap.is_equal(replies, {'continue'}, '600 messages with a log that nobody reads')
    d.process.send_signal(signal.SIGTERM)
    tap.ok(wait_for(lambda: d.process.poll() is not None, 15), 'it stops when told to')
    d.process.stderr.close()


def main():
    with Place() as place:
        place.make_pki()
        for test in (test_command_line, test_check, test_socket, test_reload, test_flags_stay, test_stop, test_stop_in_storm, test_counters, test_user, test_token_of_root, test_pid_file, test_log_nobody_reads):
            tap.note(test.__name__)
            try:
                test(place)
            except (Closed, Silent) as e:
                tap.ok(False, f'{test.__name__}: {e!r}')
        for d in place.daemons:
            log = d.log()
            tap.ok('Sanitizer' not in log and 'runtime error' not in log, f'no sanitizer complained ({d.name})')
    tap.done()


main()
