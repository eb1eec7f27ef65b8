"""What the service's process holds, sampled from beside: its connections and their ages, descriptors, memory, threads."""
import os
import pathlib
import threading
import time
import urllib.parse

EVERY_S = 0.1
ESTABLISHED_OR_CLOSING = {"01", "04", "05", "08"}


def sockets(port):
    """Accepted connections of the listener on that port: {(peer, peer's port, inode): bytes the peer has not taken}."""
    found = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, peer, state, inode = fields[1], fields[2], fields[3], fields[9]
        if int(local.split(":")[1], 16) == port and state in ESTABLISHED_OR_CLOSING and inode != "0":
            found[(address(peer), int(peer.split(":")[1], 16), inode)] = int(fields[4].split(":")[0], 16)
    return found


def address(text):
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(text.split(":")[0])))


class Watch(threading.Thread):
    """Samples until `stop`; of the connections only those of peers other than `left_out`."""

    def __init__(self, service, left_out=()):
        super().__init__(daemon=True)
        self.pid, self.left_out = service.process.pid, left_out
        self.port = urllib.parse.urlsplit(service.url).port
        self.born, self.ages = {}, {}  # by connection
        self.most = self.untaken = 0   # connections; bytes in the system's buffer of one
        self.start_level = self.level()
        self.peak = dict(self.start_level)
        self.ending = threading.Event()
        self.start()

    def level(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        read = {line.split(":")[0]: line.split()[1] for line in status if line.startswith(("VmRSS", "Threads"))}
        return {"rss_kib": int(read["VmRSS"]), "threads": int(read["Threads"]), "fds": len(os.listdir(f"/proc/{self.pid}/fd"))}

    def run(self):
        while not self.ending.is_set():
            try:
                self.sample()
            except OSError:
                return
            self.ending.wait(EVERY_S)

    def sample(self):
        at = time.monotonic()
        now = {one: untaken for one, untaken in sockets(self.port).items() if one[0] not in self.left_out}
        self.untaken = max([self.untaken, *now.values()])
        for one in now:
            self.ages[one] = at - self.born.setdefault(one, at)
        self.most = max(self.most, len(now))
        self.peak = {name: max(value, self.peak[name]) for name, value in self.level().items()}

    def oldest(self):
        return max(self.ages.values(), default=0.0)

    def wait_gone(self, seconds):
        """Until none of these connections is left; -> seconds that took."""
        began = time.monotonic()
        while True:
            left = {one for one in sockets(self.port) if one[0] not in self.left_out}
            took = time.monotonic() - began
            if not left:
                return took
            assert took < seconds, f"{len(left)} connections are still there after {took:.1f} s"
            time.sleep(EVERY_S)

    def wait_level(self, name, margin, seconds=10):
        """Until that many are at most `margin` over the start."""
        ends = time.monotonic() + seconds
        while (now := self.level()[name]) > self.start_level[name] + margin:
            assert time.monotonic() < ends, f"{name}: {self.start_level[name]} at the start, {now} at the end"
            time.sleep(EVERY_S)
        return now

    def stop(self):
        self.ending.set()
        self.join(5)
