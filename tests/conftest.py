"""Shared by the tests of the running service: fixtures, a linter per test, a search of all logs."""

import os
import pathlib
import shutil
import subprocess

import pytest

from harness import canary, lint, wire
from harness.phone import Customer, Phone
from harness.service import BINARY, Service

FULL = os.environ.get("LINKD_FULL") == "1"


def count(name, short, full):
    """How many rounds a repeated test makes: its variable, else by tier."""
    return int(os.environ.get(name) or (full if FULL else short))


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


def pytest_collection_modifyitems(config, items):
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


def pytest_terminal_summary(terminalreporter):
    searched, lines, found = canary.report()
    if not lines:
        return
    terminalreporter.section("the services' logs")
    terminalreporter.line(f"{searched} secrets searched in {lines} log lines: {len(found)} found")
    terminalreporter.line(f"{lint.seen['answers']} answers linted, {lint.seen['pages']} of them pages;"
                          f" {wire.bare['answers']} bare refusals by the HTTP library")
    for one in found[:20]:
        terminalreporter.line("FAILED: " + one, red=True)
