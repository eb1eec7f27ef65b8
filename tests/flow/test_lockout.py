"""Strangers use up a customer's tries; the owner's browser still gets in, and guessing stays slow."""

import concurrent.futures
import time

import pytest

from harness import database, metrics
from harness.phone import Customer, Phone
from harness.service import Service

NETWORKS = 23  # 5 tries each: the last of the customer's 100 is taken while others are on their way
WRONG = 'linkd_logins_total{outcome="wrong"}'  # tries whose password was compared with a hash
PASSED = 'linkd_login_ceiling_passed_total{by="device"}'


@pytest.fixture
def direct(binary, tmp_path):
    """A service of each test's own, so that throttle and metrics start empty."""
    running = Service(tmp_path / "linkd").start()
    yield running
    running.stop()


def phone_at(service, address, cookies=()):
    phone = Phone(service)
    phone.address = address
    phone.cookies.update(cookies)
    return phone


def login(phone, email, password):
    """From the Log In button to the answer; a full queue is asked again, as the page says."""
    phone.open()
    for _ in range(40):
        answer = phone.login(email, password)
        if answer.status != 503:
            return answer
        time.sleep(0.25)
    raise AssertionError("the queue stays full")


def attack(service, email, networks):
    """As many wrong passwords from each network as it may send, all networks at once.  -> the answers."""
    def one(network):
        phone = phone_at(service, f"198.{network // 256}.{network % 256}.7")
        return [login(phone, email, "guess") for _ in range(5)]

    with concurrent.futures.ThreadPoolExecutor(NETWORKS) as pool:
        return [answer for answers in pool.map(one, networks) for answer in answers]


def device_of(phone):
    return {name: value for name, value in phone.cookies.items() if name.endswith("-device")}


def test_the_owner_gets_in_while_strangers_guess(direct):
    customer = Customer(direct)
    owner, second = Phone(direct), Phone(direct)
    for phone in (owner, second):
        assert login(phone, customer.email, customer.password).status == 200
    answers = attack(direct, customer.email, range(NETWORKS))
    answers += attack(direct, customer.email, range(100, 100 + NETWORKS))
    assert {answer.status for answer in answers} == {401}
    got = [login(owner, customer.email, customer.password).status for _ in range(20)]
    fresh = login(Phone(direct), customer.email, customer.password)
    thief = phone_at(direct, "203.0.113.9", device_of(second))
    stolen = [login(thief, customer.email, "guess") for _ in range(8)]
    stolen.append(login(thief, customer.email, customer.password))
    compared = metrics.value(direct, WRONG)
    print(f"\nlock-out: {len(answers)} wrong passwords from {2 * NETWORKS} networks and {len(stolen)} tries with a"
          f" stolen device cookie: {compared:.0f} reached a hash; the owner's browser {got.count(200)} of {len(got)}")
    assert got == [200] * 20
    assert compared <= 105
    assert {answer.status for answer in stolen} <= {401, 429}
    assert fresh.status == 401 and text_of(fresh) == text_of(answers[0]) == text_of(stolen[0])
    assert login(owner, customer.email, customer.password).status == 200, "a thief of one device stops another"
    assert metrics.value(direct, PASSED) == 21 + 5
    told = [line for line in direct.log() if line.get("result") == "right" and line.get("reason") == "known_device"]
    assert len(told) >= 20  # the last line may be on its way
    assert database.customer(direct.database, customer.id)["login_failures"] == compared


def text_of(answer):
    return [line for line in answer.text.splitlines() if 'class="error"' in line]


def at_ceiling(service, customer):
    database.change(service.database, customer.id, login_failures=100, login_window_ends=int(time.time()) + 3600)


def test_a_device_of_one_customer_does_not_help_another(direct):
    """Also not when both logged in on it: each has tries of its own."""
    ann, bob, eve = Customer(direct), Customer(direct), Customer(direct)
    phone = Phone(direct)
    for who in (ann, bob):
        assert login(phone, who.email, who.password).status == 200
    for who in (ann, bob, eve):
        at_ceiling(direct, who)
    assert [login(phone, ann.email, "wrong").status for _ in range(5)] == [401] * 5
    assert login(phone, ann.email, ann.password).status == 401
    assert login(phone, bob.email, bob.password).status == 200
    assert login(phone, eve.email, eve.password).status == 401


def test_the_cookie_is_set_by_a_right_password_alone(direct):
    customer = Customer(direct)
    phone = Phone(direct)
    assert login(phone, customer.email, "wrong").status == 401 and not device_of(phone)
    assert login(phone, "nobody-at-all@example.com", customer.password).status == 401 and not device_of(phone)
    answer = login(phone, customer.email, customer.password)
    cookie, = [line for line in answer.all("set-cookie") if line.startswith("linkd-device=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=15552000"} <= {part.strip() for part in cookie.split(";")}
    assert customer.email not in cookie and customer.id not in cookie


def test_what_is_no_cookie_of_ours_is_none(direct):
    customer = Customer(direct)
    phone = Phone(direct)
    assert login(phone, customer.email, customer.password).status == 200
    at_ceiling(direct, customer)
    good = phone.cookies["linkd-device"]
    state = phone.open().page.submit("/link/login")[1]["state"]
    for bad in ("", "x", good[:-1], good[:-4] + "AAAA", good + "A", "A" * 5000, state, good + "," + good):
        phone.cookies["linkd-device"] = bad
        assert login(phone_at(direct, Phone(direct).address, phone.cookies), customer.email,
                     customer.password).status == 401, bad
    phone.cookies["linkd-device"] = good
    assert login(phone, customer.email, customer.password).status == 200


def test_the_cookie_outlives_a_change_of_keys(make_service):
    """As long as the old key opens; dropped, the browser is unknown and nothing worse."""
    old, new = "1" * 40, "2" * 40
    service = make_service(LINKD_SEAL_KEY=old)
    customer = Customer(service)
    phone = Phone(service)

    def with_keys(keys, failures):
        service.stop()
        service.settings["LINKD_SEAL_KEY"] = keys
        service.start()
        phone.origin = service.url
        database.change(service.database, customer.id, login_failures=failures,
                        login_window_ends=int(time.time()) + 3600)
        return login(phone, customer.email, customer.password).status

    assert login(phone, customer.email, customer.password).status == 200
    first = device_of(phone)
    assert with_keys(new + "," + old, failures=100) == 200
    renewed = device_of(phone)
    phone.cookies.update(first)
    assert with_keys(new, failures=100) == 401
    assert with_keys(new, failures=0) == 200
    phone.cookies.update(renewed)
    assert with_keys(new, failures=100) == 200


def test_a_neighbour_does_not_use_up_the_owners_tries(direct):
    """A carrier's network has many strangers in it."""
    customer = Customer(direct)
    owner = phone_at(direct, "192.0.2.10")
    assert login(owner, customer.email, customer.password).status == 200
    neighbour = phone_at(direct, "192.0.2.99")
    assert [login(neighbour, customer.email, "wrong").status for _ in range(6)] == [401] * 5 + [429]
    assert login(phone_at(direct, "192.0.2.10"), customer.email, customer.password).status == 429
    assert login(owner, customer.email, customer.password).status == 200
