"""GET /webhook: Facebook's registration."""

import pytest

from harness import client


def ask(service, query):
    return client.get(f"{service.url}/webhook?{query}")


@pytest.mark.parametrize("challenge", ["1158201444", "zoo", "~!*()-._", "a" * 256])
def test_right_token_gets_the_challenge(service, challenge):
    answer = ask(service,
                 f"hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={service.verify_token}")
    assert (answer.status, answer.text) == (200, challenge)
    assert answer.header("content-type").startswith("text/plain")


def test_any_order_and_escapes(service):
    answer = ask(service, f"hub.verify_token={service.verify_token}&hub.challenge=%3Cb%3E&hub.mode=subscribe")
    assert (answer.status, answer.text) == (200, "<b>")
    assert answer.header("content-type").startswith("text/plain")


@pytest.mark.parametrize("query", [
    "", "hub.mode=subscribe", "hub.mode=subscribe&hub.challenge=1",
    "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
    "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
    "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={t}", "hub.challenge=1&hub.verify_token={t}",
    "hub.mode=subscribe&hub.challenge=1&hub.verify_token={t}x",
    "hub.mode=subscribe&hub.challenge=1&hub.verify_token={s}",
    "hub.mode=subscribe&hub.challenge=&hub.verify_token={t}", "hub.mode=subscribe&hub.verify_token={t}",
    "hub.mode=subscribe&hub.challenge=%0a&hub.verify_token={t}",
    "hub.mode=subscribe&hub.challenge=%e2%82%ac&hub.verify_token={t}",
    "hub.mode=subscribe&hub.challenge=" + "a" * 257 + "&hub.verify_token={t}"])
def test_everything_else_is_refused(service, query):
    answer = ask(service, query.replace("{t}", service.verify_token).replace("{s}",
                                                                             service.verify_token[:-1]))
    assert answer.status in (400, 403)
    assert answer.text != "1"


@pytest.mark.parametrize("doubled", ["hub.mode=subscribe", "hub.challenge=1", "hub.verify_token={t}"])
def test_a_doubled_parameter_is_refused(service, doubled):
    query = f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={service.verify_token}"
    assert ask(service, query).status == 200
    assert ask(service, query + "&" + doubled.replace("{t}", service.verify_token)).status in (400, 403)


@pytest.mark.parametrize("others", ["a=1&a=2", "%", "a=%ff", "&".join(f"a{n}=" for n in range(40))])
def test_parameters_of_others_on_the_callback_url_are_ignored(service, others):
    query = f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={service.verify_token}"
    for both in (f"{others}&{query}", f"{query}&{others}"):
        assert ask(service, both).status == 200


def test_without_a_configured_token_nobody_is_let_in(make_service):
    service = make_service(LINKD_VERIFY_TOKEN=None)
    for token in ("", "x"):
        assert ask(service, f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}").status == 403
    assert ask(service, "hub.mode=subscribe&hub.challenge=1").status == 403
