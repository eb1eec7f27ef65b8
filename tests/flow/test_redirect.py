"""The return address: what is not Facebook's own never gets a redirect."""

import urllib.parse

import pytest

from harness.phone import Phone
from simulator import events

P = "/messenger_platform/account_linking"
Q = "?account_linking_token={t}"
ALLOWED = [f"https://{host}{P}{slash}{Q}" for host in
           ("facebook.com", "www.facebook.com", "messenger.com", "www.messenger.com") for slash in ("", "/")]
ALLOWED += [f"https://facebook.com:443{P}{Q}", f"https://facebook.com{P}/?a=b&account_linking_token={{t}}&c=",
            f"https://facebook.com{P}/{Q}&x=%20%2F"]

HOSTS = r"""facebook.com.evil.com facebook.comevil.com evilwww.facebook.com www.facebook.com@evil.com
 www.facebook.com:443@evil.com www.facebook.com%40evil.com evil.com\@www.facebook.com
 evil.com\.www.facebook.com evil.com#@www.facebook.com evil.com?@www.facebook.com www.facebook.com.
 www.facebook.com:444 www.facebook.com: www.facebook.com:0443 www.facebook.com:80 l.facebook.com
 m.facebook.com www%2efacebook.com WWW.FACEBOOK.COM Facebook.com [::1] 2130706433 127.0.0.1 localhost
 user@www.facebook.com :pw@www.facebook.com @www.facebook.com facebook.com,evil.com facebook.com%00.evil.com
 facebook.com\evil.com evil.com/facebook.com""".split()
HOSTS += ["www.f\u0430cebook.com", "www\u3002facebook.com", "www.facebook.com\uff0f", "www.\u2100.com",
          "www.face\u00adbook.com", "www.face\tbook.com"]

SCHEMES = [f"http://www.facebook.com{P}{Q}", f"//evil.com{P}{Q}", f"//www.facebook.com{P}{Q}",
           f"https:www.facebook.com{P}{Q}",
           f"https:/www.facebook.com{P}{Q}", f"https:///www.facebook.com{P}{Q}",
           f"https:\\\\www.facebook.com{P}{Q}",
           f"HTTPS://www.facebook.com{P}{Q}", f"javascript:alert(1)//{P}{Q}", f"data:text/html,x{P}{Q}",
           f" https://facebook.com{P}{Q}",
           f"https://facebook.com\n{P}{Q}", f"\thttps://facebook.com{P}{Q}", f"{P}{Q}",
           f"ftp://facebook.com{P}{Q}", "", "x",
           f"https://{P}{Q}", f"view-source:https://facebook.com{P}{Q}", f"fb-messenger://facebook.com{P}{Q}"]

W = "https://www.facebook.com"
PATHS = [f"{W}{P}/../../l.php{Q}&u=https://evil.com", f"{W}{P}/%2e%2e/%2e%2e/l.php{Q}",
         f"{W}{P}/..%2fl.php{Q}", f"{W}{P}/..\\l.php{Q}",
         f"{W}{P}X{Q}", f"{W}{P};x=/{Q}", f"{W}/l.php{Q}&u=https://evil.com", f"{W}{P}%00{Q}", f"{W}{P}\0{Q}",
         f"{W}/messenger_platform/account_link\uff49ng{Q}", f"{W}{P}//{Q}", f"{W}/{P}{Q}", f"{W}{Q}",
         f"{W}/{Q}",
         f"{W}/messenger_platform/./account_linking{Q}", f"{W}/Messenger_Platform/account_linking{Q}",
         f"{W}/messenger_platform%2faccount_linking{Q}", f"{W}{P} {Q}", f"{W}/evil?/..{P}{Q}"]

QUERIES = [f"{W}{P}{Q}&authorization_code=ATTACKER",
           f"{W}{P}?authorization_code=A&account_linking_token={{t}}",
           f"{W}{P}{Q}&account_linking_token={{t}}",
           f"{W}{P}?account_linking_token=ARother", f"{W}{P}{Q}#frag", f"{W}{P}{Q}#", f"{W}{P}", f"{W}{P}?",
           f"{W}{P}{Q}\r\nSet-Cookie: a=b", f"{W}{P}{Q}\r\n\r\n<b>",
           f"{W}{P}{Q}&x=" + "a" * 9000, f"{W}{P}{Q}&x=" + "a" * 2048, f"{W}{P}{Q}&authorization%5fcode=A",
           f"{W}{P}{Q}&%61uthorization_code=A",
           f"{W}{P}{Q}&authorization.code=A", f"{W}{P}?account%5flinking_token={{t}}", f"{W}{P}{Q}%20",
           f"{W}{P}{Q} ", f"{W}{P}{Q}&a b=c", f"{W}{P}{Q}&ü=1",
           f"{W}{P}{Q};authorization_code=A", f"{W}{P}?Account_Linking_Token={{t}}", f"{W}{P}{Q}&x=\x7f",
           f"{W}{P}{Q}\\", f"{W}{P}{Q}&authorization_code",
           f"{W}{P}{Q}?authorization_code=A", f"{W}{P}??account_linking_token={{t}}"]

REFUSED = [f"https://{host}{P}{Q}" for host in HOSTS] + SCHEMES + PATHS + QUERIES


def link(phone, back, quote=True):
    token = events.new_linking_token()
    back = back.replace("{t}", token)
    raw = urllib.parse.quote(back, safe="") if quote else back
    return token, back, phone.get(f"/link?account_linking_token={token}&redirect_uri={raw}")


@pytest.mark.parametrize("back", ALLOWED)
def test_facebooks_own_are_taken(phone, back):
    assert link(phone, back)[2].status == 200


@pytest.mark.parametrize("back", REFUSED, ids=lambda back: ascii(back)[-40:])
def test_anything_else_is_an_error_page_never_a_redirect(phone, back):
    token, whole, answer = link(phone, back)
    assert answer.status in ((400,) if len(whole) < 8000 else (400, 414)), f"{answer.status}"
    assert answer.header("location") is None and answer.header("set-cookie") is None
    assert answer.header("refresh") is None and "evil" not in answer.text and "ATTACKER" not in answer.text


def test_double_encoding_is_decoded_once(phone):
    token = events.new_linking_token()
    back = urllib.parse.quote(urllib.parse.quote(f"{W}{P}?account_linking_token={token}", safe=""), safe="")
    assert phone.get(f"/link?account_linking_token={token}&redirect_uri={back}").status == 400


def test_raw_utf8_and_broken_escapes(phone):
    token = events.new_linking_token()
    for spoiled in ("%", "%4", "%zz", "%ff", "%c0%af", "%00"):
        back = urllib.parse.quote(f"{W}{P}?account_linking_token={token}", safe="") + spoiled
        assert phone.get(f"/link?account_linking_token={token}&redirect_uri={back}").status == 400


def test_given_twice_is_refused(phone):
    target = phone.address_of_link()
    back = urllib.parse.quote(phone.back, safe="")
    assert phone.get(f"{target}&redirect_uri={back}").status == 400
    assert phone.get(f"{target}&account_linking_token={phone.token}").status == 400


def test_the_return_address_cannot_be_changed_later(service, customer):
    """Fields added to the forms change nothing: the sealed state decides."""
    phone = Phone(service)
    phone.open()
    phone.login(customer.email, customer.password, redirect_uri="https://evil.com/",
                account_linking_token="ARx")
    if phone.last.status == 200:
        assert phone.connect().header("location").startswith(phone.back)
    else:
        assert phone.last.status == 400


@pytest.mark.parametrize("token,status", [("A", 200), ("A" * 1024, 200), ("A" * 1025, 400), ("A b", 400),
                                          ("A.b", 400), ("Ä", 400), ("A+b", 400)], ids=range(7))
def test_linking_tokens(phone, token, status):
    assert phone.open(token).status == status


def test_hosts_are_a_setting(make_service):
    service = make_service(LINKD_REDIRECT_HOSTS="www.example.com")
    phone = Phone(service)
    assert link(phone, f"https://www.example.com{P}{Q}")[2].status == 200
    assert link(phone, f"https://www.facebook.com{P}{Q}")[2].status == 400
