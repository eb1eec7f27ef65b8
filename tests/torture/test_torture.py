"""Every call that can fail, failed: once, and from there on, in every flow.  The short form takes a fixed choice of
the ways a call can come; LINKD_FULL=1 takes every n."""
import os
import pathlib

import figures
import pytest
from conftest import FULL
from harness.service import BINARY

from . import flows, starts
from .rounds import RUNNING, Rounds, Tally
from .world import World

SPREAD = {"alloc": 4}  # points of a kind and flow in the short form, else 1
START_SPREAD = 4
README = pathlib.Path(__file__).parents[1] / "FIGURES.md"
WRITE = FULL or os.environ.get("LINKD_FIGURES") == "1"
SHORT_COMMANDS = (starts.Add, starts.LinkRemove)
SHORT_DYNAMODB = (flows.Confirm, flows.Linked, flows.Lookup)  # others wait for an index
SHORT_KINDS = ("alloc", "open", "read", "write", "file", "random", "poll", "socket", "thread")


@pytest.fixture
def sqlite(binary, tmp_path):
    made = World(tmp_path).start()
    yield made
    made.end()


@pytest.fixture
def dynamodb(binary, tmp_path):
    from dynamodb.stage import Stage
    stage = Stage()
    table = stage.table(BINARY)
    made = World(tmp_path, (table, stage.settings(table.name, direct=True))).start()
    yield made
    made.end()
    stage.stop()


def tell(tally, name):
    """Print what was found, and write it down (WRITE), then judge it."""
    lines = list(tally.lines(name))
    print("\n".join(lines))
    if WRITE:
        figures.write(README, "torture-" + name, [f"{'Full' if FULL else 'Short'} form.", "", *(f"- {one.strip()}" for one in lines)])
    assert not tally.wrong, "\n".join(tally.wrong[:20])
    assert not tally.ours(), "\n".join(map(str, tally.ours()[:20]))


def torture(world, name, all_flows):
    tally = Tally()
    rounds = Rounds(world, tally)
    for made in (one(world) for one in all_flows):
        rounds.warm(made)
        for kind in RUNNING:
            rounds.all_of(made, kind) if FULL else rounds.spread(made, kind, SPREAD.get(kind, 1))
    assert sum(tally.points.values()) > 8 * len(all_flows)
    world.service.stop()
    tell(tally, name)


def test_flows_on_sqlite(sqlite):
    torture(sqlite, "sqlite", flows.FLOWS)


def test_flows_on_dynamodb(dynamodb):
    torture(dynamodb, "dynamodb", [one for one in flows.FLOWS if one.stores] if FULL else SHORT_DYNAMODB)


def test_commands(sqlite, tmp_path):
    tally = Tally()
    runs = starts.Starts(sqlite, tally, tmp_path)
    for made in (one(sqlite) for one in (starts.COMMANDS if FULL else SHORT_COMMANDS)):
        runs.each(lambda point, made=made: runs.command(made, point), 0 if FULL else START_SPREAD)
    tell(tally, "commands")


@pytest.fixture
def runs(sqlite, tmp_path):
    """The start and the stop of a second service, whose database has a customer."""
    tally = Tally()
    runs = starts.Starts(sqlite, tally, tmp_path)
    other = World(tmp_path / "other")
    other.start().person()
    other.service.stop()
    return runs, other, tally


@pytest.mark.parametrize("what", ["start", "stop"])
def test_start_and_stop(runs, what):
    made, other, tally = runs
    made.each(lambda point: getattr(made, what)(other, point), 0 if FULL else START_SPREAD,
              [one for one in RUNNING if one != "output"] if FULL else SHORT_KINDS)  # the harness reads the log
    tell(tally, what)
