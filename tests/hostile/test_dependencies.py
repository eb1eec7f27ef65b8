"""The store and what it needs, failing in every way: told in time and in clear words, health as ever, well again by itself."""
import concurrent.futures
import json
import time

import pytest

from aws import services
from conftest import FULL
from harness.phone import deliver
from hostile import report
from hostile.outage import LATE_S, WEBHOOK_S, Outage
from hostile.world import RESOLV_CONF, RESOLVER, TRUSTED, Certificates, Resolver, wrapper
from simulator import events

AT_ONCE = 4 if FULL else 7
OF_THE_GATE = ["silent", "no SYN answer", "reset"] + (["refuse"] if FULL else [])
OF_THE_PROXY = ["reset_after", "hang", "drip", "json"] + (["500", "503", "throttle", "drop_before", "lost_after", "reset", "half", "crc",
                                                          "html"] if FULL else [])
OF_TLS = ["another name", "expired", "untrusted", "TLS hangs"]
KEY = "SOONOLD"


@pytest.fixture
def outage(ground, tmp_path_factory):
    made = []

    def make(**more):
        made.append(Outage(*ground, tmp_path_factory.mktemp("outage"), **more))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def suffer_all(cases):
    """Some at once: they wait most of the time.  cases: {name: function -> (outage, figures)}"""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        found = {name: done.result() for name, done in [(name, pool.submit(run)) for name, run in cases.items()]}
    print("\n" + "\n".join(figures.row(name) for name, (_, figures) in found.items()))
    for name, (_, figures) in found.items():
        report.dependency(name, figures)
    assert not [wrong for at, _ in found.values() for wrong in at.wrong]
    return {name: figures for name, (_, figures) in found.items()}


def by_gate(outage, mode, cut=False, **more):
    at = outage(**more).ready(True)
    return at, at.suffer(lambda: at.gate.turn(mode, cut), lambda: at.gate.turn("pass", cut))


def by_proxy(outage, fault):
    at = outage().ready(True)

    def spoil():
        at.proxy.faults = {fault: 1.0}

    def mend():
        at.proxy.faults = {}
        at.proxy.hold.set()
    return at, at.suffer(spoil, mend)


def test_the_store_fails(outage):
    cases = {mode: lambda mode=mode: by_gate(outage, mode) for mode in OF_THE_GATE}
    cases |= {fault: lambda fault=fault: by_proxy(outage, fault) for fault in OF_THE_PROXY}
    for figures in suffer_all(cases).values():
        figures.judge()


@pytest.mark.mounts
def test_tls_fails(outage, tmp_path):
    made = Certificates(tmp_path)
    start = {"executable": wrapper(tmp_path, {TRUSTED: made.trusted})}
    modes = OF_TLS if FULL else OF_TLS[-2:]
    cases = {mode: lambda mode=mode: by_gate(outage, mode, True, contexts=made.contexts, start=start) for mode in modes}
    for figures in suffer_all(cases).values():
        figures.judge()


def deliver_all(service, bodies, seconds):
    """Every body again and again, side by side; -> (statuses, the longest time one took)"""
    ends = time.monotonic() + seconds

    def run(body):
        found = []
        while time.monotonic() < ends:
            began = time.monotonic()
            found.append((deliver(service, body).status, time.monotonic() - began))
        return found

    with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
        found = [one for some in pool.map(run, bodies) for one in some]
    return {status for status, _ in found}, max(seconds for _, seconds in found)


@pytest.mark.mounts
def test_dns_hangs(outage, tmp_path):
    """The name is known to the thread that looks at the table, to the loops never.  Look-ups outlive their calls by far."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    resolver = Resolver(2)
    at = outage(host="dynamodb.linkd.test", start={"executable": wrapper(tmp_path, {RESOLV_CONF: tmp_path / "resolv.conf"})})
    at.ready(with_code=False)
    many = [events.body(events.unlinked(events.new_psid())) for _ in range(60)]
    told = []

    def flood():
        told.append(deliver_all(at.service, many, 20 if FULL else 2))

    figures = suffer_all({"DNS hangs": lambda: (at, at.suffer(flood, resolver.speak))})["DNS hangs"]
    resolver.stop()
    figures.judge()
    assert told[0][0] == {503} and told[0][1] < WEBHOOK_S + LATE_S
    more = figures.watch.peak["threads"] - figures.watch.start_level["threads"]
    assert more < len(many) + 50, "each look-up has a thread: those of the first moment, then one a second and loop"


class Source:
    """A source of keys that expire soon, over HTTP, which can hang."""

    def __init__(self, good):
        self.hangs, self.expires_s = False, 12
        self.service = services.Service(lambda r: None if self.hangs else good(r))

    def keys(self, _=None):
        return 200, services.keys_json(KEY, expires=services.later(self.expires_s))

    def spoil(self):
        self.hangs = True

    def mend(self):
        self.hangs, self.expires_s = False, 3600
        self.service.hold.set()


def by_source(outage, settings, source):
    """Hangs from the first keys on, which are no longer given out 2 s later."""
    at = outage(**{"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": None,
                   "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere", **settings},
                keys={KEY: ("secret-of-" + KEY, "a/token")})
    source.spoil()
    at.ready(with_code=False)
    return at, at.suffer(lambda: None, source.mend, 2.5)


def container(outage):
    source = Source(lambda r: source.keys())
    return by_source(outage, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": source.service.url + "/keys"}, source)


class Program:
    """credential_process: a script that waits while a file is there."""

    def __init__(self, folder):
        self.flag, self.made, config = folder / "hangs", folder / "keys.json", folder / "config"
        self.say(12)
        script = folder / "keys.sh"
        script.write_text(f"#!/bin/sh\nif [ -e {self.flag} ]; then exec sleep 100; fi\ncat {self.made}\n")
        script.chmod(0o755)
        config.write_text(f"[default]\ncredential_process = {script}\n")
        self.settings = {"AWS_CONFIG_FILE": str(config)}

    def say(self, expires_s):
        self.made.write_text(json.dumps({"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": "secret-of-" + KEY,
                                         "SessionToken": "a/token", "Expiration": services.later(expires_s)}))

    def spoil(self):
        self.flag.touch()

    def mend(self):
        self.say(3600)
        self.flag.unlink()


def program(outage, folder):
    source = Program(folder)
    return by_source(outage, source.settings, source)


def metadata(outage):
    good = services.Imds(KEY)
    source = Source(lambda r: source.keys() if r.path.endswith("/" + good.role) else good(r))
    return by_source(outage, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": source.service.url}, source)


def test_credentials_hang(outage, tmp_path):
    """Keys of instance metadata are used past their end while that service is ill: then nobody notices."""
    cases = {"container endpoint hangs": lambda: container(outage), "instance metadata hangs": lambda: metadata(outage)}
    if FULL:
        cases["credential_process hangs"] = lambda: program(outage, tmp_path)
    figures = suffer_all(cases)
    unnoticed = figures.pop("instance metadata hangs").told
    assert unnoticed["webhook"][0].status == 200 and unnoticed["login"][0].status == 200
    for one in figures.values():
        one.judge()
