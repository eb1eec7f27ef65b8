"""Requests made beforehand, the program that sends them at a fixed rate, and what came of them."""
import collections
import json
import pathlib
import random
import secrets
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

import figures
from conftest import FULL
from dynamodb.servers import ENVIRONMENT
from harness import canary
from harness.client import FORM
from harness.phone import Customer, Phone, new_address
from harness.service import BINARY
from simulator import events

HERE = pathlib.Path(__file__).parent
DRIVER = pathlib.Path(BINARY).parent / "load/load_driver"
RESULT = struct.Struct("<IHHQI")
LOST, WENT, SILENT = 0, 1, 2  # statuses of load_driver.c
GOOD = {200, 303}
SEARCHED = 0.02  # of the PSIDs in the logs: each costs a pass over them
Request = collections.namedtuple("Request", "kind psid raw")
Result = collections.namedtuple("Result", "kind psid status retry_after at_s ms")


class Child:
    """A stand-in of this folder as a child; it takes a JSON object a line and answers each."""
    def __init__(self, script, **values):
        self.process = subprocess.Popen([sys.executable, HERE / script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.set(**values)

    def set(self, **values):
        self.process.stdin.write(json.dumps(values) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def tell(self):
        """What it did since the last time."""
        return self.set(tell=True)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Standin(Child):
    """Of DynamoDB."""
    def __init__(self, **values):
        super().__init__("standin.py", **values)

    def settings(self):
        return {**ENVIRONMENT, "LINKD_STORE": "dynamodb:load", "AWS_ENDPOINT_URL_DYNAMODB": self.url}


class Graph(Child):
    """Of Graph, with one page token; `prove` tells it the app secret of the service."""
    def __init__(self):
        self.page_token = "EAAG" + secrets.token_hex(20)
        super().__init__("graph_standin.py", token=self.page_token)

    def prove(self, service):
        self.set(app_secret=service.secret)

    def settings(self):
        return {"LINKD_GRAPH_URL": self.url, "LINKD_PAGE_ACCESS_TOKEN": self.page_token, "LINKD_PAGE_IDS": events.PAGE_ID,
                "LINKD_GRAPH_LOOKUPS": "1000"}


class Maker:
    """Bytes of requests to one service.  Its store finds each e-mail, with this customer's password."""
    def __init__(self, service):
        self.service = service
        self.host = urllib.parse.urlsplit(service.url).netloc
        self.customer = Customer(service)
        self.code = Phone(service).get_code(self.customer)
        self.renew()

    def renew(self):
        """A page whose form is not too old."""
        self.phone = Phone(self.service)
        self.phone.open()

    def bytes(self, method, target, headers=(), body=b""):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *(f"{k}: {v}" for k, v in headers)]
        lines += [f"Content-Length: {len(body)}"] if method == "POST" else []
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def webhook(self, *made, kind="webhook", psid=None):
        body = events.body(*made)
        headers = [("Content-Type", "application/json"), ("X-Hub-Signature-256", events.sign(body, self.service.secret))]
        return Request(kind, psid, self.bytes("POST", "/webhook", headers, body))

    def linked(self):
        psid = events.new_psid()
        if random.random() < SEARCHED:
            canary.secret(psid, "PSID")
        return self.webhook(events.linked(psid, self.code), psid=psid)

    def several(self, n=30):
        """People who link at the same time, in one delivery."""
        psids = [canary.secret(events.new_psid(), "PSID") for _ in range(n)]
        return self.webhook(*(events.linked(psid, self.code) for psid in psids), kind="several")

    def unlinked(self):
        return self.webhook(events.unlinked(events.new_psid()), kind="unlinked")

    def message(self):
        return self.webhook(events.message(events.new_psid(), "hello"), kind="message")

    def login(self, password=None, address=None, kind="login", email=None, phone=None):
        """Somebody new at an address nobody else has; phone: one whose last page is the login page."""
        phone = phone or self.phone
        target, form = phone.last.page.submit("/link/login")
        fields = {**form, "email": email or f"m{secrets.token_hex(8)}@example.com", "password": password or self.customer.password}
        headers = [("Content-Type", FORM), ("Origin", self.service.url), *phone.headers().items()]
        headers = [(k, address or new_address()) if k == "X-Forwarded-For" else (k, v) for k, v in headers]
        return Request(kind, None, self.bytes("POST", target, headers, urllib.parse.urlencode(fields).encode()))

    def page(self):
        return Request("page", None, self.bytes("GET", self.phone.address_of_link()))

    def health(self):
        return Request("health", None, self.bytes("GET", "/healthz"))

    def mix(self, n, **shares):
        """n requests of these kinds, in any order; each is new."""
        kinds = [getattr(self, name) for name in shares]
        return [make() for make in random.choices(kinds, list(shares.values()), k=n)]


class Load:
    """The driver at work; result() waits for its end."""
    def __init__(self, folder, service, requests, rate, seconds, connections=4096, away=0):
        self.requests, self.seconds = requests, seconds
        name = secrets.token_hex(4)
        file, self.out = folder / f"{name}.requests", folder / f"{name}.results"
        file.write_bytes(b"".join(struct.pack("<I", len(one.raw)) + one.raw for one in requests))
        port = urllib.parse.urlsplit(service.url).port
        words = [DRIVER, port, rate, seconds, connections, away, file, self.out]
        self.process = subprocess.Popen([str(word) for word in words])

    def result(self):
        assert self.process.wait(self.seconds + 60) == 0
        raw = self.out.read_bytes()
        return [Result(self.requests[n].kind, self.requests[n].psid, status, after, due / 1e6, us / 1e3)
                for n, status, after, due, us in RESULT.iter_unpack(raw)]


class Lag:
    """How late a thread is that sleeps 10 ms and works 1 ms: what the machine adds to every time, p99."""
    def __enter__(self):
        self.late, self.end = [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def run(self):
        while not self.end.is_set():
            before, worked = time.monotonic(), time.thread_time()
            time.sleep(0.010)
            while time.thread_time() - worked < 0.001:
                pass
            self.late.append((time.monotonic() - before) * 1000 - 11)

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()
        self.ms = percentile(self.late, 0.99)
        self.slack = 0 if FULL else 10 * self.ms
        self.held = sum(ms > 20 for ms in self.late)  # times that the machine held it for over 20 ms


def tell(lines):
    print("\n" + "\n".join(lines))
    return lines


def keep(section, lines):
    """The figures of a full run that held its bounds stand in the README."""
    if FULL:
        figures.write(HERE.parent / "FIGURES.md", section, ["```", *lines, "```"])


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def good(results):
    return [one for one in results if one.status in GOOD]
