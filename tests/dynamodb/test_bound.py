"""With a page token each code is bound to the Messenger profile that opened the page: it links that profile and no other,
at the price of one write.  LINKD_FULL=1 makes 10,000 links."""
import concurrent.futures
import pathlib
import random
import time

import pytest

import figures
from conftest import FULL, count
from dynamodb import people
from dynamodb.bill import Bill, settle
from harness import canary, metrics
from harness.phone import Phone
from load.graph_standin import name_of, psid_of
from load.rig import Graph
from simulator import events

LINKS = count("LINKD_LINKS", 20, 10_000)
AT_ONCE = 500  # links of a round
HOLDERS = 5    # people who are linked throughout
FORWARDED = 0.3  # of the linking URLs are opened by somebody else's phone, too


@pytest.fixture
def graph():
    made = Graph()
    yield made
    made.stop()


class Visit:
    """A customer with a phone, and the code that they got."""

    def __init__(self, service):
        self.service, self.token = service, events.new_linking_token()
        self.psid = psid_of(self.token)
        for one in name_of(self.psid):
            canary.secret(one, "name")
        self.who = people.Person(service)
        self.who.psid = self.psid

    def get_code(self):
        """Again as long as the service says 503."""
        phone, ends = Phone(self.service, self.psid), time.monotonic() + 60
        while True:
            assert phone.open(token=self.token).status == 200
            answer = phone.login(self.who.email, self.who.password)
            if answer.status == 200:
                assert " ".join(name_of(self.psid)) in answer.text
                answer = phone.connect()
            if answer.status == 303:
                break
            assert answer.status == 503 and time.monotonic() < ends, answer
        self.code = phone.code

    def tell(self, psid=None):
        """-> number of deliveries"""
        return people.tell(self.service, events.linked(psid or self.psid, self.code))


def in_parallel(act, items):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(act, items))


def linked(service, visits):
    """{customer: profile}"""
    ours = {one.who.id for one in visits}
    return {row["customer_id"]: row["fb_psid"] for row in service.database.rows() if row["fb_psid"] and row["customer_id"] in ours}


class Ledger:
    """What the rounds did, and what the right deliveries cost."""

    def __init__(self, service, proxy):
        self.service, self.proxy = service, proxy
        self.holders = [Visit(service) for _ in range(HOLDERS)]
        in_parallel(Visit.get_code, self.holders)
        in_parallel(Visit.tell, self.holders)
        self.links = self.forwarded = self.early = self.burnt = self.wrong = self.again = self.deliveries = 0
        self.calls, self.later = {}, {}

    def retries(self):
        return metrics.value(self.service, "linkd_dynamodb_retries_total")

    def deliver_wrong(self, visits):
        """Each code for a new profile or for one that is linked; until Facebook was told what it must forget."""
        in_parallel(lambda one: one.tell(random.choice((events.new_psid(), random.choice(self.holders).psid))), visits)
        ends = time.monotonic() + 60
        while metrics.value(self.service, "linkd_facebook_unlinks_open"):
            assert time.monotonic() < ends, "Facebook was not told"
            time.sleep(0.2)

    def deliver_right(self, visits):
        """And wait until the look for other holders 2 s later would be over."""
        again, bill = self.retries(), Bill(self.proxy)
        self.deliveries += sum(in_parallel(Visit.tell, visits))
        add(self.calls, bill.take()[0])
        self.again += int(self.retries() - again)
        settle()
        add(self.later, bill.take()[0])

    def run(self, n):
        """n people: wrong profiles at first for some of them, then the right ones, then wrong ones again."""
        visits = [Visit(self.service) for _ in range(n)]
        in_parallel(Visit.get_code, visits)
        forwarded = [one for one in visits if random.random() < FORWARDED] or visits[:1]
        self.deliver_wrong(forwarded)
        self.early += len(linked(self.service, visits))
        self.deliver_right(visits)
        self.deliver_wrong(forwarded)
        there = linked(self.service, visits)
        assert linked(self.service, self.holders) == {one.who.id: one.psid for one in self.holders}
        self.wrong += sum(there.get(one.who.id, one.psid) != one.psid for one in visits)
        self.burnt += sum(one.who.id not in there for one in forwarded)
        self.links += len(there)
        self.forwarded += len(forwarded)


def add(to, calls):
    for name, n in calls.items():
        to[name] = to.get(name, 0) + n


def listed(calls):
    """{"UpdateItem": 2} -> "2 UpdateItem"."""
    return ", ".join(f"{n} {name}" for name, n in calls.items()) or "no calls"


def test_a_code_links_its_profile_and_no_other_for_one_write(start, proxy, graph):
    """A call that DynamoDB Local did not answer in time is made again, and what it did is then read: `again` tells.  So is a
    delivery that was answered 503."""
    service = start(LINKD_GRAPH_TIMEOUT_MS="10000", **graph.settings())
    graph.prove(service)
    people.hash_of(service)
    ledger = Ledger(service, proxy)
    for at in range(0, LINKS, AT_ONCE):
        ledger.run(min(AT_ONCE, LINKS - at))
    asked, more = graph.tell(), dict(ledger.calls)
    line = (f"{ledger.links} links of codes bound to a profile, {ledger.forwarded} of the codes delivered for another profile before and"
            f" after: {ledger.wrong} linked to another profile, {ledger.early} linked by the wrong delivery, {ledger.burnt} codes burnt"
            f" by it; {ledger.deliveries} webhooks of the right profile made {listed(ledger.calls)}, {ledger.again} of them"
            f" repeated, {listed(ledger.later)} later")
    print(f"\nNUMBER {line}")
    assert (ledger.links, ledger.wrong, ledger.early, ledger.burnt) == (LINKS, 0, 0, 0)
    repeated = ledger.again + ledger.deliveries - LINKS
    assert LINKS <= more.pop("UpdateItem") <= LINKS + repeated
    assert max(sum(more.values()), sum(ledger.later.values())) <= repeated
    assert metrics.value(service, 'linkd_bindings_total{outcome="found"}') >= asked["recipient"] == asked["name"] >= LINKS + HOLDERS
    assert "wrong" not in asked
    if FULL:
        figures.write(pathlib.Path(__file__).parents[1] / "FIGURES.md", "bound", [f"- {line}"])
