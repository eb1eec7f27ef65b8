"""Parameters of forms and queries: once each, one level decoded, nothing odd."""

import urllib.parse

import pytest

from harness import database
from harness.phone import Phone


@pytest.fixture
def form(customer, phone):
    """A login page and the fields that would log in."""
    phone.open()
    _, fields = phone.last.page.submit("/link/login")
    return {**fields, "email": customer.email, "password": customer.password}


def refused(service, phone, raw, path="/link/login", statuses=(400, 401, 403)):
    with database.unchanged(service):
        answer = phone.post(path, raw)
    assert answer.status in statuses, answer
    assert answer.header("location") is None
    return answer


def test_the_form_itself_works(phone, form):
    assert phone.post("/link/login", form).status == 200


def test_every_field_given_twice_is_refused(service, phone, form):
    for name, value in form.items():
        for again in (value, "", "other"):
            refused(service, phone, urllib.parse.urlencode([*form.items(), (name, again)]), statuses=(400,))


def test_every_field_of_consent_given_twice_is_refused(service, customer, phone):
    phone.open()
    phone.login(customer.email, customer.password)
    for path in ("/link/confirm", "/link/cancel"):
        _, fields = phone.last.page.submit(path)
        page = phone.last
        for name, value in fields.items():
            refused(service, phone, urllib.parse.urlencode([*fields.items(), (name, value)]), path, (400,))
        phone.last = page


def test_every_field_left_out_is_refused(service, phone, form):
    for name in form:
        left = {key: value for key, value in form.items() if key != name}
        refused(service, phone, urllib.parse.urlencode(left))


ODD = ["%00", "%ff", "%c0%af", "%ed%a0%80", "%f4%90%80%80", "%", "%4", "%zz", "\x00", "\xff"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("name", ["email", "password"])
def test_nul_bad_utf8_and_broken_escapes(service, phone, form, name, odd):
    others = urllib.parse.urlencode({key: value for key, value in form.items() if key != name})
    raw = f"{others}&{name}={urllib.parse.quote(form[name], safe='')}".encode() + odd.encode("latin-1")
    refused(service, phone, raw)


@pytest.mark.parametrize("extra", ["=", "=x", "&", "a", "%00=1", "a%00b=1"])
def test_odd_names_never_get_in_the_way_of_a_decision(service, customer, phone, form, extra):
    raw = urllib.parse.urlencode({**form, "password": "wrong"}) + "&" + extra
    assert phone.post("/link/login", raw).status in (400, 401)


@pytest.mark.parametrize("separator", [";", "\n", "%26", "&amp;"])
def test_only_an_ampersand_separates(service, phone, form, separator):
    refused(service, phone, separator.join(f"{k}={urllib.parse.quote(v, safe='')}" for k, v in form.items()))


def test_more_fields_than_there_is_room_for(service, phone, form):
    refused(service, phone, urllib.parse.urlencode({**form, **{f"x{n}": "" for n in range(40)}}))


@pytest.mark.parametrize("name", ["email", "password"])
def test_oversized_fields(service, phone, form, name):
    refused(service, phone, urllib.parse.urlencode({**form, name: "a" * 5000}))


def test_an_empty_form(service, phone):
    phone.open()
    for path in ("/link/login", "/link/confirm", "/link/cancel"):
        refused(service, phone, "", path)


OTHERS = ["&", "=", "=x", "a=1&a=2", "rid=7&rid=", "%", "a=%", "a=%00", "a=%ff", "a=%E4%F6", "a=%zz", "100%=1", "%00=1", "%zz",
          "fbclid=" + "x" * 3000, "&".join(f"a{n}=" for n in range(400)), "a;b", "a=b=c", "account_linking_token%00=x",
          "account_linking_token%=x", "account_linking_token+=x", "Redirect_Uri=x", "redirect_uri[]=x", "xredirect_uri=x",
          "%ffredirect_uri=x", "email=a%&password=b"]


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("others", OTHERS, ids=lambda one: ascii(one)[:40])
def test_parameters_of_others_on_links_address_are_ignored(phone, others, first):
    """The bot's own button may carry some, and Facebook appends ours to them."""
    target, query = phone.address_of_link().split("?")
    assert phone.get(f"{target}?{others}&{query}" if first else f"{target}?{query}&{others}").status == 200


def test_with_parameters_of_others_the_whole_way_is_open(customer, phone):
    target, query = phone.address_of_link().split("?")
    assert phone.get(f"{target}?rid=1&rid=%E4&100%&{query}&fbclid=%").status == 200
    assert phone.login(customer.email, customer.password).status == 200
    assert phone.connect().status == 303 and phone.code


OURS = ["account_linking_token", "redirect_uri"]
SPELLINGS = {"plain": lambda name: name, "escaped": lambda name: "".join(f"%{ord(c):02X}" for c in name),
             "half escaped": lambda name: name.replace("_", "%5f")}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", OURS)
def test_ours_on_links_address_may_be_there_once(phone, name, spelling):
    target = phone.address_of_link()
    spelt = SPELLINGS[spelling](name)
    assert phone.get(target.replace(name + "=", spelt + "=", 1)).status == 200
    for value in ("", phone.token, "x"):
        for twice in (f"{target}&{spelt}={value}", target.replace("?", f"?{spelt}={value}&")):
            assert phone.get(twice).status == 400
    assert phone.get(f"{target}&{spelt}").status == 400


@pytest.mark.parametrize("odd", ODD[:-2], ids=ascii)
@pytest.mark.parametrize("name", OURS)
def test_ours_on_links_address_are_read_strictly(phone, name, odd):
    target, query = phone.address_of_link().split("?")
    assert phone.get(f"{target}?" + "&".join(one + odd * one.startswith(name) for one in query.split("&"))).status == 400


def test_an_address_of_link_over_8_kib_is_refused(phone):
    assert phone.get(phone.address_of_link() + "&a=" + "x" * 8192).status == 414


def test_fields_in_the_query_do_not_count_as_the_form(service, customer, phone, form):
    with database.unchanged(service):
        answer = phone.post("/link/login?" + urllib.parse.urlencode(form), "")
    assert answer.status in (400, 403)


def test_the_state_is_bound_to_this_browser_only(service, form):
    assert Phone(service).post("/link/login", form).status == 403
