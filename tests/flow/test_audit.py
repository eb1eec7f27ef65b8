"""The audit trail: what an operator finds in the log when somebody complains, by one question."""

import json
import re
import subprocess

import pytest

from harness import canary, client, digests
from harness.phone import Customer, Phone, deliver
from harness.service import BINARY
from simulator import events


def story(lines):
    return [" ".join(one[key] for key in ("action", "result", "reason") if key in one) for one in lines]


def wait(service, **wanted):
    found = service.logged(lambda line: all(line.get(key) == value for key, value in wanted.items()))
    assert found, wanted
    return found


LINKED = ["login right", "consent shown", "consent given", "code issued", "link linked"]


def test_a_takeover_is_found_by_one_question(service, customer, phone):
    """A stranger knows a customer's e-mail and finds the password; the owner complains that Messenger knows them no more."""
    phone.link(customer)
    stranger = Phone(service)
    stranger.open()
    for guess in ("one wrong password", "another wrong password"):
        stranger.login(customer.email, canary.secret(guess, "password"))
    stranger.link(customer)
    wait(service, msg="audit", reason="relinked")

    digest = service.digest(customer.id)
    lines = [line for line in service.lines if digest in line]  # grep DIGEST log
    found = [line for line in map(json.loads, lines) if line["msg"] == "audit"]
    assert story(found) == [*LINKED, "login wrong password", "login wrong password", *LINKED, "link removed relinked"]

    mine, theirs = found[:5], found[5:]
    owner, thief = (service.digest(one.psid) for one in (phone, stranger))
    assert mine[4]["psid_digest"] == owner and theirs[6]["psid_digest"] == thief and theirs[7]["psid_digest"] == owner
    for lines, who in ((mine[:4], phone), (theirs[:6], stranger)):
        assert {line["client"] for line in lines} == {who.address} and len({line["browser_digest"] for line in lines}) == 1
    for lines in (mine[1:], theirs[3:]):
        assert len({line["code_digest"] for line in lines}) == 1
    assert theirs[7]["request_id"] == theirs[6]["request_id"] and theirs[6]["way"] == "webhook" and theirs[6]["page_id"]


def test_a_failed_link_can_be_followed_from_its_page(service, customer, phone):
    """From the support id on the page over the browser to the code, and by that to the webhook."""
    support_id = phone.open().header("x-request-id")
    phone.login(customer.email, customer.password)
    code = phone.get_code(customer)
    phone.tell(events.linked(phone.psid, code[:-1] + ("A" if code[-1] != "A" else "B")))
    phone.tell(events.linked(phone.psid, code))
    phone.tell(events.linked(Phone(service).psid, code))
    wait(service, msg="audit", reason="used", code_digest=service.digest(code))
    browser = wait(service, msg="request", request_id=support_id)["browser_digest"]
    seen = [line for line in service.log() if line.get("browser_digest") == browser]
    assert [line["route"] for line in seen if line["msg"] == "request"][0] == "link"
    assert "code issued" in story(line for line in seen if line["msg"] == "audit")
    code_digest = service.audit(browser_digest=browser, action="code")[-1]["code_digest"]
    assert code_digest == service.digest(code)
    assert story(service.audit(code_digest=code_digest, way="webhook")) == ["link linked", "code refused used"]
    assert story(service.audit(action="code", reason="bad_code"))


def test_codes_that_are_refused_leave_a_line(service, customer, phone):
    first = phone.get_code(customer)
    second = phone.get_code(customer)
    for code, reason in ((first, "superseded"), ("x" * 60, "bad_code")):
        phone.tell(events.linked(phone.psid, code))
        assert wait(service, msg="audit", reason=reason, code_digest=service.digest(code))["result"] == "refused"
    phone.tell(events.linked(phone.psid, second))
    phone.tell(events.unlinked(phone.psid))
    phone.tell(events.linked(phone.psid, second))
    assert wait(service, msg="audit", reason="unlinked_since", customer_digest=service.digest(customer.id))


def test_an_unlinked_that_meets_nobody_leaves_a_line(service, phone):
    phone.tell(events.unlinked(phone.psid))
    line = wait(service, msg="audit", result="not_removed", psid_digest=service.digest(phone.psid))
    assert line["reason"] == "not_linked" and line["way"] == "webhook"


def test_a_page_that_is_not_ours_leaves_a_line(make_service):
    service = make_service(LINKD_PAGE_IDS="1000000000000001")
    service.add_customer("p1", "p1@example.com", "a password of p1")
    deliver(service, events.body(events.unlinked("7000000000000001", page="1000000000000002"), page="1000000000000002"))
    assert wait(service, msg="refused", kind="foreign_page")["detail"] == "page 1000000000000002 is not in LINKD_PAGE_IDS"


def test_not_me_and_a_throttled_login_leave_lines(service, customer, phone):
    phone.open()
    phone.login(customer.email, customer.password)
    phone.not_me()
    assert wait(service, msg="audit", action="consent", result="refused", customer_digest=service.digest(customer.id))
    stranger = Phone(service)
    stranger.open()
    for _ in range(12):
        answer = stranger.login(customer.email, canary.secret("not the password", "password"))
        if answer.status == 429:
            break
    assert answer.status == 429
    line = wait(service, msg="audit", action="login", result="throttled", client=stranger.address)
    shown = service.command("digest", customer.email.upper()).stdout
    assert f"email_digest: {line['email_digest']}" in shown


def test_admin_calls_leave_lines(make_service):
    service = make_service()
    customer, phone = Customer(service), Phone(service)
    phone.link(customer)
    path = f"/v1/links/{phone.psid}"
    for method, action in (("GET", "link_show"), ("DELETE", "link_remove"), ("DELETE", "link_remove")):
        client.admin(service, method, path)
        assert wait(service, msg="audit", action=action, psid_digest=service.digest(phone.psid))
    client.admin(service, "GET", f"/v1/customers/{customer.id}/links")
    client.admin(service, "DELETE", f"/v1/customers/{customer.id}/links")
    assert wait(service, msg="audit", action="customer_erase", customer_digest=service.digest(customer.id))
    assert story(service.audit(way="admin")) == ["link_show done", "link removed admin", "link_remove done",
                                                 "link_remove not_found", "customer_links done", "customer_erase done"]


def test_commands_leave_their_line_on_standard_error(service, customer, phone):
    phone.link(customer)
    done = service.command("link", "remove", "--psid", phone.psid)
    assert done.returncode == 0 and "audit" not in done.stdout
    assert re.search(r" info  audit action=link result=removed reason=command way=cli actor=\S.* customer_digest="
                     f"{service.digest(customer.id)} psid_digest={service.digest(phone.psid)} page_id=.* audit=true$",
                     done.stderr, re.MULTILINE)
    done = service.command("customer", "remove", "--id", customer.id, "--json")
    assert json.loads(done.stdout) and "action=customer_remove result=done way=cli" in done.stderr


@pytest.mark.parametrize("store", ["sqlite:x.db", "dynamodb:Customers"])
def test_digest_needs_the_key_only(tmp_path, store):
    """The same key gives the same digest, on both kinds of store; without one there is none."""
    key = "k" * 40
    env = {"LINKD_STORE": store, "LINKD_SEAL_KEY": key}
    def ask(*words, stdin="", **more):
        return subprocess.run([BINARY, "digest", *words], env={**env, **more}, cwd=tmp_path, input=stdin,
                              capture_output=True, text=True, timeout=30)
    shown = ask("4711").stdout
    assert re.fullmatch(r"digest: [0-9a-f]{16}\n", shown) and ask(stdin="4711\n").stdout == shown
    assert ask("4711", LINKD_SEAL_KEY="other" * 10).stdout != shown
    assert ask("A@b.c").stdout.splitlines()[1].removeprefix("email_") == ask("a@b.c").stdout.splitlines()[0]
    assert set(json.loads(ask("a@b.c", "--json").stdout)) == {"digest", "email_digest"}
    refused = ask("4711", LINKD_SEAL_KEY="")
    wanted = "LINKD_SEAL_KEY" if store.startswith("dynamodb") else "x.db.key"
    assert refused.returncode == 1 and wanted in refused.stderr and list(tmp_path.iterdir()) == []


def test_the_digests_are_what_they_are_said_to_be(make_service):
    """Worked out beside the program; the model counts on it."""
    key = "k" * 33
    service = make_service(start=False, LINKD_SEAL_KEY=key + ",another key of more than 32 bytes")
    for value in ("4711", "7123456789012345", "a", "12345678", "x" * 600, "\u00e9"):
        assert service.digest(value) == digests.digest(digests.key_of(key), value)


def test_the_start_line_names_the_version(service):
    version = service.command("version").stdout
    assert f"version: {service.log('started')[0]['version']}" in version
