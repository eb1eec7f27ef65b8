"""The tools of make bench: what they measure is what happened."""
import concurrent.futures
import http.client
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from bench import limits, load, measure, rows, servers

UPDATE = "X-Amz-Target: DynamoDB_20120810.UpdateItem"


@pytest.fixture
def standin():
    made = []

    def start(*args):
        made.append(servers.standin(*args))
        return made[-1]
    yield start
    for one in made:
        one.stop()


def row(key):
    return next(one for one in rows.table() if one.key == key)


@pytest.mark.parametrize("key", ["healthz", "message", "linked", "unlinked", "page", "pages", "graph", "sqlite", "alone", "floor"])
def test_a_round_of_a_row(key, tmp_path):
    """The right status throughout, and the calls the row is about; else it raises."""
    with row(key).start(tmp_path) as stage:
        made = measure.one_round(row(key), stage, 1)
    assert 1 < made.cpu_us < 1e5 and made.rate > 10 and made.p99_us >= made.p50_us > 0 and made.rss_kib > 1000, made


def test_a_wrong_status_fails_the_row(tmp_path):
    with row("message").start(tmp_path) as stage:
        stage.file("message").write_text("X-Hub-Signature-256: sha256=" + "0" * 64 + "\t{}\n")
        with pytest.raises(load.Wrong, match="got another status"):
            measure.one_round(row("message"), stage, 1)


def test_a_missing_call_fails_the_row(tmp_path, monkeypatch):
    with row("message").start(tmp_path) as stage:
        monkeypatch.setitem(rows.CALLS, "message", {"UpdateItem": 1})
        with pytest.raises(load.Wrong, match="UpdateItem"):
            measure.one_round(row("message"), stage, 1)


def ask_timed(port):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    link.connect()
    began = time.monotonic()
    link.request("POST", "/", b"{}", {"X-Amz-Target": UPDATE.split()[1]})
    assert link.getresponse().read() == b"{}"
    return time.monotonic() - began


def test_delays_do_not_add_up(standin):
    port = standin(300).port
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        took = list(pool.map(lambda _: ask_timed(port), range(32)))
    assert min(took) >= 0.3 and max(took) < 3 * 0.3, took


def test_pace_counts_a_stall(standin, tmp_path):
    """A server that stands still for half a second delays what is due meanwhile, and all of it counts."""
    file, server = tmp_path / "lines", standin()
    file.write_text("X-A: b\t{}\n" * 1000)
    stop = threading.Timer(0.5, lambda: (os.kill(server.pid, signal.SIGSTOP), time.sleep(0.5), os.kill(server.pid, signal.SIGCONT)))
    stop.start()
    r = load.pace(server.port, "/", file, 500, 1000, UPDATE)
    stop.join()
    assert r.requests == 1000 and servers.calls(server)["UpdateItem"] == 1000
    assert r.seconds >= 1.99 and r.max_us >= 400e3 and r.p99_us >= 300e3, r


def test_pace_counts_other_statuses(standin, tmp_path):
    file = tmp_path / "lines"
    file.write_text("X-A: b\t{}\n" * 20)
    with pytest.raises(load.Wrong, match="20 got another status"):
        load.pace(standin().port, "/", file, 1000, 20, "X-Amz-Target: DynamoDB_20120810.Nonsense")


def test_every_code_is_fresh(tmp_path):
    load.bodies(tmp_path / "a", "linked", 500)
    load.bodies(tmp_path / "b", "linked", 500)
    codes = [line.split('"authorization_code":"')[1] for name in "ab" for line in (tmp_path / name).read_text().splitlines()]
    assert len(set(codes)) == 1000


def test_processor_time_is_fine_grained():
    """Of a child that has worked, slept, and ended a thread that worked."""
    work = ("import threading, time\n"
            "def burn():\n"
            "    end = time.thread_time() + 0.05\n"
            "    while time.thread_time() < end: pass\n"
            "t = threading.Thread(target=burn); t.start(); t.join(); burn()\n"
            "print(time.process_time(), flush=True); time.sleep(60)")
    p = subprocess.Popen([sys.executable, "-c", work], stdout=subprocess.PIPE, text=True)
    own = float(p.stdout.readline())
    seen = servers.cpu_s(p.pid)
    p.kill()
    p.wait()
    p.stdout.close()
    assert 0.1 <= own <= seen < own + 0.02


def figure(key, ratio=1.0, rate=1000.0):
    return measure.Figure(rows.Row(key, key, None, "root"), 10 * ratio, ratio, rate, 1, 1, 1, 0)


def test_ratios_are_to_the_floor_of_the_same_round():
    """So that a machine that slows down for a round does not count."""
    def rounds(*times):
        return [measure.Round(us, 1, 1, 1, 1) for us in times]
    f = measure.figure(rows.Row("a", "a", None, "root"), rounds(20, 40, 80, 22, 20), rounds(10, 20, 40, 10, 10))
    assert (f.ratio, f.cpu_us) == (2.0, 22)


def test_limits_hold_and_fall_short():
    found = [figure("healthz", ratio=1.25), figure("message", ratio=2.3), figure("linked", ratio=5), figure("go", ratio=29),
             figure("express", ratio=130), figure("sqlite", rate=5000), figure("alone")]
    assert [good for good, _, _ in limits.judged(found)] == [True, False, True, False, True, True]
    assert limits.judged(found[:1]) == [(True, "healthz: at most 1.25 floors", "1.25")]


def test_two_workers_are_judged_by_what_a_link_costs():
    for cost, good, said in ((1.0, True, "2.00"), (1.1, True, "1.82"), (1.12, False, "1.79")):
        (holds, _, got), = limits.judged([figure("one", ratio=5), figure("two", ratio=5 * cost)])
        assert (holds, got) == (good, said)


def test_the_file_system_is_named():
    assert rows.file_system("/proc/self") == "proc" and rows.file_system(pathlib.Path(__file__).parent) not in ("?", "proc")
