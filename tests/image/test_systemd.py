"""deploy/account-linkd.service under a real systemd, installed as deploy/README.md says: what is forbidden is not needed."""
import json
import pathlib
import subprocess
import time

import pytest

from .container import ROOT, inspect, podman

IMAGE, ORIGIN = "localhost/account-linkd:systemd", "https://link.example.com"
CONFIG, START_S = "/etc/account-linkd/account-linkd.ini", 40
# In a container systemd leaves the mounts private, and credentials are mounts that must reach the service.
BOOT = ("sh", "-c", "mount --make-rshared / && exec /sbin/init")


class Machine:
    def __init__(self):
        self.name = podman("run", "--detach", "--network=none", "--systemd=always", "--privileged", IMAGE, *BOOT).stdout.strip()

    def run(self, *words, stdin="", check=True):
        return podman("exec", "--interactive", self.name, *words, stdin=stdin, check=check).stdout

    def show(self, what):
        return self.run("systemctl", "show", "--value", "-p", what, "account-linkd", check=False).strip()

    def wait(self, what, wanted):
        ends = time.monotonic() + START_S
        while self.show(what) != wanted:
            assert time.monotonic() < ends, self.journal()
            time.sleep(0.2)

    def wait_healthy(self):
        self.wait("ActiveState", "active")
        ends = time.monotonic() + START_S
        while '"listener":"admin"' not in self.journal().split("Starting account-linkd")[-1]:
            assert time.monotonic() < ends, self.journal()
            time.sleep(0.2)
        assert "status: ok" in self.run("account-linkd", "healthcheck", "--url", "http://127.0.0.1:8080/healthz",)

    def journal(self):
        return self.run("journalctl", "--no-pager", "-u", "account-linkd", check=False)

    def pid(self):
        """Of the service, as this side sees it: the one process of that name whose parent is the machine's init."""
        init = str(inspect("container", self.name)["State"]["Pid"])
        children = pathlib.Path(f"/proc/{init}/task/{init}/children").read_text().split()
        return next(p for p in children if pathlib.Path(f"/proc/{p}/comm").read_text() == "account-linkd\n")

    def link(self, email, password):
        """As a phone in the machine's network -> the customer."""
        secret, token = (self.run("cat", f"/etc/account-linkd/{name}").strip() for name in ("app-secret", "admin-token"))
        done = subprocess.run(
            ["nsenter", "-t", self.pid(), "-n", "/usr/bin/python3", str(ROOT / "tests/image/link.py"), "http://127.0.0.1:8080",
             "http://127.0.0.1:9464", ORIGIN], capture_output=True, text=True, timeout=60,
            input=json.dumps({"secret": secret, "admin_token": token, "email": email, "password": password}))
        assert done.returncode == 0, done.stderr[-3000:] + self.journal()[-3000:]
        return done.stdout.strip()

    def customer(self, name, password):
        """The command of deploy/README.md."""
        self.run("env", "LINKD_APP_SECRET_FILE=/etc/account-linkd/app-secret", "account-linkd", "customer", "add", "--config",
                 CONFIG, "--id", name, "--email", f"{name.lower()}@example.com", "--password-stdin", stdin=password)


@pytest.fixture
def machine(systemd_image):
    made = Machine()
    yield made
    podman("rm", "--force", "--time=0", made.name, check=False)


def test_unit_runs_the_service_sandboxed(machine):
    machine.wait_healthy()
    machine.customer("C-1", "a password of ten")
    assert machine.link("c-1@example.com", "a password of ten") == "C-1"
    proc = pathlib.Path("/proc") / machine.pid()
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    assert (status["Seccomp"].strip(), status["NoNewPrivs"].strip(), int(status["CapBnd"], 16)) == ("2", "1", 0)
    assert status["Uid"].split()[0] != "0"
    nice = [(task / "stat").read_text().rsplit(")", 1)[1].split()[16] for task in (proc / "task").iterdir()
            if (task / "comm").read_text() == "hash\n"]
    assert nice and set(nice) == {"19"}  # the filter of system calls lets them make way
    secret = machine.run("cat", "/etc/account-linkd/app-secret").strip()
    assert secret not in (proc / "environ").read_text() and secret not in machine.journal()
    assert machine.run("stat", "-c", "%U %a", "/var/lib/account-linkd/linkd.db", "/var/lib/account-linkd/linkd.db.key",
                       "/var/lib/account-linkd").split() == ["account-linkd", "600"] * 2 + ["account-linkd", "700"]


def test_unit_stops_cleanly_and_comes_back(machine):
    machine.wait_healthy()
    machine.customer("C-2", "another password")
    machine.run("systemctl", "restart", "account-linkd")
    machine.wait_healthy()
    assert machine.link("c-2@example.com", "another password") == "C-2"
    machine.run("systemctl", "stop", "account-linkd")
    assert machine.show("Result") == "success" and machine.show("ExecMainStatus") == "0"
    assert machine.journal().count('"msg":"stopped"') == 2
    machine.run("systemctl", "start", "account-linkd")
    machine.wait_healthy()
    machine.run("systemctl", "kill", "--signal=KILL", "account-linkd")
    machine.wait("NRestarts", "1")
    machine.wait_healthy()
