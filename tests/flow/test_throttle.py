"""Guessing passwords: 5 tries an address and network, 30 a client, 100 an hour a customer."""

import concurrent.futures
import time

import pytest

from harness import database
from harness.phone import Customer, Phone
from harness.service import Service


@pytest.fixture(scope="module")
def direct(binary, tmp_path_factory):
    """A service of this file's own, so that its throttle starts empty."""
    running = Service(tmp_path_factory.mktemp("linkd")).start()
    yield running
    running.stop()


def tries(service, email, password, times, address=None):
    """Statuses of so many tries at once from one client."""
    phone = Phone(service)
    phone.address = address or phone.address
    page = phone.open()

    def one(_):
        mine = Phone(service)
        mine.address, mine.cookies, mine.last = phone.address, phone.cookies, page
        return mine.login(email, password)

    with concurrent.futures.ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def statuses(responses):
    return sorted(one.status for one in responses)


def test_the_sixth_try_is_429_and_says_when(direct):
    customer = Customer(direct)
    phone = Phone(direct)
    assert statuses(tries(direct, customer.email, "wrong", 6, phone.address)) == [401] * 5 + [429]
    phone.open()
    answer = phone.login(customer.email, customer.password)
    assert answer.status == 429 and 0 < int(answer.header("retry-after")) <= 900
    assert answer.is_page and answer.page.text


def test_unknown_addresses_are_throttled_alike(direct):
    assert statuses(tries(direct, "nobody-at-all@example.com", "wrong", 6)) == [401] * 5 + [429]


def test_capitals_and_spaces_are_the_same_address(direct):
    customer = Customer(direct)
    phone = Phone(direct)
    tries(direct, customer.email, "wrong", 5, phone.address)
    phone.open()
    assert phone.login(" " + customer.email.upper(), "wrong").status == 429


def test_the_network_counts_not_the_address(direct):
    customer = Customer(direct)
    assert statuses(tries(direct, customer.email, "wrong", 5, "203.0.113.7")) == [401] * 5
    assert statuses(tries(direct, customer.email, "wrong", 1, "203.0.113.200")) == [429]
    assert statuses(tries(direct, customer.email, "wrong", 1, "203.0.114.7")) == [401]
    assert statuses(tries(direct, customer.email, customer.password, 1, "203.0.114.7")) == [200]


def test_the_ipv6_network_is_a_56(direct):
    customer = Customer(direct)
    assert statuses(tries(direct, customer.email, "wrong", 5, "2001:db8:1:1100::1")) == [401] * 5
    assert statuses(tries(direct, customer.email, "wrong", 1, "2001:db8:1:11ff::9")) == [429]
    assert statuses(tries(direct, customer.email, "wrong", 1, "2001:db8:1:1200::1")) == [401]


def test_thirty_tries_a_client(direct):
    phone = Phone(direct)
    page = phone.open()

    def one(number):
        mine = Phone(direct)
        mine.address, mine.cookies, mine.last = phone.address, phone.cookies, page
        return mine.login(f"stuffing-{number}@example.com", "wrong").status

    # one network has at most 16 places in the hash queue: fewer tries at once, so that none is refused there
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(one, range(32)))
    assert found == [401] * 30 + [429] * 2


def test_right_logins_do_not_count(direct):
    customer = Customer(direct)
    phone = Phone(direct)
    for _ in range(7):
        phone.open()
        assert phone.login(customer.email, customer.password).status == 200


def test_a_forwarded_address_from_nobody_trusted_is_ignored(make_service):
    service = make_service(LINKD_TRUSTED_PROXIES=None)
    customer = Customer(service)
    for number in range(5):
        assert statuses(tries(service, customer.email, "wrong", 1, f"203.0.{number}.1")) == [401]
    assert statuses(tries(service, customer.email, "wrong", 1, "203.0.99.1")) == [429]


def test_the_rightmost_untrusted_address_counts(direct):
    customer = Customer(direct)
    for number in range(5):
        assert statuses(tries(direct, customer.email, "wrong", 1, f"198.51.{number}.1, 192.0.2.1")) == [401]
    assert statuses(tries(direct, customer.email, "wrong", 1, "198.51.77.1, 192.0.2.1")) == [429]


def failures(service, customer):
    return database.customer(service.database, customer.id)["login_failures"]


def test_failures_are_counted_on_the_customer_and_forgotten_at_connect(direct):
    customer = Customer(direct)
    tries(direct, customer.email, "wrong", 3)
    assert failures(direct, customer) == 3
    Phone(direct).get_code(customer)
    assert not failures(direct, customer)


def test_past_the_ceiling_even_the_right_password_is_an_ordinary_401(direct):
    customer = Customer(direct)
    now = int(time.time())
    database.change(direct.database, customer.id, login_failures=100, login_window_ends=now + 1000)
    phone = Phone(direct)
    phone.open()
    answer = phone.login(customer.email, customer.password)
    assert answer.status == 401 and answer.header("retry-after") is None
    database.change(direct.database, customer.id, login_window_ends=now - 1)
    assert phone.login(customer.email, customer.password).status == 200, "the window is over"


def test_ninety_nine_is_below_the_ceiling(direct):
    customer = Customer(direct)
    database.change(direct.database, customer.id, login_failures=99,
                    login_window_ends=int(time.time()) + 1000)
    phone = Phone(direct)
    phone.open()
    assert phone.login(customer.email, customer.password).status == 200
