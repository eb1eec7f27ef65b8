"""Start the real program in a private directory, on free ports, and stop it."""

import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import queue
import secrets
import signal
import subprocess
import threading
import time

from . import canary

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("LINKD_BINARY", str(ROOT / "build" / "account-linkd"))
START_S = 20
STOP_S = 15
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
             "LSAN_OPTIONS",
             "LLVM_PROFILE_FILE", "GCOV_PREFIX", "GCOV_PREFIX_STRIP", "LD_LIBRARY_PATH")


def sanitized():
    """The program was built with a sanitizer: it needs more memory and time."""
    return any(mark in pathlib.Path(BINARY).read_bytes() for mark in (b"__asan_init", b"__tsan_init"))


def register_page_tokens(settings):
    """The page tokens of the settings and their proofs must not be in a log."""
    app_secret = str(settings.get("LINKD_APP_SECRET") or "").split(",")[0].encode()
    for item in str(settings.get("LINKD_PAGE_ACCESS_TOKEN") or "").split(","):
        if token := canary.secret(item.strip().rpartition("=")[2], "page token"):
            canary.secret(hmac.new(app_secret, token.encode(), hashlib.sha256).hexdigest(), "appsecret_proof")


def clean_environment(settings):
    register_page_tokens(settings)
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, **{name: str(value) for name, value in settings.items() if value is not None}}


def on_sqlite(directory):
    """-> the database, as harness.database takes it, and the settings."""
    path = directory / "linkd.db"
    return path, {"LINKD_STORE": f"sqlite:{path}"}


class Service:
    """One account-linkd, on SQLite unless `store` was replaced.  Settings by name; None unsets a default of the harness."""

    store = staticmethod(on_sqlite)

    def __init__(self, directory, **settings):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.database, of_store = self.store(self.directory)
        self.secret = canary.secret("app-" + secrets.token_hex(16), "app secret")
        self.admin_token = canary.secret("admin-" + secrets.token_hex(16), "admin token")
        self.verify_token = canary.secret("verify-" + secrets.token_hex(16), "verify token")
        self.settings = {
            "LINKD_LISTEN": "127.0.0.1:0", "LINKD_ADMIN_LISTEN": "127.0.0.1:0", "LINKD_WORKERS": "2",
            "LINKD_APP_SECRET": self.secret,
            "LINKD_ADMIN_TOKEN": self.admin_token, "LINKD_VERIFY_TOKEN": self.verify_token,
            "LINKD_ARGON2_MEMORY_KIB": "64", "LINKD_ARGON2_PASSES": "1",
            "LINKD_TRUSTED_PROXIES": "127.0.0.1", **of_store, **settings}
        self.arguments = []
        self.process = self.url = self.admin = None
        self.lines, self.errors = [], []
        self.pause = threading.Event()
        self.pause.set()

    # --- life

    def start(self, **more):
        """Start and wait until every listener said where it is; more: arguments of Popen."""
        self.began = time.monotonic()
        self.listening = queue.Queue()
        self.process = subprocess.Popen(
            [BINARY, "serve", *self.arguments], env=clean_environment(self.settings), cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.readers = [threading.Thread(target=self._read, args=(self.process.stdout, self.lines, True),
                                         daemon=True),
                        threading.Thread(target=self._read, args=(self.process.stderr, self.errors, False),
                                         daemon=True)]
        for one in self.readers:
            one.start()
        self._wait_for_listeners()
        self.ready_s = time.monotonic() - self.began
        return self

    def _read(self, stream, keep, watch):
        with stream:
            for raw in stream:
                self.pause.wait()
                line = raw.decode("utf-8", "backslashreplace")
                keep.append(line)
                if watch and '"listening"' in line:
                    self.listening.put(line)
        if watch:
            self.listening.put(None)

    def _wait_for_listeners(self):
        """Public first, then admin, unless the line itself says which."""
        found = {}
        wanted = 1 if self.settings.get("LINKD_ADMIN_LISTEN") == "off" else 2
        while len(found) < wanted:
            with contextlib.suppress(queue.Empty):
                line = self.listening.get(timeout=START_S)
                if line is not None:
                    value = json.loads(line)
                    found.setdefault(value.get("listener") or ("admin" if found else "public"), value["addr"])
                    continue
            self.process.kill()
            raise AssertionError("did not start: " + "".join(self.errors[-20:] + self.lines[-20:]))
        self.url = "http://" + found["public"]
        self.admin = "http://" + found["admin"] if "admin" in found else None

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self):
        """SIGTERM, and exit 0 is wanted."""
        if self.process is None:
            return
        self.pause.set()
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self.ended()

    def ended(self, status=0):
        """Wait for the end, check how it came, and hand the log over to the search."""
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "no end after SIGTERM"
        self._collect(whole=True)
        assert code == status, f"exit {code}: {''.join(self.errors)[-2000:]}"

    def kill(self):
        """As a power cut would."""
        self.pause.set()
        self.process.kill()
        self.process.wait()
        self._collect(whole=False)

    def _collect(self, whole):
        for one in self.readers:
            one.join(10)
        self.process = None
        lines, stderr = self.lines, "".join(self.errors)
        self.lines, self.errors = [], []
        if not whole and lines and not lines[-1].endswith("\n"):
            lines.pop()
        canary.keep(line.rstrip("\n") for line in lines + stderr.splitlines(True))
        problems = [f"{why}: {line[:300]}" for line in lines if (why := canary.bad_line(line))]
        report = canary.sanitizer_report(stderr)
        assert not report, report
        if self.settings.get("LINKD_LOG_FORMAT", "json") == "json":
            assert not problems, problems[:5]

    # --- its log

    def log(self, msg=None):
        """Log lines so far as values, only those with this msg when given."""
        values = [json.loads(line) for line in list(self.lines)]
        return [value for value in values if msg is None or value["msg"] == msg]

    def audit(self, **wanted):
        """Audit lines so far that have these fields, in order."""
        return [line for line in self.log("audit")
                if line["audit"] is True and all(line.get(key) == value for key, value in wanted.items())]

    def digest(self, value):
        """The name of a value in the log, as an operator asks for it."""
        done = self.command("digest", stdin=value)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[0].removeprefix("digest: ")

    def logged(self, wanted, seconds=5):
        """The first log line that `wanted` holds for, waited for; None when none came."""
        ends = time.monotonic() + seconds
        while True:
            found = next((line for line in self.log() if wanted(line)), None)
            if found or time.monotonic() > ends:
                return found
            time.sleep(0.02)

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    # --- the program's other commands, beside the running one

    def command(self, *words, stdin="", settings=None):
        """Run a subcommand with the service's settings; -> CompletedProcess with text."""
        done = subprocess.run([BINARY, *words], input=stdin,
                              env=clean_environment({**self.settings, **(settings or {})}),
                              cwd=self.directory, capture_output=True, text=True, timeout=60)
        report = canary.sanitizer_report(done.stderr)
        assert not report, report
        canary.keep(line for line in done.stderr.splitlines() if line.endswith(" audit=true"))
        return done

    def add_customer(self, customer, email, password):
        canary.secret(password, "password")
        done = self.command("customer", "add", "--id", customer, "--email", email, "--password-stdin",
                            stdin=password)
        assert done.returncode == 0, done.stderr
