"""Secrets the tests used, and the search for them in everything the services wrote."""

import json
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


def report():
    """-> (secrets searched, lines searched, findings).  A finding never repeats the secret."""
    with _lock:
        text = "\n".join(_lines)
        found = [f"a {kind} ({value[:2]}…, {len(value)} characters) is in the log in clear: "
                 + _line_with(value).replace(value, "<HERE>")[:300]
                 for value, kind in _secrets.items() if value in text]
        return len(_secrets), len(_lines), found


def _line_with(value):
    return next((line for line in _lines if value in line), "")


def sanitizer_report(stderr):
    """The first sanitizer finding in a program's stderr, else ''."""
    at = min((stderr.find(mark) for mark in SANITIZER if mark in stderr), default=-1)
    return stderr[at:at + 4000] if at >= 0 else ""
