"""Shared by the tests of the running service: fixtures, a linter per test, a search of all logs."""

import os
import inspect
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import canary, lint, wire
from harness.phone import Customer, Phone
from harness.service import BINARY, Service

FULL = os.environ.get("LINKD_FULL") == "1"


SQLITE_ONLY = re.compile(r"database\.(opened|locked|check)\b|sqlite:")
SQLITE_ONLY_NAMES = re.compile(  # the key file, its disk, and an unlink of nobody, which looks again for a second
    r"test_the_seal_key_is_generated_and_kept|test_a_disk_|test_no_pause_between_answers\[.*webhook\]")
SQLITE_ONLY_FILES = ("test_secrets_at_home.py",)  # AWS keys and users of its own


def count(name, short, full):
    """How many rounds a repeated test makes: its variable, else by tier."""
    return int(os.environ.get(name) or (full if FULL else short))


@pytest.fixture(scope="session", autouse=True)
def store_of_services(request):
    """LINKD_TEST_STORE=dynamodb: every service that names no store of its own is on DynamoDB Local."""
    if os.environ.get("LINKD_TEST_STORE") != "dynamodb":
        yield None
        return
    from dynamodb.stage import Stage
    stage = Stage()

    def on_dynamodb(directory):
        table = stage.table(BINARY)
        return table, stage.settings(table.name)

    Service.store = staticmethod(on_dynamodb)
    yield stage
    stage.stop()
    assert not stage.proxy.wrong, stage.proxy.wrong[:5]


@pytest.fixture(scope="session")
def binary():
    if not pathlib.Path(BINARY).is_file():
        pytest.exit(f"{BINARY} is not there: run make first, or set LINKD_BINARY", 2)
    return BINARY


@pytest.fixture(scope="session")
def shared(binary, tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("linkd")).start()
    yield running
    running.stop()


@pytest.fixture
def service(shared):
    """The service most tests share.  A test during which it ended has failed; the next one gets it anew."""
    yield shared
    if shared.process.poll() is not None:
        try:
            shared.ended()
            pytest.fail("the service ended by itself")
        finally:
            shared.start()


@pytest.fixture
def make_service(binary, tmp_path_factory):
    """Services with settings of their own, ended with the test."""
    made = []

    def make(start=True, arguments=(), **settings):
        one = Service(tmp_path_factory.mktemp("linkd"), **settings)
        one.arguments = list(arguments)
        made.append(one)
        return one.start() if start else one

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def customer(service):
    return Customer(service)


@pytest.fixture
def phone(service):
    return Phone(service)


@pytest.fixture(autouse=True)
def every_answer_keeps_the_rules():
    lint.take()
    yield
    found = lint.take()
    assert not found, found[:10]


def needs_sqlite(item):
    return item.path.parent.name == "flow" and (
        item.path.name in SQLITE_ONLY_FILES or SQLITE_ONLY_NAMES.match(item.name) or SQLITE_ONLY.search(inspect.getsource(item.function)))


def pytest_collection_modifyitems(config, items):
    if os.environ.get("LINKD_TEST_STORE") == "dynamodb":
        left_out = [one for one in items if needs_sqlite(one)]
        items[:] = [one for one in items if one not in left_out]
        config.hook.pytest_deselected(items=left_out)
    leave_out_mounts(config, items)


def leave_out_mounts(config, items):
    """Tests that mount a file system run where one may: as root, outside of most containers."""
    if may_mount():
        return
    left_out = [one for one in items if one.get_closest_marker("mounts")]
    items[:] = [one for one in items if one not in left_out]
    config.hook.pytest_deselected(items=left_out)


def may_mount():
    return shutil.which("unshare") and not subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode


def pytest_sessionfinish(session):
    if canary.report()[2] and session.exitstatus == 0:
        session.exitstatus = 1


FIGURES = []  # what passed tests printed: the numbers they show


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed and report.capstdout.strip():
        FIGURES.extend(line for line in report.capstdout.splitlines() if line.strip())


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("figures")
        for line in FIGURES:
            terminalreporter.line(line)
        terminalreporter.section("end of figures")
    searched, lines, found = canary.report()
    if not lines:
        return
    terminalreporter.section("the services' logs")
    terminalreporter.line(f"{searched} secrets searched in {lines} log lines: {len(found)} found")
    terminalreporter.line(f"{lint.seen['answers']} answers linted, {lint.seen['pages']} of them pages;"
                          f" {wire.bare['answers']} bare refusals by the HTTP library")
    for one in found[:20]:
        terminalreporter.line("FAILED: " + one, red=True)
