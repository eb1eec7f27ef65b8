"""A flood of bodies that never end, a program of its own: python3 flood.py URL CONNECTIONS BYTES_A_SECOND LENGTH HOW SOURCE...

Each connection declares LENGTH bytes.  HOW: `burst` sends all but the last byte of one body after another and holds on, `even` sends them
side by side, `whole` sends one after another with the last byte, too.  A connection that ended is made anew at once.  At end of input it prints what it did, as JSON."""
import json
import select
import socket
import sys
import time
import urllib.parse

PIECE, TICK_S = 65536, 0.005
REPLY_MAX = 65536


class Body:
    """One connection."""

    def __init__(self, to, source, length, whole):
        self.head = (f"POST /webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256={'0' * 64}\r\n"
                     f"Content-Length: {length}\r\n\r\n").encode()
        self.left = length if whole else length - 1
        self.sock = socket.socket()
        self.sock.bind((source, 0))
        self.sock.settimeout(2)
        self.sock.connect(to)
        self.sock.setblocking(False)

    def send(self):
        """-> bytes sent; 0 when it has to wait or has no more."""
        try:
            if self.head:
                self.head = self.head[self.sock.send(self.head):]
                return 1
            sent = self.sock.send(b" " * min(self.left, PIECE)) if self.left else 0
        except BlockingIOError:
            return 0
        self.left -= sent
        return sent


class Flood:
    def __init__(self, url, n, rate, length, how, sources):
        at = urllib.parse.urlsplit(url)
        self.to, self.sources, self.n, self.rate = (at.hostname, at.port), sources, n, rate
        self.length, self.how = length, how
        self.bodies, self.waiting = {}, select.epoll()
        self.opened = self.sent = 0
        self.answers = {}

    def open(self):
        try:
            one = Body(self.to, self.sources[self.opened % len(self.sources)], self.length, self.how == "whole")
        except OSError:
            return
        finally:
            self.opened += 1
        self.bodies[one.sock.fileno()] = one
        self.waiting.register(one.sock.fileno(), select.EPOLLIN)

    def end(self, one):
        del self.bodies[one.sock.fileno()]
        one.sock.close()

    def answered(self, one):
        try:
            status = one.sock.recv(REPLY_MAX)[9:12].decode("latin-1") or "closed"
        except OSError:
            status = "reset"
        self.answers[status] = self.answers.get(status, 0) + 1
        self.end(one)

    def send_some(self, allowed):
        """Until that many bytes went out or nobody takes more."""
        moved = True
        while allowed > 0 and moved:
            moved = False
            for one in list(self.bodies.values()):
                most = allowed if self.how != "even" else min(allowed, PIECE)
                sent = self.send_one(one, most)
                allowed, self.sent, moved = allowed - sent, self.sent + sent, moved or sent > 0
                if allowed <= 0:
                    return

    def send_one(self, one, most):
        total = 0
        try:
            while total < most and (sent := one.send()):
                total += sent
        except OSError:
            self.answered(one)
        return total

    def run(self):
        began, last = time.monotonic(), time.monotonic()
        while not select.select([sys.stdin], [], [], 0)[0]:
            while len(self.bodies) < self.n:
                self.open()
            for fd, _ in self.waiting.poll(TICK_S):
                if fd in self.bodies:
                    self.answered(self.bodies[fd])
            now = time.monotonic()
            self.send_some(self.rate * min(now - last, 0.1))
            last = now
        print(json.dumps({"opened": self.opened, "mib_s": self.sent / (time.monotonic() - began) / (1 << 20), "answers": self.answers}))


if __name__ == "__main__":
    Flood(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5], sys.argv[6:]).run()
