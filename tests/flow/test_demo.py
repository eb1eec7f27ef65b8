"""What `make run` starts, with the real program."""

import os
import re
import signal
import subprocess
import sys
import urllib.parse

import pytest

from harness import client
from harness.forms import Page
from harness.service import ROOT


@pytest.fixture
def demo(binary):
    """-> (process, what it printed up to the last line)."""
    command = [sys.executable, str(ROOT / "tests/simulator/demo.py"), "--binary", binary]
    running = subprocess.Popen([*command, "--service-port", "0", "--simulator-port", "0"],
                               stdout=subprocess.PIPE, text=True)
    words = ""
    while "Ctrl-C" not in words:
        line = running.stdout.readline()
        assert line, f"ended early: {words}"
        words += line
    yield running, words
    if running.poll() is None:
        running.kill()
    running.wait()
    running.stdout.close()


def value(words, name):
    return re.search(rf"{name}\s+(\S+)", words).group(1)


def test_the_printed_login_links_and_everything_is_removed_after_ctrl_c(demo):
    running, words = demo
    chat = value(words, "browser:")
    email, password = value(words, "e-mail"), value(words, "password")
    link = client.http.client.HTTPConnection(urllib.parse.urlsplit(chat).netloc)
    link.request("GET", "/login")
    target = link.getresponse().getheader("Location")
    opened = client.get(target)
    cookie = {"Cookie": opened.header("set-cookie").split(";")[0]}
    base = "http://" + urllib.parse.urlsplit(target).netloc
    path, fields = Page(opened.text).submit("/link/login")
    consent = client.post_form(base + path, {**fields, "email": email, "password": password}, cookie)
    path, fields = consent.page.submit("/link/confirm")
    back = client.post_form(base + path, fields, cookie).header("location")
    assert back.startswith(chat) and "authorization_code=" in back
    directory = value(words, "Its log").rsplit("/", 1)[0]
    running.send_signal(signal.SIGINT)
    assert running.wait(20) == 0
    assert not ROOT.joinpath(directory).exists()


def test_it_ends_when_the_service_does(demo):
    running, words = demo
    log = value(words, "Its log")
    children = ROOT.joinpath(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert len(children) == 1
    os.kill(int(children[0]), signal.SIGKILL)
    assert running.wait(20) == 1
    assert not ROOT.joinpath(log).exists()
