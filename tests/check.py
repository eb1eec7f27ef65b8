"""Run the steps of `make check`, `make check-all` or `make coverage` and count every test.

Each step writes build/check/NAME.log, which is shown when it fails.  A step that ran no test, a skipped test and
a sanitizer report are failures.  The last line is `N passed, N failed`."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BASE = Path(__file__).parents[1]
LOGS = BASE / "build/check"
REPORTS = threading.Lock()
JOBS = f"-j{os.cpu_count() or 2}"
FULL = {"LINKD_FULL": "1", "LINKD_ROUNDS": os.environ.get("LINKD_ROUNDS", "1000")}
# Links the many test programs in a quarter of the time; it does not know all flags that harden.
GOLD = ["LDFLAGS=-fuse-ld=gold", "HARDEN_LD=-pie"] if shutil.which("ld.gold") else []
KINDS = {  # builds: variables of make, and of the environment of what runs
    "plain": (["BUILD=build"], {}),
    "asan": (["BUILD=build/asan", "SAN=-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer",
              "CFLAGS=-O1 -g1", *GOLD],
             {"ASAN_OPTIONS": f"detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:log_path={LOGS}/san.asan",
              "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={LOGS}/san.ubsan"}),
    "tsan": (["BUILD=build/tsan", "SAN=-fsanitize=thread", "CFLAGS=-O1 -g"],
             {"TSAN_OPTIONS": f"halt_on_error=0:second_deadlock_stack=1:log_path={LOGS}/san.tsan"}),
    # with -fexceptions each call would be two branches more, one of which nothing in C can take
    "gcov": (["BUILD=build/gcov", "CFLAGS=-O0 -g1 --coverage -fprofile-update=atomic -fno-exceptions", *GOLD], {}),
    "walk": (["BUILD=build/walk", "CFLAGS=-O0 -g -finstrument-functions"], {}),
    # gcc 12 takes memory kept in a growing array for lost; leaks are looked for by asan and valgrind
    "analyzer": (["BUILD=build/analyzer", "CFLAGS=-O2 -g -fanalyzer -Wno-analyzer-malloc-leak"], {}),
}


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed, self.failed = self.passed + other.passed, self.failed + other.failed
        self.skipped += other.skipped
        return self


class Step:
    """One step: its log, its environment, the processes it runs."""
    def __init__(self, name, kind="plain", full=False):
        self.name, self.kind = name, kind
        self.variables, env = KINDS[kind]
        self.env = {**os.environ, **env, **(FULL if full else {}), "PYTHONDONTWRITEBYTECODE": "1",
                    "LINKD_BINARY": str(BASE / self.variables[0].removeprefix("BUILD=") / "account-linkd")}
        self.shown = []  # the parts of the log that say why the step failed; when empty, its end is shown
        self.cpu = 0.0  # seconds of processor time of what it ran, user and system
        self.log = (LOGS / f"{name}.log").open("w")

    def run(self, *command, timeout=900):
        """-> exit code, output.  A command that takes too long is killed with all its children, and has failed."""
        self.log.write(f"$ {' '.join(map(str, command))}\n")
        self.log.flush()
        start = self.log.tell()
        p = subprocess.Popen([str(c) for c in command], cwd=BASE, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log,
                             stderr=subprocess.STDOUT, start_new_session=True)
        code = self.wait(p, timeout)
        self.log.seek(0, os.SEEK_END)
        if code == 124:
            self.log.write(f"no end after {timeout} s\n")
            self.log.flush()
        return code, Path(self.log.name).read_bytes()[start:].decode("utf-8", "replace")

    def wait(self, p, timeout):
        """-> exit code; 124 after the timeout.  Adds the processor time of the process and of all it waited for."""
        ended = os.pidfd_open(p.pid)
        try:
            late = not select.select([ended], [], [], timeout)[0]
        except BaseException:
            os.killpg(p.pid, signal.SIGTERM)
            raise
        finally:
            os.close(ended)
        if late:
            os.killpg(p.pid, signal.SIGKILL)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.cpu += usage.ru_utime + usage.ru_stime
        return 124 if late else p.returncode

    def make(self, *targets):
        """Warnings are errors but where a sanitizer misleads them."""
        strict = ["WERROR=1"] if self.kind in ("plain", "gcov", "analyzer") else []
        return self.run("make", "--no-print-directory", "-k", JOBS, *strict, *self.variables, *targets)[0]


def build(*targets):
    """No warning in what is built."""
    return lambda step: Count(1, 0) if step.make(*targets) == 0 else Count(0, 1)


def lint(step):
    code, out = step.run(sys.executable, "tests/lint/all.py")
    if code == 0:
        print(re.sub(r"^", "      ", out.strip(), flags=re.M))
    m = re.search(r"(\d+) passed, (\d+) failed\s*$", out)
    return Count(int(m.group(1)), int(m.group(2))) if m else Count(0, 1)


def count_cmocka(out, code):
    """The counts that a cmocka program prints; a program that died or printed none has failed."""
    def total(word):
        return sum(int(n) for n in re.findall(rf"^\[\s+{word}\s+\] (?:tests: )?(\d+) test", out, re.M))
    count = Count(total("PASSED"), total("FAILED"), total("SKIPPED"))
    if count.failed == 0 and (code != 0 or count.passed == 0):
        count.failed = 1
    return count


def at_once(step, *parts):
    """Run parts of a step at the same time.  Each is a function of a step and has its own log."""
    made = [Step(f"{step.name}-{n + 1}", step.kind) for n in range(len(parts))]
    count = Count() if parts else Count(0, 1)
    for own in made:
        own.env = step.env
    with ThreadPoolExecutor(len(parts) or 1) as pool:
        for own, one in zip(made, pool.map(lambda part, own: part(own), parts, made)):
            own.log.close()
            step.cpu += own.cpu
            count += one
            if one.failed or one.skipped:
                step.shown += own.shown or [Path(own.log.name).read_text(errors="replace")]
    return count


def run_programs(step, programs, before):
    count = Count()
    for program in programs:
        code, out = step.run(*before, program, timeout=3600 if "LINKD_FULL" in step.env else 300)
        one = count_cmocka(out, code)
        if one.failed or one.skipped:
            step.shown.append(out)
            print(f"      {program.name}: exit {code}, {one.passed} passed, {one.failed} failed, {one.skipped} skipped")
        count += one
    return count


def unit(step, before=()):
    """The programs under tests/unit and tests/store.  Those that start a server mostly wait, so they run beside the others."""
    if step.make("unit-programs"):
        return Count(0, 1)
    folder, lanes = BASE / step.variables[0].removeprefix("BUILD="), ([], [])
    for source in [p for d in ("unit", "store") for p in sorted((BASE / "tests" / d).glob("test_*.c"))]:
        lanes[re.search(r'"(store/)?script\.h"', source.read_text()) is not None].append(
            folder / source.relative_to(BASE / "tests").with_suffix(""))
    return at_once(step, *[lambda own, lane=lane: run_programs(own, lane, before) for lane in lanes if lane])


def read_junit(path, code):
    """The counts of pytest's report; a run without a report has failed."""
    if not path.exists():
        return Count(0, 1)
    count = Count()
    for suite in ET.parse(path).getroot().iter("testsuite"):
        n, bad, off = (int(suite.get(a)) for a in ("tests", "failures", "skipped"))
        bad += int(suite.get("errors"))
        count += Count(n - bad - off, bad, off)
    if code and not count.failed:
        count.failed = 1
    return count


def pytest(step, *paths, before=(), timeout=900):
    """Run the tests below these paths of tests/."""
    report = LOGS / f"{step.name}.xml"
    report.unlink(missing_ok=True)
    there = [f"tests/{p}" for p in paths if (BASE / "tests" / p).is_file() or list((BASE / "tests" / p).rglob("test_*.py"))]
    if not there:
        print(f"      {' '.join(paths)}: no tests there")
        return Count(0, 1)
    code, out = step.run(*before, "/usr/bin/python3", "-m", "pytest", "-q", "--durations=5", "-p", "no:cacheprovider",
                         f"--junitxml={report}", *there, timeout=timeout)
    for figures in re.findall(r"^=+ figures =+\n(.*?)\n=+ end of figures =+$", out, re.M | re.S):
        print(re.sub(r"^", "      ", figures, flags=re.M))
    return read_junit(report, code)


def scripts(*folders, before=(), timeout=900, extra=()):
    """A step that runs these folders of Python tests.  It builds the program, the drivers and the targets of `extra` first."""
    def run(step):
        return Count(0, 1) if step.make("all", "drivers", *extra) else pytest(step, *folders, before=before, timeout=timeout)
    return run


def side_by_side(step, groups, before=()):
    """Run groups of Python tests at the same time, because they mostly wait."""
    timeout = 7200 if "LINKD_FULL" in step.env else 900
    return at_once(step, *[lambda own, g=g: pytest(own, *g, before=before, timeout=timeout) for g in groups if g])


# Flow tests for which the kind of store makes no difference, and those of which tests/dynamodb has a form of its own.
STORE_FREE = {f"test_{name}.py" for name in (
    "admin_tokens", "agree_rounds", "binding", "config", "confirm_message", "cpus", "csrf", "demo", "framing", "hashes", "headers",
    "json", "limits", "logs", "methods", "params", "redirect", "security_txt", "signals", "signature", "slow", "verify")}


def flow(step, leave_out=(), parts=3):
    """The flow tests in parts.  ThreadSanitizer fails with high address randomisation, so setarch turns it off."""
    if step.make("all"):
        return Count(0, 1)
    tests = sorted((p for p in (BASE / "tests/flow").rglob("test_*.py") if p.name not in leave_out), key=lambda p: p.stat().st_size)
    paths = [p.relative_to(BASE / "tests") for p in tests]
    return side_by_side(step, [paths[n::parts] for n in range(parts)], ("setarch", "-R") if step.kind == "tsan" else ())


def hostile(step):
    """Hostile clients and failing dependencies.  The long forms measure times, so they run one after another."""
    clients, rest = ["hostile/test_clients.py", "hostile/test_bodies.py", "hostile/test_slowhttptest.py"], ["hostile/test_dependencies.py"]
    if step.make("all"):
        return Count(0, 1)
    return pytest(step, *rest, *clients, "hostile/test_proxies.py", timeout=7200) if "LINKD_FULL" in step.env else side_by_side(step, [clients, rest])


def on_dynamodb(step, leave_out=(), parts=2):
    """The flow tests, with every service on DynamoDB Local."""
    step.env["LINKD_TEST_STORE"] = "dynamodb"
    return flow(step, leave_out, parts)


def flow_dynamodb(step):
    """The flow tests that use the store, on the build that counts lines."""
    for path in (BASE / "build/gcov").rglob("*.gcda"):
        path.unlink()
    return on_dynamodb(step, STORE_FREE)


def python_counted(step):
    """Sources of credentials, without the slow tests that reach no further lines."""
    out = "combination or random or hangs or refresh"
    code, told = step.run("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/aws", "-k", f"not ({out})")
    return Count(0, int(code != 0 or " passed" not in told))


def counted(step):
    """The C tests and the tests of credentials on the build that counts lines.  Counts as one test, because the steps
    `unit` and `aws` have counted them."""
    if step.make("all", "drivers"):
        return Count(0, 1)
    count = at_once(step, unit, python_counted)
    return Count(int(not count.failed), count.failed + count.skipped)


def coverage(step):
    """Lines and branches that the steps before reached."""
    code, out = step.run("gcovr", "-r", ".", "--object-directory", "build/gcov", "-f", "src/", "-s", "--fail-under-line", "90",
                         "--fail-under-branch", "80", "--html-details", LOGS / "coverage.html", "--json", LOGS / "coverage.json",
                         "--sort-percentage", "build/gcov")
    print(re.sub(r"^", "      ", out.strip(), flags=re.M))
    bare, told = step.run("/usr/bin/python3", "tests/mutants/branches.py", LOGS / "coverage.json")
    print(re.sub(r"^", "      ", told.strip(), flags=re.M))
    return Count(int(code == 0) + (bare == 0), (code != 0) + (bare != 0))


def framing(step):
    """Every row of the table on both libraries.  Counts as one test, because pytest counts the rows."""
    code, out = step.run("/usr/bin/python3", "tests/framing.py") if step.make("all") == 0 else (1, "")
    print(re.sub(r"^", "      ", out.partition("=== table ===\n")[2].partition("=== end")[0].rstrip(), flags=re.M))
    return Count(int(code == 0), int(code != 0))


def mutants(step, *words):
    """A test must detect each mutant."""
    code, out = step.run("/usr/bin/python3", "tests/mutants/run.py", *words, timeout=5400)
    lines = re.findall(r"^mutants of .*|^\d+ mutants in .*", out, re.M)
    print("\n".join(f"      {line}" for line in lines))
    return Count(int(code == 0), int(code != 0 or not lines))


def fuzz(step):
    """Every input of the corpora.  Each target counts as one test."""
    if step.make("replay"):
        return Count(0, 1)
    folder, count = step.variables[0].removeprefix("BUILD="), Count()
    targets = sorted(p.stem.removeprefix("target_") for p in (BASE / "tests/fuzz").glob("target_*.c"))
    for target in targets:
        code, out = step.run(f"{folder}/replay/{target}", f"tests/fuzz/corpus/{target}")
        good = code == 0 and re.search(r"^[1-9]\d* inputs$", out, re.M)
        if not good:
            step.shown.append(out)
            print(f"      {target}: exit {code}")
        count += Count(1, 0) if good else Count(0, 1)
    return count if targets else Count(0, 1)


def fuzz_full(step):
    """A minute of libFuzzer for each target."""
    step.env["LINKD_FUZZ_README"] = "no"
    seconds = os.environ.get("LINKD_FUZZ_SECONDS", "60")
    code, out = step.run(sys.executable, "tests/fuzz/fuzz.py", "run", "--seconds", seconds, timeout=7200)
    m = re.search(r"(\d+) passed, (\d+) failed\s*$", out)
    print(re.sub(r"^", "      ", out.strip(), flags=re.M))
    return Count(int(m.group(1)), max(int(m.group(2)), code != 0)) if m else Count(0, 1)


def valgrind(step):
    step.env["LINKD_SLOW"] = "20"
    return unit(step, before=("valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
                              "--errors-for-leak-kinds=definite", "--fair-sched=try"))


def walk(step):
    """The number of files that a request enters."""
    return Count(0, 1) if step.make("all", "walk") else pytest(step, "walk")


def analyzer(step):
    """The analyzers of gcc, during a build, and of clang."""
    gcc = step.make("all") == 0
    clang = step.run(sys.executable, "tests/lint/tools.py", "clang-analyzer")[0] == 0
    return Count(gcc + clang, 2 - gcc - clang)


def bench(step):
    """The limits of make bench, one test each."""
    code, out = step.run("make", "--no-print-directory", "WERROR=1", "bench", timeout=3600)
    print(re.sub(r"^", "      ", "\n".join(re.findall(r"^[|-].*", out, re.M)), flags=re.M))
    count = Count(len(re.findall(r"^- holds", out, re.M)), len(re.findall(r"^- \*\*falls short", out, re.M)))
    if not count.failed and (code or not count.passed):
        count.failed = 1
    return count


def fresh(step):
    """A new machine of each release: packages, build, install."""
    count = Count()
    for release in ("bookworm", "trixie"):
        code, _ = step.run("sh", "tests/fresh.sh", release)
        count += Count(1, 0) if code == 0 else Count(0, 1)
    return count


BESIDE = True  # run at the same time as the step before: steps of a group wait more than they compute
CHECK = [
    ("build", build("all", "drivers", "bench-tools"), "plain", False),
    ("build-asan", build("all", "tests"), "asan", False),
    ("lint", lint, "plain", False),
    ("aws", scripts("aws"), "asan", False, BESIDE),
    ("unit", unit, "asan", False, BESIDE),
    ("fuzz", fuzz, "asan", False, BESIDE),
    ("browser", scripts("browser", timeout=300), "plain", False, BESIDE),
    ("flow", flow, "asan", False),
    ("flow-dynamodb", flow_dynamodb, "gcov", False, BESIDE),
    ("dynamodb", scripts("dynamodb", extra=["unit-programs"]), "asan", False),
    ("mutants", lambda s: mutants(s, "--short"), "plain", False, BESIDE),
    ("tools", scripts("lint", "package", "simulator", "deploy", "readme", "mutants", "bench/test_tools.py", extra=["bench-tools"]),
     "plain", False, BESIDE),
    ("model", scripts("model/test_model.py", timeout=300), "plain", False, BESIDE),
    ("hostile", hostile, "plain", False),
    ("torture", scripts("torture"), "gcov", False, BESIDE),
    ("counted", counted, "gcov", False, BESIDE),
    ("load", scripts("load"), "plain", False),
    ("coverage", coverage, "gcov", False),
]
ALL = [
    ("unit-full", unit, "asan", True),
    ("flow-full", flow, "asan", True),
    ("flow-dynamodb-all", on_dynamodb, "asan", False),
    ("aws-full", scripts("aws"), "asan", True),
    ("aws-threads", scripts("aws", before=("setarch", "-R")), "tsan", False),
    ("unit-threads", lambda s: unit(s, before=("setarch", "-R")), "tsan", False),
    ("flow-threads", flow, "tsan", False),
    ("valgrind", valgrind, "plain", False),
    ("analyzer", analyzer, "analyzer", False),
    ("walk", walk, "walk", False),
    ("speed", scripts("speed"), "plain", True),
    ("bench", bench, "plain", True),
    ("bench-more", scripts("bench/test_peers.py", "bench/test_memory.py", "bench/test_flat.py", extra=["bench-tools"], timeout=3600), "plain", True),
    ("fresh", fresh, "plain", False),
    ("image", scripts("image", timeout=1800), "plain", False),
    ("hostile-full", hostile, "plain", True),
    ("torture-asan", scripts("torture"), "asan", False),
    ("torture-full", scripts("torture", timeout=14400), "plain", True),
    ("dynamodb-full", scripts("dynamodb", extra=["unit-programs"], timeout=5400), "plain", True),
    ("load-full", scripts("load", timeout=5400), "plain", True),
    ("timing", scripts("timing", timeout=7200), "plain", True),
    ("fuzz-full", fuzz_full, "plain", True),
    ("model-full", scripts("model", timeout=7200), "plain", True),
    ("framing", framing, "plain", False),
    ("mutants-all", mutants, "plain", False),
]
STEPS = {"check": CHECK, "all": CHECK + ALL, "coverage": [row for row in CHECK if row[2] == "gcov"]}


def sanitizer_reports():
    """Reports of all processes, including those whose exit code no test checks."""
    with REPORTS:
        return take_reports(sorted(LOGS.glob("san.*")))


def take_reports(found):
    for path in found:
        print(f"----- {path.name}\n{path.read_text(errors='replace')[:6000]}")
        path.rename(path.with_name(f"seen-{path.name}"))
    return len(found)


def run_step(name, function, kind, full, _=False):
    start = time.monotonic()
    step = Step(name, kind, full)
    print(f"----  {name}", flush=True)
    count = function(step)
    count.failed += sanitizer_reports() + count.skipped
    step.log.close()
    if count.failed:
        for part in step.shown or [Path(step.log.name).read_text(errors="replace")]:
            print(part[-20000:])
    skipped = f" ({count.skipped} of them skipped)" if count.skipped else ""
    print(f"{'FAIL' if count.failed else 'ok':4}  {name}: {count.passed} passed, {count.failed} failed{skipped},"
          f" {time.monotonic() - start:.0f} s, {step.cpu:.0f} s of processor time", flush=True)
    return count, step.cpu


def groups(rows):
    """Groups of rows: the groups run one after another, the rows of a group at the same time."""
    made = []
    for row in rows:
        if made and row[4:] == (BESIDE,):
            made[-1].append(row)
        else:
            made.append([row])
    return made


def main():
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    total, failing, times = Count(), [], []
    wanted = sys.argv[2:]
    for group in groups([row for row in STEPS[sys.argv[1]] if not wanted or row[0] in wanted]):
        with ThreadPoolExecutor(len(group)) as pool:
            for row, (count, cpu) in zip(group, pool.map(lambda row: run_step(*row), group)):
                total += count
                times.append((cpu, row[0]))
                failing += [row[0]] if count.failed else []
    if failing:
        print(f"failing: {' '.join(failing)}; logs in {LOGS.relative_to(BASE)}")
    print(f"processor time: {sum(t for t, _ in times) / 60:.1f} min;",
          ", ".join(f"{name} {cpu:.0f} s" for cpu, name in sorted(times, reverse=True)))
    print(f"{total.passed} passed, {total.failed} failed")
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main()
