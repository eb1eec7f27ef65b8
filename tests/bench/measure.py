"""Rounds over the rows: all servers run, one at a time is asked, so that what disturbs the machine disturbs them alike."""
import contextlib
import dataclasses
import pathlib
import statistics
import tempfile
import time

from bench import load, rows, servers

WARM_S = 1
TRIES = 6  # the number of codes grows by half in each
PAUSE_S = 0.1  # before and after a round, for what is still under way when wrk has stopped


@dataclasses.dataclass
class Round:
    cpu_us: float
    rate: float
    p50_us: float
    p99_us: float
    rss_kib: int


@dataclasses.dataclass
class Figure:
    """Medians of a row.  `ratio`: to the floor of the same round; `noise`: the middle half of those, as part of their median."""
    row: rows.Row
    cpu_us: float
    ratio: float
    rate: float
    p50_us: float
    p99_us: float
    rss_kib: int
    noise: float


def one_round(row, stage, seconds):
    for _ in range(TRIES):
        with contextlib.suppress(rows.NotFresh):
            return try_round(row, stage, seconds)
    raise load.Wrong(f"{row.title}: there were never enough fresh codes")


def try_round(row, stage, seconds):
    time.sleep(PAUSE_S)
    before = stage.database and servers.calls(stage.database)
    spent = servers.cpu_s(stage.pid)
    result = rows.ASKS[row.ask](stage, row, seconds)
    time.sleep(PAUSE_S)
    spent = servers.cpu_s(stage.pid) - spent
    rows.check_calls(row, stage, before, result)
    if not result.requests:
        raise load.Wrong(f"{row.title}: no answer in {seconds} s")
    return Round(spent / result.requests * 1e6, result.requests / result.seconds, result.p50_us, result.p99_us,
                 servers.rss_kib(stage.pid))


def rounds_of(wanted, n, seconds, say):
    """-> {key: rounds}"""
    made = {row.key: [] for row in wanted}
    with tempfile.TemporaryDirectory(prefix="bench-") as home, servers.awake(), contextlib.ExitStack() as stack:
        stages = {}
        for row in wanted:
            folder = pathlib.Path(home, row.key)
            folder.mkdir()
            stages[row.key] = stack.enter_context(row.start(folder))
            one_round(row, stages[row.key], WARM_S)
        for i in range(n):
            say(f"round {i + 1} of {n}")
            for row in wanted:
                made[row.key].append(one_round(row, stages[row.key], seconds))
    return made


def spread(values):
    if len(values) < 3:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / statistics.median(values)


def figure(row, made, floors):
    def median(name):
        return statistics.median(getattr(one, name) for one in made)
    ratios = [one.cpu_us / floor.cpu_us for one, floor in zip(made, floors)]
    return Figure(row, median("cpu_us"), statistics.median(ratios), median("rate"), median("p50_us"), median("p99_us"),
                  max(one.rss_kib for one in made), spread(ratios))


def figures(wanted, n, seconds, say):
    made = rounds_of(wanted, n, seconds, say)
    return [figure(row, made[row.key], made["floor"]) for row in wanted]


PACED_RATE, PACED_S, PACED_DELAY_MS = 1000, 10, 5


def paced(rate=PACED_RATE, seconds=PACED_S):
    """Links at a steady rate over a store of 5 ms, and the store alone under the same load.
    -> result of the service, of the store; every link made exactly one UpdateItem."""
    row = rows.Row("", "", rows.on_standin(PACED_DELAY_MS), "linked")
    count = rate * seconds
    with tempfile.TemporaryDirectory(prefix="bench-") as home, row.start(pathlib.Path(home)) as stage:
        file = stage.file("linked")
        load.bodies(file, "linked", 2 * count)
        json = "Content-Type: " + load.JSON
        load.pace(stage.server.port, "/webhook", file, rate, rate, json)
        before = servers.calls(stage.database)["UpdateItem"]
        load.bodies(file, "linked", count)
        links = load.pace(stage.server.port, "/webhook", file, rate, count, json)
        updates = servers.calls(stage.database)["UpdateItem"] - before
        if updates != count:
            raise load.Wrong(f"{updates} UpdateItem for {count} links")
        return links, load.pace(stage.database.port, "/", file, rate, count, json, "X-Amz-Target: DynamoDB_20120810.UpdateItem")
