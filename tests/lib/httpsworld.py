"""An HTTPS server of the test's own, with a CA of its own, that behaves as told;
names and a network of the test's own, where that is permitted.

    with HttpsWorld(folder) as w:
        w.set('/a.pem', Answer(pem, cache='max-age=60'))
        w.set('/late.pem', Answer(status=404), pem)     # 404, then the page
        w.set('/bad.pem', Answer(behave='endless'))
        ... w.url('/a.pem'), w.ca (PEM for FetchCAFile), '127.0.0.0/8' for FetchAddresses
        w.count('/a.pem'), w.requests[-1].sni, w.connections

Names.  A PASSporT names a host, not an address.  libcurl takes every name that
ends in .localhost for 127.0.0.1 without asking anybody, so that a world at
127.0.0.1 has names (NAMES) everywhere; only one test at a time can have a port of
that address, start() waits for it.  With address=None a world takes an address
127.x.y.z by chance, and is asked by that.  After private_network() a test is alone
with all ports; put_over('/etc/hosts', ...) or a NameServer gives it any name."""

import atexit
import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

NAMES = ('localhost', 'certs.localhost', 'a.localhost', 'b.localhost', 'crl.localhost', 'lists.localhost', 'certs.example', 'other.example')
PORT_WAIT_S = 300


class Answer:
    """What a page answers once.

    body      octets; of behave='raw' everything after TLS, status line included
    headers   (name, value) pairs behind those that belong to the behaviour; cache is short for Cache-Control
    delay     seconds before anything is sent
    behave    a name below, or a function (world, conn, request, answer)

        plain          Content-Length and body
        close-delimited no length; ends with the connection, close_notify sent
        truncated      the same without close_notify, as an attacker can end it
        http10         HTTP/1.0, ends with the connection
        chunked        in chunks of 7 octets; trailers=(name, value) pairs
        slow           octet by octet, each after interval seconds
        stall          nothing
        stall-body     half of the body
        endless        a body that never ends; endless-chunked, endless-header, endless-line, endless-interim
        length-long    Content-Length says ten octets more than come
        length-short   Content-Length says ten octets less than come
        gzip           Content-Encoding: gzip, the body compressed; gzip-bomb: 10 MB of NULs
        transfer-gzip  Transfer-Encoding: gzip, chunked
        close, reset   the connection ends where the answer should begin
        raw            body, as it is
    """

    def __init__(self, body=b'', status=200, headers=(), cache=None, behave='plain', delay=0.0, interval=0.05, trailers=()):
        self.body = body.encode() if isinstance(body, str) else body
        self.status, self.behave, self.delay, self.interval, self.trailers = status, behave, delay, interval, trailers
        self.headers = [*headers, *([('Cache-Control', cache)] if cache is not None else [])]


class Request:
    """One request as it came: path, method, headers (names in lower case), sni (or None), peer, time (monotonic);
    sent: octets of the answer that the other side took; ended: the answer is over."""

    def __init__(self, line, headers, sni, peer):
        self.line, self.headers, self.sni, self.peer, self.time = line, headers, sni, peer, time.monotonic()
        self.method, self.path = (line.split(' ') + ['', ''])[:2]
        self.sent, self.ended = 0, False


# --- certificates of TLS ------------------------------------------------------

def _openssl(*args, cwd=None):
    r = subprocess.run(['openssl', *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, cwd=cwd, check=False)
    if r.returncode:
        raise RuntimeError(f'openssl {" ".join(args)}: {r.stdout.decode(errors="replace")}')


class TlsCA:
    """A CA for the TLS of servers, in a folder."""

    def __init__(self, folder, name='tls-ca'):
        self.folder, self.serial = os.path.join(folder, name), 0
        os.makedirs(self.folder)
        self.cert, self.key = self._at('ca.pem'), self._at('ca.key')
        _openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                 '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', self.key, '-out', self.cert)

    def _at(self, name):
        return os.path.join(self.folder, name)

    def issue(self, names, addresses=(), days=(-1, 1), common_name='test server'):
        """Path of a PEM file with key and certificate; days: first and last, from today."""
        self.serial += 1
        base = self._at(f's{self.serial}')
        san = ','.join([f'DNS:{n}' for n in names] + [f'IP:{a}' for a in addresses])
        with open(base + '.cnf', 'w', encoding='ascii') as f:
            f.write('[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nunique_subject=no\n'
                    f'[p]\ncommonName=supplied\n[x]\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName={san}\n')
        with open(self._at('index.txt'), 'a', encoding='ascii'):
            pass
        with open(self._at('serial'), 'w', encoding='ascii') as f:
            f.write(f'{self.serial:04x}\n')
        _openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/CN={common_name}',
                 '-keyout', base + '.key', '-out', base + '.csr')
        first, last = (time.strftime('%Y%m%d%H%M%SZ', time.gmtime(time.time() + d * 86400)) for d in days)
        _openssl('ca', '-batch', '-config', base + '.cnf', '-extensions', 'x', '-notext', '-startdate', first, '-enddate', last, '-cert', self.cert,
                 '-keyfile', self.key, '-in', base + '.csr', '-out', base + '.crt', cwd=self.folder)
        with open(base + '.pem', 'wb') as out:
            for part in ('.key', '.crt'):
                with open(base + part, 'rb') as f:
                    out.write(f.read())
        return base + '.pem'


# --- how answers are sent -------------------------------------------------------

def _header(answer, *fields, version='1.1'):
    lines = [f'HTTP/{version} {answer.status} Status', *(f'{n}: {v}' for n, v in (*fields, *answer.headers)), 'Connection: close', '', '']
    return '\r\n'.join(lines).encode('latin-1')


def _chunks(octets, size=7):
    return b''.join(b'%x\r\n%s\r\n' % (len(octets[i:i + size]), octets[i:i + size]) for i in range(0, len(octets), size))


def _compressed(octets):
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    return z.compress(octets) + z.flush()


BOMB = _compressed(bytes(10 * 1000 * 1000))


class _Sender:
    """The behaviours; each sends what it sends, and returns."""

    def __init__(self, world, conn, request, answer):
        self.world, self.conn, self.request, self.answer = world, conn, request, answer

    def put(self, octets):
        self.conn.sendall(octets)
        self.request.sent += len(octets)

    def notify(self):
        """A proper end of TLS."""
        self.conn.settimeout(1)
        with contextlib.suppress(OSError, ValueError):
            self.conn.unwrap()

    def wait(self):
        """Until the other side or the world has had enough."""
        self.conn.settimeout(0.1)
        while not self.world.stopping:
            try:
                if not self.conn.recv(1000):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def forever(self, octets):
        while not self.world.stopping:
            self.put(octets)

    def with_length(self, n, body=None):
        self.put(_header(self.answer, ('Content-Length', n)) + (self.answer.body if body is None else body))

    def plain(self):
        self.with_length(len(self.answer.body))
        self.notify()

    def close_delimited(self):
        self.put(_header(self.answer) + self.answer.body)
        self.notify()

    def truncated(self):
        self.put(_header(self.answer) + self.answer.body)

    def http10(self):
        self.put(_header(self.answer, version='1.0') + self.answer.body)
        self.notify()

    def chunked(self):
        trailers = ''.join(f'{n}: {v}\r\n' for n, v in self.answer.trailers).encode()
        self.put(_header(self.answer, ('Transfer-Encoding', 'chunked')) + _chunks(self.answer.body) + b'0\r\n' + trailers + b'\r\n')
        self.notify()

    def slow(self):
        self.with_length(len(self.answer.body), b'')
        for octet in self.answer.body:
            time.sleep(self.answer.interval)
            self.put(bytes([octet]))
        self.notify()

    def stall(self):
        self.wait()

    def stall_body(self):
        self.with_length(len(self.answer.body), self.answer.body[:len(self.answer.body) // 2])
        self.wait()

    def endless(self):
        self.put(_header(self.answer))
        self.forever(b'x' * 1000)

    def endless_chunked(self):
        self.put(_header(self.answer, ('Transfer-Encoding', 'chunked')))
        self.forever(b'3e8\r\n' + b'x' * 1000 + b'\r\n')

    def endless_header(self):
        self.put(b'HTTP/1.1 200 OK\r\n')
        self.forever(b'X-Flood: ' + b'x' * 100 + b'\r\n')

    def endless_line(self):
        self.put(b'HTTP/1.1 200 OK\r\nX-Flood: ')
        self.forever(b'x' * 1000)

    def endless_interim(self):
        self.forever(b'HTTP/1.1 100 Continue\r\n\r\n')

    def length_long(self):
        self.with_length(len(self.answer.body) + 10)
        self.notify()

    def length_short(self):
        self.with_length(len(self.answer.body) - 10)
        self.notify()

    def gzip(self, packed=None):
        packed = packed or _compressed(self.answer.body)
        self.put(_header(self.answer, ('Content-Encoding', 'gzip'), ('Content-Length', len(packed))) + packed)
        self.notify()

    def gzip_bomb(self):
        self.gzip(BOMB)

    def transfer_gzip(self):
        self.put(_header(self.answer, ('Transfer-Encoding', 'gzip, chunked')) + _chunks(_compressed(self.answer.body)) + b'0\r\n\r\n')
        self.notify()

    def close(self):
        self.notify()

    def reset(self):
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def raw(self):
        self.put(self.answer.body)
        self.notify()


# --- the server -------------------------------------------------------------------

class HttpsWorld:
    """See above.  Attributes that a test may set at any time:

        identity['name'] = 'good' | 'wrong-name' | 'expired' | 'not-yet' | 'unknown-ca'   by SNI
        before_tls = None | 'silent' | 'garbage' | 'close'     what a connection gets instead of TLS
        default = Answer    of paths that are not set (404)
    """

    def __init__(self, folder=None, address='127.0.0.1', port=8443, names=NAMES, ca=None):
        self.folder = tempfile.mkdtemp(prefix='tap-https-', dir=folder or os.getcwd())
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.names, self.port, self.address = names, port, address
        self.authority = ca or TlsCA(self.folder)
        self.ca = self.authority.cert
        self.pages, self.requests, self.identity = {}, [], {}
        self.before_tls, self.default = None, Answer(status=404)
        self.connections = self.tls_failures = 0
        self.stopping = False
        self._lock, self._contexts, self._threads, self._open = threading.Lock(), {}, [], set()
        self._listener, self._turn = None, None

    def __enter__(self):
        return self.start()

    def __exit__(self, *args):
        self.stop()
        if self._turn:
            self._turn.close()
            self._turn = None

    # what it says

    def url(self, path, host=None):
        """By host, or by certs.localhost at 127.0.0.1, or by the address."""
        host = host or ('certs.localhost' if self.address == '127.0.0.1' else self.address)
        return f'https://{host}{"" if self.port == 443 else f":{self.port}"}{path}'

    def set(self, path, *answers):
        """From now on: the first request gets the first, ... all later ones the last. Octets are a plain answer."""
        with self._lock:
            self.pages[path] = [a if isinstance(a, Answer) else Answer(a) for a in answers]

    def count(self, path=None):
        with self._lock:
            return sum(path in (None, r.path) for r in self.requests)

    def wait_count(self, n, path=None, seconds=10.0):
        """Have there been n requests, or are there within so many seconds?"""
        end = time.monotonic() + seconds
        while self.count(path) < n and time.monotonic() < end:
            time.sleep(0.01)
        return self.count(path) >= n

    def forget(self):
        with self._lock:
            self.requests, self.connections, self.tls_failures = [], 0, 0

    # its life

    def _wait_turn(self, end):
        """One at a time has the port at 127.0.0.1, also while it is stopped: who starts again finds it free."""
        if self._turn or self.address is None:
            return
        self._turn = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._turn.bind(f'\0stir-milter-tests-{self.port}')
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def start(self):
        end = time.monotonic() + PORT_WAIT_S
        self._wait_turn(end)
        by_chance = self.address is None
        while True:
            if by_chance:
                self.address = '.'.join(str(x) for x in (127, random.randint(1, 254), random.randint(0, 255), random.randint(1, 254)))
            listener = socket.socket(socket.AF_INET6 if ':' in self.address else socket.AF_INET)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self.address, self.port))
                break
            except PermissionError:
                listener.close()
                raise
            except OSError:
                listener.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        listener.listen(100)
        self._listener, self.stopping = listener, False
        self._spawn(self._accept, listener)
        return self

    def down(self):
        """Connections are refused from now on; the port stays ours (others wait for it), for up()."""
        self._listener.shutdown(socket.SHUT_RDWR)

    def up(self):
        self._listener.listen(100)
        self._spawn(self._accept, self._listener)

    def stop(self):
        """Nothing listens, nothing is open, the port is free; start() begins again at the same address."""
        self.stopping = True
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            for conn in self._open:
                with contextlib.suppress(OSError):
                    conn.shutdown(socket.SHUT_RDWR)
            threads = list(self._threads)
        for t in threads:
            t.join(10)

    # inside

    def _spawn(self, run, *args):
        t = threading.Thread(target=run, args=args, daemon=True)
        with self._lock:
            self._threads = [x for x in self._threads if x.is_alive()] + [t]
        t.start()

    def _pem(self, kind):
        if kind == 'unknown-ca':
            return TlsCA(self.folder, 'unknown-ca').issue(self.names, [self.address])
        if kind == 'wrong-name':
            return self.authority.issue(['elsewhere.example'], ['192.0.2.1'])
        days = {'good': (-1, 1), 'expired': (-3, -1), 'not-yet': (1, 3)}[kind]
        return self.authority.issue(self.names, [self.address], days)

    def _context(self, kind):
        with self._lock:
            if kind not in self._contexts:
                c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                c.load_cert_chain(self._pem(kind))
                self._contexts[kind] = c
            return self._contexts[kind]

    def _accept(self, listener):
        while not self.stopping:
            try:
                conn, peer = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(conn)
            self._spawn(self._serve, conn, peer)

    def _serve(self, conn, peer):
        conn.settimeout(30)
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.before_tls:
                self._instead_of_tls(conn)
                return
            # A listening context of its own: the callback's context is shared else.
            context, sni = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []

            def by_name(tls, name, _):
                sni.append(name)
                tls.context = self._context(self.identity.get(name, 'good'))

            context.load_cert_chain(self._good())
            context.sni_callback = by_name
            try:
                tls = context.wrap_socket(conn, server_side=True)
            except (OSError, ValueError):
                with self._lock:
                    self.tls_failures += 1
                return
            with self._lock:
                self._open.add(tls)
            self._answer(tls, peer, sni[0] if sni else None)
        finally:
            with self._lock:
                self._open.discard(conn)
            with contextlib.suppress(OSError):
                conn.close()

    def _good(self):
        with self._lock:
            if 'good.pem' not in self._contexts:
                self._contexts['good.pem'] = self._pem('good')
            return self._contexts['good.pem']

    def _instead_of_tls(self, conn):
        if self.before_tls == 'garbage':
            conn.sendall(b'220 smtp.example ESMTP\r\n' * 10)
        elif self.before_tls == 'silent':
            _Sender(self, conn, Request('', {}, None, None), None).wait()

    def _read(self, tls):
        octets = b''
        while b'\r\n\r\n' not in octets and len(octets) < 65536:
            more = tls.recv(4096)
            if not more:
                break
            octets += more
        lines = octets.decode('latin-1').split('\r\n')
        return lines[0], {n.strip().lower(): v.strip() for n, _, v in (line.partition(':') for line in lines[1:] if line)}

    def _next(self, path):
        with self._lock:
            answers = self.pages.get(path)
            if not answers:
                return self.default
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _answer(self, tls, peer, sni):
        request = None
        try:
            line, headers = self._read(tls)
            if not line:
                return
            request = Request(line, headers, sni, peer)
            with self._lock:
                self.requests.append(request)
            answer = self._next(request.path)
            time.sleep(answer.delay)
            if callable(answer.behave):
                answer.behave(self, tls, request, answer)
            else:
                getattr(_Sender(self, tls, request, answer), answer.behave.replace('-', '_'))()
        except OSError:
            pass    # the other side had enough
        finally:
            if request:
                request.ended = True
            with self._lock:
                self._open.discard(tls)
            with contextlib.suppress(OSError):
                tls.close()


# --- a network of the test's own ------------------------------------------------------

INSIDE = 'STIR_TEST_PRIVATE_NETWORK'


def _unshare():
    """The command that starts something inside; None when that is not permitted here."""
    command = ['unshare', '--net', '--mount', *([] if os.geteuid() == 0 else ['--map-root-user'])]
    try:
        r = subprocess.run([*command, 'mount', '--bind', '/etc/passwd', '/etc/hosts'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return command if r.returncode == 0 else None


def run_inside():
    """This script anew, with os.environ[INSIDE], in a network of its own (an "lo" that is down) and with mounts of
    its own: (exit status, output), or None when that is not permitted here."""
    command = _unshare()
    if not command:
        return None
    r = subprocess.run([*command, sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]], env={**os.environ, INSIDE: '1'},
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return r.returncode, r.stdout.decode(errors='replace')


def private_network():
    """The same for a script that runs inside as a whole: call it first.  True inside; False when it is not permitted;
    otherwise it ends with what the one inside ended with."""
    if os.environ.get(INSIDE):
        return True
    command = _unshare()
    if not command:
        return False
    r = subprocess.run([*command, sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]], env={**os.environ, INSIDE: '1'}, check=False)
    sys.exit(r.returncode if r.returncode >= 0 else 1)


def lo_up(*addresses):
    """Inside: the loopback interface works, and has these IPv4 addresses besides 127.0.0.0/8."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', 0x1 | 0x40))                   # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING
        for i, a in enumerate(addresses):
            name = f'lo:{i + 1}'.encode()
            fcntl.ioctl(s, 0x8916, struct.pack('16sHH4s8x', name, socket.AF_INET, 0, socket.inet_aton(a)))                  # SIOCSIFADDR
            fcntl.ioctl(s, 0x891C, struct.pack('16sHH4s8x', name, socket.AF_INET, 0, socket.inet_aton('255.255.255.255')))  # SIOCSIFNETMASK


def put_over(path, text, folder):
    """Inside: a file of the system has this content."""
    own = os.path.join(folder, path.strip('/').replace('/', '-'))
    with open(own, 'w', encoding='ascii') as f:
        f.write(text)
    subprocess.run(['mount', '--bind', own, path], check=True)


class NameServer:
    """Answers for names over UDP.  answers: name -> a list of what the queries of one type get in turn
    (the last one from then on), each a list of addresses of both families; None: no answer at all.
    A name that is not there is NXDOMAIN."""

    def __init__(self, answers, address='127.0.0.1'):
        self.answers, self.queries, self.asked = answers, [], {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self):
        self.socket.close()

    def _run(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(2000)
                answer = self._answer(query)
                if answer:
                    self.socket.sendto(answer, peer)
            except OSError:
                return

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode('latin-1').lower())
            at += 1 + query[at]
        question, kind = query[12:at + 5], struct.unpack('>H', query[at + 1:at + 3])[0]
        name = '.'.join(labels)
        self.queries.append((name, kind))
        turns = self.answers.get(name)
        if turns is None:
            return query[:2] + struct.pack('>HHHHH', 0x8183, 1, 0, 0, 0) + question
        turn = self.asked[name, kind] = self.asked.get((name, kind), -1) + 1
        addresses = turns[min(turn, len(turns) - 1)]
        if addresses is None:
            return None
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        wanted = [socket.inet_pton(family, a) for a in addresses if (':' in a) == (family == socket.AF_INET6)] if family else []
        records = b''.join(struct.pack('>HHHIH', 0xC00C, kind, 1, 0, len(a)) + a for a in wanted)
        return query[:2] + struct.pack('>HHHHH', 0x8180, 1, len(wanted), 0, 0) + question + records


if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with HttpsWorld() as demo:
        demo.set('/', b'hello\n')
        print(demo.url('/'), demo.ca, flush=True)
        signal.pause()
