"""/.well-known/security.txt, as RFC 9116 has it."""

import datetime

import pytest

from harness import client

PATH = "/.well-known/security.txt"
GOOD = ["mailto:security@example.com", "mailto:a.b+c@sub.example.com", "https://example.com/report",
        "https://example.com"]
BAD = ["security@example.com", "http://example.com/report", "mailto:", "mailto:@example.com", "mailto:a@",
       "mailto:a@b@c.com", "mailto:a b@example.com", "mailto:a@exa mple.com", "tel:+123456", "https://",
       "javascript:alert(1)", "https://example.com/ x", "mailto:<a@example.com>", "mailto:a@-example.com"]


def test_nothing_without_a_contact(service):
    assert client.get(service.url + PATH).status == 404


@pytest.mark.parametrize("contact", GOOD)
def test_fields(make_service, contact):
    url = "https://link.example.com"
    service = make_service(LINKD_SECURITY_CONTACT=contact, LINKD_PUBLIC_URL=url)
    answer = client.get(service.url + PATH, https=True)
    assert answer.status == 200 and answer.header("content-type") == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert len(fields) == len(answer.text.splitlines()) and answer.text.endswith("\n")
    assert fields["Contact"] == contact and fields["Canonical"] == url + PATH
    assert fields["Preferred-Languages"] == "en"
    left = datetime.datetime.fromisoformat(fields["Expires"]) - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=30) < left < datetime.timedelta(days=365)
    assert client.call("HEAD", service.url + PATH, https=True).status == 200


def test_no_canonical_address_on_http(make_service):
    text = client.get(make_service(LINKD_SECURITY_CONTACT=GOOD[0]).url + PATH).text
    assert "Contact: " + GOOD[0] + "\n" in text and "Canonical" not in text


def test_only_addresses_people_can_use(service):
    for contact in GOOD + BAD:
        done = service.command("check-config", settings={"LINKD_SECURITY_CONTACT": contact})
        assert done.returncode == (contact in BAD), contact
        assert ("LINKD_SECURITY_CONTACT" in done.stderr + done.stdout) == (contact in BAD), contact
