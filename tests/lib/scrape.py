"""HTTP as Prometheus speaks it, without a library in between, and what it reads."""

import re
import socket

SAMPLE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def dial(where, timeout=10.0):
    """where: a path, or a port on loopback."""
    s = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    s.settimeout(timeout)
    try:
        s.connect(where if isinstance(where, str) else ('127.0.0.1', where))
    except OSError:
        s.close()
        raise
    return s


def raw(where, octets, timeout=10.0):
    """Sends that and reads to the end."""
    with dial(where, timeout) as s:
        s.sendall(octets)
        got = b''
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                piece = b''
            if not piece:
                return got
            got += piece


def ask(where, path, method='GET', timeout=10.0):
    """(status, fields in lower case, body); status 0 without an answer."""
    got = raw(where, f'{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode(), timeout)
    head, _, body = got.partition(b'\r\n\r\n')
    lines = head.decode('latin-1').split('\r\n')
    status = lines[0].split(' ')
    fields = dict(line.lower().split(': ', 1) for line in lines[1:] if ': ' in line)
    return (int(status[1]) if len(status) > 1 else 0), fields, body.decode()


class Metrics(dict):
    """Text format 0.0.4, read strictly: {(name, labels): value}."""

    def __init__(self, text):
        super().__init__()
        self.type, self.help = {}, {}
        if not text.endswith('\n'):
            raise ValueError('the last line has no end')
        for line in text.splitlines():
            if line.startswith('# HELP '):
                name, self_help = line[7:].split(' ', 1)
                if name in self.help:
                    raise ValueError('two helps for ' + name)
                self.help[name] = self_help
            elif line.startswith('# TYPE '):
                name, kind = line[7:].split(' ')
                self.type[name] = kind
            else:
                self.add(line)

    def add(self, line):
        m = SAMPLE.match(line)
        if not m:
            raise ValueError('not a sample: ' + line)
        name, labels, value = m.groups()
        if not any(name == f + e for f in self.type for e in ('', '_bucket', '_sum', '_count')):
            raise ValueError('no type for ' + name)
        found = LABEL.findall(labels or '')
        if ','.join(f'{k}="{v}"' for k, v in found) != (labels or ''):
            raise ValueError('labels of ' + line)
        key = name, tuple(sorted(found))
        if key in self:
            raise ValueError('twice: ' + line)
        self[key] = float(value)

    def get_value(self, name, **labels):
        return self.get((name, tuple(sorted(labels.items()))))

    def counted(self, name, *keys):
        """What is not 0 of one metric, by the values of those labels."""
        return {tuple(dict(labels)[k] for k in keys) if len(keys) > 1 else dict(labels)[keys[0]]: int(v) for (n, labels), v in self.items() if n == name and v}


def metrics(where, timeout=10.0):
    status, _, body = ask(where, '/metrics', timeout=timeout)
    if status != 200:
        raise ValueError(f'/metrics: {status} {body}')
    return Metrics(body)
