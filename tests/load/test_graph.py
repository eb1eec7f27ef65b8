"""Graph fails while people open the page, log in and link: the page waits for Graph as long as it may, or not at all, and
nothing else waits.

Beside the service with a page token runs one without, on a store of the same kind and under the same load: a page of the first may take
no longer than one of the second once the breaker is open.  LINKD_FULL=1 also waits until the breaker asks Graph again."""
import dataclasses
import time

import pytest

from conftest import FULL, count
from harness import metrics
from harness.phone import Phone, new_address
from load import watch
from load.quiet import QuietService
from load.rig import Graph, Lag, Load, Maker, Standin, good, keep, percentile, tell

FAULTS = ["black hole", "reset", "500", "drip", "no names"] if FULL else ["black hole", "500", "no names"]
TIMEOUT_MS = 1500 if FULL else 300  # of a look-up
OVER_MS = 50       # what a page may take beyond it
RATE = 200 if FULL else 120
SECONDS = count("LINKD_GRAPH_S", 1, 20)  # of the load on an open breaker
FIRST_S = TIMEOUT_MS / 1000 + 0.5        # of the load on the fault: the first pages give up after the timeout
MIX = {"page": 10, "login": 1, "linked": 9}
OPEN_S = 60  # facebook/graph_lookups.c
TIMES = 1.5 if FULL else 3  # the page on an open breaker, in times of one without Graph
OVER = 2 if FULL else 50    # or milliseconds over it
LINES = ["Graph         page, timeout of %d ms  page, breaker open  without Graph  ratio  logins  webhooks  failed  turns > 20 ms, without" % TIMEOUT_MS]


class PageMaker(Maker):
    """Each page is opened by another client with a linking token of its own."""
    def page(self):
        request = super().page()
        head, _, rest = request.raw.partition(b"\r\n")
        return request._replace(raw=head + f"\r\nX-Forwarded-For: {new_address()}\r\n".encode() + rest)


@pytest.fixture
def graph():
    made = Graph()
    yield made
    made.stop()


@pytest.fixture
def start(tmp_path_factory, binary):
    made = []

    def start(**settings):
        standin = Standin(delay_s=0.005)
        made.append(standin)
        service = QuietService(tmp_path_factory.mktemp("linkd"), LINKD_WORKERS="1", **standin.settings(), **settings).start()
        made.append(service)
        return service
    yield start
    for one in reversed(made):
        one.stop()


@dataclasses.dataclass
class Part:
    """What came of a load: milliseconds, p99, by kind."""
    ms: dict
    failed: int

    @classmethod
    def of(cls, results):
        ms = {kind: percentile([one.ms for one in results if one.kind == kind], 0.99) for kind in ("page", "login", "webhook")}
        return cls(ms, len(results) - len(good(results)))


class Pair:
    """The two services, asked at the same time."""
    def __init__(self, folder, with_graph, without):
        self.folder, self.service = folder, with_graph
        self.makers = [PageMaker(with_graph), PageMaker(without)]

    def ask(self, seconds):
        loads = [Load(self.folder, one.service, one.mix(int(RATE * seconds) + 1, **MIX), RATE, seconds) for one in self.makers]
        return [Part.of(load.result()) for load in loads]

    def turns(self):
        """Of the loops of both."""
        return [metrics.read(one.service)[0] for one in self.makers]

    def found(self):
        return metrics.value(self.service, 'linkd_bindings_total{outcome="found"}')

    def calls(self):
        return metrics.value(self.service, "linkd_graph_calls_total")

    def wait_for_probe(self, until_s):
        """Open a page a second until one is bound; -> when that was."""
        before = self.found()
        while self.found() == before:
            assert time.monotonic() < until_s, "Graph works, and is not asked"
            assert Phone(self.service).open().status == 200
            time.sleep(1)
        return time.monotonic()


@pytest.mark.parametrize("fault", FAULTS)
def test_only_the_page_waits_for_graph(tmp_path, graph, start, fault):
    pair = Pair(tmp_path, start(LINKD_GRAPH_TIMEOUT_MS=TIMEOUT_MS, **graph.settings()), start())
    graph.prove(pair.service)
    healthy, _ = pair.ask(1)
    assert healthy.failed == 0 and pair.found() > RATE / 4
    turns = pair.turns()
    graph.set(mode=fault)
    with Lag() as lag:
        first, _ = pair.ask(FIRST_S)
        began = time.monotonic()
        calls = pair.calls()
        paused, without = pair.ask(SECONDS)
        calls = pair.calls() - calls
    late, without_late = (watch.over(before, after, "linkd_loop_lag_seconds", 0.02)[0] for before, after in zip(turns, pair.turns()))
    ratio = paused.ms["page"] / without.ms["page"]
    failed = first.failed + paused.failed
    line = (f"{fault:<13} {first.ms['page']:>22.0f} {paused.ms['page']:>19.1f} {without.ms['page']:>14.1f} {ratio:>6.2f}"
            f" {max(first.ms['login'], paused.ms['login']):>7.1f} {max(first.ms['webhook'], paused.ms['webhook']):>9.1f} {failed:>7}"
            f" {late:>8.0f}, {without_late:.0f}")
    assert failed == 0
    assert calls == 0, "the breaker is not open"
    graph.set(mode="right")
    line += probe(pair, began) if FULL else ""
    tell([LINES[0], line, f"scheduler: {lag.ms:.1f} ms, {lag.held} times over 20 ms"])
    assert first.ms["page"] <= TIMEOUT_MS + OVER_MS + max(lag.slack, 2 * lag.ms)
    assert ratio <= TIMES or paused.ms["page"] - without.ms["page"] <= OVER + lag.slack
    assert late <= max(without_late, lag.held) + (0 if FULL else 2)
    LINES.append(line)
    if fault == FAULTS[-1] and len(LINES) == 1 + len(FAULTS):
        keep("failing graph", LINES)


def probe(pair, began):
    """Not before OPEN_S after the breaker opened; then everything is bound again."""
    seconds = pair.wait_for_probe(began + OPEN_S + 10) - began
    before = pair.found()
    healthy, _ = pair.ask(5)
    assert healthy.failed == 0 and pair.found() - before > 5 * RATE / 4
    return f", asked again after {seconds:.0f} s"
