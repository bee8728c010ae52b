"""What a service manager hears of stir-milter: ready, reloading, stopping, and that it lives
only while its socket answers.  The service manager is a socket of this test."""

import ctypes
import os
import re
import resource
import signal
import socket
import subprocess
import time

import tap
from milterclient import dial, send_message
from milterdaemon import MAIL, MILTER, RCPT, SENDER, Place, wait_for

WATCHDOG_S = 0.6


class Manager:
    """The receiving end of sd_notify(3)."""

    def __init__(self, path):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.heard = []

    def listen(self, seconds):
        """What comes within that time, as dictionaries."""
        end = time.monotonic() + seconds
        got = []
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                text = self.sock.recv(65536).decode()
            except socket.timeout:
                break
            got.append(dict(line.split('=', 1) for line in text.splitlines()))
        self.heard += got
        return got

    def until(self, name, value=None, seconds=10):
        """Listens up to a datagram with that name in it; what came, it last; [] if none did."""
        end = time.monotonic() + seconds
        got = []
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                text = self.sock.recv(65536).decode()
            except socket.timeout:
                return []
            got.append(dict(line.split('=', 1) for line in text.splitlines()))
            if name in got[-1] and value in (None, got[-1][name]):
                self.heard += got
                return got
        return []

    def environment(self, watchdog_s=None):
        env = {k: v for k, v in os.environ.items() if not k.startswith('WATCHDOG_')}
        env['NOTIFY_SOCKET'] = self.path
        if watchdog_s:
            env['WATCHDOG_USEC'] = str(int(watchdog_s * 1000000))
        return env

    def close(self):
        self.sock.close()


def begin(place, name, watchdog_s=None, **options):
    m = Manager(place.path(name + '.notify'))
    d = place.daemon(name, start=False)
    d.spawn(env=m.environment(watchdog_s), **options)
    return m, d


def test_ready(place):
    m, d = begin(place, 'ready')
    got = m.until('READY', '1')
    tap.ok(got, 'says READY=1')
    tap.is_equal(len(got), 1, 'and nothing before that')
    tap.ok(d.answers() and d.alive(), 'when it says so, its socket answers')
    tap.ok(re.match(r'0 connections, 0 messages in hand, 0 since the start$', got[-1].get('STATUS', '')), 'with a line of status')
    send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4IN')
    tap.is_equal(m.listen(0.5), [], 'nobody waits for a sign of life: none is given')

    d.signal(signal.SIGHUP)
    got = m.until('READY', '1')
    tap.ok(len(got) == 2 and got[0].get('RELOADING') == '1' and got[0].get('MONOTONIC_USEC', '').isdigit(), 'a reload: RELOADING=1 first, with the time')
    tap.ok(got and ', 1 since the start' in got[-1]['STATUS'] and 'failed' not in got[-1]['STATUS'], 'then READY=1, and the message is counted')
    d.write_broken()
    d.signal(signal.SIGHUP)
    got = m.until('READY', '1')
    tap.ok(len(got) == 2 and 'the last reload failed' in got[-1]['STATUS'], 'a reload that fails: READY=1, and the status says it')
    d.write()
    d.signal(signal.SIGHUP)
    got = m.until('READY', '1')
    tap.ok(len(got) == 2 and 'failed' not in got[-1]['STATUS'], 'the next good one takes that back')

    c = d.client()
    c.mail(SENDER)
    d.in_hand()
    d.signal(signal.SIGTERM)
    got = m.until('STOPPING', '1')
    tap.ok(got and '1 messages in hand' in got[-1]['STATUS'] and d.alive(), 'asked to stop: STOPPING=1 at once, while the message in hand is waited for')
    d.signal(signal.SIGTERM)
    tap.is_equal(d.wait(), 0, 'and stops')
    m.close()


def test_failure(place):
    m = Manager(place.path('failure.notify'))
    d = place.daemon('failure', start=False)
    d.write_broken()
    d.spawn(env=m.environment())
    tap.is_equal(d.wait(), 78, 'a start that fails')
    got = m.listen(0.2)
    tap.ok(len(got) == 1 and 'MaxAeg' in got[0].get('STATUS', '') and got[0].get('EXIT_STATUS') == '78' and 'READY' not in got[0],
           'says why, and never READY')
    r = subprocess.run([MILTER, '-n', '-c', d.conf], env=m.environment(), stderr=subprocess.DEVNULL, timeout=30)
    tap.ok(r.returncode == 78 and m.listen(0.2) == [], 'a check tells the service manager nothing')
    m.close()


def signs_of_life(m, seconds):
    return [h for h in m.listen(seconds) if h.get('WATCHDOG') == '1']


def test_watchdog(place):
    m, d = begin(place, 'dog', WATCHDOG_S)
    tap.ok(m.until('READY', '1'), 'ready, with a service manager that waits for signs of life')
    got = signs_of_life(m, 2)
    tap.ok(5 <= len(got) <= 12, f'a sign of life three times in the time given ({len(got)} in 2 s)')
    tap.ok(all('STATUS' in h for h in got), 'each with a line of status')
    tap.ok(not re.search('error|warn|refused', d.log(), re.I), 'its own calls log nothing')
    connections, _, messages = d.counters()
    tap.is_equal((connections, messages), (0, 0), 'and are no connections and no messages')
    # Nothing an MTA negotiated may be lost by them.
    c = d.client()
    r = send_message(c, MAIL, SENDER, [RCPT])
    tap.ok(r.inserted('Authentication-Results'), 'mail goes on between them')
    c.sock.close()
    tap.ok(wait_for(lambda: d.counters()[0] == 0), 'its connection ends')
    before = d.descriptors()
    signs_of_life(m, 2)
    tap.ok(wait_for(lambda: d.descriptors() <= before), 'no descriptor is left behind by ten calls')

    os.rename(d.socket, d.socket + '.away')
    m.listen(WATCHDOG_S)
    tap.is_equal(signs_of_life(m, 1.5), [], 'its socket is gone: no sign of life')
    tap.ok(d.alive(), 'while the process lives')
    tap.is_equal(d.count('is not told that we live'), 1, 'the log says so, once')
    os.rename(d.socket + '.away', d.socket)
    tap.ok(m.until('WATCHDOG', '1', 5), 'back again: signs of life again')
    tap.is_equal(d.count('answers again'), 1, 'and the log says that')
    tap.is_equal(d.stop(), 0, 'stops')
    m.close()


def test_descriptors_used_up(place):
    """libmilter can't accept any more: the kernel still takes connections, and nobody answers."""
    m, d = begin(place, 'full', WATCHDOG_S)
    m.until('READY', '1')
    limit = len(os.listdir(f'/proc/{d.process.pid}/fd')) + 3
    hard = resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (limit, hard))
    held = [dial(d.socket) for _ in range(8)]
    m.listen(WATCHDOG_S)
    tap.is_equal(signs_of_life(m, 3), [], 'out of descriptors: no sign of life')
    for s in held:
        s.close()
    resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    tap.ok(m.until('WATCHDOG', '1', 8), 'with room again: signs of life again')
    d.stop()
    m.close()


def test_busy(place):
    """The same, but with mail in hand: to end a process that is at work would cut all of it."""
    m, d = begin(place, 'busy', WATCHDOG_S)
    m.until('READY', '1')
    c = d.client()
    c.mail(SENDER)
    os.rename(d.socket, d.socket + '.away')
    heard, end = 0, time.monotonic() + 3
    while time.monotonic() < end:
        c.mail(SENDER)
        heard += len(signs_of_life(m, 0.1))
    tap.ok(heard >= 2, f'its socket does not answer, but messages come: signs of life ({heard} in 3 s)')
    tap.ok(d.count('is not told that we live') == 0 and d.count('there is mail in hand') == 1, 'and a line in the log, once')
    tap.ok(wait_for(lambda: d.count('is not told that we live') == 1, 10), 'no more of them: silence')
    os.rename(d.socket + '.away', d.socket)
    tap.ok(m.until('WATCHDOG', '1', 5), 'back again')
    d.kill()
    m.close()


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207


def test_slow_reload(place):
    """The thread that reloads waits for something, here for us, while mail goes on."""
    m, d = begin(place, 'slow', WATCHDOG_S)
    m.until('READY', '1')
    c = d.client()
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace.restype = ctypes.c_long
    if ptrace(PTRACE_SEIZE, d.process.pid, None, None):
        tap.skip(f'no thread can be stopped here: {os.strerror(ctypes.get_errno())}')
    else:
        # That one thread alone.
        ptrace(PTRACE_INTERRUPT, d.process.pid, None, None)
        os.waitpid(d.process.pid, 0)
        m.listen(WATCHDOG_S)
        got = signs_of_life(m, 5 * WATCHDOG_S)
        tap.ok(len(got) >= 5, f'a thread that does not go on: signs of life ({len(got)} in {5 * WATCHDOG_S} s)')
        tap.ok(send_message(c, MAIL, SENDER, [RCPT]).inserted('Authentication-Results'), 'as mail goes on')
        ptrace(PTRACE_DETACH, d.process.pid, None, None)
    tap.ok(d.hup(), 'and then it does')
    tap.is_equal(d.stop(), 0, 'stops')
    m.close()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def test_kinds_of_socket(place):
    port = free_port()
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    for name, spec, fds in (('inet', f'inet:{port}@127.0.0.1', ()), ('name', f'inet:{port}@localhost', ()),
                            ('any', f'inet:{port}@0.0.0.0', ()), ('fd', f'fd:{listener.fileno()}', (listener.fileno(),))):
        m = Manager(place.path(name + '.notify'))
        d = place.daemon(name, start=False)
        d.flags = ['-p', spec]
        d.spawn(env=m.environment(WATCHDOG_S), pass_fds=fds)
        tap.ok(m.until('WATCHDOG', '1'), f'{spec.split(":")[0]}:{spec.split("@")[-1] if "@" in spec else ""} is called too ({name})')
        d.kill()
        m.close()
    listener.close()


def has_libsystemd():
    r = subprocess.run(['ldd', MILTER], stdout=subprocess.PIPE, text=True)
    return 'libsystemd' in r.stdout


def main():
    if not has_libsystemd():
        tap.skip_all('built without libsystemd')
    with Place() as place:
        place.make_pki()
        test_ready(place)
        test_failure(place)
        test_watchdog(place)
        test_descriptors_used_up(place)
        test_busy(place)
        test_slow_reload(place)
        test_kinds_of_socket(place)
    tap.done()


main()
