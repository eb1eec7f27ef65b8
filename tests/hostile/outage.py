"""One outage of the store or of what it needs: what people and Facebook are told, how soon, and when it is over."""
import concurrent.futures
import threading
import time

from conftest import FULL
from dynamodb import people
from dynamodb.people import PASSWORD, Person
from dynamodb.proxy import Proxy
from dynamodb.servers import ENVIRONMENT
from harness import metrics
from harness.phone import Phone, deliver
from harness.service import Service
from hostile.bystander import Bystander, p99
from hostile.gate import Gate
from hostile.watch import Watch
from simulator import events

SECRET = "app-secret-of-all-services-in-an-outage"
WEBHOOK_S, PAGE_S = 4.5, 10
LATE_S = 1.0      # what a loaded machine may add
LATE_TURNS = 0.01 if FULL else 0.2  # and the share of turns that it may hold up; the short form runs them all at once
_lock = threading.Lock()


class Outage:
    """A service whose way to the store leads through a gate and a proxy of its own."""

    def __init__(self, server, table, folder, contexts=None, host=None, start=None, keys=None, **settings):
        self.proxy = Proxy(server)
        self.proxy.keys.update(keys or {})
        self.gate = Gate(self.proxy.port, contexts)
        url = f"{'https' if contexts else 'http'}://{host or ('localhost' if contexts else '127.0.0.1')}:{self.gate.port}"
        self.service = Service(folder, **{**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": url, "LINKD_STORE": f"dynamodb:{table.name}",
                                          "LINKD_APP_SECRET": SECRET, **settings})
        self.service.secret, self.service.database = SECRET, table
        self.service.start(**(start or {}))

    def stop(self):
        self.service.stop()
        self.gate.stop()
        self.proxy.stop()
        assert not self.proxy.wrong, self.proxy.wrong[:3]

    # --- before

    def person(self):
        with _lock:
            return Person(self.service)

    def ready(self, with_code):
        """A customer with a code in hand, when the store can be reached, and two browsers at the form and at Connect."""
        self.linking = self.person()
        self.code = people.code_of(self.service, self.linking) if with_code else None
        self.form, self.consent = (Phone(self.service, self.person().psid) for _ in range(2))
        self.form.open()
        self.other = self.person()
        if with_code:
            self.consent.open()
            assert self.consent.login(self.other.email, PASSWORD).status == 200
        return self

    # --- during

    def webhook(self):
        if self.code:
            return deliver(self.service, events.body(events.linked(self.linking.psid, self.code)))
        return deliver(self.service, events.body(events.unlinked(self.linking.psid)))

    def login(self):
        return self.form.login(self.other.email, PASSWORD)

    def connect(self):
        return self.consent.connect()

    def told(self):
        """What each is told, at the same time; -> {who: (answer, seconds)}"""
        def timed(ask):
            began = time.monotonic()
            return ask(), time.monotonic() - began
        asks = {"webhook": self.webhook, "login": self.login, **({"connect": self.connect} if self.code else {})}
        with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
            return {who: done.result() for who, done in [(who, pool.submit(timed, ask)) for who, ask in asks.items()]}

    def lag(self):
        """Turns of the loops, and those of them over 20 ms."""
        samples = metrics.read(self.service)[0]
        total = samples["linkd_loop_lag_seconds_count"]
        return total, total - samples['linkd_loop_lag_seconds_bucket{le="0.02"}']

    def suffer(self, spoil, mend, settle_s=0.0):
        """Spoil it, see what is told, mend it, wait until it works; -> the figures."""
        self.bystander, watch, lag = Bystander(self.service, webhook=False), Watch(self.service), self.lag()
        spoil()
        time.sleep(settle_s)
        told = self.told()
        self.wrong = self.wrong_outcomes(told)
        mend()
        recovery_s = self.recover()
        self.bystander.stop()
        watch.stop()
        turns, late = (after - before for after, before in zip(self.lag(), lag))
        return Figures(told, recovery_s, self.bystander, watch, turns, late)

    def wrong_outcomes(self, told):
        """Success that is none."""
        row = self.linking.row(self.service)
        if told["webhook"][0].status == 200 and self.code and row["fb_psid"] != self.linking.psid:
            return ["webhook: 200 without a link"]
        if "connect" in told and told["connect"][0].status == 303 and not self.other.row(self.service)["authorization_code"]:
            return ["connect: a redirect without a code"]
        return []

    def recover(self):
        """-> seconds until a delivery, and then a login, is as ever."""
        began = time.monotonic()
        while self.webhook().status != 200:
            assert time.monotonic() - began < 30, "did not recover"
            time.sleep(0.05)
        seconds = time.monotonic() - began
        if self.code:
            assert self.linking.row(self.service)["fb_psid"] == self.linking.psid
        assert people.code_of(self.service, self.other)
        return seconds


class Figures:
    def __init__(self, told, recovery_s, bystander, watch, turns, late):
        self.told, self.recovery_s, self.bystander, self.watch = told, recovery_s, bystander, watch
        self.turns, self.late = turns, late

    def row(self, name):
        said = ", ".join(f"{who} {answer.status} {seconds:.1f} s" for who, (answer, seconds) in self.told.items())
        healthz = self.bystander.times["healthz"]
        return (f"{name:32} {said}; healthz p99 {p99(healthz) * 1000:.0f} ms; {self.late:.0f} of {self.turns:.0f} loop turns over"
                f" 20 ms; threads {self.watch.start_level['threads']}, {self.watch.peak['threads']};"
                f" works again after {self.recovery_s:.1f} s")

    def judge(self):
        """503 in time and in words people understand, and the loops went on."""
        webhook, seconds = self.told["webhook"]
        assert webhook.status == 503, webhook
        assert seconds < WEBHOOK_S + LATE_S, "Facebook waited too long"
        for who in ("login", "connect"):
            answer, seconds = self.told.get(who, (None, 0))
            assert seconds < PAGE_S + LATE_S, who
            if answer:
                assert answer.status == 503 and answer.is_page and "try again" in answer.page.text, answer
                assert not answer.header("location")
        assert self.late <= self.turns * LATE_TURNS, "a loop was held"
        assert not self.bystander.bad, self.bystander.bad[:3]
