"""account-linkd doctor, the part of Facebook: each fault has one sentence with a remedy, and no line has a secret."""

import contextlib
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

from harness import canary
from harness.phone import Customer, Phone
from harness.service import BINARY, clean_environment
from simulator import events, graph_app
from simulator.server import Simulator, Wiring

TOKEN = "EAAGdoctorPageToken0123456789"
OTHER_TOKEN = "EAAGdoctorOtherToken0123456789"
OTHER_PAGE = "2067280970047460"
SECRET = "0123456789abcdef0123456789abcdef"
OLD_SECRET = "fedcba9876543210fedcba9876543210"
VERIFY = "verify-doctor-0123456789"
PUBLIC = "https://127.0.0.1:1"
SECRETS = (TOKEN, OTHER_TOKEN, SECRET, OLD_SECRET, VERIFY)


class Doctor:
    """The command, with a database that exists and settings of its own."""

    def __init__(self, store, **settings):
        self.settings = {"LINKD_STORE": store, "LINKD_ARGON2_MEMORY_KIB": "64", "LINKD_ARGON2_PASSES": "1",
                         "RES_OPTIONS": "timeout:1 attempts:1", **settings}

    def run(self, *words, stdin="", **settings):
        done = subprocess.run([BINARY, *words], input=stdin, env=clean_environment({**self.settings, **settings}),
                              capture_output=True, text=True, timeout=60)
        report = canary.sanitizer_report(done.stderr)
        assert not report, report
        said = done.stdout + done.stderr
        assert not [one for one in SECRETS if one in said], said
        return done

    def ask(self, *words, status=0, **settings):
        """-> the checks, as {name: [(result, text)]}; both forms of the output must say the same."""
        done = self.run("doctor", "--json", *words, **settings)
        value = json.loads(done.stdout)
        assert done.returncode == status and not done.stderr, done.stdout + done.stderr
        assert value["faults"] == sum(one["result"] == "fault" for one in value["checks"]) and bool(value["faults"]) == bool(status)
        found = {}
        for one in value["checks"]:
            found.setdefault(one["check"], []).append((one["result"], one["text"]))
        return found


@pytest.fixture(scope="module")
def store(binary, tmp_path_factory):
    """A database; doctor writes nothing to it."""
    store = f"sqlite:{tmp_path_factory.mktemp('doctor')}/linkd.db"
    Doctor(store).run("customer", "add", "--id", "c1", "--email", "c1@example.com", "--password-stdin", stdin="password")
    return store


@pytest.fixture
def simulator():
    running = Simulator(Wiring(SECRET, webhook_url=PUBLIC + "/webhook"),
                        graph_tokens={TOKEN: events.PAGE_ID, OTHER_TOKEN: OTHER_PAGE}).start()
    yield running
    running.stop()


@pytest.fixture
def doctor(store, simulator):
    return Doctor(store, LINKD_GRAPH_URL=simulator.url, LINKD_APP_SECRET=SECRET, LINKD_PAGE_ACCESS_TOKEN=TOKEN)


def results(checks, *names):
    return [result for name in names for result, _ in checks[name]]


def test_without_a_fault_each_check_is_ok(doctor):
    checks = doctor.ask()
    names = ("store", "graph", "graph_clock", "page_token", "app_secret", "expiry", "permissions", "app_webhook", "subscription")
    assert results(checks, *names) == ["ok"] * len(names) and checks["public_url"][0][0] == "skipped"
    assert events.PAGE_ID in checks["page_token"][0][1] and "Demo Shop" in checks["page_token"][0][1]
    done = doctor.run("doctor")
    assert done.returncode == 0 and "faults: 0" in done.stdout and f"page {events.PAGE_ID}" in done.stdout


def test_the_help_has_an_example(doctor):
    said = doctor.run("doctor", "--help").stdout
    assert "[--token T]" in said and "account_linking_token=AR" in said
    assert "account_linking_token" not in doctor.run("help").stdout


def test_without_settings_of_facebook_only_the_store_is_looked_at(store):
    checks = Doctor(store).ask()
    assert checks["facebook"] == [("skipped", "no setting of Facebook is set here")] and "page_token" not in checks


def test_wrong_settings_of_facebook_are_a_fault_and_the_store_is_looked_at(store):
    checks = Doctor(store).ask(status=1, LINKD_PUBLIC_URL="x", LINKD_APP_SECRET=SECRET)
    assert checks["facebook"][0][0] == "fault" and "check-config" in checks["facebook"][0][1] and results(checks, "store") == ["ok"]


def test_without_a_page_token_it_is_said_what_is_lost(store):
    checks = Doctor(store).ask(LINKD_APP_SECRET=SECRET, LINKD_PUBLIC_URL="http://127.0.0.1:8080")
    (result, text), = checks["page_token"]
    assert result == "advice" and "not bound" in text and "consent page" in text and "not told" in text
    assert checks["public_url"][0][0] == "skipped" and "loopback" in checks["public_url"][0][1]


def test_without_an_app_secret_the_page_is_still_named(doctor, simulator):
    simulator.graph.proof_required = False
    checks = doctor.ask(LINKD_APP_SECRET=None)
    assert checks["app_secret"][0][0] == "advice" and results(checks, "page_token", "subscription") == ["ok", "ok"]
    assert results(checks, "expiry", "permissions") == ["skipped"] * 2


# fault of the simulator -> the check that is a fault, what its sentence says
SEEN = {
    "dead": ("page_token", "make a new one"),
    "wrong-secret": ("app_secret", "is not the secret of the app"),
    "not-subscribed": ("subscription", "Account Linking Failed"),
    "app-not-subscribed": ("app_webhook", "is not subscribed to messaging_account_linking"),
    "webhook-off": ("app_webhook", "switched off the webhook of the app"),
    "expiring": ("expiry", "the token expires at"),
    "no-permission": ("permissions", "lacks the permission pages_messaging"),
    "down": ("graph", "metastatus.com"),
    "reset": ("graph", "outgoing connections"),
    "not-json": ("graph", "metastatus.com"),
    "huge": ("graph", "outgoing connections"),
}


@pytest.mark.parametrize("fault", SEEN)
def test_a_fault_is_one_line_with_its_remedy(doctor, simulator, fault):
    simulator.graph.fault = fault
    checks = doctor.ask(status=1)
    faults = [(name, text) for name, all_ in checks.items() for result, text in all_ if result == "fault"]
    (name, text), = faults
    assert name == SEEN[fault][0] and SEEN[fault][1] in text, text


def test_after_a_dead_token_the_later_checks_are_skipped(doctor, simulator):
    simulator.graph.faults.append((400, {"error": {"code": 190, "error_subcode": 460, "message": f"Malformed access token {TOKEN}"}}))
    checks = doctor.ask(status=1)
    assert "changed the password" in checks["page_token"][0][1] and "subcode 460" in checks["page_token"][0][1]
    assert results(checks, "app_secret", "expiry", "permissions", "subscription") == ["skipped"] * 4


@pytest.mark.parametrize("error, said", [
    ({"code": 190, "subcode": 463, "message": f"Session has expired {TOKEN}"}, "because it has expired (debug_token: error 190, subcode 463)"),
    ({"code": 190, "message": "Invalid OAuth access token."}, "page token (debug_token: error 190, subcode 0)"),
    (None, "page token (debug_token: not valid)")], ids=["expired", "dead", "no error"])
def test_a_token_that_debug_token_calls_invalid_is_a_fault(doctor, simulator, error, said):
    data = {"is_valid": False, "scopes": [], **({"error": error} if error else {})}
    simulator.graph.app.debug = lambda token: (200, {"data": data})
    checks = doctor.ask(status=1)
    (result, text), = [one for one in checks["page_token"] if one[0] != "ok"]
    assert result == "fault" and said in text and "make a new one" in text
    assert results(checks, "expiry", "permissions", "subscription") == ["skipped", "skipped", "ok"]


def test_a_rate_limit_is_no_fault(doctor, simulator):
    simulator.graph.fault = "limit"
    checks = doctor.ask()
    assert checks["page_token"][0][0] == "advice" and "later" in checks["page_token"][0][1]


def test_a_refused_debug_token_could_not_be_checked(doctor, simulator):
    simulator.graph.app.debug = lambda token: (400, {"error": {"code": 100, "message": "x"}})
    checks = doctor.ask()
    assert all(one[0][0] == "skipped" and "could not be checked" in one[0][1] for one in (checks["expiry"], checks["permissions"]))
    assert results(checks, "subscription", "app_webhook") == ["ok", "ok"]


def test_a_token_with_rights_for_many_pages_is_read_in_full(doctor, simulator):
    right = simulator.graph.app.debug
    granular = [{"scope": f"scope_{i}", "target_ids": [str(10 ** 15 + n) for n in range(100)]} for i in range(6)]
    simulator.graph.app.debug = lambda token: (200, {"data": {**right(token)[1]["data"], "granular_scopes": granular}})
    checks = doctor.ask()
    assert results(checks, "graph", "expiry", "permissions", "app_webhook", "subscription") == ["ok"] * 5


@pytest.mark.parametrize("method, check", [("debug", "permissions"), ("subscriptions", "app_webhook"), ("subscribed", "subscription")])
def test_an_answer_that_cannot_be_read_concerns_its_check_alone(doctor, simulator, method, check):
    """Graph answered, so neither the network nor the later checks suffer."""
    setattr(simulator.graph.app, method, lambda *unused: (200, list(range(6000))))
    checks = doctor.ask()
    assert checks[check][0][0] == "skipped" and "status 200 and no usable text" in checks[check][0][1]
    assert results(checks, "graph") == ["ok"]
    others = {"permissions", "app_webhook", "subscription"} - {check}
    assert results(checks, *others) == ["ok", "ok"]


def test_a_token_of_a_user_is_seen(doctor, simulator):
    right = simulator.graph.app.debug
    simulator.graph.app.debug = lambda token: (200, {"data": {**right(token)[1]["data"], "type": "USER"}})
    assert "not of a page" in doctor.ask(status=1)["permissions"][0][1]


class Words:
    """A PATH on which each program writes its command line, as other users see it, and then runs."""

    def __init__(self, folder):
        self.path, self.seen = folder / "bin", folder / "words"
        self.path.mkdir()
        recorder = folder / "recorder"
        recorder.write_text(f"#!/bin/sh\n/usr/bin/tr '\\0' '\\n' </proc/$$/cmdline >>{self.seen}\nexec /usr/bin/${{0##*/}} \"$@\"\n")
        recorder.chmod(0o755)
        for name in os.listdir("/usr/bin"):
            (self.path / name).symlink_to(recorder)

    def run(self, command):
        done = subprocess.run(["/bin/sh", "-euc", command], env={"PATH": str(self.path), "PAGE_TOKEN": TOKEN, "APP_SECRET": SECRET},
                              capture_output=True, text=True, timeout=20)
        return done, self.seen.read_text()


@pytest.mark.parametrize("fields", [["messages"], [], ["messages", "feed", "messaging_postbacks"]], ids=len)
def test_the_printed_command_subscribes_the_page(doctor, simulator, tmp_path, fields):
    """In a shell, against the simulator; the fields that the page had stay, and no command line has a secret."""
    simulator.graph.app.fields[events.PAGE_ID] = list(fields)
    (result, text), = doctor.ask(status=1)["subscription"]
    command = text.split(" run: ", 1)[1]
    done, words = Words(tmp_path).run(command)
    assert json.loads(done.stdout) == {"success": True}, done.stderr
    assert simulator.graph.app.fields[events.PAGE_ID] == [*fields, graph_app.FIELD]
    assert "curl\n-sS" in words and not [one for one in (TOKEN, SECRET) if one in words + command], words
    assert result == "fault" and results(doctor.ask(), "subscription") == ["ok"]


def test_the_secret_that_fits_must_be_the_first(doctor):
    checks = doctor.ask(status=1, LINKD_APP_SECRET=f"{OLD_SECRET},{SECRET}")
    assert checks["app_secret"][0][0] == "fault" and "Put secret 2 first" in checks["app_secret"][0][1]
    assert results(checks, "permissions", "subscription") == ["ok", "ok"]
    checks = doctor.ask(LINKD_APP_SECRET=f"{SECRET},{OLD_SECRET}")
    assert results(checks, "app_secret") == ["ok", "advice"] and "secret 2" in checks["app_secret"][1][1]


def test_each_page_has_its_own_token(doctor):
    right = f"{events.PAGE_ID}={TOKEN},{OTHER_PAGE}={OTHER_TOKEN}"
    checks = doctor.ask(LINKD_PAGE_ACCESS_TOKEN=right)
    assert results(checks, "page_token", "subscription") == ["ok"] * 4 and checks["page_token"][1][1].startswith("token 2: ")
    swapped = f"{OTHER_PAGE}={TOKEN},{events.PAGE_ID}={OTHER_TOKEN}"
    checks = doctor.ask(status=1, LINKD_PAGE_ACCESS_TOKEN=swapped)
    assert results(checks, "page_token") == ["fault"] * 2 and f"names page {OTHER_PAGE}" in checks["page_token"][0][1]
    checks = doctor.ask(status=1, LINKD_PAGE_ACCESS_TOKEN=right, LINKD_APP_SECRET=OLD_SECRET)
    assert results(checks, "app_secret") == ["fault", "skipped"]  # one cause


def test_a_page_that_is_not_listed_or_has_no_token(doctor):
    checks = doctor.ask(status=1, LINKD_PAGE_IDS=OTHER_PAGE)
    assert "LINKD_PAGE_IDS does not list" in checks["page_token"][0][1]
    checks = doctor.ask(LINKD_PAGE_IDS=f"{events.PAGE_ID},{OTHER_PAGE}", LINKD_PAGE_ACCESS_TOKEN=f"{events.PAGE_ID}={TOKEN}")
    assert results(checks, "page_token") == ["ok", "advice"] and OTHER_PAGE in checks["page_token"][1][1]


def test_a_callback_url_of_another_place_is_seen(doctor, simulator):
    simulator.graph.app.callback_url = "https://old.example.com/hook?key=hidden"
    checks = doctor.ask(status=1, LINKD_PUBLIC_URL=PUBLIC)
    text = checks["app_webhook"][0][1]
    assert f"Facebook calls https://old.example.com/hook with a query, not {PUBLIC}/webhook" in text
    simulator.graph.app.callback_url = "https://old.example.com/hook"
    assert f"Facebook calls https://old.example.com/hook, not {PUBLIC}/webhook" in doctor.ask(status=1, LINKD_PUBLIC_URL=PUBLIC)["app_webhook"][0][1]


def test_no_graph_at_all(doctor):
    checks = doctor.ask(status=1, LINKD_GRAPH_URL="http://127.0.0.1:1")
    assert "no connection to Graph" in checks["graph"][0][1] and results(checks, "page_token", "subscription") == ["skipped"] * 2


# --- the public address


class Front(http.server.BaseHTTPRequestHandler):
    """Echoes the challenge, as the service behind a proxy does, or answers as `server.told` says."""

    def log_message(self, *unused):
        """Silent."""

    def do_GET(self):
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).items()}
        right = asked.get("hub.verify_token") == VERIFY and asked["hub.mode"] == "subscribe"
        status, body = self.server.told or ((200, asked["hub.challenge"]) if right else (403, "no"))
        self.send_response(status)
        self.send_header("Location", "https://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


@contextlib.contextmanager
def front(certificate=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.told, server.handle_error = None, lambda *unused: None  # a client that refuses the certificate goes away
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.url = f"https://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Authority:
    """A root, an intermediate and what they sign, made with openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.make("root", "CA:TRUE", days="3")
        self.make("middle", "CA:TRUE", days="3", issuer="root")
        self.root = folder / "root.pem"

    def make(self, name, constraint, days, issuer=None, names="IP:127.0.0.1"):
        (self.folder / f"{name}.ext").write_text(f"basicConstraints=critical,{constraint}\nsubjectAltName={names}\n")
        signer = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else ["-signkey", f"{name}.key"]
        for words in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                       "-keyout", f"{name}.key", "-out", f"{name}.csr"],
                      ["x509", "-req", "-in", f"{name}.csr", "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.pem", *signer]):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=20)

    def leaf(self, name, *chain, days="2", names="IP:127.0.0.1"):
        """-> (certificates, key) as a server takes them; the chain: what it sends beside its own."""
        self.make(name, "CA:FALSE", days, "middle", names)
        whole = self.folder / f"{name}-chain.pem"
        whole.write_text("".join((self.folder / f"{one}.pem").read_text() for one in (name, *chain)))
        return whole, self.folder / f"{name}.key"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def public(store, authority):
    """Only the settings of the public address."""
    return Doctor(store, LINKD_VERIFY_TOKEN=VERIFY, SSL_CERT_FILE=str(authority.root))


@pytest.fixture(scope="module")
def right(authority):
    return authority.leaf("right", "middle")


@pytest.fixture
def good(right):
    with front(right) as server:
        yield server


def test_a_right_address_is_ok(public, good):
    checks = public.ask(LINKD_PUBLIC_URL=good.url)
    assert results(checks, "public_url", "webhook") == ["ok", "ok"]


def test_a_call_that_this_side_cannot_make_is_not_blamed_on_the_other(public, good, tmp_path):
    missing = str(tmp_path / "none.pem")
    checks = public.ask(status=1, LINKD_PUBLIC_URL=good.url, SSL_CERT_FILE=missing)
    text = checks["public_url"][0][1]
    assert text.startswith(f"this machine cannot call {good.url} (") and missing in text and "SSL_CERT_FILE" in text
    assert checks["webhook"] == [("skipped", "the address could not be called")]


def test_an_authority_that_the_system_does_not_trust(public, good):
    checks = public.ask(status=1, LINKD_PUBLIC_URL=good.url, SSL_CERT_FILE=None)
    assert "authority is private" in checks["public_url"][0][1] and results(checks, "webhook") == ["skipped"]


@pytest.mark.parametrize("chain, more, said", [
    ([], {}, "chain of https://127.0.0.1:{} is incomplete"), (["middle"], {"days": "0"}, "is expired or not valid yet"),
    (["middle"], {"names": "DNS:other.example.com"}, "is for another name")], ids=["incomplete", "expired", "other name"])
def test_a_certificate_that_facebook_refuses(public, authority, chain, more, said):
    leaf = authority.leaf("bad", *chain, **more)
    time.sleep(1.1 if more.get("days") == "0" else 0)  # valid for no day: until the next second
    with front(leaf) as server:
        checks = public.ask(status=1, LINKD_PUBLIC_URL=server.url)
    (result, text), = checks["public_url"]
    assert result == "fault" and said.format(server.server_address[1]) in text, text


def test_an_address_without_tls(public):
    with front() as server:
        checks = public.ask(status=1, LINKD_PUBLIC_URL=server.url)
    assert "does not speak TLS" in checks["public_url"][0][1]


def test_nobody_at_the_address_may_be_a_matter_of_the_view(public):
    checks = public.ask(LINKD_PUBLIC_URL=PUBLIC)
    assert checks["public_url"][0][0] == "advice" and "from another network" in checks["public_url"][0][1]


def test_a_name_that_does_not_resolve(public):
    checks = public.ask(status=1, LINKD_PUBLIC_URL="https://link.invalid")
    assert "does not resolve" in checks["public_url"][0][1]


@pytest.mark.parametrize("told, said", [
    ((302, ""), "redirects (status 302)"), ((403, "no"), "another LINKD_VERIFY_TOKEN"), ((502, "x"), "the service is not running"),
    ((200, "<html>"), "another program"), ((404, ""), "another program")], ids=lambda one: str(one[0]))
def test_an_answer_that_is_not_ours(public, good, told, said):
    good.told = told
    checks = public.ask(status=1, LINKD_PUBLIC_URL=good.url)
    assert results(checks, "public_url") == ["ok"] and said in checks["webhook"][0][1]


def test_another_verify_token_and_none(public, good):
    checks = public.ask(status=1, LINKD_PUBLIC_URL=good.url, LINKD_VERIFY_TOKEN="verify-other-0123456789")
    assert "another LINKD_VERIFY_TOKEN" in checks["webhook"][0][1]
    checks = public.ask(LINKD_PUBLIC_URL=good.url, LINKD_VERIFY_TOKEN=None)
    assert checks["webhook"][0][0] == "advice" and "cannot register" in checks["webhook"][0][1]


def test_a_certificate_in_place_of_facebooks_is_not_trusted(doctor, good):
    """A proxy that replaces certificates."""
    (result, text), = doctor.ask(status=1, LINKD_GRAPH_URL=good.url)["graph"]
    assert result == "fault" and "is not trusted" in text and "install ca-certificates" in text and "metastatus" not in text


# --- doctor --token


@pytest.fixture
def there(make_service, simulator):
    """A service with its page token; -> how to ask about a linking token."""
    service = make_service(LINKD_GRAPH_URL=simulator.url, LINKD_PAGE_ACCESS_TOKEN=canary.secret(TOKEN, "page token"))
    simulator.graph.app_secret = service.secret

    def explain(token, status, **settings):
        done = service.command("doctor", "--token", token, "--json", settings=settings)
        assert done.returncode == status, done.stdout + done.stderr
        assert TOKEN not in done.stdout + done.stderr and service.secret not in done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else done.stderr
    return service, explain


def test_a_linking_token_tells_its_owner_and_what_comes_next(there, simulator):
    service, explain = there
    phone, who = Phone(service), Customer(service)
    token = simulator.state.new_token(phone.psid)
    told = explain(token, 0)
    assert told["linking_token"] == "valid" and told["psid"] == phone.psid and told["page_id"] == events.PAGE_ID
    assert told["page_is_ours"] is True and told["linked"] is False and "taps Connect" in told["next"]
    assert phone.open(token=token).status == 200 and phone.login(who.email, who.password).status == 200
    assert phone.connect().status == 303 and phone.tell().status == 200
    told = explain(token, 0)
    assert told["linked"] is True and told["customer_id"] == who.id and told["linked_at"] > 0 and "replaces" in told["next"]
    assert "refused" in explain(token, 0, LINKD_LINK_CONFLICT="refuse")["next"]
    told = explain(token, 1, LINKD_PAGE_IDS=OTHER_PAGE)
    assert told["page_is_ours"] is False and "LINKD_PAGE_IDS" in told["next"]


@pytest.mark.parametrize("shape", ["{0}", "https://link.example.com/link?account_linking_token={0}&redirect_uri=https%3A%2F%2Fx",
                                   "https://link.example.com/link?redirect_uri=https%3A%2F%2Fwww.facebook.com%2Fx%2F%3Faccount_linking_token%3D{0}",
                                   "GET /link?rid=1&account_linking_token={0} HTTP/1.1"], ids=["token", "url", "inner", "log"])
def test_a_whole_linking_url_is_taken(there, simulator, shape):
    _, explain = there
    psid = events.new_psid()
    assert explain(shape.format(simulator.state.new_token(psid)), 0)["psid"] == psid


def test_an_expired_linking_token(there, simulator):
    _, explain = there
    told = explain(simulator.state.new_token(events.new_psid(), life_s=0), 1)
    assert told["linking_token"] == "expired" and "taps Log In again" in told["next"]
    told = explain("ARmadeUp", 1, LINKD_PAGE_IDS=f"{events.PAGE_ID},{OTHER_PAGE}")
    assert "without a token" in told["next"]


def test_a_linking_token_that_facebook_was_not_asked_of(there, simulator):
    _, explain = there
    simulator.graph.fault = "dead"
    told = explain("ARx", 1)
    assert told["linking_token"] == "unknown" and "page token 1" in told["next"] and "error 190" in told["next"]
    assert "set LINKD_PAGE_ACCESS_TOKEN" in explain("ARx", 1, LINKD_PAGE_ACCESS_TOKEN=None)


@pytest.mark.parametrize("token", ["", "a b", "x" * 1025, "https://link.example.com/link", "account_linking_token=", "AR.x"], ids=repr)
def test_a_misshapen_linking_token_is_a_usage_error(there, token):
    service, _ = there
    done = service.command("doctor", "--token", token)
    assert done.returncode == 2 and re.search(r"1 to 1024 of A-Z a-z 0-9 _ -", done.stderr) and not done.stdout


def test_an_explanation_changes_nothing(there, simulator):
    service, explain = there
    simulator.graph.calls.clear()
    before = service.database.read_bytes() if hasattr(service.database, "read_bytes") else b""
    explain(simulator.state.new_token(events.new_psid()), 0)
    assert simulator.graph.calls == [("GET", "/v26.0/me")]
    assert not before or service.database.read_bytes() == before
