"""A stop ends within 10 s whatever hangs."""

import signal
import time

from harness import client, database, wire
from harness.phone import Customer


def test_work_that_hangs_in_the_store_does_not_hold_the_end(make_service):
    """A client trickles an erase whose write then waits for a lock that is never given."""
    service = make_service()
    customer = Customer(service)
    assert client.get(service.url + "/healthz").status == 200
    sock = wire.connect(service.admin, timeout=20)
    sock.sendall(f"DELETE /v1/customers/{customer.id}/links HTTP/1.1\r\nHost: localhost\r\n".encode())
    with database.locked(service.database):
        began = time.monotonic()
        service.signal(signal.SIGTERM)
        time.sleep(5)
        sock.sendall(f"Authorization: Bearer {service.admin_token}\r\n\r\n".encode())
        got, closed = wire.read_all(sock, 15)
        service.process.wait(20)
        seconds = time.monotonic() - began
    sock.close()
    assert [one.status for one in wire.split_answers(got)] == [503] and closed
    service.ended()
    assert seconds < 10, f"{seconds:.1f} s"
