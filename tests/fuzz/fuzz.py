"""Fuzzing with libFuzzer: `python3 tests/fuzz/fuzz.py run|add|merge ...`.

run [TARGET...] [--seconds N]  fuzz each target that long, two at a time, from its corpus; new inputs stay in
                               build/fuzz/found.  Each run is a line of build/fuzz/ledger; then as `add`
add LEDGER                     add the runs of a ledger to the table in tests/FIGURES.md and move them to LEDGER.added
merge [FOLDER]                 put what FOLDER/TARGET/ holds (build/fuzz/found) into tests/fuzz/corpus, the smallest
                               inputs that reach the same; those written by hand and of past crashes stay

A line of a ledger: time, target, executions, CPU seconds, edges, features, inputs, crashes, by tabs."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pack

HERE = Path(__file__).parent
BASE = HERE.parents[1]
sys.path.insert(0, str(BASE / "tests"))
import figures
OUT = BASE / "build/fuzz"
README = BASE / "tests/FIGURES.md"
TARGETS = [p.stem.removeprefix("target_") for p in sorted(HERE.glob("target_*.c"))]
BUILD = ["BUILD=build/fuzz", "CC=clang", "HARDEN=", "HARDEN_LD=", "WARN=", "CFLAGS=-O2 -g",
         "SAN=-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"]
ENV = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=16:malloc_context_size=8"}
FOUND, BY_HAND, FOUND_MAX, INPUT_MAX = "found by fuzzing", "written by hand", 120, 1500
HEAD = ["| target | executions | edges | features | inputs | crashes | CPU-minutes |", "|---|---|---|---|---|---|---|"]


def build(targets):
    binaries = [f"build/fuzz/fuzzer/{t}" for t in targets]
    p = subprocess.run(["make", "--no-print-directory", "-s", f"-j{os.cpu_count() or 2}", *BUILD, *binaries], cwd=BASE,
                       stdout=subprocess.DEVNULL)
    if p.returncode:
        sys.exit("the fuzz targets cannot be built")


def last(pattern, text):
    found = re.findall(pattern, text, re.M)
    return int(found[-1]) if found else 0


def figures_of(text):
    """-> executions, edges, features; libFuzzer's last word in its log."""
    return (last(r"number_of_executed_units: (\d+)", text) or last(r"^#(\d+)\t", text), last(r"cov: (\d+)", text),
            last(r"ft: (\d+)", text))


def start(target, seconds, log):
    """libFuzzer on the corpus of a target -> exit code, CPU seconds."""
    found = OUT / "found" / target
    pack.unpack(HERE / "corpus" / target, found)
    words = HERE / "dict" / target
    command = [OUT / "fuzzer" / target, f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=60", "-max_len=4096",
               "-rss_limit_mb=2048", f"-artifact_prefix={OUT}/crash-{target}-", *([f"-dict={words}"] if words.exists() else [])]
    with log.open("w") as out:
        p = subprocess.Popen([*map(str, command), str(found)], cwd=BASE, env=ENV, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.STDOUT)
        _, status, use = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    return p.returncode, use.ru_utime + use.ru_stime


def show_crash(target, text):
    made = re.search(r"Test unit written to (\S+)", text)
    print(f"----- {target}: a crash\n" + "\n".join(line for line in text.splitlines() if re.search(
        r"does not hold|runtime error|ERROR|SUMMARY|^\s+#\d+ ", line))[:6000])
    if made and Path(made.group(1)).exists():
        print(f"put this line into tests/fuzz/corpus/{target}, below a comment that says what it was:\n"
              f"{pack.line(Path(made.group(1)).read_bytes())}")


def fuzz(target, seconds):
    """-> a row of the ledger."""
    log = OUT / f"{target}.log"
    code, cpu = start(target, seconds, log)
    text = log.read_text(errors="replace")
    crashed = code != 0 and "run interrupted" not in text
    executions, edges, features = figures_of(text)
    inputs = len(list((OUT / "found" / target).iterdir()))
    if crashed:
        show_crash(target, text)
    row = [time.strftime("%FT%T"), target, executions, f"{cpu:.1f}", edges, features, inputs, int(crashed)]
    print(f"{target:10} {executions:>11,} executions, {edges:>5,} edges, {features:>6,} features, {inputs:>5,} inputs,"
          f" {'a crash' if crashed else '0 crashes'}, {cpu / 60:.1f} CPU-minutes", flush=True)
    return row


def read_table(text):
    """Rows of the block in the README -> {target: numbers}"""
    block = re.search(r"<!-- figures: fuzz -->\n(.*?)<!-- end -->", text, re.S)
    rows = re.findall(r"^\| (\w+) \| ([\d,.| ]+) \|$", block.group(1) if block else "", re.M)
    return {name: [float(n.replace(",", "")) for n in numbers.split(" | ")] for name, numbers in rows}


def total(table, rows):
    """Executions, crashes and time add up; of edges, features and inputs the most counts."""
    for _, target, executions, cpu, edges, features, inputs, crashes in rows:
        old = table.get(target, [0.0] * 6)
        table[target] = [old[0] + int(executions), max(old[1], int(edges)), max(old[2], int(features)),
                         max(old[3], int(inputs)), old[4] + int(crashes), old[5] + float(cpu) / 60]
    return table


def add(ledger):
    """Into the README, once: what was added goes to LEDGER.added, and the ledger begins anew."""
    taken, added = (ledger.with_name(f"{ledger.name}.{word}") for word in ("taken", "added"))
    ledger.rename(taken)
    rows = [line.split("\t") for line in taken.read_text().splitlines()]
    table = total(read_table(README.read_text()), rows)
    figures.write(README, "fuzz", HEAD + [
        f"| {t} | {n[0]:,.0f} | {n[1]:,.0f} | {n[2]:,.0f} | {n[3]:,.0f} | {n[4]:.0f} | {n[5]:.1f} |" for t, n in sorted(table.items())])
    with added.open("a") as f:
        f.write(taken.read_text())
    taken.unlink()
    print(f"{len(rows)} runs added to {README.relative_to(BASE)}")


def run(targets, seconds):
    build(targets)
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        rows = list(pool.map(lambda t: fuzz(t, seconds), targets))
    with (OUT / "ledger").open("a") as f:
        f.writelines("\t".join(map(str, row)) + "\n" for row in rows)
    if os.environ.get("LINKD_FUZZ_README") != "no":
        add(OUT / "ledger")
    bad = sum(row[-1] for row in rows)
    print(f"{len(rows) - bad} passed, {bad} failed")
    sys.exit(bad > 0)


def merged(target, folders):
    """The smallest inputs that reach what those of the folders reach."""
    with tempfile.TemporaryDirectory() as out:
        p = subprocess.run([OUT / "fuzzer" / target, "-merge=1", f"-max_len={INPUT_MAX}", "-timeout=60", out, *folders], env=ENV, cwd=BASE,
                           capture_output=True, text=True, errors="replace")
        if p.returncode:
            print(p.stderr[-3000:], file=sys.stderr)
            sys.exit(f"{target}: the merge failed")
        return sorted((one.read_bytes() for one in Path(out).iterdir()), key=lambda data: (len(data), data))


def spread(inputs, n):
    """At most n of them, of every length."""
    return inputs if len(inputs) <= n else [inputs[i * len(inputs) // n] for i in range(n)]


def merge(folder, targets):
    build(targets)
    for target in targets:
        path = HERE / "corpus" / target
        kept = [(section or BY_HAND, data) for section, data in pack.read(path) if section != FOUND]
        with tempfile.TemporaryDirectory() as own:
            shutil.copytree(folder / target, own, dirs_exist_ok=True)
            pack.unpack(path, Path(own))
            new = [data for data in merged(target, [own]) if data and data not in {d for _, d in kept}]
        pack.write(path, kept + [(FOUND, data) for data in spread(new, FOUND_MAX)])
        print(f"{target}: {len(kept)} kept, {min(len(new), FOUND_MAX)} of {len(new)} found, {path.stat().st_size:,} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "add", "merge"])
    parser.add_argument("arguments", nargs="*", help="targets, the ledger, or the folder")
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    given = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    if given.what == "run":
        unknown = set(given.arguments) - set(TARGETS)
        if unknown:
            parser.error(f"no such target: {' '.join(sorted(unknown))}; there are {' '.join(TARGETS)}")
        run(given.arguments or TARGETS, given.seconds)
    elif given.what == "add":
        add(Path(given.arguments[0] if given.arguments else OUT / "ledger"))
    else:
        merge(Path(given.arguments[0]) if given.arguments else OUT / "found", TARGETS)


if __name__ == "__main__":
    main()
