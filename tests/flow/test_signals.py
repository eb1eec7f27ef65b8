"""Signals whose default action ends a process: two stop the service, all others leave it running."""

import os
import signal
import threading
import time

import pytest

from harness import client

STOP = {signal.SIGTERM, signal.SIGINT}
NOT_OURS = {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE,  # by the kernel; a closed connection
            signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS,
            signal.SIGABRT,  # the program's own faults
            signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT, signal.SIGCHLD, signal.SIGURG,
            signal.SIGWINCH}  # these end nothing
IGNORED = sorted(set(signal.valid_signals()) - STOP - NOT_OURS)


def name(number):
    if number == signal.SIGIO:
        return "SIGPOLL"  # its other name
    if number < signal.SIGRTMIN:
        return signal.Signals(number).name
    return "SIGRTMIN" + (f"+{number - signal.SIGRTMIN}" if number > signal.SIGRTMIN else "")


def told(service, number):
    return service.logged(lambda line: line["msg"] == "signal_ignored" and line["signal"] == name(number))


def test_no_other_signal_ends_it(make_service):
    service = make_service()
    assert len(IGNORED) > 40
    for number in IGNORED:
        service.signal(number)
        line = told(service, number)
        assert line and line["level"] == "warn" and line["sender_pid"] == os.getpid(), name(number)
        assert client.get(service.url + "/healthz").status == 200
    service.stop()


def test_one_line_a_minute_for_each_signal(make_service):
    service = make_service()
    for _ in range(20):
        service.signal(signal.SIGHUP)
        time.sleep(0.005)
    service.signal(signal.SIGUSR1)
    assert told(service, signal.SIGUSR1)
    assert len([line for line in service.log("signal_ignored") if line["signal"] == "SIGHUP"]) == 1
    service.stop()


@pytest.mark.parametrize("number", sorted(STOP))
def test_those_that_stop_it_still_do(make_service, number):
    service = make_service()
    service.signal(signal.SIGQUIT)
    service.signal(number)
    service.ended()


def test_while_it_starts(make_service, tmp_path):
    """It reads a secret from a pipe that has no writer yet: it has begun, and no listener is open."""
    pipe = tmp_path / "verify-token"
    os.mkfifo(pipe)

    def write(service):
        with open(pipe, "w", encoding="ascii") as file:
            for number in IGNORED:
                os.kill(service.process.pid, number)
            file.write("a-verify-token")

    service = make_service(start=False, LINKD_VERIFY_TOKEN=None, LINKD_VERIFY_TOKEN_FILE=str(pipe))
    writer = threading.Timer(0, write, [service])
    writer.start()
    service.start()
    writer.join()
    assert told(service, IGNORED[0]) and told(service, IGNORED[-1])
    assert client.get(service.url + "/healthz").status == 200
    service.stop()


def test_while_it_drains(make_service):
    """They do not shorten the drain delay, and the rest of the end comes as ever."""
    service = make_service(LINKD_DRAIN_DELAY="2")
    service.signal(signal.SIGTERM)
    assert service.logged(lambda line: line["msg"] == "stopping")
    began = time.monotonic()
    for number in IGNORED:
        service.signal(number)
    assert told(service, IGNORED[0]) and told(service, IGNORED[-1])
    assert client.get(service.url + "/healthz").status == 503
    service.ended()
    assert time.monotonic() - began > 1.5
