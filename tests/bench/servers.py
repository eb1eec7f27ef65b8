"""Servers as child processes, each pinned to a core."""
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import subprocess
import time

from dynamodb.servers import ENVIRONMENT, free_port
from simulator import events

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
PROGRAM = "account-linkd"  # below BUILD, or a path
SEAL_KEY, APP_SECRET = "k" * 43, "s" * 32
CORES = sorted(os.sched_getaffinity(0))
LOAD_CORE, SERVER_CORE = CORES[0], CORES[-1]
DATABASE_CORE = CORES[len(CORES) // 2] if len(CORES) > 2 else LOAD_CORE  # of the stand-in
WORKER_CORES = ",".join(map(str, CORES[-2:]))  # of two workers; on a machine with two, the load and the stand-in run there too
START_S, STOP_S = 30, 15


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


@contextlib.contextmanager
def awake():
    """Keep the load's core from sleeping, by what runs when nothing else wants to.  On a virtual machine a message to
    a sleeping core is a call of the hypervisor, which the sender pays: that would be the machine's figure, not the server's."""
    with open(os.devnull, "w") as out:
        p = subprocess.Popen(pinned(LOAD_CORE, ["chrt", "--idle", 0, "yes"]), stdout=out)
    try:
        yield
    finally:
        p.kill()
        p.wait()


def cpu_s(pid):
    """Processor time of a process, all its threads, those that ended too; nanoseconds are counted."""
    return time.clock_gettime((~pid << 3) | 2)


def threads_s(pid):
    """Processor time of each thread, by its id."""
    return {task.name: int((task / "schedstat").read_text().split()[0]) / 1e9 for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def rss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


@dataclasses.dataclass
class Server:
    """A running one.  `pid` is the process whose time counts."""
    process: subprocess.Popen
    port: int

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def page(self, path):
        """-> status, body, cookie or None"""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(link):
            link.request("GET", path)
            answer = link.getresponse()
            cookie = (answer.headers["Set-Cookie"] or "").split(";")[0]
            return answer.status, answer.read(), cookie or None

    def get(self, path):
        return self.page(path)[:2]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ready(server, path):
    """Wait until it answers."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.process.poll() is None:
        with contextlib.suppress(OSError):
            if server.get(path)[0] == 200:
                return server
        time.sleep(0.02)
    server.stop()
    raise AssertionError(f"did not start: {server.process.args}")


def printing(core, *command, env=None):
    """One that prints its port first."""
    p = subprocess.Popen(pinned(core, command), stdout=subprocess.PIPE, text=True, env=env)
    line = p.stdout.readline()
    if not line.strip().isdigit():
        p.kill()
        raise AssertionError(f"no port: {command}")
    return Server(p, int(line))


def standin(delay_ms=0, password_hash=""):
    return printing(DATABASE_CORE, BUILD / "bench/standin", "--delay", delay_ms, "--hash", password_hash)


def calls(database):
    """How often each operation of the stand-in was called."""
    return json.loads(database.get("/counts")[1])


def on_dynamodb(database):
    return {**ENVIRONMENT, "LINKD_SEAL_KEY": SEAL_KEY, "AWS_ENDPOINT_URL_DYNAMODB": database.url, "LINKD_STORE": "dynamodb:customers"}


def settings(port, store, more=None):
    return {"PATH": os.environ["PATH"], "LINKD_LISTEN": f"127.0.0.1:{port}", "LINKD_ADMIN_LISTEN": "127.0.0.1:0",
            "LINKD_WORKERS": "1", "LINKD_APP_SECRET": APP_SECRET, "LINKD_SEAL_KEY": SEAL_KEY, **store, **(more or {})}


def service(store, more=None, program=None, cores=SERVER_CORE):
    """account-linkd with one worker, unless `more` says otherwise; its log goes nowhere."""
    port = free_port()
    p = subprocess.Popen(pinned(cores, [BUILD / (program or PROGRAM), "serve"]), env=settings(port, store, more),
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return ready(Server(p, port), "/healthz")


def login_settings():
    """Logins come from many addresses, as behind a proxy."""
    return {"LINKD_TRUSTED_PROXIES": "127.0.0.1"}


def page_settings():
    """The same, and the process asks Graph as often as pages are opened."""
    return {**login_settings(), "LINKD_GRAPH_LOOKUPS": "100000", "LINKD_PAGE_IDS": events.PAGE_ID}


def on_graph(standin):
    return {"LINKD_GRAPH_URL": standin.url, "LINKD_PAGE_ACCESS_TOKEN": "EAAG" + "0" * 180}


def floor():
    return printing(SERVER_CORE, BUILD / "bench/floor")


NGINX = """daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok\\n"; }} }} }}
"""


def nginx(folder):
    """One process, which is its only worker."""
    port = free_port()
    conf = pathlib.Path(folder, "nginx.conf")
    conf.write_text(NGINX.format(folder=folder, port=port))
    p = subprocess.Popen(pinned(SERVER_CORE, ["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", conf]),
                         stderr=subprocess.DEVNULL)
    return ready(Server(p, port), "/")
