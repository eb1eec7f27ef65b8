"""The database locked, full, read-only: 503, nothing half done, and well again by itself."""

import contextlib
import resource
import subprocess
import time

import pytest

from harness import client, database, wire
from harness.phone import Customer, Phone
from simulator import events


@pytest.fixture
def coded(make_service):
    """A service with one customer who has a code in hand."""
    service = make_service()
    customer, phone = Customer(service), Phone(service)
    phone.get_code(customer)
    return service, customer, phone


def links_in_the_end(service, customer, phone):
    """Facebook's redelivery until it is settled."""
    ends = time.monotonic() + 15
    while phone.tell().status != 200:
        assert time.monotonic() < ends, "did not recover"
        time.sleep(0.2)
    assert database.holders(service.database, phone.psid) == [customer.id]


def test_a_short_lock_is_waited_for(coded):
    service, customer, phone = coded
    with database.locked(service.database):
        sock = send(service, phone)
        time.sleep(0.3)
    assert answer_of(sock) == [200]
    assert database.holders(service.database, phone.psid) == [customer.id]


def send(service, phone):
    raw = events.body(events.linked(phone.psid, phone.code))
    sock = wire.connect(service.url)
    sock.sendall(wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret)),
                                                   ("Connection", "close")], raw))
    return sock


def answer_of(sock, wait=10):
    got, _ = wire.read_all(sock, wait)
    sock.close()
    return [one.status for one in wire.split_answers(got)]


def test_locked_is_503_in_time_and_recovers(coded):
    service, customer, phone = coded
    with database.locked(service.database):
        began = time.monotonic()
        assert phone.tell().status == 503
        assert time.monotonic() - began < 4.6
        assert client.get(service.url + "/healthz").status == 200
    links_in_the_end(service, customer, phone)


def test_unlink_while_locked(coded):
    service, customer, phone = coded
    assert phone.tell().status == 200
    with database.locked(service.database):
        assert phone.tell(events.unlinked(phone.psid)).status == 503
    ends = time.monotonic() + 15
    while phone.tell(events.unlinked(phone.psid)).status != 200:
        assert time.monotonic() < ends
    assert database.holders(service.database, phone.psid) == []


def test_one_event_that_did_not_settle_does_not_hide_the_others_answer(coded):
    service, customer, phone = coded
    with database.locked(service.database):
        answer = phone.tell(events.message(phone.psid, "x"), events.linked(phone.psid, phone.code), {})
    assert answer.status == 503
    assert phone.tell(events.message(phone.psid, "x")).status == 200


def test_connect_while_locked_is_a_page_without_redirect(make_service):
    service = make_service()
    customer, phone = Customer(service), Phone(service)
    phone.open()
    consent = phone.login(customer.email, customer.password)
    with database.locked(service.database):
        answer = phone.connect()
    assert answer.status == 503 and answer.is_page and answer.header("location") is None
    phone.last = consent
    ends = time.monotonic() + 10
    while phone.connect().status == 503 and time.monotonic() < ends:
        phone.last = consent
    assert phone.last.status == 303 and phone.code
    links_in_the_end(service, customer, phone)


@contextlib.contextmanager
def no_file_may_grow(service):
    """Every write of the service past 4 KiB fails, as on a full disk."""
    pid = service.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def test_writes_that_fail_are_503_and_recover(make_service):
    service = make_service(start=False)
    service.start(restore_signals=False)
    customer, phone = Customer(service), Phone(service)
    phone.get_code(customer)
    with no_file_may_grow(service):
        assert phone.tell().status == 503
        assert client.get(service.url + "/healthz").status == 200
    links_in_the_end(service, customer, phone)
    assert database.check(service.database) == ["ok"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, 2 MiB."""
    at = tmp_path / "disk"
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "none", str(at)], check=True)
    yield at
    subprocess.run(["umount", "-l", str(at)], check=True)


def on_disk(make_service, disk):
    service = make_service(start=False, LINKD_STORE=f"sqlite:{disk}/linkd.db")
    service.database = disk / "linkd.db"
    service.start()
    customer, phone = Customer(service), Phone(service)
    phone.get_code(customer)
    return service, customer, phone


@pytest.mark.mounts
def test_a_full_disk(small_disk, make_service):
    service, customer, phone = on_disk(make_service, small_disk)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)
    statuses = [phone.tell(events.unlinked(phone.psid)).status for _ in range(3)]
    assert set(statuses) <= {200, 503}
    found = fill_log(service, phone)
    assert 503 in found, found
    assert client.get(service.url + "/healthz").status == 200
    filler.unlink()
    links_in_the_end(service, customer, phone)
    assert database.check(service.database) == ["ok"]
    service.stop()


def fill_log(service, phone):
    """Writes (failed logins) until the write-ahead log has no room left."""
    with contextlib.suppress(AssertionError):
        other = Customer(service)
        return [write_once(service, other) for _ in range(4)] + [phone.tell().status]
    return [phone.tell().status]


def write_once(service, customer):
    phone = Phone(service)
    phone.open()
    phone.login(customer.email, customer.password)
    return phone.connect().status if phone.last.status == 200 else phone.last.status


@pytest.mark.mounts
def test_a_read_only_disk_is_said_at_the_start(small_disk, make_service):
    service, customer, phone = on_disk(make_service, small_disk)
    service.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = service.command("serve")
    assert done.returncode == 1 and str(service.database) in done.stdout + done.stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    service.start()
    phone.origin = service.url
    links_in_the_end(service, customer, phone)
    service.stop()


def test_a_database_that_cannot_be_opened_says_so(make_service, tmp_path):
    for path, content in ((tmp_path / "none" / "x.db", None),
                          (tmp_path / "text.db", b"this is no database, but long enough\n" * 100),
                          (tmp_path, None)):
        if content:
            path.write_bytes(content)
        service = make_service(start=False, LINKD_STORE=f"sqlite:{path}")
        done = service.command("serve")
        assert done.returncode == 1 and str(path) in done.stdout + done.stderr


def test_a_newer_schema_is_refused(make_service):
    service = make_service()
    service.stop()
    with database.opened(service.database) as connection:
        connection.execute("PRAGMA user_version = 999")
    done = service.command("serve")
    assert done.returncode == 1 and str(service.database) in done.stdout + done.stderr


def test_readyz_tells_of_a_store_that_does_not_answer(make_service):
    service = make_service()
    with database.opened(service.database) as connection:
        connection.execute("ALTER TABLE customers RENAME TO hidden")
        ends = time.monotonic() + 20
        # the first ping may meet the lock of the change above: BUSY, until the next one
        while client.get(service.url + "/readyz").json["checks"]["store"].get("error") != \
                "STORE: the log and /readyz on the admin listener say why":
            assert time.monotonic() < ends, "readyz never noticed"
            time.sleep(0.2)
        told = client.get(service.url + "/readyz")
        assert told.status == 503 and told.json["checks"]["store"]["ok"] is False
        told = client.get(service.admin + "/readyz")
        assert told.status == 503 and "the database fails" in told.json["checks"]["store"]["error"]
        assert client.get(service.url + "/healthz").status == 200
        connection.execute("ALTER TABLE hidden RENAME TO customers")
    ends = time.monotonic() + 20
    while client.get(service.url + "/readyz").status != 200:
        assert time.monotonic() < ends, "readyz never recovered"
        time.sleep(0.2)
