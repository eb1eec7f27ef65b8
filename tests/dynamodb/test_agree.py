"""Two instances on one table whose index lags, while Graph fails half of its calls: Facebook and the table agree at the end."""

import pathlib
import time

import figures
from conftest import FULL, count
from harness.agreement import Agreement
from harness.agreement_rounds import Rounds

LAG_S = 1


def test_at_the_end_both_sides_say_the_same(start, proxy):
    proxy.lag_s = LAG_S
    rounds, seed = count("LINKD_ROUNDS", 40, 1000), count("LINKD_SEED", time.time(), time.time())
    there = Agreement(start)
    try:
        second = start(**{name: value for name, value in there.service.settings.items() if name.startswith(("LINKD_GRAPH", "LINKD_PAGE"))})
        second.admin_token = second.settings["LINKD_ADMIN_TOKEN"]
        made = Rounds(there, [there.service, second], seed, in_a_row=8 if FULL else 2)
        time.sleep(2 * LAG_S)  # until the index of the e-mails shows the customers
        line = made.check(rounds, seed, f"2 instances on DynamoDB, index {LAG_S} s late", seconds=600 if FULL else 90)
        print("\n" + line)
        if FULL:
            figures.write(pathlib.Path(__file__).parents[1] / "FIGURES.md", "agree-dynamodb", ["- " + line])
    finally:
        there.stop()
