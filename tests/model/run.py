"""Plays sequences by their seeds, many at once on one service; shrinks one that fails.

    cd tests && python3 -m model.run --store sqlite --seed 1 --sequences 300
    cd tests && python3 -m model.run --store dynamodb --seed 1 --only 17      the 17th alone, shrunk when it fails"""
import argparse
import concurrent.futures
import contextlib
import itertools
import json
import math
import pathlib
import secrets
import sys
import tempfile
import time
import traceback

from dynamodb.stage import Stage
from harness import database, lint
from harness.service import BINARY

from . import explore, steps
from .host import OnDynamodb, OnSqlite
from .player import Over, Player
from .world import PASSWORD

AT_ONCE = {"sqlite": 12, "dynamodb": 40}
AT_ONCE_FAULTS = 8  # the proxy is of this process: more make it too slow to answer in time
SHRINK_TRIES = 300
UNJUDGED = 0.02  # of the sequences may have more orders than are looked at


class Ground:
    """A service on a store of this kind, with customers for each run of a sequence."""
    def __init__(self, kind, directory, stage=None, faults=None):
        self.kind, self.repeats = kind, bool(faults)
        self.at_once = AT_ONCE_FAULTS if faults else AT_ONCE[kind]
        self.numbers = itertools.count()
        self.model = "model-" + secrets.token_hex(4)
        self.players, self.unjudged = [], []
        if kind == "sqlite":
            self.host = OnSqlite(directory)
        else:
            table = stage.table(BINARY)
            if faults:
                stage.proxy.faults = faults
            settings = stage.settings(table.name, direct=not faults)
            self.host = OnDynamodb(directory, table, **settings)
        self.make_model()

    def make_model(self):
        """The customer all are copied from, made by the program; again while the store is too slow, as on a busy machine."""
        for _ in range(10):
            self.host.service.command("customer", "add", "--id", self.model, "--email", self.model + "@example.com",
                                      "--password-stdin", stdin=PASSWORD)
            if self.host.rows([self.model]):
                return
        raise AssertionError("no customer could be added")

    def prepare(self, n):
        """Customers for n sequences, made at one go."""
        names = [f"m{next(self.numbers)}{secrets.token_hex(4)}" for _ in range(n)]
        ids = [f"{name}-{letter}" for name in names for letter in "abc"[:steps.CUSTOMERS]]
        database.copy_customers(self.host.service.database, self.model, ids)
        self.players += [Player(self.host, name, self.repeats) for name in names]

    def play(self, sequence):
        """-> None, or how it failed."""
        player = self.players.pop()
        try:
            player.play(sequence)
            return None
        except Over:
            return None
        except explore.TooMany:
            self.unjudged.append(player.trace)
            return None
        except Exception as why:  # whatever it is, the sequence failed
            told = str(why) if isinstance(why, AssertionError) else traceback.format_exc()
            return {"why": told, "trace": player.trace, "broken": player.world.broken, "ends": round(time.time() - player.world.began, 2)}


def shrink(ground, sequence, seconds=120):
    """Leave out whatever can be while it still fails; each try up to three times, since chance has a part in it."""
    def fails(tried):
        for _ in range(3):
            ground.prepare(1)
            if found := ground.play(tried):
                return found
        return None
    ends, best = time.monotonic() + seconds, fails(sequence)
    if best is None:
        return sequence, None
    shorter = True
    while shorter and time.monotonic() < ends:
        shorter = False
        for place in list(steps.places(sequence)):
            with contextlib.suppress(IndexError):
                tried = steps.without(sequence, place)
                if time.monotonic() < ends and (found := fails(tried)):
                    sequence, best, shorter = tried, found, True
    return sequence, best


def play_all(ground, seeds, mix, seconds=1e9, most_failures=1):
    """-> [(seed, failure)], number played; ends after so many failures, and begins none after these seconds."""
    failures, played, ends = [], 0, time.monotonic() + seconds
    ground.prepare(len(seeds))
    with concurrent.futures.ThreadPoolExecutor(ground.at_once) as pool:
        todo = iter(seeds)
        running = {pool.submit(ground.play, steps.sequence(seed, **mix)): seed for seed in itertools.islice(todo, ground.at_once)}
        while running:
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for one in done:
                seed = running.pop(one)
                played += 1
                if one.result():
                    ground.host.over = len(failures) + 1 >= most_failures  # the others need not go on
                    failures.append((seed, one.result()))
                if len(failures) < most_failures and time.monotonic() < ends and (seed := next(todo, None)) is not None:
                    running[pool.submit(ground.play, steps.sequence(seed, **mix))] = seed
    ground.host.over = False
    return failures, played


def allowed_unjudged(played):
    """The share and, because a few sequences spread widely around it, three standard deviations."""
    mean = UNJUDGED * played
    return math.ceil(mean + 3 * math.sqrt(mean))


def options(words):
    parser = argparse.ArgumentParser(prog="model.run", description=__doc__.split("\n")[0])
    parser.add_argument("--store", choices=("sqlite", "dynamodb"), default="sqlite")
    parser.add_argument("--seed", default="1", help="names the run; sequence n of it has the seed SEED/n")
    parser.add_argument("--sequences", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="number of the first sequence")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin none after this time")
    parser.add_argument("--only", type=int, help="this sequence alone")
    parser.add_argument("--mix", type=json.loads, default={}, help="weights of kinds of step")
    parser.add_argument("--faults", type=json.loads, help="DynamoDB: shares of the proxy's faults")
    parser.add_argument("--json", action="store_true", help="the result as one line of JSON")
    parser.add_argument("--no-shrink", action="store_true")
    return parser.parse_args(words)


def run(o):
    numbers = [o.only] if o.only is not None else range(o.first, o.first + o.sequences)
    seeds = [f"{o.seed}/{n}" for n in numbers]
    stage = ground = None
    with tempfile.TemporaryDirectory() as directory:
        try:
            stage = Stage() if o.store == "dynamodb" else None
            ground = Ground(o.store, pathlib.Path(directory), stage, o.faults)
            began = time.monotonic()
            failures, played = play_all(ground, seeds, o.mix, o.seconds)
            unjudged = len(ground.unjudged)
            assert unjudged <= allowed_unjudged(played), f"{unjudged} of {played} sequences have too many orders to look at"
            result = {"played": played - unjudged, "unjudged": unjudged, "seconds": round(time.monotonic() - began, 1), "kills": ground.host.kills,
                      "unsettled": ground.host.unsettled, "failures": []}
            for seed, failure in failures[:1]:
                shorter, again = (None, None) if o.no_shrink else shrink(ground, steps.sequence(seed, **o.mix))
                result["failures"].append({"seed": seed, "failure": failure, "shrunk": again and shorter, "shrunk_failure": again})
            ground.host.check()
            ground.host.stop()
            result["changes"], result["lines_lost"], result["trail"] = ground.host.judge_trail()
            result["rules"] = lint.take()[:5]
            return result
        finally:
            if ground:
                ground.host.stop()
            if stage:
                stage.stop()


def tell(o, result):
    for one in result["failures"]:
        print(f"FAILED: sequence {one['seed']} on {o.store}: {one['failure']['why']}")
        print(f"again: cd tests && python3 -m model.run --store {o.store} --seed {one['seed'].rpartition('/')[0]}"
              f" --only {one['seed'].rpartition('/')[2]}" + (f" --mix '{json.dumps(o.mix)}'" if o.mix else "")
              + (f" --faults '{json.dumps(o.faults)}'" if o.faults else ""))
        shown = one["shrunk_failure"] or one["failure"]
        print("shrunk to:" if one["shrunk_failure"] else "it did not fail again alone; as it was:")
        for step, *answers in shown["trace"]:
            print("   ", step, "->", *answers)
        print("   ", shown["why"], "at", shown["ends"], "s; without answer:", shown["broken"])
    for one in result["trail"][:10]:
        print("FAILED: audit trail:", one)
    trail = f", {result['changes']} changes with one audit line each but {result['lines_lost']} lost by a kill" if result["changes"] else ""
    print(f"{result['played']} sequences on {o.store} in {result['seconds']} s, {result['kills']} kills,"
          f" {result['unsettled']} answers 503, {result['unjudged']} not judged (too many orders){trail}, {len(result['failures'])} failed")


def main(words):
    o = options(words)
    result = run(o)
    if o.json:
        print(json.dumps(result, default=repr))
    else:
        tell(o, result)
    return 1 if result["failures"] or result["rules"] or result["trail"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
