"""A service under attack, the second client, and what is wanted of both at the end."""
import time

from conftest import FULL
from harness import metrics
from harness.service import sanitized
from hostile import report
from hostile.bystander import ADDRESS, Bystander
from hostile.crowd import Crowd
from hostile.watch import Watch

N = 1000 if FULL else 50
SHORT = {"LINKD_HEADER_TIMEOUT": "1", "LINKD_SEND_TIMEOUT": "2", "LINKD_KEEPALIVE_TIMEOUT": "3", "LINKD_WEBHOOK_DEADLINE_MS": "1500"}
TIMES = {} if FULL else SHORT  # the defaults are for the long run
LATE_S = 1.5 if FULL else 3.0  # what a loaded machine may add to a deadline
P99_S = 3.0        # the figure is printed; on a loaded machine few answers make it
OPENED_S = 10      # and what it may need to open them all
MARGIN_KIB = 100  # of memory for each connection: its buffer and the library's own
UNTAKEN_MAX = 300_000


class Scene:
    """A service, the bystander and the watch; `end` judges."""

    def __init__(self, make_service, start=None, **settings):
        self.service = make_service(start=False, **settings)
        self.service.start(**(start or {}))
        self.bystander = Bystander(self.service)
        time.sleep(0.3)
        self.watch = Watch(self.service, (ADDRESS,))

    def attack(self, manners, seconds, n=N, sources=("127.0.0.1",)):
        """-> the crowd, after that time; from then on nobody connects anew."""
        crowd = Crowd(self.service, manners, n, sources)
        time.sleep(seconds)
        crowd.again = False
        return crowd

    def oldest_of(self, crowd, manner):
        return max((age for (_, port, _), age in self.watch.ages.items() if crowd.manner_of.get(port) is manner), default=None)

    def end(self, what, deadline_s, crowd=None):
        """All gone by the deadline; the bystander served; descriptors and memory as before."""
        gone_s = self.watch.wait_gone(deadline_s + LATE_S + OPENED_S)
        self.bystander.stop()
        self.watch.stop()
        if crowd:
            crowd.stop()
        fds = self.watch.wait_level("fds", 6)
        grown = self.watch.peak["rss_kib"] - self.watch.start_level["rss_kib"]
        print(f"\n{what}: {crowd.opened if crowd else len(self.watch.ages)} opened, {self.watch.most} at once, oldest {self.watch.oldest():.1f} s, last gone after"
              f" {gone_s:.1f} s; {self.bystander.said()}; memory {grown / 1024:+.1f} MiB at the peak,"
              f" {self.watch.untaken / 1024:.0f} KiB of answers kept for one, descriptors {self.watch.start_level['fds']}, {self.watch.peak['fds']}, {fds}")
        report.client(what, crowd.opened if crowd else len(self.watch.ages), self.watch, self.bystander)
        assert not self.bystander.bad, self.bystander.bad[:5]
        assert self.bystander.slowest() < P99_S
        assert self.watch.oldest() < deadline_s + LATE_S, "outlived its deadline"
        assert sanitized() or grown < 4096 + MARGIN_KIB * self.watch.most
        assert self.watch.untaken < UNTAKEN_MAX, "bytes the kernel keeps for a client that does not read"
        assert metrics.value(self.service, "linkd_http_requests_in_flight") <= 1, "more than the one that asks"
