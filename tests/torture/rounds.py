"""Rounds against a running service: prepare, arm, act, disarm, and look whether all is as it should be."""
import collections

from harness import client, lint, metrics

from . import symbols
from .control import Point
from .flows import Act, Flow
from .world import World

HOWS = {"send": ("fail", "short"), "recv": ("fail", "short"), "read": ("fail", "short", "again"),
        "write": ("fail", "short", "again"), "output": ("fail", "short", "again"), "accept": ("fail", "again")}
RUNNING = ("alloc", "send", "recv", "connect", "accept", "socket", "open", "read", "write", "output", "sync", "file",
           "lock", "random", "poll", "thread")
ONCE = ("send", "short")  # libmicrohttpd then waits for epoll's edge, which a socket that has room all the while never shows
NEVER_S = 1.0      # nothing is accepted: no answer can come
REPEATS = 5        # of a point that left memory behind
MOST = 4000


class Tally:
    """What the rounds showed.  A crash or leak: (point, innermost frame outside of the C library, stack)."""

    def __init__(self):
        self.points = collections.Counter()
        self.failed = 0
        self.crashes, self.leaks, self.wrong = [], [], []

    def ours(self):
        return [one for one in self.crashes + self.leaks if symbols.is_ours(one[1])]

    @staticmethod
    def parted(found):
        n = sum(symbols.is_ours(frame) for _, frame, _ in found)
        return f"{n} in account-linkd, {len(found) - n} in libraries"

    def lines(self, name):
        yield (f"torture, {name}: {sum(self.points.values())} points, {self.failed} calls failed; crashes: "
               f"{self.parted(self.crashes)}; leaks: {self.parted(self.leaks)}; false, late or lost answers: {len(self.wrong)}")
        yield "  points: " + ", ".join(f"{kind} {n}" for kind, n in self.points.most_common())
        for what, found in (("crash", self.crashes), ("leak", self.leaks)):
            for text, n in collections.Counter(symbols.of_library(frame, text) for _, frame, text in found).most_common():
                yield f"  {what}, {n} points: {text}"


class Rounds:
    def __init__(self, world: World, tally: Tally):
        self.world, self.tally = world, tally
        self.level = 0

    def level_now(self):
        self.level = self.world.live()

    def run(self, flow: Flow, point: Point):
        """One point; -> how many calls failed."""
        flow.prepare()
        act = Act()
        client.TIMEOUT_S = NEVER_S if point.kind == "accept" and point.every else 15
        self.world.control.arm(point)
        try:
            flow.act(act)
        finally:
            failed = self.world.control.disarm()
            client.TIMEOUT_S = 15
        self.tally.failed += failed
        if self.world.dead():
            self.crashed(flow, point)
        else:
            self.judge(flow, point, act)
        return failed

    def note(self, flow, point, text):
        hit = symbols.text(self.world.control.hit(), 8)
        self.tally.wrong.append(f"{flow.name}, {point}: {text}; failed in {hit}")

    def judge(self, flow, point, act):
        if act.slow and not (point.kind == "accept" and point.every):
            self.note(flow, point, f"hang: {act.slow}")
        try:
            problems = [flow.check(), self.unlawful(), self.world.well(), flow.again_safely()]
        except (OSError, AssertionError) as e:
            problems = [f"afterwards: {type(e).__name__} {str(e)[:300]}"]
        left = self.world.settled()
        problems += [f"stuck: {left}"] if left else []
        for one in filter(None, problems):
            self.note(flow, point, one)
        if self.world.dead():
            self.crashed(flow, point)
        elif left:
            self.world.end()
            self.world.start()
            self.level_now()

    @staticmethod
    def unlawful():
        """Answers against the rules, but those of a server in need."""
        found = [one for one in lint.take() if " -> 5" not in one]
        return f"unlawful: {found[:3]}" if found else ""

    def crashed(self, flow, point):
        number, frames = self.world.control.crash()
        service = self.world.service
        code = service.process.wait()
        lint.take()
        if not frames:
            frames = symbols.of_report("".join(service.errors))
        hit = symbols.text(self.world.control.hit(), 8)
        self.tally.crashes.append((f"{flow.name}, {point}", symbols.top(frames),
                                   f"signal {number}, exit {code}: {symbols.text(frames)}; failed in {hit}"))
        self.world.end()
        self.world.start()
        flow.prepare()
        self.level_now()

    def leaks(self, flow, point):
        """Memory stayed: does it grow with every repetition?"""
        before = self.world.live(self.level)
        if before <= self.level:
            return
        starts, since = self.world.starts, self.world.control.block.epoch + 1
        for _ in range(REPEATS):
            self.run(flow, point)
            self.level = self.world.live(before)
            if self.level <= before or self.world.starts != starts:
                return
            before = self.level
        planned = metrics.value(self.world.service, "linkd_link_later")
        for frames, epochs in self.world.control.live_since(since).items():
            if len(epochs) >= REPEATS - 1 and len(self.world.control.live_since(0)[frames]) > planned:
                where = self.world.control.where(frames)
                self.tally.leaks.append((f"{flow.name}, {point}", symbols.top(where), symbols.text(where)))

    def point(self, flow, point):
        failed = self.run(flow, point)
        if failed:
            self.tally.points[point.kind] += 1
            self.leaks(flow, point)
        return failed

    def warm(self, flow):
        """Caches are filled, and it works unarmed."""
        for _ in range(3):
            self.run(flow, Point("thread", 1 << 60, "fail", False))
        self.level_now()

    # --- which points

    def all_of(self, flow, kind):
        """Every n until the flow no longer comes to it, once and from there on."""
        for how in HOWS.get(kind, ("fail",)):
            for every in (False, True):
                if every and (how == "again" or kind == "lock" or (kind, how) == ONCE):
                    continue  # of a lock SQLite tries for 10 s, inside of one call
                for n in range(1, MOST):
                    if not self.point(flow, Point(kind, n, how, every)):
                        break

    def spread(self, flow, kind, most):
        """A fixed choice: of the ways calls came in a healthy run, every so many."""
        flow.prepare()
        self.world.control.watch(kind)
        flow.act(Act())
        ways = self.world.control.ways()
        flow.check()
        flow.again()
        for i, n in enumerate(ways[::max(1, -(-len(ways) // most))]):
            hows = HOWS.get(kind, ("fail",))
            how = hows[i % len(hows)]
            self.point(flow, Point(kind, n, how, i % 4 == 3 and how == "fail" and kind != "lock"))
