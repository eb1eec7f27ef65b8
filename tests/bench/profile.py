"""Where the microseconds of a row go: perf on the running server, by library and by system call.

    cd tests && python3 -m bench.profile [--write] [ROW...]"""
import argparse
import pathlib
import re
import subprocess
import tempfile

import figures as readme
from bench import measure, rows, servers

HERE = pathlib.Path(__file__).parent
SECONDS, HERTZ = 4, 2000
LEAST = 1.0  # percent: what is less goes into the rest
OURS = ("floor", "message", "linked", "sqlite")


def report(data, *words):
    """-> [(percent, name)]; of two numbers the first, with what was called."""
    p = subprocess.run(["perf", "report", "-i", data, "--stdio", "-g", "none", *words], capture_output=True, text=True, check=True)
    return [(float(part), name.strip()) for part, name in re.findall(r"^\s+([\d.]+)%(?:\s+[\d.]+%)?\s+(.*)$", p.stdout, re.M)]


def system_calls(data):
    """-> {name: percent}: the outermost of a call's functions."""
    made = {}
    for part, name in report(data, "--children", "--sort", "sym"):
        m = re.search(r"\[k\] _*(?:(?:x64|arm64)_)?sys_(\w+)$", name)
        if m:
            made[m.group(1)] = max(part, made.get(m.group(1), 0))
    return made


def library(name):
    """libcurl.so.4.8.0 -> libcurl"""
    if name.startswith("[kernel"):
        return "kernel"
    return re.sub(r"(-gnutls|-\d[\d.]*)?\.so.*", "", name)


def record(row, folder):
    """-> CPU µs a request, file of perf"""
    data = folder / "perf.data"
    with servers.awake(), row.start(folder) as stage:
        measure.one_round(row, stage, measure.WARM_S)
        perf = subprocess.Popen(["perf", "record", "-q", "-o", data, "-e", "cpu-clock", "-F", str(HERTZ), "-g", "-p", str(stage.pid)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        made = measure.one_round(row, stage, SECONDS)
        perf.terminate()
        perf.wait()
    return made.cpu_us, data


def parts(row):
    """-> CPU µs a request, [(µs, what)] by library, by system call"""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        cpu_us, data = record(row, pathlib.Path(home))
        found = report(data, "--no-children", "--sort", "dso")
        libraries = [(part * cpu_us / 100, library(name)) for part, name in found if part >= LEAST]
        calls = [(part * cpu_us / 100, name) for name, part in system_calls(data).items() if part >= LEAST]
    return cpu_us, libraries, calls


def lines(row, cpu_us, libraries, calls):
    """One row of the table."""
    def join(found):
        return ", ".join(f"{name} {us:.1f}" for us, name in found)
    return f"| {row.title} | {cpu_us:.1f} | {join(libraries)} | {join(calls)} |"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--write", action="store_true")
    p.add_argument("rows", nargs="*", default=OURS)
    a = p.parse_args()
    out = ["| | CPU µs under perf | of it, by library | of the kernel's, by system call |", "|---|--:|---|---|"]
    for row in rows.table():
        if row.key in a.rows:
            out.append(lines(row, *parts(row)))
    print("\n".join(out))
    if a.write:
        readme.write(HERE / "README.md", "profile", out)


if __name__ == "__main__":
    main()
