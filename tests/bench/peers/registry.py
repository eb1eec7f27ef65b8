"""The peers: what the linked webhook costs when written in an afternoon, on Express with the AWS SDK and on Go's net/http
with aws-sdk-go-v2.  Both answer POST /webhook and GET /healthz, find the code through the index authorization_code-index of
the table (create-table with LINKD_CODE_STYLE=random makes it) and link by a conditional UpdateItem.

    peer = registry.PEERS["go"]
    with peer.run(secret, table, environment) as server: server.url, server.pid
"""
import contextlib
import os
import pathlib
import subprocess

from harness import npm

HERE = pathlib.Path(__file__).parent
BUILD = HERE.parents[2] / "build/bench"
GOCODE = "/usr/share/gocode"  # Debian's golang-*-dev packages
EVENTS = ("linked", "healthz")  # kinds of request a peer answers
TABLE_SETTINGS = {"LINKD_CODE_STYLE": "random"}  # for create-table


class Peer:
    """name, title: shown in tables; build(): -> words that start it; environment: beside what run() sets."""

    def __init__(self, name, title, build, environment=None):
        self.name, self.title, self.build = name, title, build
        self.environment = environment or {}

    def settings(self, secret, table, store):
        """The whole environment of the process; store: AWS_... variables, the endpoint among them."""
        return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **self.environment, **store,
                "APP_SECRET": secret, "TABLE": table, "PORT": "0"}

    @contextlib.contextmanager
    def run(self, secret, table, store, before=()):
        """before: words in front, such as taskset's."""
        server = Server([*before, *self.build()], self.settings(secret, table, store))
        try:
            yield server
        finally:
            server.stop()


class Server:
    def __init__(self, words, environment):
        self.process = subprocess.Popen([str(w) for w in words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        text=True)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        if not line.startswith("listening "):
            self.stop()
            raise AssertionError(f"{words[-1]} did not start: {line!r}")
        self.url = "http://" + line.split()[1]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def build_go():
    """Offline, from Debian's sources of the SDK."""
    program = BUILD / "peer-go"
    BUILD.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["go", "build", "-o", program, "main.go"], cwd=HERE / "go", capture_output=True, text=True, timeout=300,
                          env={**os.environ, "GO111MODULE": "off", "GOPATH": GOCODE, "GOFLAGS": ""})
    assert done.returncode == 0, done.stderr
    return [program]


def build_express():
    npm.installed()
    return ["node", HERE / "express/server.js"]


PEERS = {one.name: one for one in (
    Peer("express", "Node, Express, AWS SDK", build_express, {"NODE_ENV": "production", "NODE_PATH": str(npm.TOOLS / "node_modules")}),
    Peer("go", "Go, net/http, AWS SDK", build_go),
)}
