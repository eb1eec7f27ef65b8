"""Bytes on a socket, for requests that a proper HTTP client does not send."""

import contextlib
import socket
import time
import urllib.parse

from . import lint

bare = {"answers": 0}


def connect(url, timeout=5, receive_buffer=None):
    at = urllib.parse.urlsplit(url)
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.settimeout(timeout)
    made.connect((at.hostname, at.port))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def read_all(sock, wait=3.0):
    """Bytes until the other side closes or `wait` seconds went by; -> (bytes, closed)."""
    got, ends = b"", time.monotonic() + wait
    while (left := ends - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            piece = sock.recv(65536)
        except TimeoutError:
            break
        except ConnectionError:
            return got, True
        if not piece:
            return got, True
        got += piece
    return got, False


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def __repr__(self):
        return f"Answer({self.status}, {self.body[:60]!r})"


def split_answers(raw, head=False):
    """Every response in the bytes; the interim 100s are left out."""
    found = []
    while raw.startswith(b"HTTP/"):
        block, ended, rest = raw.partition(b"\r\n\r\n")
        if not ended:
            break
        lines = block.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = [tuple(one.split(":", 1)) for one in lines[1:]]
        headers = [(name, value.strip()) for name, value in headers]
        length = int(next((value for name, value in headers if name.lower() == "content-length"), "0"))
        body = b"" if head or status in (204, 304) or status < 200 else rest[:length]
        raw = rest[len(body):]
        if status >= 200:
            found.append(Answer(status, headers, body))
    return found


def fragments(raw, size):
    """The bytes in pieces of that size, or as the caller cut them."""
    if isinstance(raw, tuple):
        return raw
    return [raw[at:at + (size or len(raw))] for at in range(0, len(raw), size or len(raw) or 1)]


def talk(url, raw, wait=3.0, pieces=None):
    """Send bytes (in pieces of that size when given); a tuple of bytes: with a pause between; -> (answers, closed)."""
    with contextlib.closing(connect(url)) as sock:
        with contextlib.suppress(ConnectionError):
            for at, piece in enumerate(fragments(raw, pieces)):
                time.sleep(0.005 if at and isinstance(raw, tuple) else 0)
                sock.sendall(piece)
        got, closed = read_all(sock, wait)
    raw = b"".join(raw) if isinstance(raw, tuple) else raw
    head = raw.startswith(b"HEAD ")
    answers = split_answers(got, head)
    target = raw.split(b" ")[1].decode("latin-1") if raw.count(b" ") > 1 else "?"
    for one in answers:
        if one.header("x-request-id"):
            lint.check("HEAD" if head else "RAW", target, one.status, one.headers,
                       one.body.decode("utf-8", "replace"))
        else:
            bare["answers"] += 1
    return answers, closed


def request(method, target, headers=(), body=b"", host="127.0.0.1", length=True):
    """Bytes of a well-formed request, to be spoiled by the caller."""
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: " + host.encode()]
    lines += [name.encode() + b": " + value.encode("latin-1") for name, value in headers]
    if length and (body or method == "POST"):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
