"""A running service that can be tortured, its store, and people in it."""
import contextlib
import pathlib
import time

from harness import client, database, metrics
from harness.phone import Customer
from harness.service import BINARY, Service, sanitized

from .control import Control

PEOPLE = 400
QUIET_S = 2.0
IDLE = {"linkd_http_connections": 1, "linkd_http_requests_in_flight": 1, "linkd_store_queued": 0, "linkd_offload_queued": 0,
        "linkd_hash_queue_places": 0, "linkd_http_body_bytes": 0}
SLOW = 3 if sanitized() else 1
ASAN = "detect_leaks=1:verify_asan_link_order=0:handle_abort=1:fast_unwind_on_malloc=0:malloc_context_size=20"


class Person(Customer):
    """A copy of the first customer: the same password."""

    def __init__(self, first, name):
        self.id, self.email, self.password = name, f"{name}@example.com", first.password


class World:
    """One worker, so that the order of calls repeats.  `store`: settings and what harness.database takes, or None for SQLite."""

    def __init__(self, directory, store=None, **settings):
        pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
        self.control = Control(pathlib.Path(directory) / "control", BINARY)
        if sanitized():
            settings = {**settings, "ASAN_OPTIONS": ASAN}
        self.service = Service(pathlib.Path(directory) / "linkd", **{
            "LINKD_WORKERS": "1", **(store[1] if store else {}), **settings})
        if store:
            self.service.database = store[0]
        self.starts = self.made = self.made_people = 0
        self.first = None

    def start(self):
        """Unarmed."""
        self.control.clear()
        preload = self.control.environment()
        self.service.settings.update(preload)
        self.service.start()
        for name in preload:  # not for the commands beside it
            del self.service.settings[name]
        self.starts += 1
        if self.first is None:
            self.first = Customer(self.service)
        return self

    def end(self):
        """Kill what is left.  What a sanitizer said has been told before."""
        if self.service.process is None:
            return
        try:
            self.service.kill()
        except AssertionError as e:
            if "Sanitizer" not in str(e):
                raise

    def person(self):
        """Somebody nobody has used yet."""
        if self.made == self.made_people:
            database.copy_customers(self.service.database, self.first.id, [f"p{self.made + n:06}" for n in range(PEOPLE)])
            self.made_people += PEOPLE
        self.made += 1
        return Person(self.first, f"p{self.made - 1:06}")

    def dead(self):
        return self.service.process.poll() is not None

    def settled(self):
        """Wait until nothing is in flight; -> what is not as it should be."""
        ends = time.monotonic() + QUIET_S * SLOW
        while True:
            left = {}
            with contextlib.suppress(OSError):
                found = metrics.read(self.service)[0]
                left = {name: found[name] for name, most in IDLE.items() if found[name] > most}
                if not left:
                    return left
            if time.monotonic() > ends:
                return left or {"metrics": "no answer"}
            time.sleep(0.02)

    def live(self, at_most=0):
        """Allocations that live, when that has come down to at_most or stopped to change."""
        before, same = None, 0
        while same < 5:
            now = self.control.block.live
            if now <= at_most:
                return now
            same = same + 1 if now == before else 0
            before = now
            time.sleep(0.003 * SLOW)
        return before

    def well(self):
        """-> what is wrong with the simplest answers."""
        for path, status in (("/healthz", 200), ("/livez", 200)):
            answer = client.get(self.service.url + path)
            if answer.status != status:
                return f"{path} answers {answer.status}"
        return ""
