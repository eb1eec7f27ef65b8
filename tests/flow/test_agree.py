"""When a link ends here, Facebook is told: both sides always agree.

The scenarios mostly wait for a pause of the service, so all of them run at once, each with a service of its own."""

import json
import time

import pytest

from harness import client, database
from harness.agreement import TOKEN, Scenarios, until
from harness.phone import Customer
from simulator import events
from simulator.graph import error

SCENARIOS = Scenarios()
scenario = SCENARIOS.add


@pytest.fixture(scope="module")
def played(binary, tmp_path_factory):
    return SCENARIOS.play(tmp_path_factory)


def linked(there):
    who, phone = Customer(there.service), there.phone()
    return who, there.link(phone, who)


def delete(there, phone):
    return client.admin(there.service, "DELETE", "/v1/links/" + phone.psid)


# --- DELETE /v1/links/{psid}

@scenario
def without_a_page_token_nothing_is_asked(facebook):
    there = facebook(token=None)
    _, phone = linked(there)
    assert delete(there, phone).status == 204 and delete(there, phone).status == 404
    assert there.believes(phone.psid) and not there.graph.calls


@scenario
def delete_tells_facebook(facebook):
    there = facebook()
    who, phone = linked(there)
    assert delete(there, phone).status == 204
    assert not there.believes(phone.psid) and database.customer(there.service.database, who.id)["fb_psid"] is None
    there.settle()
    assert there.unlinks() == 1 and there.unlinked("done") == 1
    assert there.service.audit(action="link_remove", result="done", psid_digest=there.service.digest(phone.psid))


@scenario
def delete_asks_facebook_also_if_nothing_is_linked_here(facebook):
    there = facebook()
    who, phone = linked(there)
    database.change(there.service.database, who.id, fb_psid=None)
    assert delete(there, phone).status == 204 and not there.believes(phone.psid)
    assert client.admin(there.service, "DELETE", "/v1/links/no-psid").status == 404
    assert there.unlinks() == 1
    assert delete(there, there.phone()).status == 204  # Facebook unlinks whom it knows, linked or not


@scenario
def a_command_that_ends_a_link_says_that_facebook_is_not_told(facebook):
    there = facebook()
    for words, ended in ((("link", "remove", "--psid"), lambda who, phone: phone.psid), (("customer", "remove", "--id"), lambda who, phone: who.id)):
        who, phone = linked(there)
        done = there.service.command(*words, ended(who, phone), "--json")
        assert done.returncode == 0 and phone.psid in str(json.loads(done.stdout)), done.stderr
        note, = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
        assert "Facebook is not told" in note and "DELETE /v1/links/{psid}" in note and phone.psid not in done.stderr
        assert there.believes(phone.psid) and delete(there, phone).status == 204 and not there.believes(phone.psid)
    done = there.service.command("customer", "remove", "--id", Customer(there.service).id, "--json")
    assert json.loads(done.stdout)["links"] == [] and "note: " not in done.stderr


@scenario
def a_delete_that_facebook_fails_is_told_and_done_later(facebook):
    there = facebook()
    who, phone = linked(there)
    there.graph.faults = [error(500, 2, "down")] * 2
    for _ in range(2):  # a repetition is safe
        answer = delete(there, phone)
        assert answer.status == 502 and answer.header("content-type") == "application/json"
        assert answer.json == {"local": "removed", "facebook": "failed"}
        assert database.customer(there.service.database, who.id)["fb_psid"] is None and there.believes(phone.psid)
    there.settle()
    assert not there.believes(phone.psid) and not there.differences()
    assert there.service.audit(action="link_remove", result="failed", reason="facebook")


@scenario
def a_person_who_is_not_available_is_unlinked_later(facebook):
    there = facebook()
    _, phone = linked(there)
    there.graph.faults = [error(400, 551, "(#551) This person isn't available right now.")] * 2
    assert delete(there, phone).status == 502
    there.settle()
    assert there.unlinks() == 3 and not there.believes(phone.psid) and there.unlinked("done") == 1


@scenario
def a_page_that_does_not_know_the_person_outweighs_one_that_refuses_the_call(facebook):
    there = facebook(token=f"77=EAAother,{events.PAGE_ID}={TOKEN}", tokens={"EAAother": "77", TOKEN: events.PAGE_ID})
    there.graph.faults = [error(400, 100, "(#100) Invalid parameter")]
    assert client.admin(there.service, "DELETE", "/v1/links/" + events.new_psid()).status == 204
    assert there.unlinks() == 2


@scenario
def a_delete_does_not_wait_for_ever_while_graph_hangs(facebook):
    there = facebook()
    _, phone = linked(there)
    there.graph.fault = "slow"
    began = time.monotonic()
    assert delete(there, phone).status == 502
    assert time.monotonic() - began < 6  # of the 10 s of the request
    there.graph.fault = ""
    there.settle()
    assert not there.differences()


# --- refused codes, former profiles, erasure

def refuse(there, phone, at=None):
    """Facebook delivers a code that nobody issued, and the person is linked there."""
    there.deliver(phone, "no-code-of-ours", at=at)


@scenario
def a_refused_code_is_unlinked_once_after_the_answer(facebook):
    there = facebook()
    phone, at = there.phone(), events.now_ms()
    for _ in range(6):
        refuse(there, phone, at)
    assert there.unlinks() == 0 and there.believes(phone.psid)
    there.settle()
    assert there.unlinks() == 1 and not there.believes(phone.psid)
    refuse(there, phone, at)  # delivered again long after
    there.settle()
    assert there.unlinks() == 1


@scenario
def each_refused_code_is_unlinked(facebook):
    there = facebook(LINKD_WORKERS="1")
    phone = there.phone()
    refuse(there, phone)
    until(there.unlinks, "no call of me/unlink_accounts")
    refuse(there, phone)  # while the first is looked at again
    there.settle()
    assert there.unlinks() == 2 and not there.differences()


@scenario
def a_refused_code_does_not_unlink_a_profile_that_somebody_holds(facebook):
    there = facebook()
    who, phone = linked(there)
    refuse(there, phone)
    there.settle()
    assert there.unlinks() == 0 and there.unlinked("linked_again") == 1
    assert database.customer(there.service.database, who.id)["fb_psid"] == phone.psid and not there.differences()


@scenario
def codes_that_were_good_once_are_not_unlinked(facebook):
    there = facebook()
    who, phone = linked(there)
    other = there.phone()
    there.deliver(other, phone.code)  # used, by another profile
    assert delete(there, phone).status == 204
    there.deliver(phone, phone.code)  # unlinked since
    there.settle()
    assert there.unlinks() == 1 and database.customer(there.service.database, who.id)["fb_psid"] is None


@scenario
def the_former_profile_of_a_customer_is_unlinked_with_the_token_of_its_page(facebook):
    pages = {TOKEN: events.PAGE_ID, "EAAother": "77"}
    there = facebook(token=f"{events.PAGE_ID}={TOKEN},77=EAAother", tokens=pages)
    who, former, now = Customer(there.service), there.phone(), there.phone()
    asked = []
    unlink = there.graph._unlink
    page = there.graph._page
    there.graph._page = lambda headers, form: asked.append(page(headers, form)) or asked[-1]
    there.graph._unlink = lambda method, form: asked.append("unlink") or unlink(method, form)
    there.link(former, who, page="77")
    there.link(now, who)
    there.settle()
    assert not there.believes(former.psid) and there.believes(now.psid) and not there.differences()
    assert asked[-2:] == ["77", "unlink"] and there.unlinks() == 1


@scenario
def an_unknown_page_is_found_by_trying_each_token(facebook):
    there = facebook(token=f"77=EAAother,{events.PAGE_ID}={TOKEN}", tokens={"EAAother": "77", TOKEN: events.PAGE_ID})
    unlink, page = there.graph._unlink, there.graph._page
    of_call = []
    there.graph._page = lambda headers, form: of_call.append(page(headers, form)) or of_call[-1]
    there.graph._unlink = lambda method, form: (unlink(method, form) if of_call[-1] == events.PAGE_ID else
                                                error(400, 100, "(#100) No matching user found", subcode=2018001))
    who, phone = linked(there)
    database.change(there.service.database, who.id, fb_psid=None)
    assert delete(there, phone).status == 204
    assert there.unlinks() == 2 and not there.believes(phone.psid)


@scenario
def erasure_unlinks(facebook):
    there = facebook()
    who, phone = linked(there)
    assert client.admin(there.service, "DELETE", f"/v1/customers/{who.id}/links").status == 204
    there.settle()
    assert not there.believes(phone.psid) and there.unlinks() == 1


@scenario
def a_log_out_is_not_told_back(facebook):
    there = facebook()
    _, phone = linked(there)
    assert phone.tell(events.unlinked(phone.psid)).status == 200
    time.sleep(2.5)
    assert there.unlinks() == 0


@scenario
def a_dead_token_is_given_up_at_once(facebook):
    there = facebook()
    who, phone = linked(there)
    there.graph.fault = "dead"
    assert client.admin(there.service, "DELETE", f"/v1/customers/{who.id}/links").status == 204
    there.settle()
    assert there.unlinks() == 1 and there.unlinked("given_up") == 1
    line = given_up(there, phone, "token_dead")
    assert "LINKD_PAGE_ACCESS_TOKEN" in line["remedy"] and "answers 404" in line["remedy"] and line["code"] == 190


@scenario
def a_profile_that_is_linked_again_before_the_retry_stays_linked(facebook):
    there = facebook()
    who, phone = linked(there)
    there.graph.faults = [error(400, 613, "(#613) Calls to this api have exceeded the rate limit.")]
    assert delete(there, phone).status == 502
    there.deliver(phone, there.get_code(phone, who))  # a refused call was not executed, so it cannot have met this link
    there.settle()
    assert there.believes(phone.psid) and not there.differences() and there.unlinks() == 1
    assert database.customer(there.service.database, who.id)["fb_psid"] == phone.psid
    assert there.unlinked("linked_again") == 1


@scenario
def a_link_made_while_the_call_ran_ends_on_both_sides(facebook):
    there = facebook()
    who, phone = linked(there)
    unlink = there.graph._unlink

    def slowly(method, form):
        there.graph._unlink = unlink
        time.sleep(0.5)
        there.link(there.person(phone.psid), who)  # and then Facebook forgets it
        return unlink(method, form)

    there.graph._unlink = slowly
    assert delete(there, phone).status == 204
    there.settle()
    assert not there.differences() and not there.believes(phone.psid)
    assert there.service.audit(action="link", result="removed", reason="ended_at_facebook", way="later")


def given_up(there, phone, reason):
    line = there.service.logged(lambda one: one["msg"] == "facebook_unlink_given_up")
    assert line["reason"] == reason and line["psid_digest"] == there.service.digest(phone.psid) and line["level"] == "error"
    return line


@scenario
def a_call_that_is_wrong_itself_is_told_with_the_code_of_facebook(facebook):
    there = facebook()
    who, phone = linked(there)
    there.graph.faults = [error(400, 100, "(#100) Invalid parameter", subcode=33)]
    assert client.admin(there.service, "DELETE", f"/v1/customers/{who.id}/links").status == 204
    there.settle()
    line = given_up(there, phone, "refused")
    assert (line["code"], line["subcode"]) == (100, 33) and len(line["fbtrace_id"]) > 5 and "fbtrace_id" in line["remedy"]


@scenario
def a_delete_without_a_token_of_the_page_says_so(facebook):
    there = facebook(LINKD_PAGE_IDS=f"77,{events.PAGE_ID}", token=f"{events.PAGE_ID}={TOKEN}")
    phone = there.link(there.phone(), Customer(there.service), page="77")
    assert delete(there, phone).status == 204
    there.settle()
    assert there.service.audit(action="link_remove", result="done", reason="no_page_token")
    assert "add a token of that page" in given_up(there, phone, "no_page_token")["remedy"]
    assert there.unlinks() == 0 and there.unlinked("given_up") == 1


@scenario
def a_second_look_that_is_missing_at_the_end_is_in_the_log(facebook):
    there = facebook()
    _, phone = linked(there)
    assert delete(there, phone).status == 204
    digest = there.service.digest(phone.psid)
    lines = there.service.lines
    there.service.stop()
    assert any('"facebook_unlink_not_checked"' in line and '"reason":"stopped"' in line and digest in line for line in lines)
    assert not any('"facebook_unlink_given_up"' in line for line in lines)


@scenario
def what_is_open_at_the_end_of_the_service_is_in_the_log(facebook):
    there = facebook()
    _, phone = linked(there)
    there.graph.fault = "down"
    assert delete(there, phone).status == 502
    lines = there.service.lines
    there.service.stop()
    assert any('"facebook_unlink_given_up"' in line and '"reason":"stopped"' in line for line in lines)


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_sides_agree(played, name):
    if played[name] is not None:
        raise played[name]
