"""The peers of the bench do what account-linkd's webhook does, on DynamoDB Local."""
import base64
import concurrent.futures
import hashlib
import secrets
import time
import types
import urllib.request

import pytest

from bench.peers import registry
from dynamodb.servers import ENVIRONMENT, Server
from dynamodb.stage import create
from dynamodb.table import Table
from simulator import events


def digest(code):
    return base64.urlsafe_b64encode(hashlib.sha256(code.encode()).digest()).decode().rstrip("=")


@pytest.fixture(scope="session")
def table(binary):
    server = Server("local")
    store = {**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": server.url}
    name = "t-" + secrets.token_hex(6)
    create(binary, {**store, **registry.TABLE_SETTINGS, "LINKD_STORE": f"dynamodb:{name}"})
    made = Table(server.url, name)
    made.store = store
    yield made
    server.stop()


@pytest.fixture(scope="session", params=registry.PEERS)
def peer(request, table):
    secret = secrets.token_hex(16)
    with registry.PEERS[request.param].run(secret, table.name, table.store) as server:
        yield types.SimpleNamespace(url=server.url, secret=secret, table=table)


def deliver(peer, *made, signature=True):
    raw = events.body(*made)
    given = {"X-Hub-Signature-256": events.sign(raw, peer.secret) if signature is True else signature}
    headers = {"Content-Type": "application/json", **{k: v for k, v in given.items() if v is not None}}
    return events.post(peer.url + "/webhook", raw, headers).status


class Customer:
    """With a live code, as a login leaves it."""
    def __init__(self, table, seconds=300):
        self.id, self.code, self.psid = "c-" + secrets.token_hex(6), secrets.token_urlsafe(32), events.new_psid()
        self.table = table
        table.put(customer_id=self.id, email=self.id + "@example.com", password="x", authorization_code=digest(self.code),
                  authorization_code_expires_at=int(time.time()) + seconds)

    def row(self):
        return self.table.customer(self.id)


def test_alive(peer):
    with urllib.request.urlopen(peer.url + "/healthz", timeout=10) as got:
        assert (got.status, got.read()) == (200, b"ok")


def test_linked_once(peer):
    one = Customer(peer.table)
    event = events.linked(one.psid, one.code)
    assert deliver(peer, event) == 200
    first = one.row()
    assert (first["fb_psid"], first["fb_page_id"], first["fb_linked_at"]) == (one.psid, events.PAGE_ID, event["timestamp"])
    assert first["authorization_code"] is None and first["password"] == "x"
    assert deliver(peer, events.linked(events.new_psid(), one.code)) == 200
    assert one.row() == first


def test_one_link_of_many_at_once(peer):
    for _ in range(5):
        one, psids = Customer(peer.table), [events.new_psid() for _ in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda p, c=one.code: deliver(peer, events.linked(p, c)), psids))
        assert statuses == [200] * 8 and one.row()["fb_psid"] in psids


@pytest.mark.parametrize("signature", [None, "sha256=" + "0" * 64, "sha256=", ""])
def test_a_bad_signature_is_refused(peer, signature):
    one = Customer(peer.table)
    assert deliver(peer, events.linked(one.psid, one.code), signature=signature) == 403
    assert one.row()["fb_psid"] is None


def test_an_expired_or_unknown_code_links_nobody(peer):
    late = Customer(peer.table, -1)
    for code in (late.code, "unknown"):
        assert deliver(peer, events.linked(late.psid, code)) == 200
    assert late.row()["fb_psid"] is None


def test_other_events_and_several_of_one_delivery(peer):
    two = [Customer(peer.table) for _ in range(2)]
    made = [events.message(events.new_psid(), "hello"), *(events.linked(one.psid, one.code) for one in two),
            events.unlinked(events.new_psid())]
    assert deliver(peer, *made) == 200
    assert [one.row()["fb_psid"] for one in two] == [one.psid for one in two]
