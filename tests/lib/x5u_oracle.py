"""Which rules of x5u a URL breaks, by Python's own URL parser.

Reads URLs, one a line, and prints for each the words of the rules it breaks, or
"ok".  Shares no code with core/x5u.c, which must agree about every URL, and whose
first reason must be among the words.
"""
import ipaddress
import re
import socket
import sys
import urllib.parse

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
PATH = re.compile(r"(?:[A-Za-z0-9/._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*\Z")


def is_address(host):
    if host.startswith("["):
        return True
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        pass
    try:
        socket.inet_aton(host)  # also "1", "0x7f.1"
        return True
    except OSError:
        return False


def authority_faults(netloc):
    if "@" in netloc:
        yield "user"
    host = netloc.rpartition("@")[2]
    if not host.startswith("["):
        host, colon, port = host.partition(":")
        if colon and port not in ("443", "8443"):
            yield "port"
    if not host:
        yield "nohost"
    elif is_address(host):
        yield "address"
    elif host.endswith("."):
        yield "dot"
    elif len(host) > 253 or not all(LABEL.match(label) for label in host.split(".")):
        yield "name"


def path_faults(path):
    if not path:
        yield "nopath"
    if not PATH.match(path):
        yield "octet"
    if any(ord(c) < 32 or ord(c) == 127 for c in urllib.parse.unquote(path, "latin-1")):
        yield "control"
    if any(urllib.parse.unquote(part, "latin-1") in (".", "..") for part in path.split("/")):
        yield "dots"


def faults(url):
    if len(url) > 1024:
        yield "long"
    if any(not 0x21 <= ord(c) <= 0x7E for c in url):
        yield "octet"
        yield "name"
    if "?" in url:
        yield "query"
    if "#" in url:
        yield "fragment"
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port
    except ValueError:
        yield "port"
        yield "address"
        return
    if parts.scheme != "https" or not url.lower().startswith("https://"):
        yield "scheme"
    yield from authority_faults(parts.netloc)
    yield from path_faults(parts.path)


def main():
    for line in sys.stdin.buffer:
        url = line.rstrip(b"\r\n").decode("latin-1")
        print(" ".join(sorted(set(faults(url)))) or "ok")


main()
