"""A Graph that knows every linking token: the profile is a digest of the token.  It can fail in several ways at any time.

A process of its own, told on stdin, one JSON object a line: {"mode": "reset", "token": "EAA...", "app_secret": "..."} sets,
{"tell": true} asks.  It prints its port, then an answer to each line: how often it was called since the last time.
Modes:
    right       every call is answered
    black hole  no SYN is answered, and no request on the connections that are there
    reset       each request is answered with an RST
    500         each request is answered with status 500
    drip        the answer comes with one byte a second
    no names    a name is never answered"""
import asyncio
import hashlib
import hmac
import json
import pathlib
import re
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from simulator.events import PAGE_ID  # noqa: E402

GET = re.compile(r"GET /v\d+\.\d+/(me|\d{17})\?appsecret_proof=(\w+)&fields=([a-z_,]+)(?:&account_linking_token=([\w-]+))? ")
POST = re.compile(r"POST /v\d+\.\d+/me/(unlink_accounts|messages)\?appsecret_proof=(\w+) ")
LENGTH = re.compile(r"\r\nContent-Length: (\d+)", re.I)


def psid_of(token):
    """17 digits, as new ones are."""
    return "7" + f"{int(hashlib.sha256(token.encode()).hexdigest(), 16) % 10**16:016d}"


def name_of(psid):
    return "First-" + psid[:8], "Last-" + psid[8:]


class Graph:
    def __init__(self):
        self.mode, self.token, self.app_secret = "right", "", ""
        self.calls, self.accepting = {}, None
        self.listener, self.fillers = socket.create_server(("127.0.0.1", 0), backlog=512), []
        self.listener.setblocking(False)

    def count(self, name):
        self.calls[name] = self.calls.get(name, 0) + 1

    def tell(self):
        told, self.calls = self.calls, {}
        return told

    async def accept(self):
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self.listener)
            await loop.connect_accepted_socket(lambda: Connection(self), sock)

    def turn(self):
        """Take connections, or let the queue of the listener be full."""
        deaf = self.mode == "black hole"
        if self.accepting:
            self.accepting.cancel()
        for one in self.fillers:
            one.close()
        self.listener.listen(0 if deaf else 512)
        self.fillers = [socket.socket() for _ in range(4 if deaf else 0)]
        for one in self.fillers:
            one.setblocking(False)
            one.connect_ex(self.listener.getsockname())
        self.accepting = None if deaf else asyncio.create_task(self.accept())

    def proof(self):
        return hmac.new(self.app_secret.encode(), self.token.encode(), hashlib.sha256).hexdigest()

    def answer(self, head):
        """-> status, value"""
        get, post = GET.match(head), POST.match(head)
        known = f"\r\nAuthorization: Bearer {self.token}\r\n" in head and (get or post) and (get or post)[2] == self.proof()
        if not known:
            self.count("wrong")
            return 400, {"error": {"code": 190, "message": "Invalid OAuth access token", "fbtrace_id": "A"}}
        if post:
            self.count(post[1])
            return 200, {"result": "unlink account success", "recipient_id": "1", "message_id": "m_1"}
        self.count("recipient" if get[1] == "me" else "name")
        if get[1] == "me":
            return 200, {"id": PAGE_ID, "recipient": psid_of(get[4])}
        first, last = name_of(get[1])
        return 200, {"first_name": first, "last_name": last, "id": get[1]}


class Connection(asyncio.Protocol):
    def __init__(self, graph):
        self.graph, self.buffer = graph, ""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data.decode("latin-1")
        head, ended, rest = self.buffer.partition("\r\n\r\n")
        length = LENGTH.search(head)
        if ended and len(rest) >= (int(length[1]) if length else 0):
            self.buffer = ""
            self.call(head + "\r\n")

    def call(self, head):
        mode = self.graph.mode
        status, value = self.graph.answer(head)
        if mode == "reset":
            self.transport.abort()
        elif mode == "500":
            self.send(b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno")
        elif mode == "right" or mode == "drip" or (mode == "no names" and "first_name" not in value):
            raw = json.dumps(value).encode()
            self.send(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(raw), raw))

    def send(self, raw):
        if self.graph.mode == "drip":
            self.drip(raw, 0)
        else:
            self.transport.write(raw)

    def drip(self, raw, at):
        if at < len(raw) and not self.transport.is_closing():
            self.transport.write(raw[at:at + 1])
            asyncio.get_running_loop().call_later(1, self.drip, raw, at + 1)


async def main():
    graph, loop = Graph(), asyncio.get_running_loop()
    graph.turn()
    lines = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(graph.listener.getsockname()[1], flush=True)
    while line := await lines.readline():
        asked = json.loads(line)
        told = graph.tell() if asked.pop("tell", False) else {}
        for name, value in asked.items():
            setattr(graph, name, value)
        if "mode" in asked:
            graph.turn()
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
