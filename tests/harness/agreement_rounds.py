"""Many links that begin and end, while Graph fails half of its calls: at the end both sides must say the same."""

import concurrent.futures
import random
import threading
import time

from simulator import events
from simulator.graph import Answer, error

from . import canary, client, metrics
from .phone import Customer

PEOPLE, CUSTOMERS, AT_ONCE = 24, 16, 4
RESET = Answer(0, b"", reset=True)


class FailingGraph:
    """me/unlink_accounts of the stand-in: half of the calls fail, in one of four ways, and each takes up to 200 ms.  At most
    `in_a_row` calls for a person fail one after the other, because the pauses grow."""

    def __init__(self, graph, dice, in_a_row):
        self.right, self.dice, self.in_a_row = graph.answer, dice, in_a_row
        self.lock = threading.Lock()
        self.row, self.calls, self.failed = {}, 0, 0
        graph.answer = self.answer

    def way(self, body):
        with self.lock:
            self.calls += 1
            fails = self.dice.random() < 0.5 and self.row.get(body, 0) < self.in_a_row
            self.row[body] = self.row.get(body, 0) + 1 if fails else 0
            self.failed += fails
            return (self.dice.choice(["500", "reset", "limit", "lost"]) if fails else ""), self.dice.random() * 0.2

    def answer(self, method, path, query, headers, raw):
        if not path.endswith("/me/unlink_accounts"):
            return self.right(method, path, query, headers, raw)
        way, wait_s = self.way(raw)
        time.sleep(wait_s)
        if way == "500":
            return Answer(500, b"<html>Error</html>")
        if way == "reset":
            return RESET
        if way == "limit":
            return Answer.of(*error(400, 613, "(#613) Calls to this api have exceeded the rate limit."))
        answer = self.right(method, path, query, headers, raw)
        time.sleep(wait_s / 2)
        return RESET if way == "lost" else answer


class Rounds:
    """`services`: instances on one table."""

    def __init__(self, there, services, seed, in_a_row):
        self.there, self.services, self.dice = there, services, random.Random(seed)
        self.graph = FailingGraph(there.graph, random.Random(seed + 1), in_a_row)
        self.people = [canary.secret(events.new_psid(), "PSID") for _ in range(PEOPLE)]
        self.customers = [(Customer(services[0]), threading.Lock()) for _ in range(CUSTOMERS)]
        self.acts = [self.link, self.link, self.delete, self.erase, self.refused, self.delete_and_link]
        self.done = dict.fromkeys(("link", "delete", "erase", "refused", "delete_and_link"), 0)
        self.lock, self.refusals = threading.Lock(), {}

    def link(self, service, psid, customer):
        who, one_at_a_time = customer  # a second code would supersede the first
        phone = self.there.person(psid, service)
        with one_at_a_time:
            self.there.link(phone, who)

    def delete(self, service, psid, customer):
        assert client.admin(service, "DELETE", "/v1/links/" + psid).status in (204, 502)

    def erase(self, service, psid, customer):
        with customer[1]:
            answer = client.admin(service, "DELETE", f"/v1/customers/{customer[0].id}/links")
        assert answer.status == 204

    def refused(self, service, psid, customer):
        """At most two for a person: after the second call the service waits for 30 s, then for 5 min."""
        with self.lock:
            self.refusals[psid] = self.refusals.get(psid, 0) + 1
            if self.refusals[psid] > 2:
                psid = canary.secret(events.new_psid(), "PSID")
        self.there.deliver(self.there.person(psid, service), "no-code-of-ours")

    def delete_and_link(self, service, psid, customer):
        self.delete(service, psid, customer)
        self.link(service, psid, customer)

    def act(self, turn):
        act, service, psid, customer = turn
        act(service, psid, customer)
        with self.lock:
            self.done[act.__name__] += 1

    def run(self, rounds):
        turns = [(self.dice.choice(self.acts), self.dice.choice(self.services), self.dice.choice(self.people),
                  self.dice.choice(self.customers)) for _ in range(rounds)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.act, turns))

    def total(self, name):
        return int(sum(metrics.value(one, name) for one in self.services))

    def settle(self, seconds):
        """Nothing is open at any instance, twice, because one may end what another began."""
        ends, quiet = time.monotonic() + seconds, 0
        while quiet < 2:
            open_ = self.total("linkd_facebook_unlinks_open") + self.total("linkd_link_later")
            quiet = 0 if open_ else quiet + 1
            assert time.monotonic() < ends, f"{open_} still open"
            time.sleep(0.2)

    def check(self, rounds, seed, store, seconds):
        """-> the line with the figures."""
        began = time.monotonic()
        self.run(rounds)
        ran = time.monotonic() - began
        self.settle(seconds)
        differences = self.there.differences()
        given_up = self.total('linkd_facebook_unlinks_total{outcome="given_up"}')
        ended = sum(len(one.audit(action="link", result="removed", reason="ended_at_facebook")) for one in self.services)
        assert not differences, f"seed {seed}: {len(differences)} differences"
        assert given_up == 0 and self.total("linkd_facebook_unlinks_dropped_total") == 0
        assert self.graph.failed > rounds / 10
        acts = ", ".join(f"{number} {name}" for name, number in self.done.items())
        return (f"Both sides agree, {store}, seed {seed}: {rounds} rounds in {ran:.0f} s ({acts}); {self.graph.calls} calls of"
                f" me/unlink_accounts, {self.graph.failed} failed; {ended} links ended because a call may have met them;"
                f" {time.monotonic() - began - ran:.0f} s later 0 differences")
