"""Loopback: an address of this process's own, SMTP by hand, and a mail box at the end."""

import os
import smtplib
import socket
import threading
import time

# A port that was free a moment ago can't be taken by another lab on this
# address, which would get half of our mail (Postfix lets two instances listen on
# one port).
_PID = os.getpid()
HOST = f'127.{64 + (_PID >> 16 & 63)}.{_PID >> 8 & 255}.{min(max(_PID & 255, 1), 254)}'


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


class Sink(threading.Thread):
    """An SMTP server that keeps what it gets: [(mail_from, [rcpt], octets)].

    With forward=(port, mutate) it passes each message on, changed by mutate.
    Without eightbit it does not offer 8BITMIME.
    """

    def __init__(self, forward=None, eightbit=True):
        super().__init__(daemon=True)
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind((HOST, 0))
        self.server.listen(64)
        self.port = self.server.getsockname()[1]
        self.forward, self.eightbit = forward, eightbit
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
                    say('250-sink.example\r\n250 8BITMIME' if self.eightbit else '250 sink.example')
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

    def count(self, text):
        """How many messages hold these octets, each counted once for every delivery."""
        with self.lock:
            return sum(text in octets for _, _, octets in self.mail)

    def close(self):
        self.server.close()


def client(port, source=None):
    """An SMTP session that has greeted; source is the loopback address it comes from."""
    s = smtplib.SMTP(HOST, port, local_hostname='client.example', timeout=90, source_address=source and (source, 0))
    s.ehlo()
    return s


def send(port, sender, rcpts, octets, xclient=None, source=None):
    """One message by SMTP; octets get CRLF line ends. Raises what smtplib raises."""
    with client(port, source) as s:
        if xclient:
            s.docmd('XCLIENT', xclient)
            s.ehlo()
        eightbit = any(c > 127 for c in octets)
        code, text = s.mail(sender, ['BODY=8BITMIME'] if eightbit else [])
        if code // 100 != 2:
            raise smtplib.SMTPSenderRefused(code, text, sender)
        for r in rcpts:
            code, text = s.rcpt(r)
            if code // 100 != 2:
                raise smtplib.SMTPRecipientsRefused({r: (code, text)})
        code, text = s.data(crlf(octets))
        if code // 100 != 2:
            raise smtplib.SMTPDataError(code, text)
        return text.decode()
