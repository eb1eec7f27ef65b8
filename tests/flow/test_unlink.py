"""Log Out: the PSID leaves whoever holds it, unless the link is newer."""

import pytest

from harness import database
from harness.phone import Customer
from simulator import events


def holders(service, phone):
    return database.holders(service.database, phone.psid)


def test_unlink_of_nobody_is_200(service, phone):
    with database.unchanged(service):
        assert phone.tell(events.unlinked(phone.psid)).status == 200


@pytest.mark.parametrize("later_ms,stays", [(0, False), (1_900, False), (9_000, True), (3_600_000, True)])
def test_a_link_much_newer_than_the_event_stays(service, customer, phone, later_ms, stays):
    at = events.now_ms()
    phone.link(customer, at=at)
    assert phone.tell(events.unlinked(phone.psid, at=at - later_ms)).status == 200
    assert holders(service, phone) == ([customer.id] if stays else [])


def test_a_link_without_time_always_goes(service, customer, phone):
    database.change(service.database, customer.id, fb_psid=phone.psid, fb_linked_at=None)
    assert phone.tell(events.unlinked(phone.psid, at=events.now_ms() - 30 * 3_600_000)).status == 200
    assert holders(service, phone) == []


def test_every_holder_loses_it(service, phone):
    three = [Customer(service) for _ in range(3)]
    for one in three:
        database.change(service.database, one.id, fb_psid=phone.psid, fb_linked_at=events.now_ms() - 60_000)
    assert phone.tell(events.unlinked(phone.psid)).status == 200
    assert holders(service, phone) == []


def test_only_the_holders_whose_link_is_old_enough(service, phone):
    old, new = Customer(service), Customer(service)
    now = events.now_ms()
    database.change(service.database, old.id, fb_psid=phone.psid, fb_linked_at=now - 60_000)
    database.change(service.database, new.id, fb_psid=phone.psid, fb_linked_at=now)
    assert phone.tell(events.unlinked(phone.psid, at=now - 30_000)).status == 200
    assert holders(service, phone) == [new.id]


def test_nothing_else_of_the_customer_changes(service, customer, phone):
    phone.link(customer)
    before = database.customer(service.database, customer.id)
    phone.tell(events.unlinked(phone.psid))
    after = database.customer(service.database, customer.id)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"fb_psid", "fb_page_id", "fb_linked_at"}


def test_repeated_unlink(service, customer, phone):
    phone.link(customer)
    event = events.unlinked(phone.psid)
    assert [phone.tell(event).status for _ in range(3)] == [200] * 3
    assert holders(service, phone) == []


def test_log_out_and_in_again(service, customer, phone):
    for _ in range(3):
        phone.link(customer)
        assert holders(service, phone) == [customer.id]
        phone.tell(events.unlinked(phone.psid))
        assert holders(service, phone) == []


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("unlink_after_ms", [10_000, -10_000])
def test_both_in_one_delivery_run_in_order_of_time(service, customer, phone, unlink_after_ms, reverse):
    phone.get_code(customer)
    at = events.now_ms() - 60_000
    two = [events.linked(phone.psid, phone.code, at=at), events.unlinked(phone.psid, at=at + unlink_after_ms)]
    assert phone.tell(*(reversed(two) if reverse else two)).status == 200
    assert holders(service, phone) == ([] if unlink_after_ms > 0 else [customer.id])


def test_an_old_unlink_replayed_does_not_undo_a_new_link(service, customer, phone):
    old = events.unlinked(phone.psid, at=events.now_ms() - 60_000)
    phone.link(customer)
    with database.unchanged(service):
        assert phone.tell(old).status == 200
