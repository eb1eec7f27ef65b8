"""One PSID, one customer; one customer, one PSID: the newest link wins, in every order."""

import concurrent.futures
import time

import pytest

from conftest import count
from harness import database
from harness.phone import Customer, Phone, deliver
from simulator import events

SETTLES_S = 5


def settled(service, psid, wanted):
    """The holders once they are as wanted, or as they are in the end."""
    ends = time.monotonic() + SETTLES_S
    while (found := database.holders(service.database, psid)) != wanted and time.monotonic() < ends:
        time.sleep(0.05)
    return found


def two_codes(service):
    """Two customers who both logged in from one Messenger profile."""
    a, b = Customer(service), Customer(service)
    one, two = Phone(service), Phone(service)
    two.psid = one.psid
    one.get_code(a)
    two.get_code(b)
    return a, b, one, two


def test_a_psid_moves_to_the_newer_link(service):
    a, b, one, two = two_codes(service)
    now = events.now_ms()
    assert one.tell(events.linked(one.psid, one.code, at=now - 2000)).status == 200
    assert two.tell(events.linked(one.psid, two.code, at=now - 1000)).status == 200
    assert settled(service, one.psid, [b.id]) == [b.id]
    assert database.customer(service.database, a.id)["fb_linked_at"] is None


def test_the_newer_event_may_arrive_first(service):
    a, b, one, two = two_codes(service)
    now = events.now_ms()
    assert two.tell(events.linked(one.psid, two.code, at=now - 1000)).status == 200
    assert one.tell(events.linked(one.psid, one.code, at=now - 2000)).status == 200
    assert settled(service, one.psid, [b.id]) == [b.id]


@pytest.mark.parametrize("gap_ms", [0, 1, -1])
def test_both_in_one_delivery(service, gap_ms):
    a, b, one, two = two_codes(service)
    now = events.now_ms() - 5000
    assert one.tell(events.linked(one.psid, one.code, at=now),
                    events.linked(one.psid, two.code, at=now + gap_ms)).status == 200
    winner = [max((now, a.id), (now + gap_ms, b.id))[1]]
    assert settled(service, one.psid, winner) == winner


def test_both_at_once_leave_the_newest(service):
    for turn in range(count("LINKD_ROUNDS", 8, 200)):
        a, b, one, two = two_codes(service)
        now = events.now_ms() - 5000
        gap = (turn % 3 - 1) * 10
        made = [events.body(events.linked(one.psid, one.code, at=now)),
                events.body(events.linked(one.psid, two.code, at=now + gap))]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            assert [one.status for one in pool.map(lambda raw: deliver(service, raw), made)] == [200, 200]
        winner = [max((now, a.id), (now + gap, b.id))[1]]
        assert settled(service, one.psid, winner) == winner, f"round {turn}"


def test_a_customer_links_another_phone(service, customer):
    first, second = Phone(service), Phone(service)
    first.link(customer)
    second.link(customer)
    assert database.holders(service.database, first.psid) == []
    assert database.holders(service.database, second.psid) == [customer.id]


def test_an_origin_link_without_time_loses(service, customer, phone):
    old = Customer(service)
    database.change(service.database, old.id, fb_psid=phone.psid, fb_linked_at=None)
    phone.link(customer)
    assert settled(service, phone.psid, [customer.id]) == [customer.id]


def test_redelivery_after_the_move_does_not_move_back(service):
    a, b, one, two = two_codes(service)
    now = events.now_ms()
    first = events.linked(one.psid, one.code, at=now - 2000)
    one.tell(first)
    two.tell(events.linked(one.psid, two.code, at=now - 1000))
    assert settled(service, one.psid, [b.id]) == [b.id]
    assert one.tell(first).status == 200
    assert settled(service, one.psid, [b.id]) == [b.id]


def test_a_code_used_by_another_psid_does_nothing(service, customer, phone):
    phone.link(customer)
    thief = Phone(service)
    with database.unchanged(service):
        assert thief.tell(events.linked(thief.psid, phone.code)).status == 200


def test_a_deleted_customer_leaves_no_ghost(service, customer, phone):
    phone.get_code(customer)
    assert service.command("customer", "remove", "--id", customer.id).returncode == 0
    with database.unchanged(service):
        assert phone.tell().status == 200


def test_a_code_bound_to_a_psid_is_refused_to_another_and_not_burnt(service, customer, phone):
    phone.get_code(customer)
    database.change(service.database, customer.id, authorization_code_psid=phone.psid)
    thief = Phone(service)
    with database.unchanged(service):
        assert thief.tell(events.linked(thief.psid, phone.code)).status == 200
    assert phone.tell().status == 200
    assert database.holders(service.database, phone.psid) == [customer.id]


def test_a_bound_code_replaced_by_an_unbound_one_links(service, customer, phone):
    phone.get_code(customer)
    database.change(service.database, customer.id, authorization_code_psid="7000000000000001")
    phone.get_code(customer)
    assert database.customer(service.database, customer.id)["authorization_code_psid"] is None
    assert phone.tell().status == 200
    assert database.holders(service.database, phone.psid) == [customer.id]
