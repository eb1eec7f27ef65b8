"""What stands in a signed delivery: varieties that count, and bodies that are not usable."""

import json

import pytest

from harness import database, metrics
from harness.phone import Customer, Phone, deliver
from simulator import events
from simulator.events import PAGE_ID


@pytest.fixture
def coded(customer, phone):
    """A phone with a live code in hand."""
    phone.get_code(customer)
    return phone


def is_linked(service, phone):
    return len(database.holders(service.database, phone.psid)) == 1


def raw_event(phone, **more):
    return {**events.linked(phone.psid, phone.code), **more}


GOOD = {
    "plain": lambda p: events.body(events.linked(p.psid, p.code)),
    "spaces": lambda p: json.dumps(json.loads(events.body(events.linked(p.psid, p.code))), indent=2).encode(),
    "escaped keys": lambda p: events.body(events.linked(p.psid, p.code)).replace(b"linked", b"l\\u0069nked"),
    "unknown fields": lambda p: events.encode({"x": [None, 1e3], "object": "page", "entry": [
        {"id": PAGE_ID, "hop": {}, "messaging": [raw_event(p, more={"deep": [[[]]]})]}]}),
    "several entries": lambda p: events.body_of(
        events.entry(events.message(p.psid, "a")), {"id": PAGE_ID}, events.entry(raw_event(p))),
    "several events": lambda p: events.body(
        events.message(p.psid, "a"), events.read(p.psid), {}, raw_event(p), events.message(p.psid, "b")),
    "rubbish beside it": lambda p: events.body_of(
        {"id": PAGE_ID, "messaging": [None, 7, "x", [], {"sender": 1}, {"account_linking": []},
                                      raw_event(p)]}),
    "changes beside messaging": lambda p: events.encode({"object": "page", "entry": [
        {"id": PAGE_ID, "changes": [{"field": "feed"}]}, events.entry(raw_event(p))]}),
    "utf-8 in other fields": lambda p: json.dumps(
        {"object": "page", "entry": [events.entry(raw_event(p, note="äß漢字\U0001f600"))]},
        ensure_ascii=False).encode(),
    "page id as a number": lambda p: events.body(raw_event(p, recipient={"id": int(PAGE_ID)})),
}


@pytest.mark.parametrize("name", GOOD)
def test_it_links(service, coded, name):
    assert deliver(service, GOOD[name](coded)).status == 200
    assert is_linked(service, coded), name


def test_a_psid_as_a_number(service, customer):
    phone = Phone(service, psid="7123456789012345")
    phone.get_code(customer)
    assert phone.tell({**events.linked(7123456789012345, phone.code)}).status == 200
    assert database.holders(service.database, "7123456789012345") == [customer.id]


NOTHING = {
    "not json": b"hello", "empty object": b"{}", "array": b"[]", "null": b"null", "number": b"1",
    "string": b'"x"',
    "half": b'{"object":"page","entry":[', "bom": b"\xef\xbb\xbf{}", "only spaces": b"   ",
    "object missing": events.encode({"entry": []}),
    "entry a number": events.encode({"object": "page", "entry": 1}),
    "entry an object": events.encode({"object": "page", "entry": {"a": 1}}),
    "messaging a string": events.encode({"object": "page", "entry": [{"messaging": "x"}]}),
    "instagram": events.encode({"object": "instagram", "entry": [events.entry(events.unlinked("1"))]}),
    "nul": b"\x00", "lone surrogate": b'{"object":"page","x":"\\ud800"}',
    "bad utf-8": b'{"object":"\xff\xfe"}',
}


@pytest.mark.parametrize("name", NOTHING)
def test_signed_but_unusable_is_200_and_nothing(service, name):
    with database.unchanged(service):
        answer = deliver(service, NOTHING[name])
    assert (answer.status, answer.text) == (200, "EVENT_RECEIVED")


SPOILED = {
    "something after the value": lambda raw: raw + b"x",
    "a second value": lambda raw: raw + b"{}",
    "nul after": lambda raw: raw + b"\0",
    "nul as white space": lambda raw: raw.replace(b'"object"', b'\0"object"'),
    "form feed as white space": lambda raw: raw.replace(b'"object"', b'\f"object"'),
    "bom": lambda raw: b"\xef\xbb\xbf" + raw,
    "trailing comma": lambda raw: raw.replace(b'],"time"', b',],"time"'),
    "comment": lambda raw: raw.replace(b"{", b"{/**/", 1),
    "single quotes": lambda raw: raw.replace(b'"object"', b"'object'"),
    "key in capitals": lambda raw: raw.replace(b"account_linking", b"Account_Linking"),
    "object in capitals": lambda raw: raw.replace(b'"object"', b'"Object"'),
    "doubled key": lambda raw: raw.replace(b'{"object":"page"', b'{"object":"page","object":"page"'),
    "doubled status": lambda raw: raw.replace(b'"status":"linked"', b'"status":"linked","status":"linked"'),
    "doubled by escape": lambda raw: raw.replace(b'{"object":"page"',
                                                 b'{"object":"page","\\u006fbject":"page"'),
    "utf-16": lambda raw: raw.decode().encode("utf-16"),
    "raw newline in a string": lambda raw: raw.replace(b'"page"', b'"page\n"'),
    "leading zero": lambda raw: raw.replace(b'"timestamp":1', b'"timestamp":01'),
    "too deep": lambda raw: raw.replace(b'{"object"', b'{"x":' + b"[" * 70 + b"]" * 70 + b',"object"'),
    "bad utf-8": lambda raw: raw.replace(b'{"object"', b'{"x":"\xc0\xaf","object"'),
    "nul in the key": lambda raw: raw.replace(b"authorization_code", b"authorization_code\\u0000"),
    "other status": lambda raw: raw.replace(b'"linked"', b'"LINKED"'),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_delivery_does_not_link(service, coded, name):
    whole = events.body(events.linked(coded.psid, coded.code))
    spoiled = SPOILED[name](whole)
    assert spoiled != whole
    with database.unchanged(service):
        assert deliver(service, spoiled).status == 200
    assert deliver(service, whole).status == 200 and is_linked(service, coded), "the code still works"


BAD_EVENTS = {
    "psid with nul": {"sender": {"id": "712345\u000089"}}, "psid too long": {"sender": {"id": "7" * 65}},
    "psid empty": {"sender": {"id": ""}}, "psid null": {"sender": {"id": None}},
    "psid missing": {"sender": {}},
    "psid an object": {"sender": {"id": {}}}, "no sender": {"sender": None},
    "psid true": {"sender": {"id": True}},
    "psid negative": {"sender": {"id": -5}}, "psid fraction": {"sender": {"id": 1.5}},
    "psid above 2^53": {"sender": {"id": 9007199254740993}},
    "psid 2^53": {"sender": {"id": 9007199254740992}},
    "page too long": {"recipient": {"id": "1" * 65}}, "page with nul": {"recipient": {"id": "1\u0000"}},
    "code empty": {"account_linking": {"status": "linked", "authorization_code": ""}},
    "code missing": {"account_linking": {"status": "linked"}},
    "code null": {"account_linking": {"status": "linked", "authorization_code": None}},
    "code with nul": {"account_linking": {"status": "linked", "authorization_code": "ab\u0000cd"}},
    "code too long": {"account_linking": {"status": "linked", "authorization_code": "a" * 513}},
    "linking a list": {"account_linking": ["linked"]}, "status a number": {"account_linking": {"status": 1}},
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_bad_event_is_skipped_and_the_next_one_counts(service, coded, name):
    bad = {**events.linked(coded.psid, coded.code), **BAD_EVENTS[name]}
    with database.unchanged(service):
        assert deliver(service, events.body(bad)).status == 200
    assert coded.tell(bad, events.linked(coded.psid, coded.code)).status == 200
    assert is_linked(service, coded)


def test_code_with_a_nul_behind_it_is_not_the_code(service, coded):
    with database.unchanged(service):
        assert coded.tell(events.linked(coded.psid, coded.code + "\0")).status == 200


def test_forged_codes_change_nothing(service, coded):
    spoiled = coded.code[:-2] + ("AA" if coded.code[-2:] != "AA" else "BB")
    for code in ("1234567890", "x", coded.code[:-1], coded.code + "A", spoiled, "a" * 512,
                 coded.code.swapcase()):
        with database.unchanged(service):
            assert coded.tell(events.linked(coded.psid, code)).status == 200


def test_other_pages_are_left_alone(make_service):
    service = make_service(LINKD_PAGE_IDS="111,222")
    customer, phone = Customer(service), Phone(service)
    phone.get_code(customer)
    with database.unchanged(service):
        assert phone.tell(events.linked(phone.psid, phone.code, page="333")).status == 200
    assert phone.tell(events.linked(phone.psid, phone.code, page="222")).status == 200
    assert is_linked(service, phone)


def test_standby_events_are_counted_not_acted_on(service, coded):
    name = 'linkd_webhook_events_total{outcome="standby"}'
    before = metrics.value(service, name)
    entry = {"id": PAGE_ID, "time": events.now_ms(), "standby": [events.linked(coded.psid, coded.code)]}
    with database.unchanged(service):
        assert deliver(service, events.body_of(entry)).status == 200
    assert metrics.value(service, name) == before + 1


def test_unusable_is_counted(service):
    before = metrics.value(service, "linkd_webhook_unusable_total")
    deliver(service, b"{")
    assert metrics.value(service, "linkd_webhook_unusable_total") == before + 1
