"""What stands in the log: one JSON object a line, nothing forged, nothing secret (searched at the end)."""

import http.client
import json
import secrets
import time
import urllib.parse

import pytest

from harness import canary, client, metrics, wire
from harness.facebook import Facebook
from harness.phone import Customer, Phone, deliver
from simulator import events

NASTY = ['"}\n{"level":"error","msg":"forged"}', "\r\nforged: yes", "\x1b[31mred", "%n%s%x", "\u202e bidi",
         "a" * 6000, "\\", '{"a":']


def test_nasty_values_stay_inside_one_line(make_service):
    service = make_service(LINKD_LOG_LEVEL="debug")
    for nasty in NASTY:
        clean = nasty.replace("\r", "").replace("\n", "").replace("\x1b",
                                                                  "").encode("utf-8").decode("latin-1")
        client.get(f"{service.url}/{urllib.parse.quote(nasty[:2000], safe='')}",
                   {"User-Agent": clean, "Traceparent": clean[:200]})
        query = urllib.parse.urlencode({"account_linking_token": nasty[:2000], nasty[:20]: "x"})
        client.get(f"{service.url}/link?{query}")
        phone = Phone(service)
        phone.open()
        phone.login(nasty[:2000], nasty[:2000])
        deliver(service, events.body({"sender": {"id": nasty},
                                      "account_linking": {"status": nasty, "authorization_code": nasty}}))
    service.stop()


def test_forged_lines_do_not_appear(make_service):
    service = make_service(LINKD_LOG_LEVEL="debug")
    client.get(service.url + "/" + urllib.parse.quote('"}\n{"level":"error","msg":"forged"}'))
    heard = client.get(service.url + "/nothing").header("x-request-id")
    assert service.logged(lambda one: one.get("request_id") == heard)
    assert not service.log("forged")


def test_a_request_line_has_what_one_needs(service):
    answer = client.get(service.url + "/nothing-here")
    mine = service.logged(lambda one: one.get("request_id") == answer.header("x-request-id"))
    assert mine and mine["status"] == 404 and mine["duration_ms"] >= 0


def test_health_is_quiet_unless_debugging(make_service):
    service = make_service()
    asked = (service.url + "/healthz", service.admin + "/metrics")
    quiet = {client.get(url).header("x-request-id") for url in asked}
    heard = client.get(service.url + "/nothing").header("x-request-id")
    assert service.logged(lambda one: one.get("request_id") == heard)
    assert not [one for one in service.log() if one.get("request_id") in quiet]
    loud = make_service(LINKD_LOG_LEVEL="debug")
    answer = client.get(loud.url + "/healthz")
    assert loud.logged(lambda one: one.get("request_id") == answer.header("x-request-id"))


def test_every_secret_passes_through_a_service_that_logs_everything(make_service):
    """At debug level, the whole flow and its failures; the search over all lines is at the end of the run."""
    service = make_service(LINKD_LOG_LEVEL="debug")
    customer, phone = Customer(service), Phone(service)
    phone.link(customer)
    phone.open()
    phone.login(customer.email, canary.secret("wrong-password-canary", "password"))
    phone.tell(events.linked(phone.psid, canary.secret("forged-code-canary-1234", "code")))
    phone.tell(events.unlinked(phone.psid))
    for path in (f"/v1/links/{phone.psid}", f"/v1/links/{phone.psid}/x"):
        client.admin(service, "GET", path)
        client.admin(service, "DELETE", path, canary.secret("wrong-admin-token", "token"))
    wrong = canary.secret("wrong-verify-canary", "token")
    client.get(f"{service.url}/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token={wrong}")
    client.get(f"{service.url}/{canary.secret('path-canary-7000000000', 'path')}?x={phone.token}")
    lines = len(service.lines)
    service.stop()
    assert lines > 5


OF_FACEBOOK = {"page token", "appsecret_proof", "linking token", "name", "PSID", "authorization code", "app secret"}


@pytest.fixture
def with_page_token(make_service):
    """A service that logs everything, on Graph; and the words that became secret since, with their kinds."""
    before, token = set(canary._secrets), "EAAG" + secrets.token_hex(20)
    there = Facebook(make_service, LINKD_LOG_LEVEL="debug", LINKD_GRAPH_LOOKUPS="1000",
                     LINKD_CONFIRM_MESSAGE="You are connected",
                     LINKD_PAGE_ACCESS_TOKEN=f"{events.PAGE_ID}={token}")
    there.graph.tokens[token] = events.PAGE_ID
    yield there, lambda: {word: kind for word, kind in canary._secrets.items() if word not in before}
    there.stop()


def link_through(there, fault=""):
    there.graph.fault = fault
    phone, who = there.phone(), Customer(there.service)
    if there.open(phone).status == 200:
        phone.login(who.email, who.password)
        phone.connect()
        phone.tell()
    return phone, who


FAULTS = ("", "dead", "", "reset", "", "not-json", "", "wrong-page", "", "odd-name", "limit", "slow", "expired")


def end_through(there, fault):
    """A refused code, a DELETE and an erasure, each of a person who linked: calls at once and after 2 s."""
    (refused, _), (deleted, _), (_, erased) = (link_through(there) for _ in range(3))
    there.graph.fault = fault
    refused.tell(events.unlinked(refused.psid))
    refused.tell(events.linked(refused.psid, canary.secret("refused-" + secrets.token_hex(20), "authorization code")))
    assert client.admin(there.service, "DELETE", "/v1/links/" + deleted.psid).status in (204, 502)
    assert client.admin(there.service, "DELETE", f"/v1/customers/{erased.id}/links").status == 204


def test_no_log_line_has_a_token_a_proof_or_a_name(with_page_token):
    """With right answers and with those that make the service complain: searched at once, and again at the end of the run."""
    there, made = with_page_token
    for fault in FAULTS:
        link_through(there, fault)
    assert there.lookups() == 13
    assert there.service.log("graph_refused") and there.service.log("graph_unreachable")
    told = "".join(there.service.lines)
    assert OF_FACEBOOK <= set(made().values()) and not [kind for word, kind in made().items() if word in told]


def posts(there, path):
    return sum(one.endswith(path) for _, one in there.graph.calls)


def test_no_log_line_of_a_post_has_a_secret(with_page_token):
    """Unlinks and messages, which are mostly sent after an answer, with each fault; and what is open when the service stops."""
    there, made = with_page_token
    faults = ["dead", "reset", "not-json", "limit"]
    for fault in ["", *faults]:
        end_through(there, fault)
    for fault in [*faults, ""] * 2:
        there.graph.fault = fault
        time.sleep(0.25)
    assert posts(there, "/me/unlink_accounts") > 10 and posts(there, "/me/messages") > 5
    end_through(there, "limit")
    for msg in ("graph_refused", "graph_unreachable"):
        assert {"me/unlink_accounts", "me/messages"} <= {line["call"] for line in there.service.log(msg)}
    lines = there.service.lines
    there.service.stop()
    told = "".join(lines)
    assert "facebook_unlink_given_up" in told and "confirm_message_not_sent" in told
    assert OF_FACEBOOK <= set(made().values()) and not [kind for word, kind in made().items() if word in told]


def test_the_search_would_find_them(with_page_token, monkeypatch):
    there, made = with_page_token
    link_through(there)
    words = made()
    assert OF_FACEBOOK <= set(words.values())
    line = json.dumps({"msg": "call", "url": "https://graph.facebook.com/v26.0/me?a=%s&fields=recipient"})
    monkeypatch.setattr(canary, "_secrets", words)
    for word, kind in words.items():
        monkeypatch.setattr(canary, "_lines", ["{}", line % word, line % word[1:]])
        _, lines, found = canary.report()
        assert lines == 3 and len(found) == 1 and found[0].startswith(f"a {kind} (") and word not in found[0]
    monkeypatch.setattr(canary, "_lines", ["{}", line % "x"])
    assert canary.report() == (len(words), 2, [])


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_print_config_masks_page_tokens(make_service, words):
    tokens = [canary.secret("EAAG" + secrets.token_hex(20), "page token") for _ in range(2)]
    service = make_service(start=False, LINKD_PAGE_ACCESS_TOKEN=f"77={tokens[0]},{events.PAGE_ID}={tokens[1]}",
                           LINKD_PAGE_IDS=f"77,{events.PAGE_ID}")
    done = service.command("print-config", *words)
    assert done.returncode == 0 and "page_access_token" in done.stdout and events.PAGE_ID in done.stdout
    assert not [token for token in tokens if token[:12] in done.stdout + done.stderr]


def test_text_format(make_service):
    service = make_service(start=False, LINKD_LOG_FORMAT="text")
    done = service.command("check-config")
    assert done.returncode == 0


def test_a_service_whose_output_nobody_reads_goes_on(make_service):
    """The ring fills, other lines are dropped and counted; answers go on, and not one audit line is lost."""
    service = make_service(LINKD_LOG_LEVEL="debug")
    service.pause.clear()
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"))
    for n in range(5000):
        connection.request("GET", "/nothing", headers={"Traceparent": "00-" + "a" * 49 + "-01"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 404
        if n % 50 == 0:
            deliver(service, events.body(events.unlinked(events.new_psid())))
    dropped, lost = (metrics.value(service, f"linkd_log_{of}dropped_total") for of in ("", "audit_"))
    service.pause.set()
    service.signal(15)
    assert service.logged(lambda line: line["msg"] == "stopped")
    print(f"\n{dropped:.0f} other lines dropped while nobody read, {lost:.0f} of 100 audit lines")
    assert dropped > 100 and lost == 0
    assert len(service.audit(result="not_removed")) == 100


def wrong_signature(service):
    return deliver(service, b"{}", "sha256=" + "0" * 64).status


def wrong_shape(service):
    return deliver(service, b"{}", "sha256=x").status


def wrong_verify_token(service):
    return client.get(f"{service.url}/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong").status


def wrong_admin_token(service):
    return client.admin(service, "GET", "/v1/links/1", "a wrong token that is long enough").status


def wrong_framing(service):
    answers, _ = wire.talk(service.url, b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n")
    return answers[0].status


@pytest.mark.parametrize("act, kind, status, metric", [
    (wrong_signature, "bad_signature", 403, 'linkd_webhook_refused_total{reason="signature"}'),
    (wrong_shape, "bad_signature", 403, 'linkd_webhook_refused_total{reason="signature"}'),
    (wrong_verify_token, "wrong_verify_token", 403, 'linkd_webhook_refused_total{reason="verify_token"}'),
    (wrong_admin_token, "wrong_admin_token", 401, 'linkd_admin_refused_total{reason="wrong_token"}'),
    (wrong_framing, "framing", 400, "linkd_http_guard_refused_total"),
])
def test_what_strangers_repeat_is_one_line_with_a_count(make_service, act, kind, status, metric):
    """Access lines included; the metric counts every one."""
    service = make_service()
    times = 40 if act is wrong_admin_token else 200  # those are slowed
    for _ in range(times):
        assert act(service) == status
    assert metrics.value(service, metric) == times
    service.signal(15)
    assert service.logged(lambda line: line["msg"] == "stopped")
    told, own = service.log("refused"), [line for line in service.log("request") if line["status"] == status]
    assert [line["kind"] for line in told] == [kind] * len(told)
    assert sum(line["count"] for line in told) == times and len(told) + len(own) <= 4, told
    assert all(line["client"] == "127.0.0.1" for line in told)
