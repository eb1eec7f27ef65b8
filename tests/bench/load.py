"""Load: wrk as fast as the server answers, pace at a given rate; and the bodies they send."""
import dataclasses
import json
import os
import random
import re
import subprocess
import urllib.parse

from bench.servers import APP_SECRET, BUILD, LOAD_CORE, ROOT, SEAL_KEY, pinned
from harness.phone import RETURN
from simulator import events

PASSWORD = "correct horse battery staple"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
LIMIT_S = 120


class Wrong(AssertionError):
    """A figure that would not be one: not every request got its right answer."""


@dataclasses.dataclass
class Result:
    """What a load generator saw; times in microseconds."""
    requests: int
    seconds: float
    wrong: int
    broken: int
    again: int
    p50_us: float
    p99_us: float
    max_us: float
    late_p99_us: float = 0
    runs: int = 1  # of the generator

    def check(self, what):
        if self.wrong or self.broken:
            raise Wrong(f"{what}: of {self.requests} requests {self.wrong} got another status, {self.broken} no answer")
        return self


def read(words, what, strict=True):
    p = subprocess.run(pinned(LOAD_CORE, words), capture_output=True, text=True, timeout=LIMIT_S)
    line = p.stdout.strip().splitlines()[-1:] or [""]
    if p.returncode or not line[0].startswith("{"):
        raise Wrong(f"{what}: {p.stdout}{p.stderr}")
    result = Result(**json.loads(line[0]))
    return result.check(what) if strict else result


def wrk(url, seconds, connections, replay=(), strict=True):
    """replay: file, path, content type, and maybe one more header.  strict: every answer must be right."""
    script = ROOT / "tests/bench" / ("replay.lua" if replay else "report.lua")
    return read(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10", "-s", script, url, "--", *replay], url, strict)


def pace(port, path, file, rate, count, *headers):
    words = [BUILD / "bench/pace", "--port", port, "--path", path, "--file", file, "--rate", rate, "--count", count]
    for one in headers:
        words += ["--header", one]
    return read(words, f"{rate} a second")


def bodies(path, kind, n, store=None):
    """Write a file of signed deliveries.  store: settings of the one that gets the customers of kind `stored`."""
    env = {"PATH": os.environ["PATH"], "LINKD_APP_SECRET": APP_SECRET, "LINKD_SEAL_KEY": SEAL_KEY,
           "LINKD_LISTEN": "127.0.0.1:0", **(store or {})}
    with open(path, "wb") as out:
        p = subprocess.run(pinned(LOAD_CORE, [BUILD / "bench/bodies", kind, n]), stdout=out, stderr=subprocess.PIPE, env=env)
    if p.returncode:
        raise Wrong(p.stderr.decode())


def argon2_hash(memory_kib, passes):
    p = subprocess.run([BUILD / "bench/bodies", "hash", PASSWORD, str(memory_kib), str(passes)], capture_output=True, check=True)
    return p.stdout.decode().strip()


def page_path():
    """Of the login page, as the Log In button opens it."""
    token = events.new_linking_token()
    return f"/link?account_linking_token={token}&redirect_uri=" + urllib.parse.quote(RETURN + token, safe="")


def pages(path, kind, n, store=None):
    """Write a file of login pages, each with another linking token and opened at another address."""
    token, client = events.new_linking_token()[:-8], random.randrange(1 << 24)
    back = urllib.parse.quote(RETURN, safe="")
    with open(path, "w") as out:
        for i in range(n):
            at, one = (client + i) % (1 << 24), f"{token}{i:08d}"
            out.write(f"X-Forwarded-For: 10.{at >> 16}.{at >> 8 & 255}.{at & 255}"
                      f"\t/link?account_linking_token={one}&redirect_uri={back}{one}\n")


def logins(path, server, n):
    """Write a file of right logins, each of another person at another address.  -> the cookie."""
    status, raw, cookie = server.page(page_path())
    state = re.search(r'name="state" value="([^"]*)"', raw.decode())
    if status != 200 or not state:
        raise Wrong(f"the login page: {status}")
    with open(path, "w") as out:
        for i in range(n):
            form = {"state": state.group(1), "email": f"c-7{i:016d}@example.com", "password": PASSWORD}
            out.write(f"X-Forwarded-For: 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\t{urllib.parse.urlencode(form)}\n")
    return cookie
