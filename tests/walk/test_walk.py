"""How many source files one request enters, and how deep its stack is: what a reader has to follow.

A program built with -finstrument-functions serves requests against a stand-in for DynamoDB, with one worker.  After a
warm-up request every function entry is recorded; files of base/ are not counted.  The request with the fewest files
counts, because a timer may run during another one."""
import mmap
import pathlib
import struct
import subprocess

import pytest

from harness.phone import Customer, Phone
from harness.service import BINARY
from load.quiet import QuietService
from load.rig import Standin

HEAD, ENTRY = struct.Struct("<IIQ"), struct.Struct("<QII")
ENTRIES = 1 << 18
TRIES = 5
LIMITS = {"linked webhook": 35, "login": 45}  # files outside base/
DEEPEST = 24
HOOK = pathlib.Path(BINARY).parent / "walk/walk.so"


class Recorder:
    def __init__(self, path):
        self.path = path
        path.write_bytes(b"")
        with path.open("r+b") as file:
            file.truncate(HEAD.size + ENTRIES * ENTRY.size)
            self.map = mmap.mmap(file.fileno(), 0)

    def __enter__(self):
        self.map[:HEAD.size] = HEAD.pack(1, HEAD.unpack_from(self.map)[1], 0)

    def __exit__(self, *_):
        self.map[:4] = struct.pack("<I", 0)

    def entries(self):
        n = HEAD.unpack_from(self.map)[2]
        assert 0 < n < ENTRIES, n
        return [ENTRY.unpack_from(self.map, HEAD.size + i * ENTRY.size) for i in range(n)]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    return Recorder(tmp_path_factory.mktemp("walk") / "entries")


@pytest.fixture(scope="module")
def service(tmp_path_factory, recorder):
    standin = Standin()
    one = QuietService(tmp_path_factory.mktemp("service"), LINKD_WORKERS="1", **standin.settings(), LD_PRELOAD=str(HOOK),
                       WALK_FILE=str(recorder.path)).start()
    yield one
    one.stop()
    standin.stop()


@pytest.fixture(scope="module")
def who(service):
    return Customer(service)


def names(offsets):
    """{offset: (function, path below src)}"""
    text = "".join(f"{offset:#x}\n" for offset in offsets)
    out = subprocess.run(["addr2line", "-f", "-e", BINARY], input=text, capture_output=True, text=True, check=True).stdout.split("\n")
    where = [line.split(":")[0].rpartition("/src/")[2].removeprefix("src/") for line in out[1::2]]
    return {offset: (function, path) for offset, function, path in zip(offsets, out[0::2], where)}


def deepest(entries):
    """-> the offsets of the deepest stack, outermost first.  Functions that were entered before the request are left out."""
    at = max(range(len(entries)), key=lambda i: entries[i][1])
    stack = []
    _, depth, thread = entries[at]
    for offset, its_depth, its_thread in reversed(entries[:at + 1]):
        if (its_depth, its_thread) == (depth, thread):
            stack.insert(0, offset)
            depth -= 1
    return stack


def walk(recorder, act):
    """-> the smallest walk of some requests: files outside base/, functions, entries, depth, paths, the deepest stack."""
    found = []
    act(None)
    for _ in range(TRIES):
        act(recorder)
        entries = recorder.entries()
        named = names(sorted({offset for offset, *_ in entries}))
        files = {path for _, path in named.values() if not path.startswith("base/")}
        found.append((len(files), len(named), len(entries), max(depth for _, depth, _ in entries), sorted(files),
                      [" ".join(named[offset]) for offset in deepest(entries)]))
    return min(found)


def judge(kind, found):
    files, functions, entries, depth, paths, stack = found
    print(f"{kind}: {files} files outside base/ (at most {LIMITS[kind]}), {functions} functions, {entries} calls, "
          f"deepest stack {depth} (at most {DEEPEST})\n  {' '.join(paths)}")
    if depth > DEEPEST:
        print("the deepest stack, but for the functions entered before the request:\n  " + "\n  ".join(stack))
    assert files <= LIMITS[kind] and depth <= DEEPEST


def test_linked_webhook(service, recorder, who):
    def act(recorded):
        phone = Phone(service)
        phone.get_code(who)
        if recorded is None:
            assert phone.tell().status == 200
            return
        with recorded:
            assert phone.tell().status == 200
    judge("linked webhook", walk(recorder, act))


def test_login(service, recorder, who):
    def act(recorded):
        phone = Phone(service)
        phone.open()
        if recorded is None:
            assert phone.login(who.email, who.password).status == 200
            return
        with recorded:
            assert phone.login(who.email, who.password).status == 200
    judge("login", walk(recorder, act))
