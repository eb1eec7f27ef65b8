"""Customers in bulk, and the steps of a link as short functions that bear a store that fails."""
import secrets
import threading
import time

from harness import canary
from harness.phone import Phone, deliver
from simulator import events

_lock = threading.Lock()
_hashed = {}
PASSWORD = "one password for all of them"


class Person:
    def __init__(self, service, number=None):
        self.id = f"p-{secrets.token_hex(6)}" if number is None else number
        self.email, self.password = f"{self.id}@example.com", PASSWORD
        self.psid = canary.secret(events.new_psid(), "PSID")
        service.database.put(customer_id=self.id, email=self.email, password=hash_of(service))

    def row(self, service):
        return service.database.customer(self.id)


def hash_of(service):
    """One hash for all, made by the program."""
    with _lock:
        if service.secret not in _hashed:
            name = "model-" + secrets.token_hex(4)
            service.add_customer(name, name + "@example.com", PASSWORD)
            _hashed[service.secret] = service.database.customer(name)["password"]
            service.database.delete({"customer_id": name, "email": name + "@example.com"})
        return _hashed[service.secret]


def code_of(service, person, patience_s=60):
    """Log in and connect, again as long as the service says 503; -> the code."""
    ends = time.monotonic() + patience_s
    while True:
        phone = Phone(service, person.psid)
        phone.open()
        answer = phone.login(person.email, person.password)
        if answer.status == 200:
            answer = phone.connect()
        if answer.status == 303 and phone.code:
            return phone.code
        assert answer.status == 503, answer
        assert time.monotonic() < ends, "no code in time"


def bind(service, person, psid=None):
    """What a Graph look-up would have bound the code to."""
    service.database.client.update_item(
        TableName=service.database.name, Key={"customer_id": {"S": person.id}, "email": {"S": person.email}},
        UpdateExpression="SET authorization_code_psid = :p", ExpressionAttributeValues={":p": {"S": psid or person.psid}})


def tell(service, *made, patience_s=60):
    """Deliver until 200, as Facebook does; -> number of deliveries."""
    raw, ends, tries = events.body(*made), time.monotonic() + patience_s, 0
    while True:
        tries += 1
        answer = deliver(service, raw)
        if answer.status == 200:
            return tries
        assert answer.status == 503, answer
        assert time.monotonic() < ends, f"not settled after {tries} deliveries"
        time.sleep(0.02)
