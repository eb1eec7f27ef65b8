"""With a page token Facebook tells whose phone opens the page, and a code links that Messenger profile alone."""

import re
import time

import pytest

from harness import canary, database
from harness.facebook import TOKEN, Facebook
from harness.phone import Customer
from harness.service import Service, sanitized
from simulator import events
from simulator.graph import HUGE, FAULTS, Answer, error

FAIL = sorted(set(FAULTS) - {"expired", "no-profile", "odd-name"})


@pytest.fixture
def facebook(make_service):
    made = []

    def make(**settings):
        made.append(Facebook(make_service, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def get_code(facebook, phone, who):
    assert facebook.open(phone).status == 200
    assert phone.login(who.email, who.password).status == 200
    assert phone.connect().status == 303 and phone.code
    return phone.code


def test_a_code_links_the_profile_that_opened_the_page_and_no_other(facebook):
    there = facebook()
    phone, thief, who = there.phone(), events.new_psid(), Customer(there.service)
    get_code(there, phone, who)
    assert phone.tell(events.linked(thief, phone.code)).status == 200
    assert database.customer(there.service.database, who.id)["fb_psid"] is None
    assert phone.tell().status == 200  # the wrong profile did not use the code up
    assert database.customer(there.service.database, who.id)["fb_psid"] == phone.psid
    assert there.counted("found") == 1


def consent_of(facebook, who, first="Ada", last="Berger"):
    """The consent page of a person with that name at Facebook."""
    phone = facebook.phone()
    person = facebook.simulator.state.person(phone.psid)
    person.first, person.last = first, last
    assert facebook.open(phone).status == 200
    return phone.login(who.email, who.password)


def test_the_consent_page_names_both_sides(facebook):
    there = facebook()
    who = Customer(there.service)
    page = consent_of(there, who)
    assert page.status == 200 and who.email in page.text and "<dd>Ada Berger, the Messenger profile" in page.text


@pytest.mark.parametrize("first, last, shown", [
    ("<b>Ada</b>", "\"&'", "&lt;b&gt;Ada&lt;/b&gt; &quot;&amp;&#39;,"), ("\u202eadA", "\x00\u2066x", "adA x,"),
    ("\U0001f469\u200d\U0001f467", "", "\U0001f469\U0001f467,"), ("Ada", "x" * 10_000, "Ada " + "x" * 89 + "\u2026,"), ("", "", "the Messenger")])
def test_a_name_cannot_change_the_page(facebook, first, last, shown):
    there = facebook()
    page = consent_of(there, Customer(there.service), first, last)
    assert f"<dd>{shown}" in page.text


def test_a_person_without_a_visible_name_is_bound_all_the_same(facebook):
    there = facebook()
    there.graph.fault = "no-profile"
    page = consent_of(there, Customer(there.service))
    assert page.status == 200 and "<dd>the Messenger profile" in page.text and there.counted("found") == 1


def test_a_dead_linking_token_is_told_before_a_password_is_asked(facebook):
    there = facebook()
    answer = there.open(there.phone(), life_s=0)
    assert answer.status == 400 and "tap Log In" in answer.text and not answer.page.forms
    assert there.counted("expired") == 1


@pytest.mark.parametrize("fault", FAIL)
def test_without_a_usable_answer_the_login_goes_on_unbound(facebook, fault):
    there = facebook()
    phone, who = there.phone(), Customer(there.service)
    there.graph.fault = fault
    began = time.monotonic()
    assert there.open(phone).status == 200
    assert time.monotonic() - began < 1.5
    there.graph.fault = ""
    assert phone.login(who.email, who.password).status == 200
    assert phone.connect().status == 303
    assert phone.tell().status == 200
    assert database.customer(there.service.database, who.id)["fb_psid"] == phone.psid
    assert there.counted("unknown") == 1


@pytest.mark.parametrize("fault", ["down", "slow", "wrong-page"])
def test_a_required_binding_that_is_missing_is_a_page_to_try_again(facebook, fault):
    there = facebook(LINKD_REQUIRE_PSID_BINDING="on")
    there.graph.fault = fault
    answer = there.open(there.phone())
    assert answer.status == 503 and answer.header("retry-after") and not answer.page.forms
    there.graph.fault = ""
    assert there.open(there.phone()).status == 200


def test_a_reload_costs_no_look_up_and_stays_bound(facebook):
    there = facebook()
    phone = there.phone()
    token = there.simulator.state.new_token(phone.psid)
    for _ in range(5):
        assert phone.open(token=token).status == 200
    assert there.counted("found") == 5 and there.lookups() == 1


def test_one_client_has_one_look_up_in_five_seconds(facebook):
    there = facebook()
    phone = there.phone()
    for _ in range(3):
        assert there.open(phone).status == 200  # each with a token of its own
    assert (there.counted("found"), there.counted("unknown")) == (1, 2)
    assert there.lookups() == 1


def test_after_five_failures_graph_is_left_alone(facebook):
    there = facebook()
    there.graph.fault = "down"
    for _ in range(7):
        assert there.open(there.phone()).status == 200
    assert there.lookups() == 5 and there.service.logged(lambda one: one["msg"] == "graph_paused" and one["request_id"])
    assert there.counted("unknown") == 7


def test_a_rate_limit_on_names_pauses_the_look_ups_and_keeps_what_was_found(facebook):
    there = facebook()
    limited = error(400, 4, "(#4) Application request limit reached")
    there.graph._profile = lambda psid, asked: limited
    for _ in range(5):
        phone = there.phone()
        token = there.simulator.state.new_token(phone.psid)
        assert phone.open(token=token).status == 200
    assert there.counted("found") == 5
    assert there.open(there.phone()).status == 200 and there.counted("unknown") == 1  # paused
    assert phone.open(token=token).status == 200 and there.counted("found") == 6  # kept
    assert there.service.logged(lambda one: one["msg"] == "graph_refused" and one["call"] == "name" and one["code"] == 4)


def test_each_page_token_is_tried(facebook):
    there = facebook(LINKD_PAGE_ACCESS_TOKEN=f"77=EAAother,{events.PAGE_ID}={TOKEN}", LINKD_PAGE_IDS=f"77,{events.PAGE_ID}")
    there.graph.tokens["EAAother"] = "77"
    known = there.graph._recipient

    def of_its_page(page, asked):  # a page knows the tokens of its own people only
        return known(page, asked) if page == events.PAGE_ID else known(page, {**asked, "account_linking_token": "ARx"})

    there.graph._recipient = of_its_page
    assert there.open(there.phone()).status == 200
    assert there.counted("found") == 1 and there.lookups() == 2
    assert there.open(there.phone(), life_s=0).status == 400


@pytest.mark.parametrize("fault", ["dead", "not allowed"])
def test_a_page_token_that_cannot_answer_does_not_end_the_look_up_of_the_others(facebook, fault):
    there = facebook(LINKD_PAGE_ACCESS_TOKEN=f"77=EAAother,{events.PAGE_ID}={TOKEN}", LINKD_PAGE_IDS=f"77,{events.PAGE_ID}")
    if fault == "not allowed":
        there.graph.tokens["EAAother"] = "77"
        known = there.graph._recipient
        there.graph._recipient = lambda page, asked: known(page, asked) if page == events.PAGE_ID else error(403, 200, "Permissions error")
    for _ in range(8):
        assert there.open(there.phone()).status == 200
        time.sleep(0.25)  # within the look-ups of a second
    assert there.counted("found") == 8
    assert there.open(there.phone(), life_s=0).status == 200  # it may be of the page that cannot answer
    assert there.counted("unknown") == 1


def test_with_fewer_tokens_than_pages_an_unknown_token_is_not_called_expired(facebook):
    there = facebook(LINKD_PAGE_IDS=f"77,{events.PAGE_ID}")
    assert there.open(there.phone(), life_s=0).status == 200
    assert there.counted("unknown") == 1


# --- answers that Graph does not document

ID, PSID = f'"id": "{events.PAGE_ID}"', '"recipient": "7000000000000001"'
UNBOUND = {  # what Graph says of a linking token
    "the page is not ours": f'{{"id": "77", {PSID}}}',
    "the page is a number": f'{{"id": {events.PAGE_ID}, {PSID}}}',
    "no page": f"{{{PSID}}}",
    "no profile": f"{{{ID}}}",
    "a number": f'{{{ID}, "recipient": 7000000000000001}}',
    "an object": f'{{{ID}, "recipient": {{"id": "7000000000000001"}}}}',
    "empty": f'{{{ID}, "recipient": ""}}',
    "65 digits": f'{{{ID}, "recipient": "{"7" * 65}"}}',
    "digits of another script": f'{{{ID}, "recipient": "\u0667\u0667\u0667"}}',
    "wide digits, escaped": f'{{{ID}, "recipient": "\\uff17\\uff17"}}',
    "a NUL": f'{{{ID}, "recipient": "70000000\\u000000000001"}}',
    "a raw NUL": f'{{{ID}, "recipient": "7000\0"}}',
    "a sign": f'{{{ID}, "recipient": "+7000000000000001"}}',
    "a space": f'{{{ID}, "recipient": "7000000000000001 "}}',
    "a path": f'{{{ID}, "recipient": "7/../../me"}}',
    "bytes that are not UTF-8": f'{{{ID}, {PSID}, "x": "'.encode() + b'\xff\xfe"}',
    "half a surrogate pair": f'{{{ID}, {PSID}, "x": "\\ud83d"}}',
    "a doubled key, escaped": f'{{{ID}, {PSID}, "\\u0069d": "77"}}',
    "an error beside it": f'{{{ID}, {PSID}, "error": {{"code": 2, "message": "<script>"}}}}',
    "an error of a shape of its own": f'{{{ID}, {PSID}, "error": "no"}}',
    "nested too deep": f'{{{ID}, {PSID}, "x": {"[" * 5000}{"]" * 5000}}}',
    "many values": f'{{{ID}, {PSID}, "x": [{",".join("1" * 20_000)}]}}',
    "10 MB": f'{{{ID}, {PSID}, "x": "{"y" * HUGE}"}}',
    "10 MB of spaces": f'{{{ID}, {PSID}}}' + " " * HUGE,
}
EVIL = "https://pictures.example/x.png"
NAMES = {  # what it says of the name, and what the consent page shows of it; "": no name
    "markup": ('"first_name": "</dd><script>alert(1)</script>", "last_name": "<img src=x onerror=alert(1)>"',
               "&lt;/dd&gt;&lt;script&gt;alert(1)&lt;/script&gt; &lt;img src=x onerror=alert(1)&gt;, "),
    "an attribute": ('"first_name": "Ada\\" onmouseover=\\"x", "last_name": "\'y"', "Ada&quot; onmouseover=&quot;x &#39;y, "),
    "a template": ('"first_name": "{{state}}", "last_name": "{{#profile}}"', "{{state}} {{#profile}}, "),
    "emoji": ('"first_name": "\U0001f469\U0001f3fd", "last_name": "\\ud83d\\ude00"', "\U0001f469\U0001f3fd \U0001f600, "),
    "right to left": ('"first_name": "\u200f\u05d3\u05df\u202e", "last_name": "\u2067\u0631\u200e"', "\u05d3\u05df \u0631, "),
    "10 kB": ('"first_name": "' + "\u00e9" * 5_000 + '", "last_name": "x"', "\u00e9" * 46 + "\u2026, "),
    "only invisible characters": ('"first_name": "\u200b\u2060", "last_name": "\ufeff\\u00ad\\u0000\U000e0041"', ""),
    "only spaces": ('"first_name": " \\t", "last_name": "\\n"', ""),
    "numbers": ('"first_name": 7, "last_name": ["x"]', ""),
    "bytes that are not UTF-8": (b'"first_name": "Ada\xff", "last_name": "\xc0\xaf"', ""),
    "a raw control": ('"first_name": "A\nB"', ""),
    "half a surrogate pair": ('"first_name": "Ada\\ud83d", "last_name": "x"', ""),
    "doubled keys": ('"first_name": "Ada", "first_name": "<b>"', ""),
    "an error beside it": ('"first_name": "Ada", "error": {"code": 100, "error_subcode": 2018218}', ""),
    "an error of code 2": ('"first_name": "Ada", "error": {"code": 2, "message": "<script>"}', ""),
    "10 MB": (f'"first_name": "{"y" * HUGE}"', ""),
    "a picture by script": ('"first_name": "Ada", "profile_pic": "javascript:alert(document.domain)"', "Ada, "),
    "a picture as data": ('"first_name": "Ada", "profile_pic": "data:text/html,<script>alert(1)</script>"', "Ada, "),
    "a picture of a file": ('"first_name": "Ada", "profile_pic": "file:///etc/passwd"', "Ada, "),
    "a picture elsewhere": (f'"first_name": "Ada", "profile_pic": "{EVIL}"', "Ada, "),
}
NEVER = ("javascript:", "data:text", "file:", "pictures.example", "profile_pic", "<img", "<script", "<b>")
GROWTH_KIB = 4096  # what answers of 10 MB may leave behind


@pytest.fixture(scope="module")
def plain(binary, tmp_path_factory):
    """One service for all these answers, with its consent page for an ordinary name; a right answer closes the breaker."""
    made = []

    def make(**settings):
        made.append(Service(tmp_path_factory.mktemp("linkd"), **settings).start())
        return made[-1]

    there = Facebook(make, LINKD_GRAPH_LOOKUPS="1000", LINKD_GRAPH_TIMEOUT_MS="5000")
    there.who = Customer(there.service)
    there.tags = tags(consent_of(there, there.who))
    there.rss_kib = there.service.rss_kib()
    there.right = there.graph.answer
    yield there
    there.stop()
    made[0].stop()


def tags(page):
    """The markup of a page without its texts, the values of its fields, and the lines on earlier links."""
    text = re.sub(r'<p class="(warning|hint)">[^<]*</p>', "", page.text)
    return [re.sub(r' value="[^"]*"', "", one) for one in re.findall(r"<[^>]*>", text)]


def odd(raw):
    return Answer(200, raw if isinstance(raw, bytes) else raw.encode())


def through(there, phone, answer):
    """Open the page with these answers of Graph, log in and link; -> the consent page."""
    assert there.open(there.phone()).status == 200  # the breaker counts from here
    there.graph.answer = answer
    opened = there.open(phone)
    there.graph.answer = there.right
    assert opened.status == 200 and not [word for word in NEVER if word in opened.text]
    page = phone.login(there.who.email, there.who.password)
    assert page.status == 200 and tags(page) == there.tags, page.text
    assert not [word for word in NEVER if word in page.text]
    assert phone.connect().status == 303 and phone.tell().status == 200
    assert database.customer(there.service.database, there.who.id)["fb_psid"] == phone.psid
    assert sanitized() or there.service.rss_kib() < there.rss_kib + GROWTH_KIB, "it keeps what Graph sent"
    return page


@pytest.mark.parametrize("what", UNBOUND)
def test_an_answer_that_names_no_profile_leaves_the_login_unbound(plain, what):
    before = plain.counted("found"), plain.counted("unknown")
    page = through(plain, plain.phone(), lambda *asked: odd(UNBOUND[what]))
    assert (plain.counted("found"), plain.counted("unknown")) == (before[0] + 1, before[1] + 1)
    assert "<dd>the Messenger profile" in page.text


@pytest.mark.parametrize("what", NAMES)
def test_an_odd_name_is_text_or_nothing(plain, what):
    raw, shown = NAMES[what]
    phone, before = plain.phone(), plain.counted("found")
    canary.secret(shown.removesuffix(", "), "name")

    def answer(method, path, query, headers, body):
        if path.endswith("/me"):
            return plain.right(method, path, query, headers, body)
        return odd(b"{" + (raw if isinstance(raw, bytes) else raw.encode()) + b', "id": "' + phone.psid.encode() + b'"}')

    page = through(plain, phone, answer)
    assert f"<dd>{shown}the Messenger profile" in page.text and plain.counted("found") == before + 2


def test_no_picture_is_asked_for(facebook):
    there, asked = facebook(), []
    right = there.graph.answer
    there.graph.answer = lambda method, path, query, headers, raw: asked.append(query) or right(method, path, query, headers, raw)
    assert there.open(there.phone()).status == 200
    assert [re.search(r"fields=([a-z_,]*)", query)[1] for query in asked] == ["recipient", "first_name,last_name"]
