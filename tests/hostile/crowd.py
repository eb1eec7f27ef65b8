"""Many connections that behave badly, all driven by one thread."""
import contextlib
import heapq
import selectors
import socket
import struct
import threading
import time
import urllib.parse

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: the close is an RST
SEND_MAX = 65536


class Manner:
    """How one connection behaves.
    start   bytes sent at once
    piece   bytes sent every `every_s` from then on
    read    bytes read every `every_s`; None: all that comes; 0: nothing ever
    then    after the start: None, 'fin' (half-close) or 'rst'
    again   connect anew when it ended, while the crowd's `again` holds
    few     a tenth of the connections: they cost the service work"""

    def __init__(self, start=b"", piece=b"", every_s=0.4, read=None, then=None, again=False, few=False):
        self.start, self.piece, self.every_s, self.read, self.then = start, piece, every_s, read, then
        self.again, self.few = again, few


class Crowd(threading.Thread):
    """`n` connections of each manner, from the addresses in turn, `rate` new ones a second, until `stop`."""

    def __init__(self, service, manners, n, sources=("127.0.0.1",), rate=2000):
        super().__init__(daemon=True)
        at = urllib.parse.urlsplit(service.url)
        self.to = (at.hostname, at.port)
        self.again = True
        self.wanted = [manner for i in range(n) for manner in manners if not manner.few or i % 10 == 0]
        self.sources, self.rate = sources, rate
        self.manner_of = {}  # by our port
        self.opened = self.ended = self.failed = 0
        self.left = len(self.wanted)  # not ended for good yet
        self.chosen = selectors.DefaultSelector()  # those that read all
        self.held = set()                          # the others
        self.due = []
        self.ending = threading.Event()
        self.start()

    def run(self):
        begun = time.monotonic()
        while not self.ending.is_set():
            most = int((time.monotonic() - begun) * self.rate) + 1 - self.opened
            for manner in self.wanted[:max(0, most)]:
                self.open(manner)
            del self.wanted[:max(0, most)]
            for key, _ in self.chosen.select(0.02):
                self.readable(key.fileobj, key.data)
            self.move_on()
        for sock in [key.fileobj for key in self.chosen.get_map().values()] + list(self.held):
            sock.close()
        self.chosen.close()

    def open(self, manner):
        self.opened += 1
        sock = socket.socket()
        if manner.read is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        try:
            sock.bind((self.sources[self.opened % len(self.sources)], 0))
            sock.settimeout(1)
            sock.connect(self.to)
            sock.setblocking(False)
            self.manner_of[sock.getsockname()[1]] = manner
            self.begin(sock, manner)
        except OSError:
            self.failed += 1
            self.end(sock, manner)

    def begin(self, sock, manner):
        sock.send(manner.start)
        if manner.then == "fin":
            sock.shutdown(socket.SHUT_WR)
        if manner.then == "rst":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.end(sock, manner)
            return
        if manner.read is None:
            self.chosen.register(sock, selectors.EVENT_READ, manner)
        else:
            self.held.add(sock)
        if manner.piece or manner.read:
            heapq.heappush(self.due, (time.monotonic() + manner.every_s, id(sock), sock, manner))

    def readable(self, sock, manner):
        try:
            if sock.recv(SEND_MAX):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.end(sock, manner)

    def move_on(self):
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            _, _, sock, manner = heapq.heappop(self.due)
            if sock.fileno() >= 0 and self.step(sock, manner):
                heapq.heappush(self.due, (now + manner.every_s, id(sock), sock, manner))

    def step(self, sock, manner):
        """Its next piece, its next read; False when the other side ended it."""
        try:
            if manner.read and sock.recv(manner.read) == b"":
                self.end(sock, manner)
                return False
        except BlockingIOError:
            pass
        except OSError:
            self.end(sock, manner)
            return False
        with contextlib.suppress(BlockingIOError):
            try:
                sock.send(manner.piece)
            except (BrokenPipeError, ConnectionError):
                self.end(sock, manner)
                return False
        return True

    def end(self, sock, manner):
        with contextlib.suppress(KeyError, ValueError):
            self.chosen.unregister(sock)
        self.held.discard(sock)
        sock.close()
        self.ended += 1
        if manner.again and self.again:
            self.wanted.append(manner)
        else:
            self.left -= 1

    def stop(self):
        self.ending.set()
        self.join(10)
