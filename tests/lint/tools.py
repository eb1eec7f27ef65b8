"""The lints that are programs of the distribution: `python3 tests/lint/tools.py NAME [ROOT]`.
Each says how many files it was given and fails when there are none or when it takes too long."""
import ast
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lintlib import files

NAME = sys.argv[1]
BASE = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2]).resolve()
HERE = Path(__file__).parent
INCLUDES = ["-Isrc", "-Ibuild/gen", "-Itests/unit", "-D_GNU_SOURCE"]


def run(*command):
    """-> 0 or 1, and the output of the program."""
    p = subprocess.run([str(c) for c in command], cwd=BASE, capture_output=True, text=True, timeout=300)
    return (1 if p.returncode else 0), p.stdout + p.stderr


def each(items, command):
    """One run an item, two at a time."""
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(pool.map(lambda i: run(*command(i)), items))


def clang_format():
    found = files(BASE, "*.c", "*.h", under=["src", "tests"])
    results = each([[*found[n::8]] for n in range(8) if found[n::8]], lambda part: ["clang-format", "--dry-run", "-Werror", *part])
    places = Counter(re.findall(r"^(/.*?):\d+:\d+: error: code should be clang-formatted", "".join(t for _, t in results), re.M))
    return found, [(code, "") for code, _ in results] + [
        (1, f"{Path(path).relative_to(BASE)}: {n} places are not clang-formatted (make format)\n") for path, n in places.items()]


def tidy(checks):
    found = files(BASE, "*.c", under=["src"])
    config = BASE / ".clang-tidy" if (BASE / ".clang-tidy").exists() else HERE.parents[1] / ".clang-tidy"
    results = each(found, lambda f: ["clang-tidy", "--quiet", f"--config-file={config}", f"--checks={checks}", f, "--", "-std=c11",
                                     *INCLUDES])
    return found, [(code, re.sub(r"^\d+ warnings? (and \d+ errors? )?(generated|treated).*\n", "", text, flags=re.M))
                   for code, text in results]


def clang_tidy():
    """All checks of .clang-tidy but the analyzer's, which take two thirds of the time."""
    return tidy("-clang-analyzer-*")


def clang_analyzer():
    return tidy("-bugprone-*,-cert-*,-misc-*,-performance-*,-portability-*")


def cppcheck():
    found = files(BASE, "*.c", under=["src"])
    return found, [run("cppcheck", "-q", "--std=c11", "--enable=warning,performance,portability", "--inline-suppr",
                       "--error-exitcode=1", f"--suppressions-list={HERE / 'cppcheck.supp'}", "-j2", *INCLUDES,
                       *found)] if found else []


def shellcheck():
    found = [f for f in files(BASE, "*", under=["tests", ".ci", "config", "docker", "deploy"])
             if f.suffix == ".sh" or re.match(rb"#!.*\b(ba|da)?sh\b", f.open("rb").read(32))]
    return found, [run("shellcheck", *found)] if found else []


def python():
    found = files(BASE, "*.py", under=["tests", "config", "docker", "deploy"])
    results = []
    for f in found:
        try:
            ast.parse(f.read_text(), str(f))
        except SyntaxError as e:
            results.append((1, f"{e.filename}:{e.lineno}: {e.msg}\n"))
    return found, results + ([run("pyflakes3", *found)] if found else [])


TOOLS = {"clang-format": clang_format, "clang-tidy": clang_tidy, "clang-analyzer": clang_analyzer, "cppcheck": cppcheck, "shellcheck": shellcheck,
         "python": python}


def main():
    found, results = TOOLS[NAME]()
    bad = sum(code for code, _ in results)
    sys.stdout.write("".join(text for code, text in results if code))
    print(f"{NAME}: {len(found)} files, {'findings' if bad else '0 findings'}")
    if not found:
        print(f"{NAME}: looked at nothing, which is a failure of the lint itself")
    sys.exit(1 if bad or not found else 0)


if __name__ == "__main__":
    main()
