"""Password hashes of every kind a table may hold."""

import ctypes
import hashlib
from concurrent import futures

import pytest

from harness import database
from harness.phone import Customer, Phone

PASSWORD = "Tr0ub4dor&3-hash-test"
SHA1 = hashlib.sha1(PASSWORD.encode()).hexdigest()


def crypted(prefix, rounds=0):
    """crypt(3) of the test password with a fresh salt."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = library.crypt_gensalt.restype = ctypes.c_char_p
    setting = library.crypt_gensalt(prefix.encode(), ctypes.c_ulong(rounds), None, 0)
    return library.crypt(PASSWORD.encode(), setting).decode()


def with_hash(service, stored):
    customer = Customer(service, password=PASSWORD)
    database.change(service.database, customer.id, password=stored)
    return customer


def login(service, customer, password=PASSWORD):
    phone = Phone(service)
    phone.open()
    return phone.login(customer.email, password).status


def stored(service, customer):
    return database.customer(service.database, customer.id)["password"]


KINDS = {"yescrypt": ("$y$", 1), "bcrypt 2b": ("$2b$", 5), "bcrypt 2y": ("$2y$", 5), "scrypt": ("$7$", 6),
         "sha512crypt": ("$6$", 1000), "sha256crypt": ("$5$", 1000)}


@pytest.mark.parametrize("kind", KINDS)
def test_crypt_hashes(service, kind):
    hashed = crypted(*KINDS[kind])
    assert hashed.startswith(KINDS[kind][0])
    customer = with_hash(service, hashed)
    assert login(service, customer) == 200
    assert login(service, customer, PASSWORD + "x") == 401
    assert stored(service, customer) == hashed, "verified, never rewritten"


def test_new_passwords_are_argon2id_with_the_settings(make_service):
    service = make_service(LINKD_ARGON2_MEMORY_KIB="128", LINKD_ARGON2_PASSES="3")
    customer = Customer(service)
    assert stored(service, customer).startswith("$argon2id$v=19$m=128,t=3,p=1$")
    assert login(service, customer, customer.password) == 200
    assert login(service, customer, customer.password + "x") == 401


def test_argon2id_made_with_other_settings_still_works(make_service):
    service = make_service(start=False, LINKD_ARGON2_MEMORY_KIB="1024")
    customer = Customer(service)
    service.settings["LINKD_ARGON2_MEMORY_KIB"] = "64"
    service.start()
    assert login(service, customer, customer.password) == 200


def test_the_default_cost_is_the_documented_one(make_service):
    service = make_service(LINKD_ARGON2_MEMORY_KIB=None, LINKD_ARGON2_PASSES=None)
    customer = Customer(service)
    assert stored(service, customer).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert login(service, customer, customer.password) == 200


def test_sha1_is_accepted_by_default_never_written_and_warned_of(make_service):
    service = make_service()
    assert service.logged(lambda one: one["level"] == "warn" and "LEGACY_SHA1" in str(one))
    customer = with_hash(service, SHA1)
    assert login(service, customer) == 200 and login(service, customer, "other") == 401
    assert stored(service, customer) == SHA1


def test_sha1_upgrade_writes_argon2id_at_the_first_right_login(make_service):
    service = make_service(LINKD_LEGACY_SHA1="upgrade")
    customer = with_hash(service, SHA1)
    assert login(service, customer, "other") == 401
    assert stored(service, customer) == SHA1
    assert login(service, customer) == 200
    assert stored(service, customer).startswith("$argon2id$")
    assert login(service, customer) == 200 and login(service, customer, SHA1) == 401


def test_sha1_upgraded_by_two_logins_at_once(make_service):
    """A double tap: each consent page must lead on, also the one of the login that came second."""
    service = make_service(LINKD_LEGACY_SHA1="upgrade", LINKD_ARGON2_MEMORY_KIB="32768")
    customer = with_hash(service, SHA1)
    phones = [Phone(service) for _ in range(2)]
    assert [phone.open().status for phone in phones] == [200] * 2
    with futures.ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(lambda phone: phone.login(customer.email, PASSWORD).status, phones))
    assert pages == [200] * 2
    assert [phone.connect().status for phone in phones] == [303] * 2


def test_sha1_refuse(make_service):
    service = make_service(LINKD_LEGACY_SHA1="refuse")
    assert login(service, with_hash(service, SHA1)) == 401


def test_the_hash_itself_is_not_a_password(service):
    for hashed in (SHA1, crypted("$6$", 1000)):
        assert login(service, with_hash(service, hashed), hashed) == 401


ODD = ["$y$", "$2b$05$", "$6$", "$1$", "$argon2id$v=19$m=4294967295,t=4294967295,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g",
       "$argon2id$v=19$m=64",
       "$argon2i$v=19$m=64,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g", "\u0000", "%s%n", "A" * 512, "plain", PASSWORD,
       "ab12345678901"]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:12].encode("unicode_escape").decode())
def test_an_odd_hash_is_a_wrong_password_never_a_crash(service, odd):
    customer = with_hash(service, odd)
    assert login(service, customer) == 401
    assert stored(service, customer) == odd
