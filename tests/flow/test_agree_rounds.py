"""Deletions, relinks, erasures and refused codes while Graph fails half of its calls: 0 differences at the end."""

import pathlib
import time

import figures
from conftest import FULL, count
from harness.agreement import Agreement
from harness.agreement_rounds import Rounds


def test_at_the_end_both_sides_say_the_same(make_service):
    rounds, seed = count("LINKD_ROUNDS", 40, 1000), count("LINKD_SEED", time.time(), time.time())
    there = Agreement(make_service)
    try:
        made = Rounds(there, [there.service], seed, in_a_row=8 if FULL else 2)
        line = made.check(rounds, seed, there.service.settings["LINKD_STORE"].partition(":")[0], seconds=600 if FULL else 90)
        print("\n" + line)
        if FULL:
            figures.write(pathlib.Path(__file__).parents[1] / "FIGURES.md", "agree-sqlite", ["- " + line])
    finally:
        there.stop()
