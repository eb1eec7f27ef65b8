"""A flood of wrong logins, several times what the hash threads can check, and people with the right password.

The flood comes from one IPv6 /48 or from 100 networks, each try of an address of its own.  The people come from networks
of their own; half of them use a browser that was logged in before.  With LINKD_FULL=1 the rates and the bound are the
product's; the short form is a few seconds long and allows for a busy machine."""
import itertools
import secrets

import pytest

from conftest import FULL, count
from harness import canary
from harness.phone import Phone, new_address
from load.quiet import QuietService
from load.rig import Load, Maker, Standin, good, keep, percentile, tell

WRONG = count("LINKD_WRONG", 180, 180)  # a second
SECONDS = count("LINKD_FLOOD_S", 3, 30)
RIGHT = 3  # a second of each kind
WANTED = 0.95 if FULL else 0.8
REAL_HASH = {"LINKD_ARGON2_MEMORY_KIB": None, "LINKD_ARGON2_PASSES": None}
FLOODS = {
    "one /48": lambda n: f"2001:db8:7:{n % 0xffff:x}::1",
    "100 networks": lambda n: f"198.51.{n % 100}.{n // 100 % 254 + 1}",
}


@pytest.fixture(scope="module")
def maker(tmp_path_factory, binary):
    standin = Standin()
    service = QuietService(tmp_path_factory.mktemp("flood"), LINKD_WORKERS="1", **standin.settings(), **REAL_HASH).start()
    standin.set(delay_s=0.005)
    yield Maker(service)
    service.stop()
    standin.stop()


class Owner:
    """Somebody whose browser was logged in before."""
    def __init__(self, maker):
        self.email = canary.secret(f"owner-{secrets.token_hex(8)}@example.com", "e-mail")
        self.phone = Phone(maker.service)
        self.phone.open()
        assert self.phone.login(self.email, maker.customer.password).status == 200
        self.phone.open()


def line(name, done):
    statuses = {status: sum(1 for one in done if one.status == status) for status in sorted({one.status for one in done})}
    times = [one.ms for one in good(done)]
    return (f"{name:<38} {len(done):>6} {100 * len(good(done)) / len(done):>6.1f} % {percentile(times, 0.5):>8.0f}"
            f" {percentile(times, 0.99):>8.0f}  {statuses}")


LINES = ["                                        asked  right,200   p50 ms   p99 ms  statuses"]


@pytest.mark.parametrize("flood", FLOODS)
def test_right_logins_get_through(tmp_path, maker, flood):
    owners = [Owner(maker) for _ in range(count("LINKD_OWNERS", 4, 12))]
    wrong = [maker.login(password="not the password", address=FLOODS[flood](n), kind="wrong") for n in range(WRONG * SECONDS)]
    fresh = [maker.login(address=new_address()) for _ in range(RIGHT * SECONDS)]
    known = [maker.login(email=owner.email, phone=owner.phone)
             for owner in itertools.islice(itertools.cycle(owners), RIGHT * SECONDS)]
    loads = [Load(tmp_path, maker.service, some, rate, SECONDS, 1000)
             for some, rate in ((wrong, WRONG), (fresh, RIGHT), (known, RIGHT))]
    wrong, fresh, known = (load.result() for load in loads)
    made = [line(f"{WRONG} wrong a second from {flood}", wrong), line("  beside: new browsers", fresh),
            line("  beside: known browsers", known)]
    LINES.extend(made)
    tell([LINES[0], *made])
    assert {one.status for one in wrong} <= {401, 429, 503}
    assert any(one.status in (429, 503) for one in wrong), "no flood"
    for some in (fresh, known):
        assert len(good(some)) >= WANTED * len(some), made
    if flood == list(FLOODS)[-1]:
        keep("flood", LINES)
