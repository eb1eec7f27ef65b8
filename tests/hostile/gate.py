"""A TCP gate in front of a dependency, with or without TLS, that can be turned bad and good again at any time."""
import contextlib
import select
import socket
import ssl
import struct
import threading
import time

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: the close is an RST
TICK_S = 0.02
FROZEN = ("silent", "no SYN answer", "TLS hangs")


class Gate:
    """Modes:
    pass            what comes goes through
    silent          connections are taken and nothing moves, on those that were there neither
    no SYN answer   the same, and new connections are not even taken: the queue of the listener is full
    reset           every connection is answered with an RST
    refuse          nobody listens
    TLS hangs       connections are taken, the handshake is not answered
    any other       a name in `contexts`: TLS with that certificate"""

    def __init__(self, port, contexts=None):
        self.to, self.contexts = ("127.0.0.1", port), contexts or {}
        self.mode, self.age, self.open = "pass", 0, 0
        self.closing = False
        self.fillers = []
        self.listener = self.listen(0)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.take, daemon=True)
        self.thread.start()

    def listen(self, port):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(0)
        made.settimeout(TICK_S)
        return made

    def turn(self, mode, cut=False):
        """cut: end the connections that are there."""
        self.mode, self.age = mode, self.age + cut

    def stop(self):
        self.closing = True
        self.thread.join(5)
        for one in (self.listener, *self.fillers):
            one.close()

    # --- taking connections

    def take(self):
        while not self.closing:
            if self.mode == "no SYN answer":
                self.fill()
            elif self.mode == "refuse":
                self.listener.close()
                time.sleep(TICK_S)
            else:
                self.take_one()

    def fill(self):
        while len(self.fillers) < 4:
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(one)
        time.sleep(TICK_S)

    def take_one(self):
        while self.fillers:
            self.fillers.pop().close()
        if self.listener.fileno() < 0:
            self.listener = self.listen(self.port)
        with contextlib.suppress(TimeoutError, OSError):
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    # --- one connection

    def serve(self, sock):
        age, back = self.age, None
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if self.contexts:
                sock = self.shake_hands(sock, age)
            back = socket.create_connection(self.to)
            while not self.closing and age == self.age and self.move(sock, back):
                pass
        for one in (sock, back):
            if one:
                one.close()

    def shake_hands(self, sock, age):
        while self.mode in FROZEN and age == self.age and not self.closing:
            time.sleep(TICK_S)
        context = self.contexts.get(self.mode) or self.contexts["pass"]
        sock.settimeout(5)
        return context.wrap_socket(sock, server_side=True)

    def move(self, sock, back):
        """What there is to move; False at the end."""
        if self.mode in ("reset", "refuse"):
            return False
        if self.mode in FROZEN:
            time.sleep(TICK_S)
            return True
        waiting = isinstance(sock, ssl.SSLSocket) and sock.pending()
        ready = [sock] if waiting else select.select([sock, back], [], [], TICK_S)[0]
        for one, other in ((sock, back), (back, sock)):
            if one in ready:
                piece = one.recv(65536)
                if not piece:
                    return False
                other.sendall(piece)
        return True
