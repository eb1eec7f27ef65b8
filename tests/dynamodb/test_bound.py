"""With a page token each code is bound to the Messenger profile that opened the page: it links that profile and no other,
at the price of one write.  LINKD_FULL=1 makes 10,000 links."""
import concurrent.futures
import pathlib
import random

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
AT_ONCE = 1000  # links of a round
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
        phone = Phone(self.service, self.psid)
        assert phone.open(token=self.token).status == 200
        page = phone.login(self.who.email, self.who.password)
        assert page.status == 200 and " ".join(name_of(self.psid)) in page.text
        assert phone.connect().status == 303 and phone.code
        self.code = phone.code

    def tell(self, psid=None):
        people.tell(self.service, events.linked(psid or self.psid, self.code), patience_s=0)


def in_parallel(act, items):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(act, items))


def others(visits):
    """Profiles that must not get the code: new ones, and those of others who link at the same time."""
    return [random.choice((events.new_psid(), other.psid)) for other in [*visits[1:], visits[0]]]


def linked(service, visits):
    """{customer: profile}"""
    ours = {one.who.id for one in visits}
    return {row["customer_id"]: row["fb_psid"] for row in service.database.rows() if row["fb_psid"] and row["customer_id"] in ours}


class Ledger:
    """What the rounds did, and what the right deliveries cost."""

    def __init__(self, service, proxy):
        self.service, self.proxy = service, proxy
        self.links = self.forwarded = self.early = self.burnt = self.wrong = self.again = 0
        self.calls, self.later = {}, {}

    def retries(self):
        return metrics.value(self.service, "linkd_dynamodb_retries_total")

    def deliver_wrong(self, visits):
        in_parallel(lambda pair: pair[0].tell(pair[1]), list(zip(visits, others(visits))))

    def deliver_right(self, visits):
        """And wait until the look for other holders 2 s later would be over."""
        again, bill = self.retries(), Bill(self.proxy)
        in_parallel(Visit.tell, visits)
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
        settle()
        self.deliver_right(visits)
        self.deliver_wrong(forwarded)
        there = linked(self.service, visits)
        self.wrong += sum(there.get(one.who.id, one.psid) != one.psid for one in visits)
        self.burnt += sum(one.who.id not in there for one in forwarded)
        self.links += len(there)
        self.forwarded += len(forwarded)


def add(to, calls):
    for name, n in calls.items():
        to[name] = to.get(name, 0) + n


def test_a_code_links_its_profile_and_no_other_for_one_write(start, proxy, graph):
    """A call that DynamoDB Local did not answer in time is made again, and what it did is then read: `again` tells."""
    service = start(LINKD_GRAPH_TIMEOUT_MS="10000", **graph.settings())
    ledger = Ledger(service, proxy)
    graph.prove(service)
    people.hash_of(service)
    for at in range(0, LINKS, AT_ONCE):
        ledger.run(min(AT_ONCE, LINKS - at))
    asked, more = graph.tell(), dict(ledger.calls)
    line = (f"{ledger.links} links of codes bound to a profile, {ledger.forwarded} of the codes delivered for another profile before and"
            f" after: {ledger.wrong} linked to another profile, {ledger.early} linked by the wrong delivery, {ledger.burnt} codes burnt"
            f" by it; {LINKS} webhooks of the right profile made {ledger.calls}, {ledger.again} of them calls made again, and later"
            f" {ledger.later}")
    print(f"\nNUMBER {line}")
    assert (ledger.links, ledger.wrong, ledger.early, ledger.burnt) == (LINKS, 0, 0, 0)
    assert more.pop("UpdateItem") == LINKS + ledger.again
    assert max(sum(more.values()), sum(ledger.later.values())) <= ledger.again
    assert metrics.value(service, 'linkd_bindings_total{outcome="found"}') == asked["recipient"] == asked["name"] == LINKS
    assert "wrong" not in asked
    if FULL:
        figures.write(pathlib.Path(__file__).parents[1] / "FIGURES.md", "bound", [f"- {line}"])
