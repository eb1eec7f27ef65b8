"""Hours in small: mixed load with faults, and nothing grows.  10 s, or 30 minutes with LINKD_FULL=1."""
import collections
import time

import pytest

from conftest import count
from harness import metrics
from load import watch
from load.quiet import QuietService
from load.rig import LOST, SILENT, Load, Maker, Standin, keep, percentile, tell

SECONDS = count("LINKD_SOAK_S", 10, 1800)
PART_S = 60 if SECONDS >= 600 else 5  # a form's state lives for 10 minutes: each part has new requests
RATE = 300
FAULTS = {"reset": 0.01, "lost": 0.005, "slow": 0.005, "throttle": 0.01, "500": 0.005}
MIX = {"linked": 55, "login": 15, "unlinked": 2, "message": 13, "page": 10, "health": 5}
NO_STORE = {"message", "page", "health"}
RSS_MIB = 4 if SECONDS >= 600 else 40  # growth allowed; a short run is mostly its start
FDS = 128  # the store's connections, 64 of each loop, come and go


@pytest.fixture
def standin():
    one = Standin(delay_s=0.005)
    yield one
    one.stop()


def at_rest(service):
    """Once nothing is asked any more: gauges that are above what they must be, and descriptors."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        values = metrics.read(service)[0]
        left = {name: values[name] for name, most in watch.AT_REST.items() if values[name] > most}
        if not left:
            break
        time.sleep(0.2)
    return left, watch.descriptors(service.process.pid), service.rss_kib() / 1024


class Soak:
    def __init__(self, folder, service, standin):
        self.folder, self.service, self.standin = folder, service, standin
        self.maker = Maker(service)
        self.statuses, self.p99, self.p90, self.rest = collections.Counter(), [], [], []
        self.left, self.rss, self.lost, self.accepted = [], [], 0, 0

    def part(self):
        self.maker.renew()
        self.standin.set(faults=FAULTS)
        requests = self.maker.mix(RATE * PART_S, **MIX)
        results = Load(self.folder, self.service, requests, RATE, PART_S, 512, away=20).result()
        self.standin.set(faults={})
        self.note(results, self.standin.tell())
        left, fds, rss = at_rest(self.service)
        self.left.append(left)
        self.rss.append(rss)
        self.rest.append(fds)

    def note(self, results, told):
        accepted = {one.psid for one in results if one.kind == "webhook" and one.status == 200}
        self.accepted += len(accepted)
        self.lost += len(accepted - set(told["written"]))
        self.statuses.update((one.kind, one.status) for one in results)
        step = min(10, PART_S)
        for at in range(0, PART_S, step):
            window = [one for one in results if one.status == 200 and at <= one.at_s < at + step]
            self.p99.append(percentile([one.ms for one in window if one.kind in NO_STORE], 0.99))
            self.p90.append(percentile([one.ms for one in window if one.kind == "webhook"], 0.9))
        for path in self.folder.glob("*.re*s*"):
            path.unlink()


def table(samples, p99, p90):
    """Tenths; p99 of what needs no store, p90 of links, whose slowest tenth met the faults."""
    yield (f"{'minute':>7} {'RSS MiB':>8} {'descriptors':>11} {'threads':>7} {'p99 ms':>7} {'links p90':>9} {'turns > 20 ms, %':>16}"
           f" {'log lines lost':>14}")
    n = len(samples)
    for i in range(10):
        some = samples[i * n // 10:(i + 1) * n // 10]
        times = [sorted(v[i * len(v) // 10:(i + 1) * len(v) // 10] or [v[-1]]) for v in (p99, p90)]
        if some:
            mean = {name: sum(one[name] for one in some) / len(some) for name in some[0]}
            yield (f"{mean['at'] / 60:7.1f} {mean['rss']:8.1f} {mean['fds']:11.0f} {mean['threads']:7.0f}"
                   f" {times[0][len(times[0]) // 2]:7.1f} {times[1][len(times[1]) // 2]:9.1f} {mean['lag']:16.2f}"
                   f" {some[-1]['dropped']:14.0f}")


def show(soak, samples):
    rss, p99 = [one["rss"] for one in samples], soak.p99
    last = samples[len(samples) // 3:]
    lines = list(table(samples, p99, soak.p90))
    lines += [f"RSS    {watch.plot(rss)} MiB", f"p99    {watch.plot(p99)} ms",
              f"slopes over the last two thirds: RSS {watch.slope([(one['at'] / 60, one['rss'] * 1024) for one in last]):+.1f} KiB"
              f" a minute, descriptors {watch.slope([(one['at'] / 60, one['fds']) for one in last]):+.2f} a minute;"
              f" first and last third: p99 {watch.thirds(p99)[0]:.1f} and {watch.thirds(p99)[1]:.1f} ms,"
              f" links' p90 {watch.thirds(soak.p90)[0]:.1f} and {watch.thirds(soak.p90)[1]:.1f} ms",
              f"{sum(soak.statuses.values())} requests in {SECONDS} s, statuses {by_status(soak.statuses)};"
              f" {soak.accepted} links accepted, {soak.lost} of them not written; at rest descriptors {soak.rest[0]} to {soak.rest[-1]}"
              f" and RSS {watch.thirds(soak.rss)[0]:.1f} to {watch.thirds(soak.rss)[1]:.1f} MiB"]
    return tell(lines)


def by_status(statuses):
    made = collections.Counter()
    for (_, status), n in statuses.items():
        made[{LOST: "lost", 1: "client went", SILENT: "silent"}.get(status, status)] += n
    return dict(sorted(made.items(), key=str))


def judge(soak, samples):
    rss, fds = watch.thirds(soak.rss), watch.thirds(soak.rest)
    assert soak.lost == 0 and soak.accepted > 0
    assert not any(soak.left), f"at rest: {soak.left}"
    assert not {key for key in soak.statuses if key[1] not in (200, 503, 1)}, soak.statuses
    assert rss[1] - rss[0] <= RSS_MIB, rss
    assert fds[1] - fds[0] <= FDS, soak.rest
    assert len({one["threads"] for one in samples}) == 1
    for times in (soak.p99, soak.p90):
        before, after = watch.thirds(times)
        assert after <= before * 2 + 50, (before, after)


def test_nothing_grows(tmp_path, binary, standin):
    service = QuietService(tmp_path, LINKD_WORKERS="2", **standin.settings()).start()
    try:
        soak = Soak(tmp_path, service, standin)
        watching = watch.Watch(service, 10 if PART_S == 60 else 1)
        for _ in range(SECONDS // PART_S):
            soak.part()
        samples = watching.stop()
        lines = show(soak, samples)
        judge(soak, samples)
        assert not watching.missed, f"{watching.missed} samples did not come in time"
        keep("soak", lines)
    finally:
        service.stop()
