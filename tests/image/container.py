"""Containers of the image under test, run by podman as production should run them; each stands in for harness.service.Service."""
import json
import os
import pathlib
import secrets
import subprocess
import time

from dynamodb.servers import free_port
from harness import canary, client

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/image"
IMAGE = "localhost/account-linkd:check"
# The service gets nothing it does not need; the limits are small enough to notice a leak.
CONFINED = ("--network=host", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all",
            "--security-opt=no-new-privileges", "--memory=256m", "--pids-limit=64")
START_S = 20


def podman(*words, check=True, stdin=""):
    """-> CompletedProcess.  podman complains on stderr that no systemd is there to run health checks: we run them."""
    env = {**os.environ, "CONTAINERS_STORAGE_CONF": str(FOLDER / "storage.conf"),
           "CONTAINERS_CONF": str(FOLDER / "containers.conf")}
    done = subprocess.run(["podman", *words], input=stdin, env=env, capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, f"podman {' '.join(words)}: {done.stderr}"
    return done


def inspect(kind, name):
    return json.loads(podman(kind, "inspect", name).stdout)[0]


class Container:
    """One account-linkd in a container, on the store the settings name; a volume keeps what it writes."""

    def __init__(self, volume, settings):
        self.name, self.volume = "linkd-" + secrets.token_hex(4), volume
        self.secret = canary.secret("app-" + secrets.token_hex(16), "app secret")
        self.admin_token = canary.secret("admin-" + secrets.token_hex(16), "admin token")
        port, admin = free_port(), free_port()
        self.url, self.admin = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin}"
        self.settings = {
            "LINKD_LISTEN": f"127.0.0.1:{port}", "LINKD_ADMIN_LISTEN": f"127.0.0.1:{admin}", "LINKD_WORKERS": "2",
            "LINKD_APP_SECRET": self.secret, "LINKD_ADMIN_TOKEN": self.admin_token,
            "LINKD_TRUSTED_PROXIES": "127.0.0.1", **settings}
        self.running = False

    def _words(self):
        given = [word for name, value in self.settings.items() for word in ("--env", f"{name}={value}")]
        return [*CONFINED, f"--volume={self.volume}:/var/lib/account-linkd", *given]

    def start(self):
        podman("run", "--detach", "--name", self.name, *self._words(), IMAGE)
        self.running = True
        ends = time.monotonic() + START_S
        while self.healthcheck() != 0:
            assert time.monotonic() < ends and self.state()["Running"], "did not start: " + self.log()
            time.sleep(0.1)
        return self

    def command(self, *words, stdin="", check=True):
        """A subcommand in a container of its own, beside the running one."""
        return podman("run", "--rm", "--interactive", *self._words(), IMAGE, *words, stdin=stdin, check=check)

    def add_customer(self, customer, email, password):
        canary.secret(password, "password")
        self.command("customer", "add", "--id", customer, "--email", email, "--password-stdin", stdin=password)

    def healthcheck(self):
        """HEALTHCHECK of the image, as an engine runs it; -> 0 when healthy."""
        return podman("healthcheck", "run", self.name, check=False).returncode

    def state(self):
        return inspect("container", self.name)["State"]

    def log(self):
        return podman("logs", self.name).stdout

    def process(self, name):
        """The fields of a file of name=value lines under /proc of the service, seen from outside."""
        text = pathlib.Path(f"/proc/{self.state()['Pid']}/{name}").read_text()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def terminate(self):
        podman("kill", "--signal=TERM", self.name)

    def ended(self):
        """Wait for the end; -> exit status.  The log is handed over to the search for secrets."""
        status = int(podman("wait", self.name).stdout)
        lines = self.log().splitlines()
        canary.keep(lines)
        bad = [line[:300] for line in lines if canary.bad_line(line)]
        assert not bad, bad[:5]
        self.remove()
        return status

    def remove(self):
        podman("rm", "--force", "--time=0", self.name, check=False)
        self.running = False

    def holder(self, psid):
        """Whom the service says this Messenger user is; None when nobody."""
        answer = client.admin(self, "GET", f"/v1/links/{psid}")
        return answer.json["customer_id"] if answer.status == 200 else None
