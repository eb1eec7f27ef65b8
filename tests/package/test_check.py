"""The gate itself: what it counts, and that what should fail does."""
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import check  # noqa: E402

PASS = "[==========] Running 3 test(s).\n[  PASSED  ] 3 test(s).\n"
FAIL = PASS + "[  PASSED  ] 1 test(s).\n[  FAILED  ] tests: 2 test(s), listed below:\n[  FAILED  ] test_a\n\n 2 FAILED TEST(S)\n"
SKIP = "[  PASSED  ] 2 test(s).\n[  SKIPPED ] tests: 1 test(s), listed below:\n[  SKIPPED ] test_b\n"


@pytest.mark.parametrize("out,code,wanted", [
    (PASS, 0, (3, 0, 0)), (PASS + PASS, 0, (6, 0, 0)), (FAIL, 2, (4, 2, 0)), (SKIP, 0, (2, 0, 1)),
    (PASS, 1, (3, 1, 0)), (PASS, -6, (3, 1, 0)), ("", 0, (0, 1, 0)), ("nothing", 0, (0, 1, 0)), ("", -11, (0, 1, 0)),
])
def test_cmocka_is_counted(out, code, wanted):
    count = check.count_cmocka(out, code)
    assert (count.passed, count.failed, count.skipped) == wanted


def step(tmp_path, monkeypatch, function):
    monkeypatch.setattr(check, "LOGS", tmp_path)
    return check.run_step("sample", function, "plain", False)[0]


@pytest.mark.parametrize("text,wanted", [
    ("def test_a():\n    pass\n", (1, 0)),
    ("def test_a():\n    assert 0\n\n\ndef test_b():\n    pass\n", (1, 1)),
    ("import pytest\n\n\n@pytest.mark.sk" + "ip\ndef test_a():\n    pass\n\n\ndef test_b():\n    pass\n", (1, 1)),
    ("import pytest\n\n\n@pytest.mark.xf" + "ail\ndef test_a():\n    assert 0\n", (0, 1)),
    ("import pytest\n\n\n@pytest.fixture\ndef f():\n    assert 0\n\n\ndef test_a(f):\n    pass\n", (0, 1)),
    ("x = 1\n", (0, 1)), ("if:\n", (0, 1)), ("import os\nos._exit(0)\n", (0, 1)),
])
def test_pytest_is_counted(text, wanted, tmp_path, monkeypatch):
    folder = tmp_path / "tests/sample"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text(text)
    monkeypatch.setattr(check, "BASE", tmp_path)
    monkeypatch.setattr(check.Step, "make", lambda self, *t: 0)
    count = step(tmp_path, monkeypatch, lambda s: check.pytest(s, "sample"))
    assert (count.passed, count.failed) == wanted


def test_steps_beside_others_are_grouped_with_them():
    rows = [("a",), ("b",), ("c", None, "plain", False), ("d", None, "plain", False, check.BESIDE), ("e", None, "asan", True)]
    assert [[row[0] for row in group] for group in check.groups(rows)] == [["a"], ["b"], ["c", "d"], ["e"]]
    assert sorted(row[0] for group in check.groups(check.CHECK) for row in group) == sorted(row[0] for row in check.CHECK)


def test_no_tests_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(check.Step, "make", lambda self, *t: 0)
    assert step(tmp_path, monkeypatch, lambda s: check.pytest(s, "no-such-folder")).failed == 1


def test_sanitizer_report_is_a_failure(tmp_path, monkeypatch):
    def leaves_report(s):
        (tmp_path / "san.asan.1").write_text("ERROR")
        return check.Count(5, 0)
    assert step(tmp_path, monkeypatch, leaves_report).failed == 1


def test_too_slow_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "LOGS", tmp_path)
    beat = tmp_path / "beat"
    code, out = check.Step("sample").run("sh", "-c", f"echo begun; (while :; do echo >>{beat}; done) & wait", timeout=1)
    assert code == 124 and "begun" in out and "no end" in out
    before = beat.stat().st_size  # what it had started is ended too
    time.sleep(0.3)
    assert beat.stat().st_size == before


def test_processor_time_of_children_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "LOGS", tmp_path)
    one = check.Step("sample")
    one.run("sh", "-c", f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.3: pass'; sleep 0.3")
    assert 0.3 <= one.cpu < 3


def ci(tmp_path, text):
    """.ci/run with a make of our own."""
    fake = tmp_path / "make"
    fake.write_text("#!/bin/sh\n" + text)
    fake.chmod(0o755)
    done = subprocess.run([ROOT / ".ci/run"], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/",
                          env={**os.environ, "CI": "true", "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    return done.returncode, done.stdout.splitlines()[-1]


def test_ci_ends_with_the_closing_line(tmp_path):
    assert ci(tmp_path, 'echo "12 passed, 0 failed"\n') == (0, "12 passed, 0 failed")
    assert ci(tmp_path, 'echo "12 passed, 3 failed"; echo "make: Error 1" >&2; exit 2\n') == (2, "12 passed, 3 failed")
    assert ci(tmp_path, 'echo "no packages" >&2; exit 2\n') == (2, "0 passed, 1 failed")
