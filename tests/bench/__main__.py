"""make bench: the table, the plot, and which limits hold.  Words: keys of rows; without any, all, and what is paced."""
import argparse
import pathlib
import sys
import time

import figures as readme
from bench import limits, load, measure, rows, servers

HERE = pathlib.Path(__file__).parent
ROUNDS, SECONDS = 5, 2
BUSY = 0.1


def say(text):
    print(text, flush=True)


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def busy():
    """Part of the machine's processor time that others use, over a second."""
    def read():
        numbers = [int(n) for n in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]
    all_before, idle_before = read()
    time.sleep(1)
    all_after, idle_after = read()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


def lines(found):
    made = ["| | CPU µs | floors | requests/s | p50 ms | p99 ms | RSS MiB | spread |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for f in found:
        cells = (number(f.cpu_us), number(f.ratio), f"{f.rate:,.0f}", f"{f.p50_us / 1000:.2f}", f"{f.p99_us / 1000:.2f}",
                 f"{f.rss_kib / 1024:.1f}", f"{f.noise:.0%}")
        made.append(f"| {f.row.title} | {' | '.join(cells)} |")
    return made


def paced_lines(links, store):
    made = ["| 1,000 a second over 5 ms | p50 ms | p99 ms | max ms | sent late, p99 ms |", "|---|--:|--:|--:|--:|"]
    for title, r in (("webhook: linked", links), ("the stand-in alone", store)):
        made.append(f"| {title} | {r.p50_us / 1000:.2f} | {r.p99_us / 1000:.2f} | {r.max_us / 1000:.2f} | {r.late_p99_us / 1000:.2f} |")
    return made


def verdict_lines(judged):
    return [f"- {'holds' if good else '**falls short**'}: {text}: {got}" for good, text, got in judged]


def arguments():
    p = argparse.ArgumentParser(prog="make bench", description=__doc__)
    p.add_argument("rows", nargs="*")
    p.add_argument("--rounds", type=int, default=ROUNDS)
    p.add_argument("--seconds", type=int, default=SECONDS)
    p.add_argument("--write", action="store_true", help="put the figures into tests/bench/README.md and draw the plot")
    return p.parse_args()


def chosen(keys):
    every = rows.table()
    unknown = set(keys) - {row.key for row in every} - {"pace"}
    if unknown:
        sys.exit(f"no such rows: {' '.join(sorted(unknown))}; there are: pace {' '.join(row.key for row in every)}")
    return [row for row in every if not keys or row.key in keys or row.key == "floor"]


def main():
    a = arguments()
    wanted = chosen(a.rows)
    found, out, judged = [], [], []
    others = busy()
    if others > BUSY:
        out += [f"**Others used {others:.0%} of the machine: the figures are too high.**", ""]
    if len(wanted) > 1:
        say(f"{len(wanted)} rows, {a.rounds} rounds of {a.seconds} s each; load on core {servers.LOAD_CORE},"
            f" servers on core {servers.SERVER_CORE}, the stand-in on core {servers.DATABASE_CORE}")
        found = measure.figures(wanted, a.rounds, a.seconds, say)
        out += lines(found)
        judged += limits.judged(found)
    if not a.rows or "pace" in a.rows:
        links, store = measure.paced()
        out += ["", *paced_lines(links, store)]
        judged += limits.judged_paced(links, measure.PACED_DELAY_MS)
    out += ["", *verdict_lines(judged)]
    say("\n".join(out))
    if a.write:
        from bench import plot
        plot.draw(found, HERE / "bench.svg")
        readme.write(HERE / "README.md", "table", out)
    sys.exit(0 if all(good for good, _, _ in judged) else 1)


try:
    main()
except load.Wrong as e:
    sys.exit(f"FAILED: {e}")
