"""The whole way from the Log In button to the link, and back."""

import urllib.parse

from harness import client, database
from harness.phone import RETURN, Phone
from simulator import events


def test_log_in_connect_linked_log_out(service, customer, phone):
    opened = phone.open()
    assert opened.status == 200 and opened.page.text
    consent = phone.login(customer.email, customer.password)
    assert consent.status == 200 and consent.header("location") is None
    back = phone.connect()
    assert back.status == 303
    assert back.header("location") == f"{phone.back}&authorization_code={phone.code}"
    assert database.customer(service.database,
                             customer.id)["fb_psid"] is None, "linked before Facebook said so"
    answer = phone.tell(events.linked(phone.psid, phone.code, at=1_000 * (events.now_ms() // 1000)))
    assert (answer.status, answer.text) == (200, "EVENT_RECEIVED")
    row = database.customer(service.database, customer.id)
    assert (row["fb_psid"], row["fb_page_id"]) == (phone.psid, events.PAGE_ID)
    assert row["authorization_code"] is None, "the code is used up"
    assert phone.tell(events.unlinked(phone.psid)).status == 200
    row = database.customer(service.database, customer.id)
    assert row["fb_psid"] is None and row["fb_linked_at"] is None and row["fb_link_code"]


def test_the_linked_time_is_the_events_own(service, customer, phone):
    at = events.now_ms() - 60_000
    phone.link(customer, at=at)
    assert database.customer(service.database, customer.id)["fb_linked_at"] == at


def test_the_code_is_stored_as_a_digest_and_expires(service, customer, phone):
    code = phone.get_code(customer)
    row = database.customer(service.database, customer.id)
    assert len(row["authorization_code"]) == 43 and code not in str(row)
    left = row["authorization_code_expires_at"] - events.now_ms() / 1000
    assert 290 < left <= 301
    assert len(code) <= 512 and set(code) <= set(events.TOKEN_TAIL)


def test_parameters_in_either_order(phone):
    link = phone.address_of_link()
    first, second = link.partition("?")[2].split("&")
    assert phone.get(f"/link?{second}&{first}").status == 200


def test_return_address_without_slash_and_with_more_in_the_query(customer, phone):
    token = events.new_linking_token()
    back = ("https://www.messenger.com/messenger_platform/account_linking?a=%41%2f+b"
            f"&account_linking_token={token}")
    assert phone.open(token, back).status == 200
    phone.login(customer.email, customer.password)
    assert phone.connect().header("location") == f"{back}&authorization_code={phone.code}", "byte for byte"


def test_not_me_goes_back_without_a_code(service, customer, phone):
    phone.open()
    phone.login(customer.email, customer.password)
    with database.unchanged(service):
        answer = phone.not_me()
    assert answer.status == 303 and answer.header("location") == phone.back


def test_consent_names_the_customer_and_asks_by_post(customer, phone):
    phone.open()
    page = phone.login(customer.email, customer.password).page
    assert customer.email in page.text
    assert page.submit("/link/confirm")[1] and page.submit("/link/cancel")[1]
    assert not [one for one in page.links if "authorization_code" in one]


def test_a_second_link_is_announced_at_consent(service, customer, phone):
    phone.link(customer)
    other = Phone(service)
    other.open()
    before = len(Phone(service).open().page.text)
    page = other.login(customer.email, customer.password).page
    assert len(page.text) > before and phone.psid not in page.text, "says what is lost, never an id"


def test_missing_parameters_get_a_page_that_says_what_to_do(service, phone):
    token = events.new_linking_token()
    back = urllib.parse.quote(RETURN + token, safe="")
    for query in ("", "?", f"?account_linking_token={token}", f"?redirect_uri={back}",
                  "?account_linking_token=&redirect_uri="):
        answer = phone.get("/link" + query)
        assert answer.status == 400 and "Log In" in answer.page.text and "Messenger" in answer.page.text
        assert answer.header("x-request-id") in answer.text, "the request id is the support id"


def test_wrong_password_keeps_what_was_typed(customer, phone):
    phone.open()
    wrong = phone.login(customer.email, "not the password")
    assert wrong.status == 401
    _, fields = wrong.page.submit("/link/login")
    assert fields["email"] == customer.email and fields.get("password", "") == ""
    assert "not the password" not in wrong.text
    assert phone.login(customer.email, customer.password).status == 200


def test_double_tap_gives_one_code(customer, phone):
    phone.open()
    consent = phone.login(customer.email, customer.password)
    first = phone.connect().header("location")
    phone.last = consent
    assert phone.connect().header("location") == first


def test_connect_again_after_the_code_was_used_is_a_page(service, customer, phone):
    phone.open()
    consent = phone.login(customer.email, customer.password)
    phone.connect()
    assert phone.tell().status == 200
    phone.last = consent
    with database.unchanged(service):
        again = phone.press("/link/confirm")
    assert again.status == 200 and again.is_page and again.header("location") is None


def test_two_tabs_the_newer_connect_wins(service, customer):
    one, two = Phone(service), Phone(service)
    two.psid = one.psid
    one.get_code(customer)
    two.get_code(customer)
    assert one.code != two.code
    assert one.tell().status == 200
    assert database.holders(service.database, one.psid) == [], "the older code is superseded"
    assert two.tell().status == 200
    assert database.holders(service.database, one.psid) == [customer.id]


def test_a_second_tab_does_not_kill_the_first(service, customer, phone):
    first = phone.open()
    phone.open()
    phone.last = first
    assert phone.login(customer.email, customer.password).status == 200


def test_two_linking_tokens_give_two_codes(service, customer):
    assert Phone(service).get_code(customer) != Phone(service).get_code(customer)


def test_redelivery_is_quiet(service, customer, phone):
    phone.link(customer)
    with database.unchanged(service):
        for _ in range(3):
            assert phone.tell().status == 200


def test_a_used_code_does_not_link_again_after_unlink(service, customer, phone):
    phone.link(customer)
    phone.tell(events.unlinked(phone.psid))
    assert phone.tell().status == 200
    assert database.holders(service.database, phone.psid) == []


def test_head_of_link_sets_nothing_up_that_get_would_not(service, phone):
    target = phone.address_of_link()
    head = client.call("HEAD", service.url + target, headers=phone.headers())
    assert head.status == 200 and head.body == b"" and int(head.header("content-length")) > 0
