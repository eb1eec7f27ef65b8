"""The simulator against a small service that only checks what arrives."""

import hmac
import http.server
import json
import re
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest
import requests

from simulator import demo, events, graph_app
from simulator.graph import FAULTS
from simulator.server import Simulator, Wiring

SECRET = "simulator-test-secret"


class FakeService(http.server.BaseHTTPRequestHandler):
    """Takes signed deliveries; redirects /link straight back with a code."""

    def log_message(self, *unused):
        pass

    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.server.opened.append(asked)
        self.send_response(303)
        self.send_header("Location", asked["redirect_uri"][0] + "&authorization_code=code1")
        self.end_headers()

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        right = hmac.compare_digest(self.headers.get("X-Hub-Signature-256", ""), events.sign(raw, SECRET))
        status, text = (self.server.status, b"EVENT_RECEIVED") if right else (403, b"no")
        if right:
            self.server.taken.append(json.loads(raw))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeService)
    server.taken, server.opened, server.status = [], [], 200
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def simulator(service):
    running = Simulator(Wiring(SECRET, service.url), graph_tokens={"page-token": events.PAGE_ID}).start()
    yield running
    running.stop()


def get(url, **more):
    return requests.get(url, timeout=5, **more)


def post(simulator, path, **form):
    return requests.post(simulator.url + path, data={"psid": simulator.psid, **form}, timeout=5)


def deliver(simulator, what):
    assert post(simulator, "/deliver", what=what).status_code == 200
    return [answer.status for _, _, answer, _ in simulator.state.deliveries]


def test_log_in_goes_round_and_tells_the_webhook(simulator, service):
    page = get(f"{simulator.url}/login?psid={simulator.psid}")
    hops = {urllib.parse.urlsplit(one.url).netloc for one in (*page.history, page)}
    assert len(hops) == 3, "the way back passes three origins"
    assert "Account linked" in page.text and "Log Out" in page.text
    made = service.taken[0]["entry"][0]["messaging"][0]
    assert made["account_linking"] == {"status": "linked", "authorization_code": "code1"}
    assert made["sender"]["id"] == simulator.psid and made["recipient"]["id"] == events.PAGE_ID


def test_the_link_carries_token_and_encoded_return_address(simulator, service):
    get(simulator.link_address(simulator.psid), allow_redirects=False)
    asked = service.opened[0]
    token = asked["account_linking_token"][0]
    assert re.fullmatch(r"AR[A-Za-z0-9_-]{108}", token)
    back = f"{simulator.url}/messenger_platform/account_linking/?account_linking_token={token}"
    assert asked["redirect_uri"] == [back]


def test_without_code_or_with_a_failing_webhook_nothing_is_linked(simulator, service):
    token = simulator.state.new_token(simulator.psid)
    back = f"{simulator.url}/messenger_platform/account_linking?account_linking_token="
    assert "cancelled" in get(back + token).text
    assert get(back + token).status_code == 400, "a linking token works once"
    assert get(back + "ARnone&authorization_code=x").status_code == 400
    assert service.taken == []
    service.status = 503
    page = get(back + simulator.state.new_token(simulator.psid) + "&authorization_code=c")
    assert "failed (webhook answered 503)" in page.text and "Log Out" not in page.text


def test_log_out(simulator, service):
    get(f"{simulator.url}/login")
    assert "Account unlinked" in post(simulator, "/logout").text
    assert service.taken[-1]["entry"][0]["messaging"][0]["account_linking"] == {"status": "unlinked"}


def test_the_panel_delivers_every_kind(simulator, service):
    get(f"{simulator.url}/login")
    assert deliver(simulator, "duplicates")[:3] == [200] * 3
    assert service.taken[1] == service.taken[2] == service.taken[3] == service.taken[0]
    assert deliver(simulator, "batch")[0] == 200
    assert [len(one["messaging"]) for one in service.taken[-1]["entry"]] == [3, 3]
    assert deliver(simulator, "reordered")[0] == 200
    first, second = service.taken[-1]["entry"][0]["messaging"]
    assert first["account_linking"]["status"] == "unlinked" and first["timestamp"] > second["timestamp"]
    assert deliver(simulator, "forged")[0] == deliver(simulator, "unsigned")[0] == 403
    assert deliver(simulator, "wrongcode")[0] == deliver(simulator, "message")[0] == 200
    assert post(simulator, "/deliver", what="nonsense").status_code == 400


def test_several_people_and_ordinary_talk(simulator, service):
    other = requests.post(simulator.url + "/person", timeout=5)
    psid = urllib.parse.parse_qs(urllib.parse.urlsplit(other.url).query)["psid"][0]
    assert psid != simulator.psid and len(simulator.state.people) == 1
    page = post(simulator, "/say", psid=psid, text="<b>hi</b>")
    assert "&lt;b&gt;hi&lt;/b&gt;" in page.text and "<b>hi" not in page.text
    assert service.taken[-1]["entry"][0]["messaging"][0]["message"]["text"] == "<b>hi</b>"


PROOF = hmac.new(SECRET.encode(), b"page-token", "sha256").hexdigest()
ASK = {"Authorization": "Bearer page-token"}


def ask(simulator, path, **query):
    return get(f"{simulator.url}/v26.0/{path}", params={"appsecret_proof": PROOF, **query}, headers=ASK)


def ask_recipient(simulator):
    simulator.state.person(simulator.psid)
    token = simulator.state.new_token(simulator.psid)
    return ask(simulator, "me", fields="recipient", account_linking_token=token)


def tell_graph(simulator, path, **value):
    return requests.post(f"{simulator.url}/v26.0/{path}", json={"appsecret_proof": PROOF, **value}, headers=ASK, timeout=5)


def test_graph_recipient_profile_and_unlink(simulator):
    assert ask_recipient(simulator).json() == {"id": events.PAGE_ID, "recipient": simulator.psid}
    assert ask(simulator, "me", fields="recipient", account_linking_token="ARx").json()["error"]["code"] == 10303
    assert get(f"{simulator.url}/v26.0/me?fields=recipient").json()["error"]["code"] == 190
    profile = get(f"{simulator.url}/v26.0/{simulator.psid}?fields=first_name,profile_pic&access_token=page-token"
                  f"&appsecret_proof={PROOF}").json()
    assert profile["first_name"] == "Ada" and "last_name" not in profile
    assert ask(simulator, "123").json()["error"]["error_subcode"] == 2018218
    assert tell_graph(simulator, "me/unlink_accounts", psid=simulator.psid).json() == {"result": "unlink account success"}
    assert requests.post(f"{simulator.url}/v26.0/me/unlink_accounts", data=b"[", headers=ASK, timeout=5).status_code == 400
    simulator.graph.faults.append((500, {"error": {"code": 2}}))
    assert ask(simulator, "me").status_code == 500


@pytest.mark.parametrize("proof", [None, "", "0" * 64])
def test_graph_wants_the_proof_of_the_app_secret(simulator, proof):
    found = ask(simulator, "me", appsecret_proof=proof)
    assert found.status_code == 400 and found.json()["error"]["type"] == "GraphMethodException"


def test_graph_shows_a_message_in_the_chat_while_the_window_is_open(simulator):
    person = simulator.state.person(simulator.psid)
    button = {"type": "template", "payload": {"template_type": "button", "text": "You are connected.",
                                              "buttons": [{"type": "account_unlink"}]}}
    words = {"recipient": {"id": simulator.psid}, "messaging_type": "RESPONSE", "message": {"attachment": button}}
    assert tell_graph(simulator, "me/messages", **words).json()["recipient_id"] == simulator.psid
    assert person.chat[-1][:2] == ("logout", "You are connected.")
    person.wrote_at -= 24 * 3600
    assert tell_graph(simulator, f"{events.PAGE_ID}/messages", **words).json()["error"]["error_subcode"] == 2018278
    del words["messaging_type"]
    assert tell_graph(simulator, "me/messages", **words).json()["error"]["code"] == 100


CODES = {"expired": 10303, "dead": 190, "wrong-secret": 100, "limit": 4, "page-limit": 613, "error-200": 1}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_graph_is_switched_from_the_page(simulator, fault):
    assert post(simulator, "/graph", fault=fault).status_code == 200
    assert f'id="graph-{fault}" class=on' in get(simulator.url).text
    if fault == "reset":
        with pytest.raises(requests.exceptions.ConnectionError):
            ask_recipient(simulator)
    elif fault in ("slow", "drip"):
        with pytest.raises((requests.exceptions.Timeout, requests.exceptions.ConnectionError)):
            requests.get(f"{simulator.url}/v26.0/me", params={"appsecret_proof": PROOF}, headers=ASK, timeout=0.5).json()
    else:
        check_fault(simulator, fault)
    post(simulator, "/graph", fault="")
    assert ask_recipient(simulator).json()["recipient"] == simulator.psid


def check_fault(simulator, fault):
    found = ask_recipient(simulator)
    name = ask(simulator, simulator.psid)
    if fault in CODES:
        assert found.json()["error"]["code"] == CODES[fault]
        assert (found.status_code == 200) == (fault == "error-200")
    elif fault == "down":
        assert found.status_code == 500 and found.text.startswith("<html>")
    elif fault == "huge":
        assert len(found.content) > 10 * 1024 * 1024
    elif fault == "not-json":
        assert found.status_code == 200 and found.text.startswith("Sorry")
    elif fault == "doubled":
        assert found.text.count('"recipient"') == 2
    elif fault == "wrong-page":
        assert found.json()["id"] != events.PAGE_ID
    elif fault == "bad-psid":
        assert not found.json()["recipient"].isdigit()
    elif fault == "no-profile":
        assert found.status_code == 200 and name.json()["error"]["error_subcode"] == 2018218
    else:
        assert fault == "odd-name" and "<b>" in name.json()["first_name"] and len(name.json()["last_name"]) == 10_000


def ask_as_app(simulator, path, **query):
    token = f"{graph_app.APP_ID}|{SECRET}"
    proof = hmac.new(SECRET.encode(), token.encode(), "sha256").hexdigest()
    return get(f"{simulator.url}/v26.0/{path}", params={"appsecret_proof": proof, **query},
               headers={"Authorization": "Bearer " + token}).json()


def subscribed(simulator):
    return ask(simulator, f"{events.PAGE_ID}/subscribed_apps").json()["data"][0]["subscribed_fields"]


def test_graph_tells_of_the_app_and_its_page_tokens(simulator, service):
    assert ask(simulator, "app").json()["id"] == graph_app.APP_ID
    assert ask(simulator, "me", fields="id,name").json() == {"id": events.PAGE_ID, "name": "Demo Shop"}
    data = ask_as_app(simulator, "debug_token", input_token="page-token")["data"]
    assert data["is_valid"] and data["profile_id"] == events.PAGE_ID and data["expires_at"] == 0
    assert not ask_as_app(simulator, "debug_token", input_token="other")["data"]["is_valid"]
    assert ask(simulator, "debug_token", input_token="page-token").json()["error"]["code"] == 15
    assert ask_as_app(simulator, f"{graph_app.APP_ID}/subscriptions")["data"][0]["callback_url"] == service.url + "/webhook"
    assert ask_as_app(simulator, "me")["error"]["code"] == 2500


def test_a_post_subscribes_the_page_with_a_new_list(simulator):
    assert subscribed(simulator) == ["messages", graph_app.FIELD]
    assert tell_graph(simulator, f"{events.PAGE_ID}/subscribed_apps", subscribed_fields="feed").json() == {"success": True}
    assert subscribed(simulator) == ["feed"]
    assert tell_graph(simulator, f"{events.PAGE_ID}/subscribed_apps").json()["error"]["code"] == 100
    assert tell_graph(simulator, "123/subscribed_apps", subscribed_fields="feed").json()["error"]["error_subcode"] == 33


@pytest.mark.parametrize("fault", graph_app.FAULTS)
def test_a_fault_of_the_app_is_switched_from_the_page(simulator, fault):
    def seen():
        data = ask_as_app(simulator, "debug_token", input_token="page-token")["data"]
        webhook = ask_as_app(simulator, f"{graph_app.APP_ID}/subscriptions")["data"][0]
        fields = [one["name"] for one in webhook["fields"]]
        return {"not-subscribed": graph_app.FIELD not in subscribed(simulator), "app-not-subscribed": graph_app.FIELD not in fields,
                "webhook-off": not webhook["active"], "expiring": data["expires_at"] > time.time(),
                "no-permission": "pages_messaging" not in data["scopes"]}
    assert not any(seen().values())
    post(simulator, "/graph", fault=fault)
    assert f'id="graph-{fault}" class=on' in get(simulator.url).text
    assert seen() == {**dict.fromkeys(graph_app.FAULTS, False), fault: True}
    assert ask_recipient(simulator).json()["recipient"] == simulator.psid
    tell_graph(simulator, f"{events.PAGE_ID}/subscribed_apps", subscribed_fields=graph_app.FIELD)
    assert seen()[fault] == (fault != "not-subscribed")


def test_a_proof_that_is_not_needed_must_still_be_right(simulator):
    simulator.graph.proof_required = False
    assert ask(simulator, "me", appsecret_proof=None).status_code == 200
    assert ask(simulator, "me", appsecret_proof="0" * 64).json()["error"]["message"].startswith("Invalid appsecret_proof")


def test_an_expired_linking_token_is_unknown(simulator):
    token = simulator.state.new_token(simulator.psid, life_s=0)
    assert simulator.state.token_psid(token) is None


def test_strangers_get_nothing(simulator):
    assert get(simulator.url, headers={"Host": "evil.example"}).status_code == 403
    url = simulator.url + "/logout"
    assert requests.post(url, headers={"Origin": "http://evil.example"}, timeout=5).status_code == 403
    assert requests.post(url, data=b"x" * 70000, timeout=5).status_code == 413
    assert get(f"{simulator.url}/?psid=12x").status_code == 400
    assert get(f"{simulator.url}/login?psid=12x").status_code == 400
    assert get(simulator.url + "/nothing").status_code == 404
    assert get(simulator.hop.url + "/nothing").status_code == 404


def test_the_page_has_no_script_and_fetches_nothing_from_elsewhere(simulator):
    page = get(simulator.url)
    assert "<script" not in page.text and not re.search(r"\son\w+=", page.text)
    assert re.findall(r'(?:src|href)="(https?:[^"]+)"', page.text) == []
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_no_service_at_all_is_shown_not_raised():
    lonely = Simulator(Wiring(SECRET, "http://127.0.0.1:9")).start()
    try:
        assert "answered nothing" in post(lonely, "/logout").text
    finally:
        lonely.stop()


def test_as_a_program_in_a_container(tmp_path, service):
    """The secret from the environment; listening on every address, called by its usual name only."""
    program = subprocess.Popen(
        [sys.executable, "-m", "simulator.simulator", "--service-url", service.url, "--bind", "0.0.0.0"], stdout=subprocess.PIPE,
        cwd=str(tmp_path), env={"PYTHONPATH": str(__file__).rsplit("/", 2)[0], "LINKD_APP_SECRET": SECRET})
    try:
        ready = json.loads(program.stdout.readline())
        assert "Account linked" in get(ready["url"] + "/login").text
        port = ready["url"].rsplit(":", 1)[1]
        assert get(f"http://127.0.0.2:{port}/").status_code == 403
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


def test_a_program_without_secret_says_so(tmp_path):
    done = subprocess.run([sys.executable, "-m", "simulator.simulator"], capture_output=True, text=True, cwd=str(tmp_path),
                          env={"PYTHONPATH": str(__file__).rsplit("/", 2)[0]}, timeout=20)
    assert done.returncode == 2 and "--app-secret-file" in done.stderr


def test_as_a_program(tmp_path, service):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    program = subprocess.Popen(
        [sys.executable, "-m", "simulator.simulator", "--service-url", service.url, "--app-secret-file",
         str(secret)],
        stdout=subprocess.PIPE, cwd=str(tmp_path), env={"PYTHONPATH": str(__file__).rsplit("/", 2)[0]})
    try:
        ready = json.loads(program.stdout.readline())
        assert "Account linked" in get(ready["url"] + "/login").text
        program.terminate()
        assert program.wait(10) == 0
    finally:
        program.kill()
        program.stdout.close()


def test_the_demo_says_what_is_missing(tmp_path, capsys):
    assert demo.main(["--binary", str(tmp_path / "none")]) == 1
    assert "run make first" in capsys.readouterr().err


def test_the_demo_takes_another_port_when_one_is_taken(simulator, capsys):
    taken = int(simulator.url.rsplit(":", 1)[1])
    assert demo.free_or_any(taken, "service") == 0
    assert f"Port {taken} is taken" in capsys.readouterr().out
