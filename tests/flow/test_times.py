"""Which time an event gets, and what expires by it."""

import pytest

from harness import database, metrics
from harness.phone import Customer, Phone, deliver
from simulator import events

HOUR = 3_600_000
NEAR = 5_000


def linked_at(service, customer):
    return database.customer(service.database, customer.id)["fb_linked_at"]


def near_now(value):
    return abs(value - events.now_ms()) < NEAR


TAKEN = {
    "ms": lambda t: t, "seconds": lambda t: t // 1000, "numeric string": lambda t: str(t),
    "seconds as a string": lambda t: str(t // 1000),
}


@pytest.mark.parametrize("form", TAKEN)
def test_forms_of_a_timestamp(service, customer, phone, form):
    phone.get_code(customer)
    at = (events.now_ms() - HOUR) // 1000 * 1000
    assert phone.tell(events.linked(phone.psid, phone.code, at=TAKEN[form](at))).status == 200
    assert linked_at(service, customer) == at


JUNK = ["soon", "", "12x", None, True, [], {}, -1, 0, 1e300, 1.7e18, "9" * 40, "-5"]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_a_junk_timestamp_is_the_receipt(service, customer, phone, junk):
    phone.get_code(customer)
    made = {**events.linked(phone.psid, phone.code), "timestamp": junk}
    assert deliver(service, events.body_of(events.entry(made, at=False))).status == 200
    assert near_now(linked_at(service, customer))


def test_without_timestamp_the_entrys_time_counts(service, customer, phone):
    phone.get_code(customer)
    at = events.now_ms() - HOUR
    made = events.entry(events.linked(phone.psid, phone.code, at=False), at=at)
    assert deliver(service, events.body_of(made)).status == 200
    assert linked_at(service, customer) == at


def test_without_any_time_the_receipt_counts(service, customer, phone):
    phone.get_code(customer)
    made = events.entry(events.linked(phone.psid, phone.code, at=False), at=False)
    assert deliver(service, events.body_of(made)).status == 200
    assert near_now(linked_at(service, customer))


@pytest.mark.parametrize("offset", [-37 * HOUR, HOUR // 10, 24 * HOUR, -400 * 24 * HOUR])
def test_outside_the_plausible_window_the_receipt_counts(service, customer, phone, offset):
    phone.get_code(customer)
    assert phone.tell(events.linked(phone.psid, phone.code, at=events.now_ms() + offset)).status == 200
    assert near_now(linked_at(service, customer))


@pytest.mark.parametrize("offset", [-35 * HOUR, 4 * HOUR // 60])
def test_inside_the_window_the_events_own_time_counts(service, customer, phone, offset):
    phone.get_code(customer)
    at = events.now_ms() + offset
    assert phone.tell(events.linked(phone.psid, phone.code, at=at)).status == 200
    assert linked_at(service, customer) == at


def expire(service, customer, seconds_ago):
    database.change(service.database, customer.id,
                    authorization_code_expires_at=events.now_ms() // 1000 - seconds_ago)


def test_an_expired_code_is_refused_with_200(service, customer, phone):
    phone.get_code(customer)
    expire(service, customer, 5)
    with database.unchanged(service):
        assert phone.tell().status == 200


def test_delivered_late_is_judged_by_the_event(service, customer, phone):
    phone.get_code(customer)
    expire(service, customer, 50 * 60)
    at = events.now_ms() - 51 * 60_000
    assert phone.tell(events.linked(phone.psid, phone.code, at=at)).status == 200
    assert database.holders(service.database, phone.psid) == [customer.id]


def test_a_time_ahead_of_ours_is_judged_by_our_clock(service, customer, phone):
    phone.get_code(customer)
    expire(service, customer, -60)
    assert phone.tell(events.linked(phone.psid, phone.code, at=events.now_ms() + 240_000)).status == 200
    assert database.holders(service.database, phone.psid) == [customer.id]


def test_code_life_is_a_setting(make_service):
    service = make_service(LINKD_CODE_TTL="30")
    customer = Customer(service)
    Phone(service).get_code(customer)
    left = database.customer(service.database,
                             customer.id)["authorization_code_expires_at"] - events.now_ms() / 1000
    assert 25 < left <= 31


STALE = {"36.1 hours": 36 * HOUR + HOUR // 10, "a month": 30 * 24 * HOUR, "a year": 365 * 24 * HOUR}
SIZES = {"ms": lambda t: t, "seconds": lambda t: t // 1000, "numeric string": lambda t: str(t), "entry": None}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("age", STALE)
def test_an_old_unlink_replayed_leaves_a_fresh_link(service, customer, phone, age, size):
    """A delivery that somebody captured long ago, and delivers again with its signature."""
    phone.link(customer)
    outcome = 'linkd_webhook_events_total{outcome="stale"}'
    before, at = metrics.value(service, outcome), events.now_ms() - STALE[age]
    made = events.unlinked(phone.psid, at=SIZES[size](at) if SIZES[size] else False)
    raw = events.body_of(events.entry(made, at=at))
    with database.unchanged(service):
        for _ in range(2):
            answer = deliver(service, raw)
            assert (answer.status, answer.text) == (200, "EVENT_RECEIVED")
    assert metrics.value(service, outcome) == before + 2


@pytest.mark.parametrize("at", [0, -1, 12341, 1451606399999, "soon", None, False])
def test_an_unlink_with_a_time_that_never_was_counts_at_its_receipt(service, customer, phone, at):
    phone.link(customer)
    deliver(service, events.body_of(events.entry({**events.unlinked(phone.psid), "timestamp": at}, at=False)))
    assert database.holders(service.database, phone.psid) == []


def test_a_stale_unlink_does_not_hold_up_the_events_beside_it(service, customer, phone):
    phone.get_code(customer)
    old = events.unlinked(phone.psid, at=events.now_ms() - 400 * 24 * HOUR)
    for made in ([old, events.linked(phone.psid, phone.code)], [old, events.unlinked(phone.psid, at=events.now_ms() + 10_000)]):
        assert phone.tell(*made).status == 200
        assert database.holders(service.database, phone.psid) == ([customer.id] if len(made[1]["account_linking"]) > 1 else [])
