"""Every state the store may be in: after requests at once, those some order of their atomic steps leads to with the answers
that were seen.  A state is (customers, programs the service may run by itself at any later time, those it is in the midst of)."""
from . import reference

NODES_MAX = 200_000
UNKNOWN = object()  # as an answer: none came, so the request ended anywhere, or was never begun


class Lost(AssertionError):
    """No order explains what was seen."""


class TooMany(Exception):
    """More orders than are looked at: nothing is known of the sequence."""


class Request:
    """chains: programs that run side by side, each a tuple of programs one after another.  seen: does a list of the chains'
    results (each a tuple) fit the answer?"""
    def __init__(self, chains, seen):
        self.chains, self.seen = tuple(map(tuple, chains)), seen


class Search:
    def __init__(self, requests, lags, repeats=False):
        """repeats: a step may be executed and its answer get lost, so that it is made again."""
        self.requests, self.lags, self.repeats = requests, lags, repeats

    def run(self, states):
        begin = tuple(tuple((chain, ()) for chain in one.chains) for one in self.requests)
        todo = [(*state, begin) for state in states]
        known, ends = set(todo), set()
        while todo:
            node = todo.pop()
            if self.explained(node[-1]):
                ends.add(node[:-1])
                ends.update(self.sent(*node))
            for after in self.moves(*node):
                if after not in known:
                    known.add(after)
                    todo.append(after)
            if len(known) > NODES_MAX:
                raise TooMany
        return ends

    def explained(self, running):
        return all(one.seen is UNKNOWN or (all(not rest for rest, _ in chains) and one.seen([done for _, done in chains]))
                   for one, chains in zip(self.requests, running))

    def sent(self, items, later, loose, running):
        """A store elsewhere may yet execute the one write that a killed process had sent."""
        for one, chains in zip(self.requests, running):
            if one.seen is UNKNOWN and self.lags:
                for rest, _ in chains:
                    if rest and reference.writes(rest[0]):
                        yield items, later, loose | {("last", rest[0])}

    def moves(self, items, later, loose, running):
        for op in later:  # begun at any time, any number of times; seen only when it finds something to do
            for way in reference.advance(items, op, self.lags):
                if way.then and reference.acts(way.then) and way.then not in loose:
                    yield way.items, later, loose | {way.then}, running
        for op in loose:
            for way in reference.advance(items, op, self.lags):
                rest = loose - {op} | ({way.then} if way.then and reference.acts(way.then) else set())
                yield way.items, later, rest, running
        for r, chains in enumerate(running):
            for c, (rest, done) in enumerate(chains):
                if rest:
                    yield from self.moves_of((items, later, loose, running), (r, c), rest, done)

    def moves_of(self, node, place, rest, done):
        items, later, loose, running = node
        for way in reference.advance(items, rest[0], self.lags):
            chain = ((way.then, *rest[1:]), done) if way.then else (rest[1:], (*done, way.result))
            yield way.items, later | ({way.later} if way.later else set()), loose, replaced(running, place, chain)
            if self.repeats:
                yield way.items, later, loose, running
        if self.repeats and rest[0][0] == "repairs":  # one that fails does not spoil the answer
            yield items, later, loose, replaced(running, place, (rest[1:], (*done, rest[0][-1])))


def replaced(running, place, chain):
    r, c = place
    chains = running[r][:c] + (chain,) + running[r][c + 1:]
    return running[:r] + (chains,) + running[r + 1:]
