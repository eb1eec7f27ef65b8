"""Compares the CPU cost of a request in two builds.

    cd tests && python3 -m bench.against OTHER_BINARY [ROW...] [--rounds 15]

Both run in alternation in each round.  The figure is the median of this build's cost divided by the other's; the range is the
middle half of the ratios."""
import argparse
import contextlib
import dataclasses
import pathlib
import statistics

from bench import measure, rows, servers

ROWS = ("message", "linked", "page")
SECONDS = 2


def with_program(start, program):
    @contextlib.contextmanager
    def made(folder):
        before, servers.PROGRAM = servers.PROGRAM, program
        try:
            stage = start(folder)
            running = stage.__enter__()
        finally:
            servers.PROGRAM = before
        try:
            yield running
        finally:
            stage.__exit__(None, None, None)
    return made


def arguments():
    p = argparse.ArgumentParser(prog="bench.against", description=__doc__)
    p.add_argument("other", type=lambda path: pathlib.Path(path).resolve(strict=True))
    p.add_argument("rows", nargs="*", default=ROWS)
    p.add_argument("--rounds", type=int, default=15)
    return p.parse_args()


def main():
    asked = arguments()
    wanted = []
    for row in rows.table():
        if row.key in asked.rows:
            wanted += [row, dataclasses.replace(row, key=f"{row.key}, other", start=with_program(row.start, asked.other))]
    made = measure.rounds_of(wanted, asked.rounds, SECONDS, lambda _: None)
    for row in wanted[::2]:
        ratios = [ours.cpu_us / others.cpu_us for ours, others in zip(made[row.key], made[f"{row.key}, other"])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{row.title}: {middle:.3f} of the other build ({low:.3f} to {high:.3f}), {asked.rounds} rounds", flush=True)


if __name__ == "__main__":
    main()
