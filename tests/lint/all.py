"""Every lint but the slow ones, or those named: `python3 tests/lint/all.py [NAME...]`.  Two at a time; a lint that fails
shows its findings.  Last line: N passed, N failed."""
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SHOWN = 80  # lines of findings of one lint
HERE = Path(__file__).parent
OWN = ["layers", "symbols", "names", "sizes", "banned", "routes", "settings", "metrics", "messages", "tests", "words", "shape"]
TOOLS = ["cppcheck", "clang-format", "shellcheck", "python", "clang-tidy"]
SLOW = ["clang-analyzer"]  # a part of `make check-all`


def command(name):
    return [sys.executable, HERE / "tools.py", name] if name in TOOLS + SLOW else [sys.executable, HERE / f"{name}.py"]


def lint(name):
    start = time.monotonic()
    p = subprocess.run(command(name), capture_output=True, text=True)
    lines = (p.stdout + p.stderr).rstrip().split("\n")
    found = lines[:-1] if p.returncode else []
    if len(found) > SHOWN:
        found[SHOWN:] = [f"and {len(found) - SHOWN} more: {' '.join(str(c) for c in command(name))}"]
    out = "\n".join([*(f"      {line}" for line in found),
                     f"{'FAIL' if p.returncode else 'ok':4}  {lines[-1]} ({time.monotonic() - start:.1f} s)"])
    print(out, flush=True)
    return p.returncode == 0


def main():
    names = sys.argv[1:] or OWN + TOOLS
    with ThreadPoolExecutor(2) as pool:
        good = sum(pool.map(lint, names))
    print(f"{good} passed, {len(names) - good} failed")
    sys.exit(good < len(names))


main()
