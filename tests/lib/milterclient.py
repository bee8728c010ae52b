"""The MTA side of the milter protocol, version 6, spoken as Postfix does.

One message:

    r = send_message('/path/sock', octets, mail_from='+15550100001@a.example',
                     rcpts=['+15550100002@b.example'], daemon_name='MM4IN', queue_id='4X1')
    r.reply      'continue accept reject tempfail discard replycode ...'
    r.text       of a replycode: '550 5.7.1 ...'
    r.edits      [('insheader', 0, name, value), ('chgheader', nth, name, value), ...]
    r.message    the octets with the edits made, CRLF line ends

Step by step, in any order, and with broken frames: class Client.
"""

import re
import socket
import struct

# Actions.
ADDHDRS, CHGBODY, ADDRCPT, DELRCPT, CHGHDRS, QUARANTINE, CHGFROM, ADDRCPT_PAR, SETSYMLIST = (1 << i for i in range(9))
# Steps.
NOCONNECT, NOHELO, NOMAIL, NORCPT, NOBODY, NOHDRS, NOEOH, NR_HDR, NOUNKNOWN, NODATA, SKIP, RCPT_REJ, \
    NR_CONN, NR_HELO, NR_MAIL, NR_RCPT, NR_DATA, NR_UNKN, NR_EOH, NR_BODY, HDR_LEADSPC = (1 << i for i in range(21))

POSTFIX_ACTIONS = 0x1ff
POSTFIX_STEPS = 0x1fffff
NO_REPLY_STEPS = NR_HDR | NR_CONN | NR_HELO | NR_MAIL | NR_RCPT | NR_DATA | NR_UNKN | NR_EOH | NR_BODY

CHUNK = 65535

# Which bit says that no step, or no reply to it, is wanted.
_OMIT = {b'C': NOCONNECT, b'H': NOHELO, b'M': NOMAIL, b'R': NORCPT, b'T': NODATA, b'L': NOHDRS, b'N': NOEOH, b'B': NOBODY, b'U': NOUNKNOWN}
_NO_REPLY = {b'C': NR_CONN, b'H': NR_HELO, b'M': NR_MAIL, b'R': NR_RCPT, b'T': NR_DATA, b'L': NR_HDR, b'N': NR_EOH, b'B': NR_BODY, b'U': NR_UNKN}
# The stage of a macro list (SMFIM_*), by command.
STAGES = {b'C': 0, b'H': 1, b'M': 2, b'R': 3, b'T': 4, b'E': 5, b'N': 6}
# What Postfix sends at each stage when nobody asks for less.
_USUAL = {0: 'j _ {daemon_name} {daemon_addr} v', 1: '{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}', 2: 'i {auth_type} {auth_authen} {mail_addr}',
          3: 'i {rcpt_addr}', 4: 'i', 5: 'i', 6: 'i'}

_FINAL = {b'c': 'continue', b'a': 'accept', b'r': 'reject', b't': 'tempfail', b'd': 'discard', b'y': 'replycode',
          b'4': 'shutdown', b'f': 'connfail', b's': 'skip'}


class Closed(Exception):
    """The milter hung up."""


class Silent(Exception):
    """The milter did not answer in time."""


def _strings(data):
    return [s.decode('utf-8', 'surrogateescape') for s in data.split(b'\0')[:-1]]


def _octets(text):
    return text if isinstance(text, bytes) else text.encode('utf-8', 'surrogateescape')


def dial(where, timeout=10.0):
    """A socket to 'local:PATH', 'PATH' or 'inet:PORT@HOST'."""
    if where.startswith('inet:'):
        port, host = where[5:].split('@')
        return socket.create_connection((host, int(port)), timeout)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(where.removeprefix('local:'))
    return s


class Message:
    """Header and body, as an MTA has them, and what edits make of them."""

    def __init__(self, octets):
        octets = re.sub(rb'\r?\n', b'\n', octets)
        head, sep, body = octets.partition(b'\n\n')
        if octets.startswith(b'\n'):
            head, body = b'', octets[1:]
        elif not sep:
            head = head.rstrip(b'\n')
        self.body = body.replace(b'\n', b'\r\n')
        self.fields = []                # [name, value with LF folds, one leading space off]
        for line in head.split(b'\n') if head else []:
            if line[:1] in b' \t' and self.fields:
                self.fields[-1][1] += b'\n' + line
            else:
                name, _, value = line.partition(b':')
                self.fields.append([name, value[1:] if value.startswith(b' ') else value])

    def _nth(self, name, nth):
        """Where the nth field of that name is, or None."""
        at = [i for i, f in enumerate(self.fields) if f[0].lower() == name.lower()]
        return at[nth - 1] if 0 < nth <= len(at) else None

    def apply(self, edits):
        """As Postfix does: deleting renumbers; index 0 is the top, 1 stands under the MTA's own Received."""
        for kind, index, name, value in edits:
            if kind == 'insheader':
                self.fields.insert(max(0, index - 1), [_octets(name), _octets(value)])
            elif kind == 'addheader':
                self.fields.append([_octets(name), _octets(value)])
            elif kind == 'chgheader':
                at = self._nth(_octets(name), max(1, index))
                if at is None and value:
                    self.fields.append([_octets(name), _octets(value)])
                elif at is not None and value:
                    self.fields[at][1] = _octets(value)
                elif at is not None:
                    del self.fields[at]
        return self

    def values(self, name):
        return [f[1].decode('utf-8', 'surrogateescape') for f in self.fields if f[0].lower() == name.lower().encode()]

    def octets(self):
        head = b''.join(n + b': ' + v + b'\n' for n, v in self.fields)
        return head.replace(b'\n', b'\r\n') + b'\r\n' + self.body


class Result:
    def __init__(self, reply, text, edits, message):
        self.reply, self.text, self.edits, self.message = reply, text, edits, message

    def values(self, name):
        """Of that field, in the message as edited."""
        return Message(self.message).values(name)

    def inserted(self, name):
        return [e[3] for e in self.edits if e[0] in ('insheader', 'addheader') and e[2].lower() == name.lower()]

    def deleted(self, name):
        return [e[1] for e in self.edits if e[0] == 'chgheader' and e[2].lower() == name.lower() and not e[3]]


class Client:
    """One connection. Each step sends its macros and, unless SMFIP_NR_* says
    otherwise, waits for the reply, which it returns as a word (None: no reply
    was due, '': the step is not wanted)."""

    def __init__(self, where, actions=POSTFIX_ACTIONS, steps=POSTFIX_STEPS, version=6, timeout=10.0):
        self.sock = dial(where, timeout)
        self.offered = (version, actions, steps)
        self.version, self.actions, self.steps = version, 0, 0
        self.symlist = {}
        self.macros = {}
        self.text = ''
        self.edits = []

    # --- frames -----------------------------------------------------------------

    def send_raw(self, octets):
        try:
            self.sock.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def send(self, command, data=b''):
        self.send_raw(struct.pack('>I', 1 + len(data)) + command + data)

    def _exactly(self, n):
        got = b''
        while len(got) < n:
            try:
                piece = self.sock.recv(n - len(got))
            except socket.timeout:
                raise Silent from None
            except ConnectionResetError:
                raise Closed from None
            if not piece:
                raise Closed
            got += piece
        return got

    def receive(self):
        """One frame: (command, data)."""
        n, = struct.unpack('>I', self._exactly(4))
        frame = self._exactly(n)
        return frame[:1], frame[1:]

    def closed(self, timeout=5.0):
        """Does the milter hang up, without a word?"""
        self.sock.settimeout(timeout)
        try:
            return self.sock.recv(1) == b''
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def close(self):
        self.sock.close()

    # --- one step ---------------------------------------------------------------

    def wait_reply(self):
        """The word that ends a step; edits on the way are kept."""
        while True:
            command, data = self.receive()
            if command in _FINAL:
                self.text = data.rstrip(b'\0').decode('utf-8', 'replace')
                return _FINAL[command]
            self._take_edit(command, data)

    def _take_edit(self, command, data):
        if command in b'im':
            index, = struct.unpack('>I', data[:4])
            name, value = _strings(data[4:])
            self.edits.append(('insheader' if command == b'i' else 'chgheader', index, name, value))
        elif command == b'h':
            name, value = _strings(data)
            self.edits.append(('addheader', -1, name, value))
        elif command == b'q':
            self.edits.append(('quarantine', -1, '', _strings(data)[0]))
        elif command != b'p':
            self.edits.append((command.decode('latin-1'), -1, '', data.decode('latin-1')))

    def send_macros(self, command):
        """Those that are asked for at this stage and have a value."""
        stage = STAGES.get(command)
        if stage is None:
            return
        wanted = self.symlist.get(stage, _USUAL[stage]).split()
        pairs = [(n, self.macros[n]) for n in wanted if self.macros.get(n)]
        if pairs:
            self.send(b'D', command + b''.join(_octets(n) + b'\0' + _octets(v) + b'\0' for n, v in pairs))

    def step(self, command, data=b''):
        if self.steps & _OMIT.get(command, 0):
            return ''
        self.send_macros(command)
        self.send(command, data)
        return None if self.steps & _NO_REPLY.get(command, 0) else self.wait_reply()

    # --- the protocol in order ----------------------------------------------------

    def negotiate(self):
        self.send(b'O', struct.pack('>III', *self.offered))
        command, data = self.receive()
        if command != b'O':
            raise Closed
        self.version, self.actions, self.steps = struct.unpack('>III', data[:12])
        at = 12
        while at < len(data):
            stage, = struct.unpack('>I', data[at:at + 4])
            end = data.index(b'\0', at + 4)
            self.symlist[stage] = data[at + 4:end].decode()
            at = end + 1
        return self

    def connect(self, host='client.example', addr='192.0.2.1', port=25025, daemon_name=None, mta='mx.example'):
        self.macros.update({'j': mta, '_': f'{host} [{addr}]', '{daemon_name}': daemon_name or mta, '{daemon_addr}': '192.0.2.25', 'v': 'Postfix'})
        if addr is None:
            return self.step(b'C', _octets(host) + b'\0U')
        family = b'6' if ':' in addr else b'4'
        return self.step(b'C', _octets(host) + b'\0' + family + struct.pack('>H', port) + _octets(addr) + b'\0')

    def helo(self, name='client.example'):
        return self.step(b'H', _octets(name) + b'\0')

    def mail(self, sender='', auth=None, args=()):
        self.edits = []
        self.macros.pop('i', None)
        self.macros['{auth_authen}'] = auth
        self.macros['{mail_addr}'] = sender
        return self.step(b'M', b''.join(_octets(a) + b'\0' for a in (f'<{sender}>', *args)))

    def rcpt(self, addr, args=()):
        self.macros['{rcpt_addr}'] = addr
        return self.step(b'R', b''.join(_octets(a) + b'\0' for a in (f'<{addr}>', *args)))

    def data(self, queue_id=None):
        # Postfix has a queue id by now, not at MAIL.
        self.macros['i'] = queue_id
        return self.step(b'T')

    def header(self, name, value):
        return self.step(b'L', _octets(name) + b'\0' + _octets(value) + b'\0')

    def eoh(self):
        return self.step(b'N')

    def body(self, chunk):
        return self.step(b'B', chunk)

    def eom(self, data=b''):
        return self.step(b'E', data)

    def abort(self):
        self.send(b'A')

    def quit(self):
        try:
            self.send(b'Q')
        except Closed:
            pass
        self.close()

    def quit_nc(self):
        """End of this SMTP session; another one follows on the same connection."""
        self.send(b'K')

    # --- whole pieces ---------------------------------------------------------------

    def envelope(self, mail_from, rcpts, auth=None, queue_id='4QUEUE1'):
        self.mail(mail_from, auth)
        for r in rcpts:
            self.rcpt(r)
        self.data(queue_id)

    def content(self, octets, up_to_eom=False):
        """Header and body; with up_to_eom all but the end."""
        m = Message(octets)
        for name, value in m.fields:
            self.header(name, value)
        self.eoh()
        for at in range(0, len(m.body), CHUNK):
            self.body(m.body[at:at + CHUNK])
        return None if up_to_eom else self.finish(octets)

    def finish(self, octets):
        reply = self.eom()
        return Result(reply, self.text, self.edits, Message(octets).apply(self.edits).octets())

    def message(self, octets, mail_from, rcpts, auth=None, queue_id='4QUEUE1'):
        self.envelope(mail_from, rcpts, auth, queue_id)
        return self.content(octets)


def send_message(sock, octets, mail_from='', rcpts=(), client_addr='192.0.2.1', helo='client.example', daemon_name=None,
                 auth=None, queue_id='4QUEUE1', **options):
    """One message on a connection of its own; sock is an address as dial() takes,
    or a Client that has been through connect(). Gives a Result."""
    if isinstance(sock, Client):
        return sock.message(octets, mail_from, rcpts, auth, queue_id)
    c = Client(sock, **options).negotiate()
    try:
        c.connect(addr=client_addr, daemon_name=daemon_name)
        c.helo(helo)
        return c.message(octets, mail_from, rcpts, auth, queue_id)
    finally:
        c.quit()
