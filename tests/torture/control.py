"""The control block of torture.h, mapped: arm a failure, read what was hit, what is live and where a crash was."""
import ctypes
import mmap
import pathlib
import re
import typing

from . import symbols

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = re.findall(r"^KIND\(\w+, (\w+),", (pathlib.Path(__file__).parent / "kinds.def").read_text(), re.M)
HOWS = ("fail", "short", "again", "watch")
FRAMES, LIVE_FRAMES, HITS, MODULES, LIVE_MAX, PATHS = 24, 18, 64, 64, 1 << 16, 1 << 16

U32, U64 = ctypes.c_uint32, ctypes.c_uint64


class Stack(ctypes.Structure):
    _fields_ = [("frame", U64 * FRAMES)]


class Module(ctypes.Structure):
    _fields_ = [("start", U64), ("end", U64), ("base", U64), ("name", ctypes.c_char * 104)]


class Live(ctypes.Structure):
    _fields_ = [("address", U64), ("size", U32), ("epoch", U32), ("frame", U64 * LIVE_FRAMES)]


class Block(ctypes.Structure):
    _fields_ = [("size", U32), ("armed", U32), ("how", U32), ("every", U32),
                ("n", U64), ("seen", U64), ("failed", U64), ("live", U64), ("live_bytes", U64),
                ("epoch", U32), ("hits", U32), ("modules", U32), ("crash_signal", U32),
                ("crash", Stack), ("hit", Stack * HITS), ("module", Module * MODULES), ("table", Live * LIVE_MAX),
                ("path", U64 * PATHS)]


class Point(typing.NamedTuple):
    """What is to fail: the n-th call of a kind, `every` later one too."""
    kind: str
    n: int
    how: str
    every: bool

    def __str__(self):
        return f"{self.kind} {self.how} {'from' if self.every else 'at'} {self.n}"


class Control:
    """One file; at most one process uses it at a time."""

    def __init__(self, path, binary):
        self.path, self.binary = path, binary
        with open(path, "w+b") as file:
            file.truncate(ctypes.sizeof(Block))
            self.map = mmap.mmap(file.fileno(), ctypes.sizeof(Block))
        self.block = Block.from_buffer(self.map)
        self.clear()

    def clear(self, live=True):
        """As for a process that is yet to start; live: it keeps what memory is live."""
        self.map[:] = bytes(len(self.map))
        self.block.size = ctypes.sizeof(Block)
        self.block.epoch = int(live)

    def environment(self):
        return {"LD_PRELOAD": str(pathlib.Path(self.binary).parent / "torture/torture.so"), "TORTURE_FILE": str(self.path)}

    # --- one failure

    def arm(self, point):
        b = self.block
        b.armed = b.seen = b.failed = b.hits = 0
        b.epoch += b.epoch > 0
        b.n, b.how, b.every = point.n, HOWS.index(point.how) + 1, point.every
        b.armed = KINDS.index(point.kind) + 1

    def disarm(self):
        """-> calls that were failed."""
        self.block.armed = 0
        return self.block.failed

    def watch(self, kind):
        self.arm(Point(kind, 0, "watch", False))

    def ways(self):
        """Of the calls watched: the n of the first that came each way."""
        self.block.armed = 0
        found = {}
        for n, way in enumerate(self.block.path[:min(self.block.seen, PATHS)], 1):
            found.setdefault(way, n)
        return sorted(found.values())

    # --- what it led to

    def where(self, frames):
        modules = [self.block.module[i] for i in range(min(self.block.modules, MODULES))]
        return symbols.stack([f for f in frames if f], modules, self.binary)

    def hit(self):
        """The stack of the first call that was failed."""
        return self.where(self.block.hit[0].frame) if self.block.hits else []

    def crash(self):
        return self.block.crash_signal, self.where(self.block.crash.frame)

    def live_since(self, epoch):
        """{raw stack: epochs} of memory taken in or after that epoch and not freed."""
        found = {}
        for one in self.block.table:
            if one.address and one.epoch >= epoch:
                found.setdefault(tuple(one.frame), set()).add(one.epoch)
        return found
