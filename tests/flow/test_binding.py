"""With a page token Facebook tells whose phone opens the page, and a code links that Messenger profile alone."""

import time

import pytest

from harness import canary, database, metrics
from harness.phone import Customer, Phone
from simulator import events
from simulator.graph import FAULTS, error
from simulator.server import Simulator, Wiring

TOKEN = "EAAGtestPageToken0123456789"
FAIL = sorted(set(FAULTS) - {"expired", "no-profile", "odd-name"})


class Facebook:
    """Graph, and a service that has its page token."""

    def __init__(self, make_service, **settings):
        self.simulator = Simulator(Wiring("to be told"), graph_tokens={canary.secret(TOKEN, "page token"): events.PAGE_ID}).start()
        self.graph = self.simulator.graph
        self.service = make_service(**{
            "LINKD_GRAPH_URL": self.simulator.url, "LINKD_PAGE_ACCESS_TOKEN": TOKEN, "LINKD_PAGE_IDS": events.PAGE_ID,
            "LINKD_GRAPH_TIMEOUT_MS": "400", **settings})
        self.graph.app_secret = self.service.secret

    def phone(self):
        phone = Phone(self.service)
        self.simulator.state.person(phone.psid)
        return phone

    def open(self, phone, life_s=300):
        return phone.open(token=self.simulator.state.new_token(phone.psid, life_s))

    def lookups(self):
        return sum(path.endswith("/me") for _, path in self.graph.calls)

    def counted(self, outcome):
        return metrics.value(self.service, f'linkd_bindings_total{{outcome="{outcome}"}}')


@pytest.fixture
def facebook(make_service):
    made = []

    def make(**settings):
        made.append(Facebook(make_service, **settings))
        return made[-1]

    yield make
    for one in made:
        one.simulator.stop()


def get_code(facebook, phone, who):
    assert facebook.open(phone).status == 200
    assert phone.login(who.email, who.password).status == 200
    assert phone.connect().status == 303 and phone.code
    return phone.code


def test_a_code_links_the_profile_that_opened_the_page_and_no_other(facebook):
    there = facebook()
    phone, thief, who = there.phone(), events.new_psid(), Customer(there.service)
    get_code(there, phone, who)
    assert phone.tell(events.linked(thief, phone.code)).status == 200
    assert database.customer(there.service.database, who.id)["fb_psid"] is None
    assert phone.tell().status == 200  # the wrong profile did not use the code up
    assert database.customer(there.service.database, who.id)["fb_psid"] == phone.psid
    assert there.counted("found") == 1


def consent_of(facebook, who, first="Ada", last="Berger"):
    """The consent page of a person with that name at Facebook."""
    phone = facebook.phone()
    person = facebook.simulator.state.person(phone.psid)
    person.first, person.last = first, last
    assert facebook.open(phone).status == 200
    return phone.login(who.email, who.password)


def test_the_consent_page_names_both_sides(facebook):
    there = facebook()
    who = Customer(there.service)
    page = consent_of(there, who)
    assert page.status == 200 and who.email in page.text and "<dd>Ada Berger, the Messenger profile" in page.text


@pytest.mark.parametrize("first, last, shown", [
    ("<b>Ada</b>", "\"&'", "&lt;b&gt;Ada&lt;/b&gt; &quot;&amp;&#39;,"), ("\u202eadA", "\x00\u2066x", "adA x,"),
    ("\U0001f469\u200d\U0001f467", "", "\U0001f469\U0001f467,"), ("Ada", "x" * 10_000, "Ada " + "x" * 89 + "\u2026,"), ("", "", "the Messenger")])
def test_a_name_cannot_change_the_page(facebook, first, last, shown):
    there = facebook()
    page = consent_of(there, Customer(there.service), first, last)
    assert f"<dd>{shown}" in page.text


def test_a_person_without_a_visible_name_is_bound_all_the_same(facebook):
    there = facebook()
    there.graph.fault = "no-profile"
    page = consent_of(there, Customer(there.service))
    assert page.status == 200 and "<dd>the Messenger profile" in page.text and there.counted("found") == 1


def test_a_dead_linking_token_is_told_before_a_password_is_asked(facebook):
    there = facebook()
    answer = there.open(there.phone(), life_s=0)
    assert answer.status == 400 and "tap Log In" in answer.text and not answer.page.forms
    assert there.counted("expired") == 1


@pytest.mark.parametrize("fault", FAIL)
def test_without_a_usable_answer_the_login_goes_on_unbound(facebook, fault):
    there = facebook()
    phone, who = there.phone(), Customer(there.service)
    there.graph.fault = fault
    began = time.monotonic()
    assert there.open(phone).status == 200
    assert time.monotonic() - began < 1.5
    there.graph.fault = ""
    assert phone.login(who.email, who.password).status == 200
    assert phone.connect().status == 303
    assert phone.tell().status == 200
    assert database.customer(there.service.database, who.id)["fb_psid"] == phone.psid
    assert there.counted("unknown") == 1


@pytest.mark.parametrize("fault", ["down", "slow", "wrong-page"])
def test_a_required_binding_that_is_missing_is_a_page_to_try_again(facebook, fault):
    there = facebook(LINKD_REQUIRE_PSID_BINDING="on")
    there.graph.fault = fault
    answer = there.open(there.phone())
    assert answer.status == 503 and answer.header("retry-after") and not answer.page.forms
    there.graph.fault = ""
    assert there.open(there.phone()).status == 200


def test_a_reload_costs_no_look_up_and_stays_bound(facebook):
    there = facebook()
    phone = there.phone()
    token = there.simulator.state.new_token(phone.psid)
    for _ in range(5):
        assert phone.open(token=token).status == 200
    assert there.counted("found") == 5 and there.lookups() == 1


def test_one_client_has_one_look_up_in_five_seconds(facebook):
    there = facebook()
    phone = there.phone()
    for _ in range(3):
        assert there.open(phone).status == 200  # each with a token of its own
    assert (there.counted("found"), there.counted("unknown")) == (1, 2)
    assert there.lookups() == 1


def test_after_five_failures_graph_is_left_alone(facebook):
    there = facebook()
    there.graph.fault = "down"
    for _ in range(7):
        assert there.open(there.phone()).status == 200
    assert there.lookups() == 5 and there.service.logged(lambda one: one["msg"] == "graph_paused" and one["request_id"])
    assert there.counted("unknown") == 7


def test_a_rate_limit_on_names_pauses_the_look_ups_and_keeps_what_was_found(facebook):
    there = facebook()
    limited = error(400, 4, "(#4) Application request limit reached")
    there.graph._profile = lambda psid, asked: limited
    for _ in range(5):
        phone = there.phone()
        token = there.simulator.state.new_token(phone.psid)
        assert phone.open(token=token).status == 200
    assert there.counted("found") == 5
    assert there.open(there.phone()).status == 200 and there.counted("unknown") == 1  # paused
    assert phone.open(token=token).status == 200 and there.counted("found") == 6  # kept
    assert there.service.logged(lambda one: one["msg"] == "graph_refused" and one["call"] == "name" and one["code"] == 4)


def test_each_page_token_is_tried(facebook):
    there = facebook(LINKD_PAGE_ACCESS_TOKEN=f"77=EAAother,{events.PAGE_ID}={TOKEN}", LINKD_PAGE_IDS=f"77,{events.PAGE_ID}")
    there.graph.tokens["EAAother"] = "77"
    known = there.graph._recipient

    def of_its_page(page, asked):  # a page knows the tokens of its own people only
        return known(page, asked) if page == events.PAGE_ID else known(page, {**asked, "account_linking_token": "ARx"})

    there.graph._recipient = of_its_page
    assert there.open(there.phone()).status == 200
    assert there.counted("found") == 1 and there.lookups() == 2
    assert there.open(there.phone(), life_s=0).status == 400


@pytest.mark.parametrize("fault", ["dead", "not allowed"])
def test_a_page_token_that_cannot_answer_does_not_end_the_look_up_of_the_others(facebook, fault):
    there = facebook(LINKD_PAGE_ACCESS_TOKEN=f"77=EAAother,{events.PAGE_ID}={TOKEN}", LINKD_PAGE_IDS=f"77,{events.PAGE_ID}")
    if fault == "not allowed":
        there.graph.tokens["EAAother"] = "77"
        known = there.graph._recipient
        there.graph._recipient = lambda page, asked: known(page, asked) if page == events.PAGE_ID else error(403, 200, "Permissions error")
    for _ in range(8):
        assert there.open(there.phone()).status == 200
        time.sleep(0.25)  # within the look-ups of a second
    assert there.counted("found") == 8
    assert there.open(there.phone(), life_s=0).status == 200  # it may be of the page that cannot answer
    assert there.counted("unknown") == 1


def test_with_fewer_tokens_than_pages_an_unknown_token_is_not_called_expired(facebook):
    there = facebook(LINKD_PAGE_IDS=f"77,{events.PAGE_ID}")
    assert there.open(there.phone(), life_s=0).status == 200
    assert there.counted("unknown") == 1
