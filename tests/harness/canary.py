"""Secrets the tests used, and the search for them in everything the services wrote."""

import json
import os
import subprocess
import tempfile
import threading

SHORTEST = 8
SANITIZER = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
             "AddressSanitizer:DEADLYSIGNAL", "==ERROR")

_lock = threading.Lock()
_secrets = {}
_lines = []


def secret(value, kind):
    """Register a string no log may hold in clear; -> the string."""
    if isinstance(value, str) and len(value) >= SHORTEST:
        with _lock:
            _secrets[value] = kind
    return value


def keep(lines):
    """Take over the log lines (text) of a service that ended."""
    with _lock:
        _lines.extend(lines)


def bad_line(line):
    """Why a line is not one JSON object with the fields every line has, else ''."""
    try:
        value = json.loads(line)
    except ValueError:
        return "not JSON"
    if not isinstance(value, dict):
        return "not an object"
    missing = [name for name in ("time", "level", "msg") if not isinstance(value.get(name), str)]
    return f"without {missing}" if missing else ""


def _leaked(text):
    """The secrets that stand in the text.  By grep, since a long run has 100,000 of them and of lines."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as patterns:
        patterns.writelines(value + "\n" for value in _secrets if "\n" not in value)
        patterns.flush()
        p = subprocess.run(["grep", "-aoFf", patterns.name], input=text.encode(), capture_output=True,
                           env={**os.environ, "LC_ALL": "C"})
    assert p.returncode in (0, 1), p.stderr
    seen = set(p.stdout.decode("utf-8", "replace").splitlines())
    return [value for value in _secrets if any(value in one for one in seen)] if seen else []


def report():
    """-> (secrets searched, lines searched, findings).  A finding never repeats the secret."""
    with _lock:
        found = [f"a {_secrets[value]} ({value[:2]}…, {len(value)} characters) is in the log in clear: "
                 + _line_with(value).replace(value, "<HERE>")[:300] for value in _leaked("\n".join(_lines))]
        return len(_secrets), len(_lines), found


def _line_with(value):
    return next((line for line in _lines if value in line), "")


def sanitizer_report(stderr):
    """The first sanitizer finding in a program's stderr, else ''."""
    at = min((stderr.find(mark) for mark in SANITIZER if mark in stderr), default=-1)
    return stderr[at:at + 4000] if at >= 0 else ""
