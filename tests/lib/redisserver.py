"""A redis-server of the test's own, on a socket in the test's folder, that can be
killed, stalled, filled up, and started again."""

import os
import shutil
import signal
import subprocess
import time

PROGRAM = shutil.which('redis-server') or '/usr/bin/redis-server'


def there():
    return os.access(PROGRAM, os.X_OK)


class Redis:
    def __init__(self, folder, name='redis'):
        self.folder, self.socket = folder, os.path.join(folder, name + '.sock')
        self.process = None

    def start(self, *options):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = subprocess.Popen([PROGRAM, '--port', '0', '--unixsocket', self.socket, '--unixsocketperm', '700', '--dir', self.folder,
                                         '--save', '', '--appendonly', 'no', '--daemonize', 'no', *options],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end and self.cli('ping') != 'PONG':
            time.sleep(0.02)
        return self

    def cli(self, *args, timeout=5):
        try:
            r = subprocess.run(['redis-cli', '-s', self.socket, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=timeout, text=True)
            return r.stdout.strip()
        except subprocess.TimeoutExpired:
            return ''

    def stall(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def full(self):
        """Every further write is refused."""
        self.cli('config', 'set', 'maxmemory-policy', 'noeviction')
        self.cli('config', 'set', 'maxmemory', '1')

    def emptied(self):
        self.cli('config', 'set', 'maxmemory', '0')

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    stop = kill
