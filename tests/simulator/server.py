"""The simulator's two listeners, on 127.0.0.1 unless told otherwise: chat, return address and Graph; and the hop after it."""

import http.server
import pathlib
import socket
import struct
import threading
import urllib.parse

from . import events, pages
from .acts import Acts
from .graph import ALL_FAULTS, DRIP_MAX, Graph
from .state import State

BODY_MAX = 64 * 1024
BUSY_MAX = 64
IDLE_S = 10
RETURN_PATHS = ("/messenger_platform/account_linking", "/messenger_platform/account_linking/")
STYLE = pathlib.Path(__file__).with_name("style.css")
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


class Wiring:
    """Where the service is, and what 'Facebook' shares with it."""

    def __init__(self, app_secret, service_url="", webhook_url="", link_url="", page_id=events.PAGE_ID):
        self.app_secret, self.page_id = app_secret, page_id
        self.webhook_url, self.link_url = webhook_url, link_url
        if service_url:
            self.connect(service_url)

    def connect(self, service_url):
        self.webhook_url = self.webhook_url or service_url + "/webhook"
        self.link_url = self.link_url or service_url + "/link"


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port, handler, simulator, bind):
        self.simulator = simulator
        self.room = threading.BoundedSemaphore(BUSY_MAX)
        self.ended = threading.Event()  # ends the waits of answers that are slow on purpose
        super().__init__((bind, port), handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request, client_address):
        if self.room.acquire(timeout=1):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.room.release()

    def handle_error(self, request, client_address):
        """A browser that went away is nobody's error."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Common to both listeners: bounds, answers."""

    timeout = IDLE_S
    server_version = "MessengerSimulator"
    sys_version = ""

    def log_message(self, *unused):
        """Silent: what happened is on the page."""

    @property
    def simulator(self):
        return self.server.simulator

    def split(self):
        """-> path, raw query, first value of each parameter."""
        path, _, query = self.path.partition("?")
        return path, query, {k: v[0] for k, v in urllib.parse.parse_qs(query, keep_blank_values=True).items()}

    def body(self):
        """The request's body; None and an answer when it is too large or has no length."""
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > BODY_MAX:
            self.answer(413, "text/plain", b"too large\n")
            return None
        return self.rfile.read(int(length))

    def answer(self, status, kind, raw, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def page(self, status, markup):
        self.answer(status, "text/html; charset=utf-8", markup.encode(), Content_Security_Policy=POLICY)

    def redirect(self, url, status=303):
        self.answer(status, "text/plain", b"", Location=url)

    def ours(self):
        """Only pages of ours may post, and nobody may reach us under another name."""
        names = {one + self.server.url[len("http://127.0.0.1"):] for one in ("127.0.0.1", "localhost")}
        origin = self.headers.get("Origin") if self.command == "POST" else None
        if self.headers.get("Host") in names and (origin is None or origin.removeprefix("http://") in names):
            return True
        self.answer(403, "text/plain", b"only from this machine's own page\n")
        return False


class Chat(Handler):
    """Chat, buttons, panel, the return address, Graph."""

    def do_GET(self):
        path, query, asked = self.split()
        if self.simulator.graph.handles(path):
            return self.graph(path, query, b"")
        if not self.ours():
            return None
        if path == "/":
            return self.chat(asked)
        if path == "/style.css":
            return self.answer(200, "text/css", STYLE.read_bytes())
        if path == "/login":
            return self.log_in(asked)
        if path in RETURN_PATHS:
            return self.redirect(self.simulator.hop.url + "/finish?" + query, 302)
        return self.page(404, pages.plain_page("Not found", "There is nothing at this address."))

    do_HEAD = do_GET

    def do_POST(self):
        path, query, _ = self.split()
        raw = self.body()
        if raw is None:
            return None
        if self.simulator.graph.handles(path):
            return self.graph(path, query, raw)
        if not self.ours():
            return None
        form = dict(urllib.parse.parse_qsl(raw.decode("utf-8", "replace")))
        return self.press(path, form)

    def press(self, path, form):
        psid = events.new_psid() if path == "/person" else form.get("psid") or self.simulator.psid
        if not self.good_psid(psid):
            return None
        person, acts = self.simulator.state.person(psid), self.simulator.acts
        if path == "/logout":
            acts.log_out(person)
        elif path == "/say":
            acts.say(person, form.get("text", "")[:500] or "Hello")
        elif path == "/deliver" and not acts.deliver(person, form.get("what", "")):
            return self.page(400, pages.plain_page("Unknown delivery", "The panel has no such button."))
        elif path == "/graph":
            self.simulator.graph.fault = form.get("fault") if form.get("fault") in ALL_FAULTS else ""
        elif path not in ("/deliver", "/person"):
            return self.page(404, pages.plain_page("Not found", "There is nothing at this address."))
        return self.redirect(f"{self.server.url}/?psid={psid}")

    def good_psid(self, psid):
        if psid.isascii() and psid.isdigit() and len(psid) <= 64:
            return True
        self.page(400, pages.plain_page("Bad id", "A page-scoped id is up to 64 digits."))
        return False

    def log_in(self, asked):
        psid = asked.get("psid") or self.simulator.psid
        return self.redirect(self.simulator.link_address(psid), 302) if self.good_psid(psid) else None

    def chat(self, asked):
        psid = asked.get("psid") or self.simulator.psid
        if not self.good_psid(psid):
            return None
        state = self.simulator.state
        with state.lock:
            markup = pages.chat_page(state, state.person(psid), self.simulator.wiring.webhook_url, self.simulator.graph)
        return self.page(200, markup)

    def graph(self, path, query, raw):
        answer = self.simulator.graph.answer(self.command, path, query, self.headers, raw)
        if answer.wait_s:
            self.server.ended.wait(answer.wait_s)
        if answer.reset:
            return self.reset()
        if answer.drip:
            return self.drip(answer)
        return self.answer(answer.status, "application/json", answer.raw)

    def reset(self):
        """End the connection with RST in place of an answer."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def drip(self, answer):
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.raw)))
        self.end_headers()
        for at in range(min(len(answer.raw), DRIP_MAX)):
            self.wfile.write(answer.raw[at:at + 1])
            if self.server.ended.wait(1):
                return


class Hop(Handler):
    """The third origin: Facebook tells the webhook from here, then shows the chat again."""

    def do_GET(self):
        path, _, asked = self.split()
        if not self.ours():
            return None
        if path != "/finish":
            return self.answer(404, "text/plain", b"nothing here\n")
        person = self.simulator.acts.finish_login(asked.get("account_linking_token", ""),
                                                  asked.get("authorization_code", ""))
        if person is None:
            return self.page(400, pages.plain_page("Link expired",
                                                   "This linking token is unknown, used or too old."))
        return self.redirect(f"{self.simulator.url}/?psid={person.psid}")


class Simulator:
    """Both listeners, each in its thread from start() to stop()."""

    def __init__(self, wiring, port=0, return_port=0, graph_tokens=(), bind="127.0.0.1", prove=True):
        self.wiring, self.state = wiring, State()
        self.acts = Acts(self.state, wiring)
        self.graph = Graph(self.state, dict(graph_tokens), wiring.app_secret if prove else None)
        self.psid = events.new_psid()
        self.chat = Listener(port, Chat, self, bind)
        try:
            self.hop = Listener(return_port, Hop, self, bind)
        except OSError:
            self.chat.server_close()
            raise
        self.url = self.chat.url
        self.threads = []

    @property
    def redirect_hosts(self):
        """Value for LINKD_REDIRECT_HOSTS: the return address, and where it hops on to."""
        return f"{self.url},{self.hop.url}"

    def link_address(self, psid):
        """What the Log In button opens: a fresh token, and a return address that carries it."""
        self.state.person(psid)
        token = self.state.new_token(psid)
        back = f"{self.url}{RETURN_PATHS[1]}?account_linking_token={token}"
        joint = "&" if "?" in self.wiring.link_url else "?"
        return (f"{self.wiring.link_url}{joint}account_linking_token={token}"
                f"&redirect_uri={urllib.parse.quote(back, safe='')}")

    def start(self):
        self.graph.app.callback_url = self.graph.app.callback_url or self.wiring.webhook_url
        for listener in (self.chat, self.hop):
            thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1},
                                      daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def stop(self):
        for listener in (self.chat, self.hop):
            listener.ended.set()
            if self.threads:
                listener.shutdown()
            listener.server_close()
        for thread in self.threads:
            thread.join(5)
