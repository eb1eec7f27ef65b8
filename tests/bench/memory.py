"""What memory the service needs: idle, with many webhooks waiting at once, after many links.
    cd tests && python3 -m bench.memory [--write] [idle] [waiting] [kept] [growth]"""
import argparse
import contextlib
import dataclasses
import pathlib
import select
import signal
import socket
import sys
import tempfile
import time

import figures as readme
from bench import load, servers
from dynamodb.servers import free_port
from harness import metrics

HERE = pathlib.Path(__file__).parent
WAITING, LINKS, WARM_LINKS = 5000, 1_000_000, 50_000
BODIES = 20_000  # deliveries in the file that is sent again and again
ALL_THERE_S, BURST_S, SETTLE_S = 1.0, 4.0, 0.5
CHUNK_S = 10


@dataclasses.dataclass
class Memory:
    """KiB.  private: pages of this process alone, clean and dirty (USS), of /proc/PID/smaps_rollup."""
    rss: int
    private: int


def of(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return Memory(kib["Rss"], kib["Private_Clean"] + kib["Private_Dirty"])


@contextlib.contextmanager
def running(**more):
    """-> stand-in, service, the service's admin address."""
    database, port = servers.standin(), free_port()
    try:
        service = servers.service(servers.on_dynamodb(database), {"LINKD_ADMIN_LISTEN": f"127.0.0.1:{port}", **more})
        service.admin = f"http://127.0.0.1:{port}"
        try:
            yield database, service
        finally:
            service.stop()
    finally:
        database.process.send_signal(signal.SIGCONT)
        database.stop()


def idle():
    """The default settings, a worker per core, on DynamoDB."""
    with running(LINKD_WORKERS="0") as (_, service):
        time.sleep(SETTLE_S)
        return of(service.pid)


# --- many at once

class Crowd:
    """As many connections as requests, each with one delivery in hand."""

    def __init__(self, service, n):
        with tempfile.NamedTemporaryFile(prefix="bench-") as file:
            load.bodies(file.name, "linked", n)
            lines = pathlib.Path(file.name).read_text().splitlines()
        self.requests = [request(*line.split("\t")) for line in lines]
        self.port = service.port
        self.sockets = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(n)]

    def greet(self):
        """Each connection has served a request before, or been closed after it and opened anew."""
        for one in self.sockets:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for i, one in enumerate(self.sockets):
            answer = one.recv(4096)
            assert b" 200 " in answer
            if b"\r\nConnection: close\r\n" in answer:
                one.close()
                self.sockets[i] = socket.create_connection(("127.0.0.1", self.port))

    def send(self):
        for one, raw in zip(self.sockets, self.requests):
            one.sendall(raw)

    def answers(self, seconds):
        """-> {status: how often}, how many connections stay open"""
        poll, by_fd, seen, kept = select.epoll(), {one.fileno(): one for one in self.sockets}, {}, 0
        for fd in by_fd:
            poll.register(fd, select.EPOLLIN)
        ends, left = time.monotonic() + seconds, len(by_fd)
        while left and time.monotonic() < ends:
            for fd, _ in poll.poll(0.1):
                answer = by_fd[fd].recv(4096)
                status = answer[9:12].decode()
                seen[status] = seen.get(status, 0) + 1
                kept += b"\r\nConnection: close\r\n" not in answer
                poll.unregister(fd)
                left -= 1
        return seen, kept

    def close(self):
        for one in self.sockets:
            one.close()


def request(header, body):
    return (f"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{header}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def most_waiting(service, n):
    """-> requests in flight and memory, when the most are."""
    best, ends = (0, of(service.pid)), time.monotonic() + ALL_THERE_S
    while best[0] < n and time.monotonic() < ends:
        now = int(metrics.value(service, "linkd_http_requests_in_flight")) - 1  # without the one that asks
        best = max(best, (now, of(service.pid)), key=lambda one: one[0])
        time.sleep(0.02)
    return best


@dataclasses.dataclass
class Waiting:
    in_flight: int
    memory: Memory
    before: Memory
    answers: dict
    stay: int
    after: Memory


def waiting(n, kept=False):
    """All send at once while the store is a black hole; then it answers again.  kept: on connections used before."""
    with running(LINKD_WORKERS="2", LINKD_MAX_CONNECTIONS=str(n + 64), LINKD_STORE_IN_FLIGHT="128") as (database, service):
        crowd = Crowd(service, n)
        if kept:
            crowd.greet()
        before = of(service.pid)
        database.process.send_signal(signal.SIGSTOP)
        crowd.send()
        in_flight, memory = most_waiting(service, n)
        database.process.send_signal(signal.SIGCONT)
        answers, stay = crowd.answers(BURST_S)
        crowd.close()
        time.sleep(SETTLE_S)
        return Waiting(in_flight, memory, before, answers, stay, of(service.pid))


# --- growth

@dataclasses.dataclass
class Growth:
    links: int
    late: int
    seconds: float
    before: Memory
    after: Memory


def linked(service, file, n):
    """At least n links answered 200; -> how many, how many got no 200 (where the machine stands still for a second, the
    service says 503), in how many seconds."""
    done = late = spent = 0
    while done < n:
        result = load.wrk(service.url, CHUNK_S if n > WARM_LINKS else 1, 64, [file, "/webhook", load.JSON], strict=False)
        if result.broken:
            raise load.Wrong(f"{result.broken} of {result.requests} requests got no answer")
        done, late, spent = done + result.requests - result.wrong, late + result.wrong, spent + result.seconds
    time.sleep(SETTLE_S)
    return done, late, spent


def growth(links):
    with running() as (database, service), tempfile.NamedTemporaryFile(prefix="bench-") as file:
        load.bodies(file.name, "linked", BODIES)
        linked(service, file.name, WARM_LINKS)
        before, calls = of(service.pid), servers.calls(database)["UpdateItem"]
        done, late, spent = linked(service, file.name, links)
        written = servers.calls(database)["UpdateItem"] - calls
        if written < done:
            raise load.Wrong(f"{written} UpdateItem for {done} links")
        return Growth(done, late, spent, before, of(service.pid))


# --- figures

def mib(kib):
    return f"{kib / 1024:.1f} MiB"


def idle_line(m):
    return f"idle, a worker per core: RSS {mib(m.rss)}, private (USS) {mib(m.private)}"


def waiting_line(w, kept=False):
    each = (w.memory.rss - w.before.rss) / w.in_flight
    before = f"; before, {mib(w.before.rss)}" if kept else ""
    return (f"{w.in_flight} webhooks in flight on a store that does not answer{', on connections used before' if kept else ''}:"
            f" RSS {mib(w.memory.rss)}, {each:.1f} KiB each{before}; then {w.answers}, {w.stay} of them kept; afterwards {mib(w.after.rss)}")


def growth_line(g):
    late = f" ({g.late} more were answered 503)" if g.late else ""
    return f"{g.links:,} links in {g.seconds:.0f} s{late}: RSS {mib(g.before.rss)} -> {mib(g.after.rss)}, {g.after.rss - g.before.rss:+} KiB"


PARTS = {"idle": lambda: idle_line(idle()), "waiting": lambda: waiting_line(waiting(WAITING)),
         "kept": lambda: waiting_line(waiting(WAITING, kept=True), kept=True), "growth": lambda: growth_line(growth(LINKS))}


def main():
    p = argparse.ArgumentParser(prog="python3 -m bench.memory", description=__doc__)
    p.add_argument("parts", nargs="*", choices=[[], *PARTS])
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    lines = []
    for name in a.parts or PARTS:
        lines.append(PARTS[name]())
        print(lines[-1], flush=True)
    if a.write:
        readme.write(HERE / "README.md", "memory", [f"- {line}" for line in lines])


if __name__ == "__main__":
    sys.exit(main())
