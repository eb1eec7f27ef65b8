"""Sequences of steps, made from a seed.  A step is a tuple that names what it needs by number, so that any other step may be
left out: one that lacks what it needs does nothing."""
import random

CUSTOMERS, PSIDS, PAGES = 3, 3, 2
# ms from the sequence's start: the 2 s of an unlink and their neighbours, long before, and ahead of our clock
TIMES = (-60_000, -58_000, -57_999, -56_000, -55_999, -40_000, -20_000, -19_999, -5_000, 200_000, 202_000, 202_001, None)
STALE = (-129_700_000, -2_600_000_000, -31_600_000_000)  # 36.03 h, a month, a year: longer ago than Facebook delivers
EXPIRIES = (-61, -60, -59, -58, -40, -20, -6, -5, -4, 20)  # s from the start
AT_ONCE = ("linked", "linked", "linked", "unlinked", "again", "replay", "confirm", "get", "delete", "erase")


class Maker:
    def __init__(self, seed, mix):
        self.dice, self.mix = random.Random(seed), mix
        self.consents = 0
        self.deliveries = 0

    def sequence(self):
        made = []
        for _ in range(self.dice.randint(6, 16)):
            made += self.some()
        return made

    def some(self):
        names, weights = zip(*self.mix.items())
        name = self.dice.choices(names, weights)[0]
        if not self.consents:
            name = "code"
        return getattr(self, "make_" + name)()

    # --- what a step is about

    def consent(self):
        """The newer, the likelier."""
        return self.consents - 1 - min(int(self.dice.expovariate(0.9)), self.consents - 1)

    def psid(self):
        return self.dice.choices(range(PSIDS), (6, 3, 1))[0]

    def who(self):
        return self.dice.randrange(CUSTOMERS)

    def time(self):
        return self.dice.choice(STALE if self.dice.random() < 0.04 else TIMES)

    # --- steps

    def make_code(self):
        self.consents += 1
        made = [("login", self.consents - 1, self.who())]
        return made + ([("confirm", self.consents - 1)] if self.dice.random() < 0.9 else [])

    def make_whole(self):
        """A link as it mostly comes."""
        return [*self.make_code(), ("deliver", self.delivery(), (self.linked(self.consents - 1),))]

    def make_confirm(self):
        return [("confirm", self.consent())]

    def delivery(self):
        self.deliveries += 1
        return self.deliveries - 1

    def linked(self, consent=None):
        spoiled = self.dice.choices((None, "bent", "foreign"), (30, 1, 1))[0]
        return ("linked", self.consent() if consent is None else consent, self.psid(), self.time(),
                self.dice.randrange(PAGES), spoiled)

    def unlinked(self):
        return ("unlinked", self.psid(), self.time())

    def make_linked(self):
        return [("deliver", self.delivery(), (self.linked(),))]

    def make_unlinked(self):
        return [("deliver", self.delivery(), (self.unlinked(),))]

    def make_batch(self):
        events = [self.linked() if self.dice.random() < 0.6 else self.unlinked() for _ in range(self.dice.randint(2, 4))]
        return [("deliver", self.delivery(), tuple(events))]

    def make_again(self):
        return [("again", self.dice.randrange(max(self.deliveries, 1)))]

    def make_replay(self):
        """A delivery captured on its way, and delivered again when it is so much older."""
        return [("replay", self.dice.randrange(max(self.deliveries, 1)), self.dice.choice((-1000, -20_000, *STALE)))]

    def make_forged(self):
        return [("forged", self.consent(), self.psid())]

    def make_get(self):
        return [("get", self.psid())]

    def make_links(self):
        return [("links", self.who())]

    def make_delete(self):
        return [("delete", self.psid())]

    def make_erase(self):
        """At times with what was posted before it, posted again: the consent, then its code."""
        made = [("erase", self.who())]
        if self.dice.random() < 0.3:
            consent = self.consent()
            made += [("confirm", consent), ("deliver", self.delivery(), (self.linked(consent),))]
        return made

    def make_gone(self):
        who = self.who()
        made = [("remove", who)] + ([("add", who)] if self.dice.random() < 0.5 else [])
        return made + ([("confirm", self.consent())] if self.dice.random() < 0.5 else [])

    def make_add(self):
        return [("add", self.who())]

    def make_bind(self):
        return [("bind", self.consent(), self.psid(), self.dice.choice((None, *range(CUSTOMERS))))]

    def make_expire(self):
        return [("expire", self.consent(), self.dice.choice(EXPIRIES))]

    def make_look(self):
        return [("look",)]

    def make_wait(self):
        """Until the code is too old by the real clock, then it comes with the time of its receipt."""
        consent = self.consent()
        return [("wait", consent), ("deliver", self.delivery(), (("linked", consent, self.psid(), None, 0, None),))]

    def at_once(self):
        inner = []
        for _ in range(self.dice.randint(2, 3)):
            if inner and inner[-1][0] != "deliver" and self.dice.random() < 0.25:
                inner.append(inner[-1])  # twice the same
                continue
            step = getattr(self, "make_" + self.dice.choice(AT_ONCE))()[0]
            inner.append(step)
        if inner[0][0] == "deliver" and self.dice.random() < 0.3:
            inner.append(("again", inner[0][1]))
        return tuple(inner)

    def make_together(self):
        return [("together", self.at_once())]

    def make_crash(self):
        """kill -9 so many ms after these were sent."""
        return [("crash", round(self.dice.choice((0, 1, 2, 4, 8, 15)) * self.dice.random(), 2), self.at_once())]


MIX = {"code": 10, "whole": 12, "confirm": 5, "linked": 16, "unlinked": 7, "batch": 6, "again": 7, "replay": 4, "forged": 1, "get": 2, "links": 2,
       "delete": 2, "erase": 2, "gone": 2, "add": 1, "bind": 5, "expire": 6, "look": 8, "together": 7, "crash": 0.6}


def sequence(seed, **more):
    """The steps of this seed; more: weights of kinds of step."""
    return Maker(seed, {**MIX, **more}).sequence()


def without(steps, at):
    """The sequence less the atomic part `at`: (step,) or (step, part of it)."""
    step, *inner = at
    if not inner:
        return steps[:step] + steps[step + 1:]
    *words, parts = steps[step]
    return steps[:step] + [(*words, parts[:inner[0]] + parts[inner[0] + 1:])] + steps[step + 1:]


def places(steps):
    """What can be left out, the last first: whole steps, then parts of those that have several."""
    for n in reversed(range(len(steps))):
        yield (n,)
    for n in reversed(range(len(steps))):
        if steps[n][0] in ("together", "crash", "deliver") and len(steps[n][-1]) > 1:
            for part in reversed(range(len(steps[n][-1]))):
                yield n, part
