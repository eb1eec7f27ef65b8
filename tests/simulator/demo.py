#!/usr/bin/env python3
"""Try account-linkd without Facebook: the service on SQLite, one demo customer, and the Messenger simulator.

    make run          or          tests/simulator/demo.py [--service-port 8080] [--simulator-port 8090]

Everything is on 127.0.0.1 and in a temporary directory that goes with it.  Ctrl-C stops both.
"""

import argparse
import contextlib
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from simulator import events  # noqa: E402
from simulator.server import Simulator, Wiring  # noqa: E402

EMAIL = "demo@example.com"
PASSWORD = "messenger-demo"
START_S = 20


def arguments(words):
    parser = argparse.ArgumentParser(description="Try account linking without Facebook.")
    parser.add_argument("--binary", default=os.environ.get("LINKD_BINARY",
                                                           str(ROOT / "build" / "account-linkd")))
    parser.add_argument("--service-port", type=int, default=8080)
    parser.add_argument("--simulator-port", type=int, default=8090)
    return parser.parse_args(words)


def free_or_any(port, what):
    """The wanted port, or 0 (any) with a word about it when somebody has it."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            print(f"Port {port} is taken; the {what} uses a free one instead.")
            return 0
    return port


class Demo:
    def __init__(self, binary, directory):
        self.binary, self.directory = binary, pathlib.Path(directory)
        self.secret, self.token = secrets.token_hex(16), secrets.token_hex(16)
        self.page_token = "EAA" + secrets.token_hex(16)
        self.log = self.directory / "service.log"
        self.addresses = {}
        self.listening = threading.Event()
        self.service = None

    def settings(self, service_port, simulator):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG",
                                                    "ASAN_OPTIONS") if name in os.environ}
        return {**kept, "LINKD_LISTEN": f"127.0.0.1:{service_port}", "LINKD_ADMIN_LISTEN": "127.0.0.1:0",
                "LINKD_STORE": f"sqlite:{self.directory / 'demo.db'}", "LINKD_APP_SECRET": self.secret,
                "LINKD_ADMIN_TOKEN": self.token, "LINKD_BRAND_NAME": "Demo Shop",
                "LINKD_PAGE_ACCESS_TOKEN": self.page_token, "LINKD_GRAPH_URL": simulator.url,
                "LINKD_REDIRECT_HOSTS": simulator.redirect_hosts}

    def add_customer(self, settings):
        subprocess.run([self.binary, "customer", "add", "--id", "demo-1", "--email", EMAIL,
                        "--password-stdin"],
                       input=PASSWORD, text=True, env=settings, check=True, stdout=subprocess.DEVNULL,
                       timeout=60)

    def start(self, settings):
        """Start the service in a session of its own, so that Ctrl-C reaches us first."""
        self.service = subprocess.Popen([self.binary, "serve"], env=settings, cwd=self.directory, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        start_new_session=True)
        threading.Thread(target=self._copy_log, daemon=True).start()
        if not self.listening.wait(START_S) or self.service.poll() is not None:
            self.stop()
            raise SystemExit("The service did not start:\n" + self.log.read_text()[-2000:])

    def _copy_log(self):
        with self.log.open("w") as file, self.service.stdout as stream:
            for line in stream:
                file.write(line)
                file.flush()
                self._note(line)
        self.listening.set()

    def _note(self, line):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            value = json.loads(line)
            if value["msg"] == "listening":
                which = value.get("listener") or ("admin" if self.addresses else "public")
                self.addresses[which] = value["addr"]
        if len(self.addresses) == 2:
            self.listening.set()

    def stop(self):
        """-> the service's exit status."""
        if self.service is None:
            return 0
        if self.service.poll() is None:
            self.service.terminate()
        try:
            return self.service.wait(15)
        except subprocess.TimeoutExpired:
            self.service.kill()
            return self.service.wait()


def words_for(demo, simulator):
    admin = "http://" + demo.addresses["admin"]
    return f"""
  Open this in a browser:   {simulator.url}/
  Tap Log In, then use      e-mail    {EMAIL}
                            password  {PASSWORD}

  The service itself        http://{demo.addresses["public"]}
  Its log                   {demo.log}
  Its metrics               {admin}/metrics
  Who is linked             curl -H 'Authorization: Bearer {demo.token}' {admin}/v1/customers/demo-1/links

Ctrl-C stops both and removes everything."""


def wait_for_the_end(demo):
    """Until Ctrl-C or SIGTERM, or until the service ends by itself."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *unused: ended.set())
    while not ended.wait(0.5):
        if demo.service.poll() is not None:
            print(f"The service ended by itself; the end of its log:\n{demo.log.read_text()[-2000:]}",
                  file=sys.stderr)
            return 1
    print("\nStopping.")
    return 0


def main(words=None):
    asked = arguments(words)
    if not pathlib.Path(asked.binary).is_file():
        print(f"{asked.binary} is not built yet: run make first.", file=sys.stderr)
        return 1
    service_port = free_or_any(asked.service_port, "service")
    simulator_port = free_or_any(asked.simulator_port, "simulator")
    with tempfile.TemporaryDirectory(prefix="account-linkd-demo-") as directory:
        demo = Demo(str(pathlib.Path(asked.binary).resolve()), directory)
        wiring = Wiring(demo.secret)
        simulator = Simulator(wiring, simulator_port, graph_tokens={demo.page_token: events.PAGE_ID})
        settings = demo.settings(service_port, simulator)
        try:
            demo.add_customer(settings)
            demo.start(settings)
            wiring.connect("http://" + demo.addresses["public"])
            simulator.start()
            print(words_for(demo, simulator), flush=True)
            status = wait_for_the_end(demo)
        finally:
            simulator.stop()
            stopped = demo.stop()
    return status or (1 if stopped else 0)


if __name__ == "__main__":
    sys.exit(main())
