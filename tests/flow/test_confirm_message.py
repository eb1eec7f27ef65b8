"""LINKD_CONFIRM_MESSAGE: after a link the page writes into the thread, once, with a Log Out button."""

import time

import pytest

from harness.agreement import TOKEN, Scenarios, until
from harness.phone import Customer
from simulator import events
from simulator.graph import error

TEXT = "You are connected \u2013 \"Demo\" <shop> \U0001f44b"
LIMITED = error(400, 613, "(#613) Calls to this api have exceeded the rate limit.")
SCENARIOS = Scenarios()
scenario = SCENARIOS.add


@pytest.fixture(scope="module")
def played(binary, tmp_path_factory):
    return SCENARIOS.play(tmp_path_factory)


def link(there):
    return there.link(there.phone(), Customer(there.service))


def ready(facebook):
    """A service, a phone, and a code that is not delivered yet."""
    there = facebook(LINKD_CONFIRM_MESSAGE=TEXT)
    phone = there.phone()
    return there, phone, there.get_code(phone, Customer(there.service))


def thread(there, phone):
    """The Log Out cards in the thread."""
    return [text for kind, text, _ in there.state.person(phone.psid).chat if kind == "logout"]


def settle(there, outcome):
    until(lambda: there.metric(f'linkd_confirm_messages_total{{outcome="{outcome}"}}'), f"not {outcome}")
    assert there.metric("linkd_confirm_messages_open") == 0


@scenario
def it_is_shown_once_with_a_log_out_button(facebook):
    there = facebook(LINKD_CONFIRM_MESSAGE=TEXT)
    phone = link(there)
    for _ in range(4):
        there.deliver(phone, phone.code)
    assert there.messages() == 0  # after the answer
    settle(there, "sent")
    there.deliver(phone, phone.code)
    time.sleep(1.5)
    assert thread(there, phone) == [TEXT] and there.messages() == 1


@scenario
def without_the_setting_none_is_sent(facebook):
    there = facebook()
    phone = link(there)
    time.sleep(1.5)
    assert thread(there, phone) == [] and there.messages() == 0


def refused(there, phone, reason, remedy):
    settle(there, "not_sent")
    assert thread(there, phone) == [] and there.messages() <= 1
    line = there.service.logged(lambda one: one["msg"] == "confirm_message_not_sent")
    assert line["reason"] == reason and remedy in line["remedy"] and line["psid_digest"] == there.service.digest(phone.psid)


@scenario
def outside_the_window_it_is_dropped(facebook):
    there = facebook(LINKD_CONFIRM_MESSAGE=TEXT)
    who, phone = Customer(there.service), there.phone()
    there.state.person(phone.psid).wrote_at -= 25 * 3600
    there.link(phone, who)
    refused(there, phone, "not_allowed", "24 hours")


@scenario
def a_message_that_may_have_gone_out_is_not_sent_again(facebook):
    there, phone, code = ready(facebook)
    there.graph.fault = "reset"  # the message is in the thread, its answer is lost
    there.deliver(phone, code)
    settle(there, "unknown")
    time.sleep(1)
    line = there.service.logged(lambda one: one["msg"] == "confirm_message_unknown")
    assert line["reason"] == "retry" and line["psid_digest"] == there.service.digest(phone.psid)
    assert thread(there, phone) == [TEXT] and there.messages() == 1


@scenario
def after_a_rate_limit_it_is_sent_a_little_later(facebook):
    there, phone, code = ready(facebook)
    there.graph.faults = [LIMITED]
    there.deliver(phone, code)
    settle(there, "sent")
    assert thread(there, phone) == [TEXT] and there.messages() == 2


@scenario
def a_link_that_ended_before_the_second_try_is_not_confirmed(facebook):
    there, phone, code = ready(facebook)
    there.graph.faults = [LIMITED]
    there.deliver(phone, code)
    until(there.messages, "no call of me/messages")
    assert phone.tell(events.unlinked(phone.psid)).status == 200
    refused(there, phone, "link_ended", "none")


@scenario
def a_message_that_is_on_its_way_at_the_end_is_not_called_unsent(facebook):
    there, phone, code = ready(facebook)
    there.graph.fault = "slow"
    there.deliver(phone, code)
    until(there.messages, "no call of me/messages")
    lines = there.service.lines
    there.service.stop()
    assert any('"confirm_message_unknown"' in line and '"reason":"stopped"' in line for line in lines)
    assert not any('"confirm_message_not_sent"' in line for line in lines)


@scenario
def of_a_page_without_a_token_none_is_sent(facebook):
    there = facebook(LINKD_CONFIRM_MESSAGE=TEXT, LINKD_PAGE_IDS=f"77,{events.PAGE_ID}", token=f"{events.PAGE_ID}={TOKEN}")
    phone = there.link(there.phone(), Customer(there.service), page="77")
    refused(there, phone, "no_page_token", "add a token of that page")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_message_after_a_link(played, name):
    if played[name] is not None:
        raise played[name]


@pytest.mark.parametrize("text, token, problem", [
    ("x" * 641, TOKEN, "640"), ("\u00e9" * 640, TOKEN, None), ("hello", None, "LINKD_PAGE_ACCESS_TOKEN"), ("hello", TOKEN, None)])
def test_check_config_knows_what_it_needs(make_service, text, token, problem):
    done = make_service(start=False).command("check-config", settings={"LINKD_CONFIRM_MESSAGE": text, "LINKD_PAGE_ACCESS_TOKEN": token})
    assert (done.returncode == 0) == (problem is None), done.stdout + done.stderr
    assert problem is None or problem in done.stdout + done.stderr
