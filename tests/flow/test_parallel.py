"""One code, many phones at the same moment: exactly one link."""

import concurrent.futures
import contextlib
import secrets
import socket
import urllib.parse

from conftest import count
from harness import canary, database, wire
from harness.phone import Customer, Phone, deliver
from simulator import events

AT_ONCE = 8


def hold_back_last_byte(service, raw):
    """A connection on which all but the last byte of the delivery was sent."""
    sock = wire.connect(service.url)
    bytes_ = wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret)),
                                               ("Connection", "close")], raw)
    sock.sendall(bytes_[:-1])
    return sock, bytes_[-1:]


def race(service, bodies):
    """All last bytes as close together as one thread can send them; -> statuses."""
    waiting = [hold_back_last_byte(service, raw) for raw in bodies]
    for sock, last in waiting:
        sock.sendall(last)
    statuses = []
    for sock, _ in waiting:
        got, _ = wire.read_all(sock, 10)
        statuses += [one.status for one in wire.split_answers(got)]
        sock.close()
    return statuses


def test_one_code_links_one_of_eight_psids(service):
    rounds = count("LINKD_ROUNDS", 25, 1000)
    customer = Customer(service)
    for turn in range(rounds):
        phone = Phone(service)
        phone.get_code(customer)
        psids = [canary.secret(events.new_psid(), "PSID") for _ in range(AT_ONCE)]
        bodies = [events.body(events.linked(psid, phone.code)) for psid in psids]
        assert race(service, bodies) == [200] * AT_ONCE
        held = [psid for psid in psids if database.holders(service.database, psid)]
        assert len(held) == 1, f"round {turn}: {len(held)} links"
    print(f"\n{rounds} rounds of {AT_ONCE} at once: one link each")


def test_the_same_event_eight_times_at_once(service, customer, phone):
    phone.get_code(customer)
    assert race(service, [events.body(events.linked(phone.psid, phone.code))] * AT_ONCE) == [200] * AT_ONCE
    assert database.holders(service.database, phone.psid) == [customer.id]


def test_many_customers_at_once(service):
    model = Customer(service)
    names = [f"many-{secrets.token_hex(4)}-{n}" for n in range(40)]
    database.copy_customers(service.database, model.id, names)

    def run(name):
        one = Customer(service, password=model.password, email=f"{name}@example.com", add=False)
        return name, Phone(service).link(one).psid

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name, psid in pool.map(run, names):
            assert database.holders(service.database, psid) == [name]


def test_all_in_one_delivery(service):
    model = Customer(service)
    names = [f"batch-{secrets.token_hex(4)}-{n}" for n in range(40)]
    database.copy_customers(service.database, model.id, names)
    phones = []
    for name in names:
        phones.append(Phone(service))
        phones[-1].get_code(Customer(service, model.password, f"{name}@example.com", add=False))
    made = [events.linked(one.psid, one.code) for one in phones]
    assert deliver(service, events.body(*made)).status == 200
    assert [database.holders(service.database, one.psid) for one in phones] == [[name] for name in names]


def kept_after(service, source):
    """Whether a connection from that address stays open after its answer."""
    with contextlib.closing(socket.create_connection(address_of(service), source_address=(source, 0))) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        return b"connection: close" not in sock.recv(65536).lower()


def address_of(service):
    at = urllib.parse.urlsplit(service.url)
    return at.hostname, at.port


def test_idle_connections_of_one_network_do_not_make_others_close(make_service):
    """256 are kept between requests; beyond that only who holds the most gives way."""
    service = make_service(LINKD_WORKERS="1")
    idle = []
    for _ in range(300):
        idle.append(socket.create_connection(address_of(service)))
        idle[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle[-1].recv(65536)
    assert not kept_after(service, "127.0.0.2"), "the same network"
    assert all(kept_after(service, f"127.9.{n}.1") for n in range(5)), "other networks"
    for one in idle:
        one.close()
