"""Floods of large bodies that nobody signed: signed webhooks and forms are served all the while, and memory stays within the budget."""
import json
import os
import subprocess
import sys
import threading
import time
import pathlib

import pytest

from conftest import FULL
from harness import client, metrics
from harness.service import sanitized
from harness.phone import deliver
from hostile.bystander import ADDRESS, p99
from hostile.watch import Watch
from simulator import events

MIB = 1 << 20
SECONDS = int(os.environ.get("LINKD_SECONDS", "20" if FULL else "3"))
CONNECTIONS, RATE, LENGTH = 160, 160 * MIB, 4 * MIB
BUDGET = 64 * MIB
WANTED = 0.99
PATIENCE_S = 30  # the machine may be busy; it is the answer that counts
LARGE = 300_000  # bytes: a delivery of many events

ONE = ("127.0.0.1",)
MANY = tuple(f"127.1.{n}.1" for n in range(200))
# who sends: its sources, and the address of those who are served
FLOODS = {
    "from one network": (ONE, "127.9.0.1"),
    "from many networks": (MANY, "127.9.0.1"),
    "from the network of those who are served": (ONE, ADDRESS),
}


class Flood:
    """The program of flood.py, while the `with` lasts."""

    def __init__(self, url, sources, how):
        words = [url, CONNECTIONS, RATE, LENGTH, how, *sources]
        self.words = [sys.executable, str(pathlib.Path(__file__).with_name("flood.py")), *map(str, words)]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.did = json.loads(self.process.communicate("\n", timeout=20)[0])


class Served(threading.Thread):
    """One kind of request, asked again and again from one address until `stop`."""

    def __init__(self, name, wanted, ask, every_s):
        super().__init__(daemon=True)
        self.name, self.wanted, self.ask, self.every_s = name, wanted, ask, every_s
        self.times, self.statuses = [], {}
        self.ending = threading.Event()
        self.start()

    def run(self):
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                status = self.ask().status
            except (OSError, client.http.client.HTTPException) as error:
                status = type(error).__name__
            self.times.append(time.monotonic() - began)
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.ending.wait(self.every_s)

    def stop(self):
        self.ending.set()
        self.join(PATIENCE_S * 2)

    def share(self):
        return self.statuses.get(self.wanted, 0) / len(self.times)

    def said(self):
        return f"{self.name} {100 * self.share():.1f} % of {len(self.times)} (p99 {p99(self.times) * 1000:.0f} ms, {self.statuses})"


def everybody(service, source):
    """Small and large signed webhooks, and forms, which are judged by their state when they were read: 403."""
    small = events.body(events.message(events.new_psid(), "x"))
    large = small[:1] + b" " * (LARGE - len(small)) + small[1:]
    fields = {"state": "x" * 700, "email": "somebody@example.com", "password": "x" * 12}
    return [Served("webhooks", 200, lambda: deliver(service, small, source=source, timeout=PATIENCE_S), 0.03),
            Served("large webhooks", 200, lambda: deliver(service, large, source=source, timeout=PATIENCE_S), 0.1),
            Served("forms", 403, lambda: client.post_form(service.url + "/link/login", fields, source=source, timeout=PATIENCE_S), 0.03)]


def survive(what, service, front, flood, source, alone=False):
    """front: where requests go, the service itself or a proxy before it.  alone: the flood and those who are served are one network,
    so that large bodies are judged by nothing but their pace."""
    watch = Watch(service)
    with flood:
        served = everybody(front, source)
        time.sleep(SECONDS)
        for one in served:
            one.stop()
        held = metrics.value(service, "linkd_http_body_bytes")
    watch.stop()
    grown = watch.peak["rss_kib"] - watch.start_level["rss_kib"]
    print(f"\n{what}: {CONNECTIONS} bodies of {LENGTH // MIB} MiB, {flood.did['mib_s']:.0f} MiB/s, {flood.did['opened']} connections, answers {flood.did['answers']};"
          f" {'; '.join(one.said() for one in served)}; memory {grown / 1024:+.1f} MiB at the peak, bodies {held / MIB:.1f} of {BUDGET // MIB} MiB")
    for one in served:
        assert one.share() >= WANTED or (alone and one.name.startswith("large")), one.said()
    assert held <= BUDGET
    assert sanitized() or grown <= BUDGET // 1024


@pytest.mark.parametrize("name", FLOODS if FULL else list(FLOODS)[:1])
@pytest.mark.parametrize("how", ["burst", "even", "whole"] if FULL else ["burst"])
def test_a_flood_of_unsigned_bodies(make_service, name, how):
    sources, source = FLOODS[name]
    service = make_service(LINKD_TRUSTED_PROXIES="")
    survive(f"bodies, {how}, {name}", service, service, Flood(service.url, sources, how), source, source == ADDRESS)
