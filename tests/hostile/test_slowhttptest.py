"""slowhttptest's four attacks, with many connections each, and a second client served throughout."""
import os
import re
import subprocess

import pytest

from conftest import FULL
from hostile.scene import N, TIMES

SECONDS = int(os.environ.get("LINKD_SECONDS", "60" if FULL else "4"))
PAGE_S, IDLE_S = 10, 75 if FULL else 3
RATE = 200 if FULL else 50
EVERY_S = 3 if FULL else 1

# attack: its words, the path, and the seconds within which a connection must be gone
ATTACKS = {
    "-H slow headers": (["-H", "-i", EVERY_S, "-x", 24], "/healthz", IDLE_S),
    "-B slow body": (["-B", "-i", EVERY_S, "-s", 8000, "-x", 10, "-t", "POST"], "/link/login", PAGE_S),
    "-R ranges": (["-R", "-a", 10, "-b", 3000, "-t", "HEAD"], "/link", IDLE_S),
    "-X slow read": (["-X", "-n", 1, "-w", 10, "-y", 20, "-z", 32, "-k", 3], "/link", IDLE_S),
}


def start(service, words, path):
    return subprocess.Popen(["slowhttptest", *map(str, words), "-u", service.url + path, "-c", str(N), "-r", str(RATE),
                             "-l", str(SECONDS), "-p", "5", "-v", "1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env={**os.environ, "TERM": "dumb"})


def judge(name, process):
    """The tool's own view: it opened them all and its probe was answered."""
    said = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", process.communicate(timeout=SECONDS + 60)[0])
    available = re.findall(r"service available:\s*(\w+)", said)
    assert process.returncode == 0 and available, said[-2000:]
    assert set(available) == {"YES"}, (name, available)


@pytest.mark.parametrize("names", [[name] for name in ATTACKS] if FULL else [list(ATTACKS)], ids=lambda names: names[0])
def test_the_second_client_is_served_throughout(scene, names):
    """One attack after another in the long run, all at once in the short one."""
    at = scene(**TIMES)
    running = {name: start(at.service, *ATTACKS[name][:2]) for name in names}
    for name, process in running.items():
        judge(name, process)
    deadline_s = max(ATTACKS[name][2] for name in names)
    at.end(f"slowhttptest {', '.join(names)}, {SECONDS} s", deadline_s)
    assert at.watch.most >= N // 2 or names == ["-R ranges"], "that one gives up: there are no ranges here"
