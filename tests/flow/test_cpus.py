"""How many event loops and hash threads there are: as many as the process may use CPUs, or as the settings say."""
import collections
import os
import pathlib
import time


def threads(service):
    """Threads by the first word of their name."""
    tasks = pathlib.Path(f"/proc/{service.process.pid}/task")
    return collections.Counter(task.joinpath("comm").read_text().strip().split("-")[0] for task in tasks.iterdir())


def wait_for_threads(service, loops, hashes):
    """A thread takes its name when it first runs, which may be after the start line."""
    ends = time.monotonic() + 10
    while (found := threads(service))["loop"] != loops or found["hash"] != hashes:
        assert time.monotonic() < ends, found
        time.sleep(0.05)


def start(service, cpus):
    """On these CPUs only, as taskset does; -> the numbers that the start line names."""
    service.start(preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    line = service.logged(lambda line: line["msg"] == "started")
    return line["workers"], line["hash_threads"]


def test_affinity_decides(make_service):
    service = make_service(start=False, LINKD_WORKERS=None)
    assert start(service, {min(os.sched_getaffinity(0))}) == (1, 1)
    wait_for_threads(service, 1, 1)


def test_settings_decide(make_service):
    service = make_service(start=False, LINKD_WORKERS="3", LINKD_HASH_THREADS="5")
    assert start(service, os.sched_getaffinity(0)) == (3, 5)
    wait_for_threads(service, 3, 5)
