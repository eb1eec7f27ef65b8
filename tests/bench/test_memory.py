"""The limits of memory.  LINKD_FULL=1: as many links as the limit is about."""
import pytest

from bench import memory
from conftest import count

RSS_IDLE, PRIVATE_IDLE, RSS_WAITING, GROWTH = 20_000, 8_000, 100_000_000 // 1024, 1000  # KiB
KEPT = 2 * 256  # connections of two loops between requests


def test_idle():
    m = memory.idle()
    print(memory.idle_line(m))
    assert m.rss < RSS_IDLE and m.private < PRIVATE_IDLE


@pytest.mark.parametrize("kept", [False, True])
def test_many_in_flight(kept):
    w = memory.waiting(memory.WAITING, kept)
    print(memory.waiting_line(w, kept))
    assert w.in_flight >= memory.WAITING * 0.95, "they were not there at once"
    assert w.memory.rss < RSS_WAITING
    assert w.stay <= KEPT, "many answers in one turn are more than were to stay open"
    assert sum(w.answers.values()) == memory.WAITING and set(w.answers) <= {"200", "503"}


def test_no_growth():
    g = memory.growth(count("LINKD_LINKS", 100_000, memory.LINKS))
    print(memory.growth_line(g))
    assert g.after.rss - g.before.rss < GROWTH and g.late < g.links / 100
