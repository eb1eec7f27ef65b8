"""The admin listener: who may, what it tells, what it removes; metrics."""

import secrets
import urllib.parse

import pytest

from harness import client, database, metrics, wire
from harness.client import admin
from harness.phone import Customer, Phone
from simulator import events

PATHS = [("GET", "/v1/links/{psid}"), ("DELETE", "/v1/links/{psid}"), ("GET", "/v1/customers/{id}/links"),
         ("DELETE", "/v1/customers/{id}/links")]


@pytest.fixture
def linked(service, customer, phone):
    phone.link(customer)
    return phone


def fill(path, customer, phone):
    return path.replace("{psid}", phone.psid).replace("{id}", customer.id)


@pytest.mark.parametrize("method,path", PATHS)
@pytest.mark.parametrize("token", [None, "", "wrong", "{t}x", "{t-1}"])
def test_without_the_token_401(service, customer, linked, method, path, token):
    given = token and token.replace("{t}", service.admin_token).replace("{t-1}", service.admin_token[:-1])
    with database.unchanged(service):
        answer = admin(service, method, fill(path, customer, linked), given,
                       {"X-Forwarded-For": f"198.51.100.{secrets.randbelow(256)}"})  # none is slowed
    assert answer.status == 401 and answer.header("content-type").startswith("application/problem+json")


def test_other_schemes_and_doubled_headers_are_401(service, linked):
    path = f"/v1/links/{linked.psid}"
    for value in (f"Basic {service.admin_token}", service.admin_token):
        assert admin(service, "GET", path, None, {"Authorization": value}).status == 401
    right = ("Authorization", f"Bearer {service.admin_token}")
    answers, _ = wire.talk(service.admin, wire.request("GET", path, [right, right, ("Connection", "close")]))
    assert [one.status for one in answers] in ([400], [401])


def test_no_token_configured_is_404(make_service):
    service = make_service(LINKD_ADMIN_TOKEN=None)
    for method, path in PATHS:
        for token in (None, "", "x"):
            assert admin(service, method, path.replace("{psid}", "1").replace("{id}", "1"),
                         token).status == 404
    assert client.get(service.admin + "/metrics").status == 200


def test_a_link_by_psid(service, customer, phone):
    at = events.now_ms() - 30_000
    phone.link(customer, at=at)
    answer = admin(service, "GET", f"/v1/links/{phone.psid}")
    assert answer.status == 200 and answer.header("content-type").startswith("application/json")
    assert answer.json == {"psid": phone.psid, "page_id": events.PAGE_ID, "customer_id": customer.id,
                           "email": customer.email, "linked_at": at}


def test_links_of_a_customer(service, customer, linked):
    answer = admin(service, "GET", f"/v1/customers/{customer.id}/links").json
    assert answer["customer_id"] == customer.id and len(answer["links"]) == 1
    assert {name: answer["links"][0][name] for name in ("psid", "page_id", "email")} == {
        "psid": linked.psid, "page_id": events.PAGE_ID, "email": customer.email}
    assert abs(answer["links"][0]["linked_at"] - events.now_ms()) < 60_000


def test_a_customer_without_link_and_none_at_all(service, customer):
    assert admin(service, "GET", f"/v1/customers/{customer.id}/links").json["links"] == []
    assert admin(service, "GET", "/v1/customers/nobody-of-that-id/links").status == 404
    assert admin(service, "DELETE", "/v1/customers/nobody-of-that-id/links").status == 404
    assert admin(service, "GET", "/v1/links/7000000000000000").status == 404


def test_delete_of_a_link(service, customer, linked):
    assert admin(service, "DELETE", f"/v1/links/{linked.psid}").status == 204
    assert database.holders(service.database, linked.psid) == []
    assert admin(service, "DELETE", f"/v1/links/{linked.psid}").status == 404
    assert admin(service, "GET", f"/v1/links/{linked.psid}").status == 404


def test_erase_leaves_the_password_and_the_used_code(service, customer, linked):
    before = database.customer(service.database, customer.id)
    assert admin(service, "DELETE", f"/v1/customers/{customer.id}/links").status == 204
    after = database.customer(service.database, customer.id)
    assert all(not after[name] for name in database.OURS if name != "fb_link_code"), after
    assert after["fb_link_code"] == before["fb_link_code"] is not None
    assert after["password"] == before["password"] and after["email"] == before["email"]


def test_two_holders_are_repaired_the_newest_wins(service, phone):
    old, new = Customer(service), Customer(service)
    now = events.now_ms()
    database.change(service.database, old.id, fb_psid=phone.psid, fb_linked_at=now - 5000)
    database.change(service.database, new.id, fb_psid=phone.psid, fb_linked_at=now)
    assert admin(service, "GET", f"/v1/links/{phone.psid}").json["customer_id"] == new.id
    assert database.holders(service.database, phone.psid) == [new.id]


@pytest.mark.parametrize("name", ["a b", "ä/ö", "x%y", "a?b=c", "..", "q\"'<>", "0", "a+b"])
def test_customer_ids_with_odd_characters(service, name):
    phone, customer = Phone(service), Customer(service, add=False)
    name += customer.id
    service.add_customer(name, customer.email, customer.password)
    phone.link(customer)
    answer = admin(service, "GET", f"/v1/customers/{urllib.parse.quote(name, safe='')}/links")
    assert answer.status == 200 and answer.json["customer_id"] == name
    assert admin(service, "GET", f"/v1/links/{phone.psid}").json["customer_id"] == name


@pytest.mark.parametrize("path", ["/v1/links/", "/v1/links", "/v1/links/a/b", "/v1/links/%00",
                                  "/v1/links/%ff", "/v1/links/%zz", "/v1/links/" + "7" * 65,
                                  "/v1/customers/x", "/v1/customers//links",
                                  "/v1/customers/" + "x" * 700 + "/links", "/v1/", "/v2/links/1"])
def test_odd_paths_are_refused(service, path):
    answer = admin(service, "GET", path)
    assert answer.status in (400,
                             404) and answer.header("content-type").startswith("application/problem+json")


@pytest.mark.parametrize("items", [7, 8, 9, 24, 25])
def test_every_item_of_a_customer_is_erased(service, items):
    """However many e-mails are under one id; one look of the store shows 8."""
    name = "many-" + secrets.token_hex(6)
    for n in range(items):
        database.put(service.database, customer_id=name, email=f"{name}-{n}@example.com", fb_psid="7" * 17, fb_linked_at=n)
    assert admin(service, "DELETE", f"/v1/customers/{name}/links").status == 204
    rows = [one for one in database.rows(service.database) if one["customer_id"] == name]
    assert len(rows) == items and not any(one["fb_psid"] or one["fb_linked_at"] for one in rows)


def test_405_on_v1(service):
    answer = admin(service, "PUT", "/v1/links/1")
    assert answer.status == 405
    assert {one.strip() for one in answer.header("allow").split(",")} == {"GET", "HEAD", "DELETE"}


def test_the_public_listener_has_no_admin(service):
    for path in ("/metrics", "/v1/links/1"):
        assert client.get(service.url + path,
                          {"Authorization": f"Bearer {service.admin_token}"}).status == 404


def test_the_admin_listener_has_no_public_pages(service):
    for path in ("/webhook", "/link"):
        assert client.get(service.admin + path).status == 404


def test_metrics_parse_and_count(service, customer, phone):
    before, _ = metrics.read(service)
    phone.link(customer)
    after, kinds = metrics.read(service)
    assert len(after) > 30 and all(name.startswith("linkd_") for name in after)
    name = 'linkd_webhook_events_total{outcome="linked"}'
    assert after[name] == before[name] + 1
    for name, value in before.items():
        if kinds.get(name.split("{")[0]) == "counter":
            assert after[name] >= value and name.split("{")[0].endswith("_total"), name


def test_histograms_are_cumulative(service):
    samples, kinds = metrics.read(service)
    families = [name for name, kind in kinds.items() if kind == "histogram"]
    assert families
    for family in families:
        buckets = {}
        for name, value in samples.items():
            if name.startswith(family + "_bucket{"):
                labels, _, _ = name.removeprefix(family + "_bucket").removesuffix('"}').rpartition('le="')
                buckets.setdefault(labels, []).append(value)
        for labels, values in buckets.items():
            whole = "" if labels == "{" else labels.removesuffix(",") + "}"
            assert values == sorted(values) and values[-1] == samples[family + "_count" + whole], family


def test_metrics_hold_nothing_personal(service, customer, linked):
    text = client.get(service.admin + "/metrics").text
    for secret in (linked.psid, customer.email, customer.id, linked.code, service.secret):
        assert secret not in text


def test_the_admin_listener_can_be_off(make_service):
    service = make_service(LINKD_ADMIN_LISTEN="off")
    assert service.admin is None and client.get(service.url + "/healthz").status == 200


def delete_with(service, target, *framing):
    """DELETE, and after it a look-up of nobody on the same connection."""
    allowed = ("Authorization", "Bearer " + service.admin_token)
    head = [allowed, *framing[0]]
    behind = wire.request("GET", "/v1/links/1", [allowed, ("Connection", "close")])
    return wire.talk(service.admin, wire.request("DELETE", target, head, length=False) + framing[1] + behind)[0]


@pytest.mark.parametrize("body", [b"{}", b'{"reason":"moved"}', b" " * 8192], ids=["{}", "object", "8 KiB"])
def test_delete_takes_a_small_body_and_reads_it_past(service, linked, body):
    for status in (204, 404):
        answers = delete_with(service, f"/v1/links/{linked.psid}", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))], body)
        assert [one.status for one in answers] == [status, 404], "what follows the body is the next request"


@pytest.mark.parametrize("framing,status", [
    (([("Content-Length", "8193")], b" " * 8193), 413),
    (([("Transfer-Encoding", "chunked")], b"2\r\n{}\r\n0\r\n\r\n"), 411),
    (([("Transfer-Encoding", "chunked"), ("Content-Length", "2")], b"2\r\n{}\r\n0\r\n\r\n"), 400),
    (([("Content-Length", "2"), ("Content-Length", "2")], b"{}"), 400),
    (([("Content-Length", "+2")], b"{}"), 400),
], ids=["large", "chunked", "both", "twice", "no number"])
def test_the_framing_of_a_delete_is_as_strict(service, linked, framing, status):
    answers = delete_with(service, f"/v1/links/{linked.psid}", *framing)
    assert [one.status for one in answers] == [status], "and nothing behind it is served"
    assert admin(service, "GET", f"/v1/links/{linked.psid}").status == 200
