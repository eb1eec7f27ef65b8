"""Nobody can tell by time who is a customer: failed logins of twelve kinds of customers against unknown e-mails.

Each kind is compared with unknown e-mails tried in the same minutes, in random order: the AUC (Mann-Whitney) of the times is the
chance to guess right from one try, 0.5 without any hint.  Quiet: one try at a time.  At once: 8 tries of one e-mail.  Flood:
beside more wrong logins of others than can be checked.  With LINKD_FULL=1 200 samples each, 40 minutes; LINKD_SAMPLES changes
that.  It wants a machine without other work: hashes run at the lowest priority, and noise hides what is looked for."""
import concurrent.futures
import random
import secrets
import socket
import threading
import time
import urllib.parse

import pytest

from conftest import FULL, count
from harness import canary, database
from harness.client import FORM
from harness.phone import Phone, new_address
from load.quiet import QuietService
from load.rig import Load, keep, percentile, tell

SAMPLES = count("LINKD_SAMPLES", 16, 200)
AT_ONCE = 8
GAP_S, BATCH_GAP_S, FLOOD_GAP_S = 0.35, 2.2, 0.15  # between tries, and batches, so that most meet no other
FLOOD = 180  # wrong logins a second
BOUNDS = (0.4, 0.6) if FULL else (0.2, 0.8)
UNKNOWN = "unknown e-mail"
BCRYPT = "$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6"
ARGON2 = "$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
KINDS = {  # the stored hash
    "argon2id as ours": "$argon2id$v=19$m=19456,t=2,p=1" + ARGON2,
    "argon2id, 64 MiB, 3 passes": "$argon2id$v=19$m=65536,t=3,p=1" + ARGON2,
    "bcrypt 10": "$2b$10" + BCRYPT,
    "bcrypt 12": "$2b$12" + BCRYPT,
    "sha512crypt": "$6$saltsalt$" + "x" * 86,
    "yescrypt": "$y$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$wlUhTDUqAryQnsZkFoU5UZ6UStBlZ4Z8j4gtdFPQVn4",
    "legacy SHA-1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "no password": None,
    "unusable hash": "!locked",
    "key too long": "$6$saltsalt$" + "x" * 86,
    "at the ceiling": "$6$saltsalt$" + "x" * 86,
    "two customers": "$6$saltsalt$" + "x" * 86,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory, binary):
    real = {"LINKD_ARGON2_MEMORY_KIB": None, "LINKD_ARGON2_PASSES": None, "LINKD_WORKERS": "1"}
    one = QuietService(tmp_path_factory.mktemp("timing"), **real).start()
    yield one
    one.stop()


def add(service, kind):
    """A new customer of this kind; -> the e-mail."""
    name = canary.secret(f"t{secrets.token_hex(8)}", "customer id")
    email = canary.secret(f"{name}@example.com", "e-mail")
    if kind == UNKNOWN:
        return email
    more = {"login_failures": 100, "login_window_ends": int(time.time()) + 3600} if kind == "at the ceiling" else {}
    ids = [name * 60] if kind == "key too long" else [name, name + "2"] if kind == "two customers" else [name]
    for one in ids:
        database.put(service.database, customer_id=one, email=email, password=KINDS[kind], **more)
    return email


class Tries:
    """Wrong passwords sent to one service, each of an address of its own; a page older than its form's life is renewed."""
    def __init__(self, service):
        self.service, self.to = service, urllib.parse.urlsplit(service.url)
        self.opened_s = 0

    def raw(self, email, address=None):
        if time.monotonic() - self.opened_s > 300:
            self.phone, self.opened_s = Phone(self.service), time.monotonic()
            self.phone.open()
        target, form = self.phone.last.page.submit("/link/login")
        body = urllib.parse.urlencode({**form, "email": email, "password": "not the password"})
        headers = {**self.phone.headers(), "Content-Type": FORM, "Origin": self.service.url, "Host": self.to.netloc,
                   "Content-Length": len(body), "X-Forwarded-For": address or new_address()}
        return (f"POST {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n" + body).encode()

    def send(self, raw, together):
        """-> ms from the last byte to the answer, status."""
        with socket.create_connection((self.to.hostname, self.to.port), timeout=30) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            together.wait()
            began = time.monotonic()
            s.sendall(raw)
            head = s.recv(64)
            return (time.monotonic() - began) * 1000, int(head.split()[1])


def auc(some, others):
    """The chance that one of `some` is above one of `others`; ties count half.  Times within 5 ms are one."""
    some, others = ([round(one / 5) for one in times] for times in (some, others))
    wins = sum((a > b) + 0.5 * (a == b) for a in some for b in others)
    return wins / (len(some) * len(others))


def measure(service, at_once, gap_s):
    """Batches in random order, as many of each kind; -> times by kind, statuses."""
    tries, times, statuses = Tries(service), {kind: [] for kind in (UNKNOWN, *KINDS)}, {}
    plan = [kind for kind in times for _ in range(-(-SAMPLES // at_once))]
    random.shuffle(plan)
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        made, due = [], time.monotonic()
        for kind in plan:
            email, together = add(service, kind), threading.Barrier(at_once)
            raws = [tries.raw(email) for _ in range(at_once)]
            time.sleep(max(0, due - time.monotonic()))
            due = max(due, time.monotonic()) + gap_s * random.uniform(0.8, 1.2)
            made += [(kind, pool.submit(tries.send, raw, together)) for raw in raws]
        for kind, one in made:
            ms, status = one.result()
            times[kind].append(ms)
            statuses[status] = statuses.get(status, 0) + 1
    return times, statuses


def learn(service):
    """One wrong login of each kind: after it the service knows what it must hide."""
    tries = Tries(service)
    for kind in KINDS:
        tries.send(tries.raw(add(service, kind)), threading.Barrier(1))


LINES = []


def judge(name, times, statuses):
    found = {kind: auc(times[kind], times[UNKNOWN]) for kind in KINDS}
    lines = tell([f"{name}: {SAMPLES} samples each, statuses {dict(sorted(statuses.items()))}",
          f"{'':<28} {'AUC':>5} {'p10 ms':>7} {'p50 ms':>7} {'p90 ms':>7}",
          *(f"{kind:<28} {found.get(kind, 0.5):>5.3f} " + " ".join(f"{percentile(some, p):>7.0f}" for p in (0.1, 0.5, 0.9))
            for kind, some in times.items())])
    bad = {kind: one for kind, one in found.items() if not BOUNDS[0] <= one <= BOUNDS[1]}
    assert not bad, bad
    LINES.extend(lines)
    keep("timing", LINES)


def test_quiet(service):
    learn(service)
    judge("quiet", *measure(service, 1, GAP_S))


def test_at_once(service):
    learn(service)
    judge(f"{AT_ONCE} at once", *measure(service, AT_ONCE, BATCH_GAP_S))


def test_in_a_flood(service, tmp_path):
    learn(service)
    seconds = int((len(KINDS) + 1) * SAMPLES * FLOOD_GAP_S * 1.3) + 10
    tries = Tries(service)
    wrong = [Raw(tries.raw(f"w{secrets.token_hex(8)}@example.com", f"198.{n % 900 // 250}.{n % 250}.{n // 900 % 254 + 1}"))
             for n in range(min(FLOOD * seconds, 20000))]
    load = Load(tmp_path, service, wrong, FLOOD, seconds, 1000)
    judge("in a flood", *measure(service, 1, FLOOD_GAP_S))
    statuses = {one.status for one in load.result()}
    assert 503 in statuses, statuses


class Raw:
    """A request for the driver."""
    kind, psid = "wrong", None

    def __init__(self, raw):
        self.raw = raw
