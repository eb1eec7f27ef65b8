"""One fault at a time: what the service does, what it says, and that it works again."""
import json
import re
import time

import pytest

from dynamodb import people
from dynamodb.people import Person
from dynamodb.proxy import FAULTS
from harness.phone import deliver
from simulator import events

WRITES = ("UpdateItem",)


@pytest.fixture
def service(start):
    return start(LINKD_WORKERS="1")


@pytest.fixture
def linked(service):
    """A customer with a code in hand, nothing delivered yet."""
    person = Person(service)
    person.code = people.code_of(service, person)
    return person


def once(service, person):
    return deliver(service, events.body(events.linked(person.psid, person.code))).status


def said(service, words):
    """Log lines with these words; they may come a little after the answer."""
    ends = time.monotonic() + 3
    while True:
        found = [line for line in service.log() if words in json.dumps(line)]
        if found or time.monotonic() > ends:
            return found
        time.sleep(0.05)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_on_the_write(service, proxy, linked, fault):
    """Sent a second time at once; only a throttle is left to Facebook's next delivery."""
    proxy.only = WRITES
    proxy.script.append(fault)
    status = once(service, linked)
    assert status == (503 if fault == "throttle" else 200)
    if status == 503:
        assert once(service, linked) == 200
    assert linked.row(service)["fb_psid"] == linked.psid


@pytest.mark.parametrize("fault", [one for one in FAULTS if one != "slow"])
def test_two_attempts_are_the_most(service, proxy, linked, fault):
    proxy.only = WRITES
    proxy.reset()
    proxy.script.extend([fault] * 4)
    assert once(service, linked) == 503
    # a connection that dies is used again by libcurl itself, which may send once more
    assert proxy.operations["UpdateItem"] <= (1 if fault == "throttle" else 4)
    proxy.script.clear()
    assert once(service, linked) == 200
    assert linked.row(service)["fb_psid"] == linked.psid


@pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b'{"Attributes":{}}', b'{"Attributes":{"authorization_code":{"S":""}}}'])
def test_a_200_that_did_not_come_from_dynamodb_is_no_link(service, proxy, linked, body):
    proxy.only, proxy.json = WRITES, body
    proxy.script.extend(["json"] * 4)
    assert once(service, linked) == 503
    assert linked.row(service)["fb_psid"] is None
    proxy.script.clear()
    assert once(service, linked) == 200
    assert linked.row(service)["fb_psid"] == linked.psid


def test_a_lost_answer_to_an_unlink_is_no_miss(service, proxy, linked):
    assert once(service, linked) == 200
    proxy.only = WRITES
    proxy.script.append("lost_after")
    people.tell(service, events.unlinked(linked.psid))
    assert linked.row(service)["fb_psid"] is None
    assert said(service, '"reason": "unlinked"'), "told as removed"


def test_a_late_copy_of_an_issue_does_not_replace_a_newer_code(service, proxy):
    person = Person(service)
    proxy.only = WRITES
    proxy.script.append("late")
    old = people.code_of(service, person)
    new = people.code_of(service, person)
    stored = person.row(service)["authorization_code"]
    time.sleep(proxy.late_s + 0.5)
    assert proxy.made["late"] == 1 and person.row(service)["authorization_code"] == stored
    people.tell(service, events.linked(events.new_psid(), old))
    people.tell(service, events.linked(person.psid, new))
    assert person.row(service)["fb_psid"] == person.psid


def test_a_late_copy_of_an_issue_does_not_outlive_a_newer_link(service, proxy):
    """Made and removed again meanwhile: then the item shows no time of a link any more."""
    person = Person(service)
    proxy.only = WRITES
    proxy.script.append("late")
    old = people.code_of(service, person)
    people.tell(service, events.linked(person.psid, people.code_of(service, person)))
    people.tell(service, events.unlinked(person.psid))
    time.sleep(proxy.late_s + 0.5)
    assert proxy.made["late"] == 1 and person.row(service)["authorization_code"] is None
    people.tell(service, events.linked(person.psid, old))
    assert person.row(service)["fb_psid"] is None


def test_a_write_is_answered_within_the_deadline(service, proxy, linked):
    proxy.only = WRITES
    proxy.script.extend(["slow"] * 3)
    began = time.monotonic()
    status = once(service, linked)
    assert time.monotonic() - began < 4.5 and status in (200, 503)
    time.sleep(2)
    assert once(service, linked) == 200


def test_access_denied_names_the_policy(service, proxy, linked):
    proxy.refuse_operations = {"UpdateItem": "AccessDeniedException"}
    assert once(service, linked) == 503
    assert said(service, "dynamodb:UpdateItem") and said(service, "IAM policy")
    proxy.refuse_operations = {}
    assert once(service, linked) == 200


@pytest.mark.parametrize("name", ["ResourceNotFoundException", "UnrecognizedClientException", "ExpiredTokenException"])
def test_a_refusal_is_a_503_with_a_remedy(service, proxy, linked, name):
    proxy.refuse_operations = {"UpdateItem": name}
    assert once(service, linked) == 503
    assert said(service, "create-table" if name.startswith("Resource") else "renew them")
    proxy.refuse_operations = {}
    assert once(service, linked) == 200


def test_what_can_never_be_executed_is_settled(service, proxy, linked):
    proxy.refuse_operations = {"UpdateItem": "ValidationException"}
    assert once(service, linked) == 200
    assert said(service, "store_refused")
    assert linked.row(service)["fb_psid"] is None


def test_other_keys_are_fetched_once_when_these_are_refused(stage, proxy, start, tmp_path):
    """The file was renewed meanwhile: the delivery that met the refusal is the one that links."""
    proxy.keys.update({"AKIDOLD": ("old-secret", None), "AKIDNEW": ("new-secret", "a/token+=")})
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id=AKIDOLD\naws_secret_access_key=old-secret\n")
    service = start(LINKD_WORKERS="1", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
                    AWS_SHARED_CREDENTIALS_FILE=str(file), AWS_CONFIG_FILE=str(tmp_path / "none"))
    person = Person(service)
    person.code = people.code_of(service, person)
    file.write_text("[default]\naws_access_key_id=AKIDNEW\naws_secret_access_key=new-secret\naws_session_token=a/token+=\n")
    proxy.refuse_keys = {"AKIDOLD": "ExpiredTokenException"}
    assert once(service, person) == 200
    assert person.row(service)["fb_psid"] == person.psid


@pytest.mark.parametrize("off_s", [600, -600])
def test_a_wrong_clock_is_followed(stage, proxy, start, off_s):
    proxy.clock_s = off_s
    service = start(LINKD_WORKERS="1")
    person = Person(service)
    person.code = people.code_of(service, person)
    assert once(service, person) == 200
    assert said(service, "clock_is_wrong")
    told = service.command("doctor", "--json")
    clock = next(one for one in json.loads(told.stdout)["checks"] if one["check"] == "clock")
    assert clock["result"] == "fault" and re.search(r" (599|600|601) s ", clock["text"]) and told.returncode == 1
    proxy.clock_s = 0
    assert once(service, person) == 200
    assert said(service, "clock_is_right_again")


def test_restarts_of_the_service_lose_nothing(service, proxy, linked):
    """Stopped while a write hangs: the redelivery to the next instance finds the link made."""
    proxy.only, proxy.slow_s = WRITES, 0.8
    proxy.script.append("slow")
    assert once(service, linked) == 200
    service.stop()
    service.start()
    assert once(service, linked) == 200
    assert linked.row(service)["fb_psid"] == linked.psid
    proxy.slow_s = 1.5
