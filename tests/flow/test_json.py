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


ODDITIES = {  # legal, and read by nobody
    "half an emoji": rb'"\ud83d"', "the other half": rb'"\udc4d"', "two first halves": rb'"\ud83d\ud83d"',
    "halves the wrong way round": rb'"\udc4d\ud83d"', "half an emoji before a letter": rb'"\ud83dx"',
    "not utf-8": b'"\xff\xfe"', "latin-1": "\"\u00e4\u00f6\"".encode("latin-1"), "overlong": b'"\xc0\xaf"',
    "a surrogate in utf-8": b'"\xed\xa0\xbd"', "cut utf-8": b'"\xf0\x9f"', "u0000": rb'"a\u0000b"', "u+ffff": rb'"\uffff"',
    "doubled key": b'{"a":1,"a":2}', "doubled by escape": rb'{"a":1,"\u0061":2}', "names of ours doubled":
    b'{"sender":{"id":1,"id":2},"sender":3,"account_linking":4,"account_linking":5}',
    "depth 65": b"[" * 65 + b"]" * 65, "depth 300": b'{"a":' * 300 + b"0" + b"}" * 300, "depth 10000": b"[" * 10000 + b"]" * 10000,
    "huge number": b"1e999999", "a number of many digits": b"-" + b"9" * 5000 + b"." + b"9" * 5000 + b"e-5000",
    "very many values": b"[" + b"0," * 50000 + b"0]", "very many members": b"{" + b'"":0,' * 50000 + b'"":0}',
    "an odd key": b'{"\\ud83d\xff":0}',
}
PLACES = {  # what stands before the place, in a delivery of a message and a linked event
    "the message": b'"text":', "the delivery": b'{"x":', "the entry": b'"hop":', "the event": b'"note":', "the linking": b'"more":',
    "the sender": b'"user_ref":',
}


def beside(phone, oddity, places):
    """A delivery with text that nobody reads in everything that has members; in these places it is odd."""
    made = events.linked(phone.psid, phone.code, at=events.now_ms())
    made["sender"]["user_ref"] = made["note"] = made["account_linking"]["more"] = "%"
    raw = events.encode({"x": "%", "object": "page", "entry": [{**events.entry(events.message(phone.psid, "%"), made), "hop": "%"}]})
    for name in places:
        assert raw.count(PLACES[name] + b'"%"') == 1
        raw = raw.replace(PLACES[name] + b'"%"', PLACES[name] + oddity)
    return raw


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_oddity_that_nobody_reads_costs_nothing(service, coded, oddity):
    assert deliver(service, beside(coded, ODDITIES[oddity], PLACES)).status == 200
    assert is_linked(service, coded)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("oddity", ["half an emoji", "doubled key", "depth 65"])
def test_wherever_it_stands(service, coded, oddity, place):
    assert deliver(service, beside(coded, ODDITIES[oddity], [place])).status == 200
    assert is_linked(service, coded)


OWN = {  # odd or bad values of each field that is read
    "sender": [b'{"id":"1","id":"1"}', rb'{"id":"\ud83d"}', b'{"id":"\xff"}', b'{"id":1e999}', b'{"id":' + b"[" * 100 + b"]" * 100 + b"}"],
    "recipient": [b'{"id":"1","id":"1"}', rb'{"id":"\ud83d"}', b'{"id":"\xff"}', b'{"id":[]}'],
    "account_linking": [rb'{"status":"unlinked\ud83d"}', b'{"status":"unlinked","status":"unlinked"}', b'{"status":"unlinked\xff"}',
                        rb'{"status":"unlinked","\u0073tatus":"unlinked"}'],
}


@pytest.mark.parametrize("field", OWN)
def test_an_oddity_in_a_field_of_ours_costs_its_event_only(service, customer, phone, field):
    phone.link(customer)
    other = Customer(service)
    for value in OWN[field]:
        neighbour = Phone(service)
        neighbour.get_code(other)
        bad = {**events.unlinked(phone.psid), field: "%"}
        raw = events.body(bad, events.linked(neighbour.psid, neighbour.code)).replace(b'"%"', value)
        assert deliver(service, raw).status == 200
        assert is_linked(service, phone), f"{value[:40]} was taken"
        assert is_linked(service, neighbour), f"{value[:40]} cost its neighbour"


ENTRY = {"doubled list": lambda raw: raw.replace(b'"messaging"', b'"messaging":[],"messaging"', 1),
         "id with half a pair": lambda raw: raw.replace(b'{"id":"' + PAGE_ID.encode(), b'{"id":"\\ud83d', 1),
         "an array": lambda raw: raw.replace(b'"entry":[', b'"entry":[[],'), "a number": lambda raw: raw.replace(b'"entry":[', b'"entry":[1e9999,')}


@pytest.mark.parametrize("name", ENTRY)
def test_an_odd_entry_costs_none_of_the_others(service, coded, name):
    raw = events.body_of(events.entry({**events.unlinked("1"), "recipient": {}}), events.entry(raw_event(coded)))
    assert ENTRY[name](raw) != raw
    assert deliver(service, ENTRY[name](raw)).status == 200
    assert is_linked(service, coded)


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
    "nul in the key": lambda raw: raw.replace(b"authorization_code", b"authorization_code\\u0000"),
    "half a pair in the code": lambda raw: raw.replace(b'_code":"', b'_code":"\\ud83d'),
    "bad utf-8 in the code": lambda raw: raw.replace(b'_code":"', b'_code":"\xff'),
    "half a pair in the status": lambda raw: raw.replace(b'"linked"', b'"linked\\udc00"'),
    "bad utf-8 in the status": lambda raw: raw.replace(b'"linked"', b'"linked\xc3"'),
    "half a pair in the object": lambda raw: raw.replace(b'"page"', b'"page\\ud800"'),
    "doubled code": lambda raw: raw.replace(b'"status"', b'"authorization_code":"x","status"'),
    "doubled linking": lambda raw: raw.replace(b'"account_linking"', b'"account_linking":{},"account_linking"'),
    "doubled sender": lambda raw: raw.replace(b'"sender"', b'"sender":{"id":"1"},"sender"'),
    "doubled timestamp": lambda raw: raw.replace(b'"timestamp"', b'"timestamp":1,"timestamp"'),
    "raw control beside it": lambda raw: raw.replace(b'{"object"', b'{"x":"\x01","object"'),
    "nul beside it": lambda raw: raw.replace(b'{"object"', b'{"x":"\0","object"'),
    "no escape beside it": lambda raw: raw.replace(b'{"object"', b'{"x":"\\x41","object"'),
    "half an escape beside it": lambda raw: raw.replace(b'{"object"', b'{"x":"\\ud83","object"'),
    "no number beside it": lambda raw: raw.replace(b'{"object"', b'{"x":1.,"object"'),
    "half a list beside it": lambda raw: raw.replace(b'{"object"', b'{"x":[[],"object"'),
    "nested beyond all bounds": lambda raw: raw.replace(b'{"object"', b'{"x":' + b"[" * 100000 + b"]" * 100000 + b',"object"'),
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


FOREIGN = {  # entry.id, recipient
    "both": ("333", "333"), "the entry": ("333", "222"), "the recipient": ("222", "333"), "the recipient, entry untold": (None, "333"),
    "the entry, recipient untold": ("333", None), "both untold": (None, None), "a longer id": ("2222", "2222"), "a number": (333, 333),
}


def of_page(event, entry, recipient):
    made = {**event, "recipient": {} if recipient is None else {"id": recipient}}
    return events.encode({"object": "page", "entry": [{"messaging": [made], **({} if entry is None else {"id": entry})}]})


def test_other_pages_are_left_alone(make_service):
    service = make_service(LINKD_PAGE_IDS="111,222")
    customer, phone = Customer(service), Phone(service)
    phone.get_code(customer)
    made = events.linked(phone.psid, phone.code)
    name = 'linkd_webhook_events_total{outcome="foreign_page"}'
    for pages in FOREIGN.values():
        before = metrics.value(service, name)
        with database.unchanged(service):
            assert deliver(service, of_page(made, *pages)).status == 200
        assert metrics.value(service, name) == before + 1, pages
    warned = [(one["level"], one["detail"]) for one in service.log("refused") if one["kind"] == "foreign_page"]
    assert warned == [("warn", "page 333 is not in LINKD_PAGE_IDS")], "once a minute"
    for pages in (("111", "222"), (222, None), (None, "111")):
        phone.get_code(customer)
        assert deliver(service, of_page(events.linked(phone.psid, phone.code), *pages)).status == 200
        assert is_linked(service, phone)
        deliver(service, of_page(events.unlinked(phone.psid, at=events.now_ms() + 10_000), "111", "111"))
        assert not is_linked(service, phone)


def in_lists(messaging, standby):
    return events.body_of({"id": PAGE_ID, "time": events.now_ms(), "standby": standby, "messaging": messaging})


def test_standby_events_count_like_the_others(service, coded):
    made = events.linked(coded.psid, coded.code)
    for _ in range(2):
        assert deliver(service, events.body_of({"id": PAGE_ID, "standby": [made]})).status == 200
        assert is_linked(service, coded)
    gone = events.unlinked(coded.psid, at=events.now_ms() + 5000)
    assert deliver(service, events.body_of({"id": PAGE_ID, "standby": [events.message(coded.psid, "a"), gone]})).status == 200
    assert not is_linked(service, coded)


def test_one_event_in_both_lists_is_one(service, customer, coded):
    made = events.linked(coded.psid, coded.code, at=events.now_ms() - 60_000)
    assert deliver(service, in_lists([made], [made])).status == 200
    assert database.holders(service.database, coded.psid) == [customer.id]
    gone = events.unlinked(coded.psid, at=events.now_ms() - 30_000)
    assert deliver(service, in_lists([gone], [gone])).status == 200
    assert not is_linked(service, coded)
    assert deliver(service, in_lists([made], [made])).status == 200
    assert not is_linked(service, coded), "its code is used"


@pytest.mark.parametrize("unlinked_first", [True, False])
@pytest.mark.parametrize("linked_in_standby", [True, False])
def test_of_both_lists_the_order_of_time_counts(service, coded, linked_in_standby, unlinked_first):
    now = events.now_ms()
    one = [events.linked(coded.psid, coded.code, at=now - 60_000)]
    other = [events.unlinked(coded.psid, at=now - (90_000 if unlinked_first else 30_000))]
    assert deliver(service, in_lists(other, one) if linked_in_standby else in_lists(one, other)).status == 200
    assert is_linked(service, coded) == unlinked_first


def test_unusable_is_counted(service):
    before = metrics.value(service, "linkd_webhook_unusable_total")
    deliver(service, b"{")
    assert metrics.value(service, "linkd_webhook_unusable_total") == before + 1
