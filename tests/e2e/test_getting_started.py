"""doc/getting-started.md, typed as it stands: every block of commands, in order,
on two real Postfix and two stir-milters; and the text below a block is what its
last command says.  What is replaced is written at the end of the document, and
compared with what is done here."""

import os
import re
import shutil
import signal
import subprocess

import loopback
import postfix
from httpsworld import Answer, HttpsWorld
from lab import Lab
from loopback import wait_for
from postfix import Postfix
from tap import done, is_equal, note, ok

SRC = os.path.abspath(os.environ.get('srcdir', '.'))
DOCUMENT = os.path.join(SRC, 'doc', 'getting-started.md')
PATIENCE_S = 20
ACCOUNT = postfix.MAIL_OWNER
# What the document's web servers serve, and where the test finds it.
SERVED = {'/a.pem': ('A', 'a.pem'), '/mallory.pem': ('A', 'mallory/m.pem'), '/b.pem': ('B', 'b.pem')}


def blocks():
    """[(host, [command line], [expected text])]; a here-document is part of its command."""
    with open(DOCUMENT) as f:
        text = f.read()
    found = []
    for kind, body in re.findall(r'^```(\w*)\n(.*?)^```$', text, re.M | re.S):
        lines = body.splitlines()
        if kind == 'sh':
            host = re.fullmatch(r'# ([AB])', lines[0])
            if not host:
                raise RuntimeError(f'the first line of a block says where, "# A" or "# B": {lines[0]}')
            found.append((host.group(1), commands(lines[1:]), []))
        elif kind == 'text':
            found[-1][2].extend(lines)
        else:
            raise RuntimeError(f'a block of kind "{kind}" would not be run')
    return found


def commands(lines):
    found, end = [], None
    for line in lines:
        if end is None:
            found.append(line)
            here = re.search(r"<<'(\w+)'", line)
            end = here and here.group(1)
        else:
            found[-1] += '\n' + line
            if line == end:
                end = None
    return found


def replaced_there():
    """First column of the table of replacements, as words in backquotes."""
    with open(DOCUMENT) as f:
        part = f.read().split('## What the test does instead', 1)[1]
    return re.findall(r'`([^`]+)`', ' '.join(row.split('|')[1] for row in part.splitlines() if row.startswith('| `')))


class PilotPostfix(Postfix):
    """A fresh one, as Debian leaves it, at an address of its own: no milter and no
    way to anybody, and virtual(8), which the tests don't use elsewhere."""

    def __init__(self, lab, name, address):
        self.address = address
        super().__init__(lab, name, None, {})

    def write(self, milter, routes):
        super().write(milter, routes)
        self.edit('main.cf', lambda text: re.sub(r'(?m)^transport_maps = .*\n', '', text)
                  + f'smtp_bind_address = {self.address}\nrecipient_delimiter = +\n')
        self.edit('master.cf', lambda text: text.replace(loopback.HOST, self.address) + 'virtual unix - n n - - virtual\n')

    def edit(self, name, change):
        path = os.path.join(self.dir, 'etc', name)
        with open(path) as f:
            text = f.read()
        with open(path, 'w') as f:
            f.write(change(text))

    def start(self):
        r = self.command('postfix', 'start')
        if r.returncode:
            raise RuntimeError(f'Postfix {self.name} did not start: {r.stdout.decode()} {self.log()}')


class Host:
    """One of the two: a folder, a Postfix, and commands that find both."""

    def __init__(self, lab, name, address):
        self.lab, self.name, self.address = lab, name, address
        self.mta = PilotPostfix(lab, name.lower(), address)
        self.folder, self.bin = lab.path('host-' + name), lab.path('bin-' + name)
        os.makedirs(self.folder)
        os.makedirs(self.bin)
        # Where the milter may read, as it may /etc.
        self.tls_ca = shutil.copy(lab.tls_ca, os.path.join(self.folder, 'tls-ca.pem'))
        for program in ('postconf', 'postfix', 'postqueue'):
            self.program(program, f'exec {self.mta.dir}/bin/{program} -c {self.mta.dir}/etc "$@"')
        self.program('sendmail', f'exec {self.mta.dir}/bin/sendmail -C {self.mta.dir}/etc "$@"')
        for program, path in (('stirctl', lab.stirctl), ('stir-milter', lab.stir_milter)):
            self.program(program, f'exec {path} "$@"', lib=False)

    def program(self, name, line, lib=True):
        path = os.path.join(self.bin, name)
        with open(path, 'w') as f:
            f.write('#!/bin/sh\n')
            if lib and Postfix.root() != '/':
                f.write(f'LD_LIBRARY_PATH={Postfix.root()}/usr/lib/postfix\nexport LD_LIBRARY_PATH\n')
            if lib:
                f.write('unset LD_PRELOAD ASAN_OPTIONS MAIL_CONFIG MAIL_LOGTAG\n')
            f.write(line + '\n')
        os.chmod(path, 0o755)

    def log(self):
        try:
            with open(os.path.join(self.folder, 'milter.log'), errors='replace') as f:
                return f.read()
        except OSError:
            return ''

    def stop(self):
        """The milter, if the document has not ended it."""
        try:
            with open(os.path.join(self.folder, 'state', 'milter.pid')) as f:
                pid = int(f.read())
            os.kill(pid, signal.SIGTERM)
        except (OSError, ValueError):
            return
        if not wait_for(lambda: not os.path.exists(f'/proc/{pid}')):
            os.kill(pid, signal.SIGKILL)


class Pilot(Lab):
    """A and B with nothing but Postfix; an HTTPS server for both."""

    def make_pki(self, plan):
        self.world = HttpsWorld(self.real_dir).start()
        # Its own folder is nobody else's to read.
        self.tls_ca = self.path('tls-ca.pem')
        shutil.copy(self.world.ca, self.tls_ca)
        os.chmod(self.tls_ca, 0o644)

    def make_carriers(self):
        other = loopback.HOST.split('.')
        other[1] = str(int(other[1]) + 64)
        self.host = {'A': Host(self, 'A', loopback.HOST), 'B': Host(self, 'B', '.'.join(other))}
        for host in self.host.values():
            self.running.append(host)
            self.up(host.mta)
            host.start = None
        for path in SERVED:
            self.world.set(path, Answer(behave=self.serve))

    def serve(self, world, conn, request, answer):
        host, name = SERVED[request.path]
        with open(os.path.join(self.host[host].folder, name), 'rb') as f:
            pem = f.read()
        conn.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' % len(pem) + pem)

    def stop(self):
        super().stop()
        if hasattr(self, 'world'):
            self.world.stop()

    # What the table at the end of the document says, in its order: (pattern, what is done).
    def replacements(self, host):
        here = self.host[host]
        other = self.host['B' if host == 'A' else 'A']
        a, b = self.host['A'], self.host['B']
        return [
            (r'scp (\S+) root@(192\.0\.2\.[12]0):/srv/pilot/(\S+)', lambda m: f'cp {m[1]} {other.folder}/{m[3]}'),
            (r'/srv/pilot', here.folder),
            (r'192\.0\.2\.10\b', a.address),
            (r'192\.0\.2\.20\b', b.address),
            (r'127\.0\.0\.1:8895', f'{here.address}:8895'),
            (r'8895@127\.0\.0\.1', f'8895@{here.address}'),
            (r'\]:25\b', f']:{other.mta.port}'),
            (r'(?m)(chgrp|-o|^UserID +) *stir-milter\b', rf'\1 {ACCOUNT}'),
            (r'https://certs\.[ab]\.example', self.world.url('')),
            (r'certs/certs\.a\.example', 'certs/certs.localhost'),
            (r'(?m)^FetchCertificates yes$', f'FetchCertificates yes\nFetchAddresses 127.0.0.1\nFetchCAFile {here.tls_ca}'),
        ]

    def run(self, host, command):
        here = self.host[host]
        for pattern, what in self.replacements(host):
            command = re.sub(pattern, what, command)
        env = dict(os.environ, PATH=here.bin + ':' + os.environ['PATH'], CURL_CA_BUNDLE=self.tls_ca)
        # To a file: a pipe would stay open for as long as a milter that was started with '&'.
        with open(os.path.join(here.folder, '.said'), 'w+b') as said:
            r = subprocess.run(['sh', '-c', command], cwd=here.folder, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=60)
            said.seek(0)
            return r.returncode, said.read().decode(errors='replace')


def in_order(text, parts):
    """Whether all are there, each behind the one before."""
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def type_in(lab, host, lines, expected):
    """Whether all went as written: what follows rests on it."""
    for line in lines[:-1] if expected else lines:
        status, said = lab.run(host, line)
        if not is_equal(status, 0, f'{host}: {line.splitlines()[0][:70]}'):
            note(said)
            return False
        if line.startswith('stir-milter -c'):
            path = os.path.join(lab.host[host].folder, 'state', 'milter.pid')
            if not ok(wait_for(lambda: os.path.exists(path)), f'{host}: the milter runs'):
                note(lab.host[host].log())
                return False
    if not expected:
        return True
    said = ['']

    def look():
        said[0] = lab.run(host, lines[-1])[1]
        return in_order(said[0], expected)
    if ok(wait_for(look, PATIENCE_S, 0.2), f'{host}: {lines[-1].splitlines()[0][:50]}: {expected[0]}'):
        return True
    note(said[0])
    for h in lab.host.values():
        note(f'{h.name}: {h.log()[-1500:]} {h.mta.log()[-1500:]}')
    return False


Lab.or_skip(Postfix)
with Pilot() as pilot:
    script = blocks()
    ok(len(script) > 20, f'{len(script)} blocks were found')
    text = '\n'.join(line for _, lines, _ in script for line in lines)
    done_here = [pattern for pattern, _ in pilot.replacements('A')]
    for word in replaced_there():
        ok(word.split(' ')[0].split('X')[0] in text, f'what the table replaces is in the commands: {word}')
    for pattern in done_here:
        ok(re.search(pattern, text), f'and what is replaced here, too: {pattern}')
    if all(type_in(pilot, host, lines, expected) for host, lines, expected in script):
        for host in pilot.host.values():
            gone = wait_for(lambda h=host: not os.path.exists(os.path.join(h.folder, 'state', 'milter.pid')), PATIENCE_S)
            ok(gone, f'{host.name}: in the end nothing runs')
done()
