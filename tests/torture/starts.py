"""Programs tortured from their first call on: the commands, the start of the service and its stop."""
import signal
import subprocess
import time

from harness import database
from harness.phone import Customer, Phone
from harness.service import BINARY, START_S, clean_environment

from . import symbols
from .control import Control, Point
from .flows import Whole
from .rounds import HOWS, RUNNING, Tally
from .world import SLOW, World

LIMIT_S = 25 * SLOW
STOP_S = 15 * SLOW
HANG_S = START_S - 1


class Command:
    """One subcommand: its words, and what exit 0 promises."""
    words = ()
    stdin = ""

    def __init__(self, world):
        self.world, self.service = world, world.service

    @property
    def name(self):
        return " ".join(one for one in self.words if not one.startswith("-")) or type(self).__name__.lower()

    def prepare(self):
        """-> the words of this run."""
        return self.words

    def true(self, output):
        return True


class Add(Command):
    words, stdin = ("customer", "add", "--password-stdin"), "a-long-password"

    def prepare(self):
        self.who = Customer(self.service, add=False)
        return (*self.words, "--id", self.who.id, "--email", self.who.email)

    def true(self, output):
        return database.customer(self.service.database, self.who.id)["email"] == self.who.email


class Show(Command):
    words = ("customer", "show")

    def prepare(self):
        self.who = self.world.person()
        return (*self.words, "--id", self.who.id)

    def true(self, output):
        return self.who.id in output


class Remove(Show):
    words = ("customer", "remove")

    def true(self, output):
        return all(one["customer_id"] != self.who.id for one in database.rows(self.service.database))


class LinkShow(Command):
    words = ("link", "show")

    def prepare(self):
        self.who = self.world.person()
        self.psid = Phone(self.service).link(self.who).psid
        return (*self.words, "--psid", self.psid)

    def true(self, output):
        return self.who.id in output


class LinkRemove(LinkShow):
    words = ("link", "remove")

    def true(self, output):
        return database.customer(self.service.database, self.who.id)["fb_psid"] is None


class CheckConfig(Command):
    words = ("check-config",)


class PrintConfig(Command):
    words = ("print-config",)

    def true(self, output):
        return "LINKD_WEBHOOK_DEADLINE_MS" in output.upper() or "webhook_deadline_ms" in output


class Doctor(Command):
    words = ("doctor",)


class Healthcheck(Command):
    words = ("healthcheck",)

    def prepare(self):
        return (*self.words, "--url", self.service.url + "/healthz")


class Version(Command):
    words = ("version",)

    def true(self, output):
        return "libmicrohttpd" in output


COMMANDS = (Add, Show, Remove, LinkShow, LinkRemove, CheckConfig, PrintConfig, Doctor, Healthcheck, Version)


class Starts:
    """`world`: a service that runs unarmed beside; `other`: the settings of the one that is started and stopped."""

    def __init__(self, world: World, tally: Tally, directory):
        self.world, self.tally = world, tally
        self.control = Control(directory / "control", BINARY)

    def note(self, name, point, text):
        self.tally.wrong.append(f"{name}, {point}: {text}; failed in {symbols.text(self.control.hit(), 8)}")

    def seen(self, name, point, code, errors):
        """Count the point; keep what the end of the process tells."""
        failed = self.control.disarm()
        if not failed:
            return False
        self.tally.points[point.kind] += 1
        self.tally.failed += failed
        number, frames = self.control.crash()
        report = symbols.of_report(errors)
        if code < 0 or report:
            frames = frames or report
            self.tally.crashes.append((f"{name}, {point}", symbols.top(frames),
                                       f"exit {code}: {symbols.text(frames)}; failed in {symbols.text(self.control.hit(), 8)}"))
        for stack in symbols.leaks(errors):
            self.tally.leaks.append((f"{name}, {point}", symbols.top(stack), symbols.text(stack)))
        return True

    # --- commands

    def command(self, command: Command, point):
        words = command.prepare()
        self.control.clear(live=False)
        self.control.arm(point)
        environment = clean_environment({**self.world.service.settings, **self.control.environment()})
        try:
            done = subprocess.run([BINARY, *words], input=command.stdin.encode(), env=environment, capture_output=True,
                                  timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self.note(command.name, point, f"no end in {LIMIT_S} s")
            return
        self.seen(command.name, point, done.returncode, done.stderr.decode("utf-8", "replace"))
        if done.returncode == 0 and not self.holds(command, done.stdout.decode("utf-8", "replace")):
            self.note(command.name, point, "false: exit 0")

    @staticmethod
    def holds(command, output):
        try:
            return command.true(output)
        except AssertionError:
            return False

    # --- the service: its start, and its stop

    def start(self, world: World, point):
        world.control = self.control
        self.control.clear(live=False)
        self.control.arm(point)
        service = world.service
        service.settings.update(self.control.environment())
        try:
            service.start()
        except AssertionError:
            self.ended_early(world, point)
            return
        self.control.disarm()
        try:
            problem = world.well() or Whole(world).again_safely()
        except OSError as e:
            problem = f"afterwards: {type(e).__name__} {e}"
        if problem and self.gives_up(service):
            self.ended_early(world, point)
        else:
            self.end(world, "start", point, problem)

    @staticmethod
    def gives_up(service):
        """It has said where it listens, and then told that it cannot start: a thread was not to be had."""
        try:
            return service.process.wait(2) > 0
        except subprocess.TimeoutExpired:
            return False

    def ended_early(self, world, point):
        """It ended by itself, or the harness lost patience and killed it."""
        service = world.service
        hung = time.monotonic() - service.began > HANG_S
        for one in service.readers:
            one.join(10)
        code = service.process.wait()
        self.seen("start", point, 0 if hung or code == -signal.SIGKILL else code, "".join(service.errors))
        if hung:
            self.note("start", point, "neither started nor ended")
        world.end()

    def end(self, world, name, point, problem=""):
        service = world.service
        service.signal(signal.SIGTERM)
        try:
            code = service.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            code, problem = 0, "no end after SIGTERM"
        for one in service.readers:
            one.join(10)
        self.seen(name, point, code, "".join(service.errors))
        if problem:
            self.note(name, point, problem)
        world.end()

    def stop(self, world: World, point):
        """Started unarmed; something is linked, then the stop is tortured."""
        world.control = self.control
        world.start()
        Whole(world).again_safely()
        self.control.arm(point)
        self.end(world, "stop", point)

    # --- which points

    def each(self, run, most=0, kinds=RUNNING):
        """`run` a point: the first call of each way it can come, once and from there on; `most`: so many of each kind."""
        for kind in kinds:
            run(Point(kind, 0, "watch", False))
            ways = self.control.ways()
            for i, n in enumerate(ways[::max(1, -(-len(ways) // most))] if most else ways):
                for every in (i % 2 == 1,) if most else (False, True):
                    if not (kind == "lock" and every):
                        run(Point(kind, n, "fail", every))
                for how in () if most else HOWS.get(kind, ("fail",))[1:]:
                    run(Point(kind, n, how, False))
