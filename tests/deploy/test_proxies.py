"""The examples of deploy/README.md for nginx and HAProxy, run as they stand there but for ports and paths."""
import contextlib
import http.client
import re
import secrets
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import canary, client, metrics
from harness.client import FORM
from harness.phone import RETURN
from simulator import events

from .template import ROOT

START_S = 20


def snippet(language):
    text = (ROOT / "deploy/README.md").read_text()
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.M | re.S).group(1)


def replaced(text, *pairs):
    """Each word is there, so that nothing else than these was changed."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, str(new))
    return text


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """-> key and certificate, and one file with both."""
    at = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=link.example.com", "-keyout", at / "key.pem", "-out", at / "cert.pem"],
                   check=True, capture_output=True, timeout=60)
    (at / "both.pem").write_text((at / "cert.pem").read_text() + (at / "key.pem").read_text())
    return at


class Proxy:
    """One of the two in front of a service, with all it logs."""

    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log

    def ask(self, method, target, body=None, headers=None):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        with contextlib.closing(connection):
            connection.request(method, target, body, {"Host": "link.example.com", **(headers or {})})
            got = connection.getresponse()
            return got.status, got.read()

    def wait(self):
        ends = time.monotonic() + START_S
        while True:
            assert self.process.poll() is None, self.log()
            with contextlib.suppress(OSError):
                if self.ask("GET", "/healthz")[0] == 200:
                    return self
            assert time.monotonic() < ends, self.log()
            time.sleep(0.05)


def start_nginx(service, certificate, at):
    port = free_port()
    text = replaced(snippet("nginx"), ("listen 443", f"listen 127.0.0.1:{port}"), ("/etc/ssl/link.example.com.pem", certificate / "cert.pem"),
                    ("/etc/ssl/private/link.example.com.key", certificate / "key.pem"), ("/var/log/nginx", at),
                    ("http://127.0.0.1:8080", service.url))
    paths = "".join(f"{name}_temp_path {at}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n"
    (at / "nginx.conf").write_text(f"{user}daemon off;\npid {at}/pid;\nerror_log {at}/main.log;\nevents {{}}\nhttp {{\n{paths}{text}}}\n")
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", at, "-c", at / "nginx.conf"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Proxy(process, port, lambda: "".join(one.read_text() for one in sorted(at.glob("*.log"))))


def start_haproxy(service, certificate, at):
    port, lines = free_port(), []
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))

    def keep():
        with contextlib.suppress(OSError):
            while data := receiver.recv(65536):
                lines.append(data.decode("utf-8", "replace") + "\n")

    threading.Thread(target=keep, daemon=True).start()
    text = replaced(snippet("haproxy"), ("bind :443", f"bind 127.0.0.1:{port}"), ("/etc/ssl/private/link.example.com.pem", certificate / "both.pem"),
                    ("/dev/log", f"127.0.0.1:{receiver.getsockname()[1]}"), ("127.0.0.1:8080", service.url.removeprefix("http://")))
    (at / "haproxy.cfg").write_text(text)
    process = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", at / "haproxy.cfg"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=(at / "said").open("w"))
    return Proxy(process, port, lambda: (at / "said").read_text() + "".join(lines))


@pytest.fixture(params=[start_nginx, start_haproxy], ids=["nginx", "haproxy"])
def behind(request, make_service, certificate, tmp_path):
    """-> a service and the proxy in front of it."""
    service = make_service(LINKD_PUBLIC_URL="https://link.example.com")
    proxy = request.param(service, certificate, tmp_path)
    try:
        yield service, proxy.wait()
    finally:
        proxy.process.terminate()
        proxy.process.wait(20)


def test_nothing_secret_is_logged(behind):
    """Neither of a request that is answered, nor of one that finds no service."""
    service, proxy = behind
    token, code = events.new_linking_token(), "code-" + secrets.token_hex(16)
    target = f"/link?account_linking_token={token}&redirect_uri={RETURN}{token}&authorization_code={code}"
    headers = {"Referer": "https://link.example.com" + target, "Cookie": f"x={code}", "Content-Type": FORM}
    assert proxy.ask("GET", f"/link?account_linking_token={token}&redirect_uri={RETURN}{token}")[0] == 200
    assert proxy.ask("GET", target)[0] in (200, 400)
    assert proxy.ask("POST", "/link/login?" + code, "password=" + code, headers)[0] in (400, 403)
    service.stop()
    assert proxy.ask("GET", target, None, headers)[0] in (502, 503)
    ends = time.monotonic() + 5
    while proxy.log().count(" /link ") < 3 and time.monotonic() < ends:
        time.sleep(0.05)
    assert proxy.log().count(" /link ") == 3 and " /link/login " in proxy.log()
    assert token not in proxy.log() and code not in proxy.log()


def test_a_delivery_of_facebook_passes(behind):
    service, proxy = behind
    for size in (10, 300000):
        raw = events.body(events.linked(canary.secret(events.new_psid(), "PSID"), "c" * 40), events.message("1" * 16, "x" * size))
        assert proxy.ask("POST", "/webhook", raw, {"Content-Type": "application/json", "X-Hub-Signature-256": events.sign(raw, service.secret)}) \
            == (200, b"EVENT_RECEIVED")


def test_half_a_body_does_not_reach_the_service(behind):
    service, proxy = behind
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", proxy.port)) as plain, context.wrap_socket(plain) as s:
        s.sendall(b"POST /webhook HTTP/1.1\r\nHost: link.example.com\r\nX-Hub-Signature-256: sha256=" + b"0" * 64
                  + b"\r\nContent-Length: 8000\r\n\r\n" + b"x" * 4000)
        time.sleep(0.5)
        seen = metrics.parse(client.get(service.admin + "/metrics", https=True).text)[0]
    assert seen["linkd_http_body_bytes"] == 0
    assert seen["linkd_http_requests_in_flight"] == 1  # the reading of the metrics
