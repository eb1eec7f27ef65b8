"""Mutants of the five rules of rules.py: each is built and tested, and must be seen by a test.

    python3 tests/mutants/run.py [--short] [RULE...]     --keep FILE: what survived, as blocks for `equivalent`

--short: a fixed sample on SQLite only; --write: the counts of what was run into tests/FIGURES.md.  A mutant is killed by a
test that fails, crashes or hangs; equivalent when the optimizer makes the same program of it or the file `equivalent` says
why no test can see it."""
import argparse
import collections
import contextlib
import os
import pathlib
import queue
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import figures  # noqa: E402
from dynamodb.servers import ENVIRONMENT as AWS, Server  # noqa: E402
from mutants import build, csource, mutate  # noqa: E402
from mutants.rules import RULES  # noqa: E402

SRC, README = build.ROOT / "src", build.ROOT / "tests/FIGURES.md"
WORKERS = os.cpu_count() or 2
SAMPLE = {"redirect": 3, "signature": 2, "code": 4, "unlink": 2, "expiry": 2}


class Mutant:
    def __init__(self, rule, place, name, text, change):
        self.rule, self.place, self.name, self.kind = rule, place, name, change.kind
        self.text = text[:change.at] + change.new + text[change.at + change.n:]
        first, last = text.rfind("\n", 0, change.at) + 1, text.find("\n", change.at + change.n)
        self.old, self.new = squeeze(text[first:last]), squeeze(self.text[first:last + len(self.text) - len(text)])
        self.line, self.turn, self.fate = text.count("\n", 0, change.at) + 1, 1, None

    @property
    def key(self):
        return (f"{self.place.file} {self.name}" + (f" #{self.turn}" if self.turn > 1 else ""), self.old, self.new)


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def spans(place, tokens):
    """-> name, changes of each part of the file the rule lies in."""
    wanted = place.functions
    for span in csource.functions(tokens):
        if "*" in wanted or span.name in wanted:
            yield span.name, lambda text, span=span: mutate.of_span(text, tokens, span)
    for span in csource.enums(tokens) if "*" in wanted else ():
        yield span.name, lambda text, span=span: mutate.of_constants(tokens, span)
    for name in place.rows:
        span = csource.entries(tokens, name)
        yield name, lambda text, span=span: mutate.of_row(tokens[span.first:span.last + 1])
    for name in place.macros:
        yield name, lambda text, name=name: mutate.of_row(csource.macro(tokens, name))


def mutants_of(rule, place):
    text = (SRC / place.file).read_text()
    tokens, seen, turns = csource.scan(text), set(), collections.Counter()
    missing = set(place.functions) - {"*"} - {one.name for one in csource.functions(tokens)}
    assert not missing, f"{place.file} has no {missing}"
    for name, changes in spans(place, tokens):
        for change in changes(text):
            one = Mutant(rule, place, name, text, change)
            if one.text in seen or one.text == text:
                continue
            seen.add(one.text)
            turns[one.key] += 1
            one.turn = turns[one.key]
            yield one


def equivalent():
    """The file: blocks of where, old line, new line, reason -> {key: reason}."""
    found = {}
    for block in (pathlib.Path(__file__).parent / "equivalent").read_text().split("\n\n"):
        lines = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if lines:
            where, old, new, *reason = lines
            assert reason, f"no reason: {lines}"
            found[where, old, new] = " ".join(reason)
    return found


class Bench:
    """Builds and tests mutants, several side by side."""
    def __init__(self, mutants, folder, server, known, workers):
        self.known = known
        self.how = build.commands({m.place.through or m.place.file for m in mutants},
                                  sorted({test for m in mutants for test in m.place.tests}))
        self.server, self.folders = server, queue.Queue()
        for n in range(workers):
            one = pathlib.Path(folder) / str(n)
            one.mkdir()
            self.folders.put(one)

    def environment(self, place, folder):
        scratch = folder / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        more = {**AWS, "AWS_ENDPOINT_URL_DYNAMODB": self.server.url} if place.dynamodb else {}
        return {**build.ENVIRONMENT, **more, "TMPDIR": str(scratch)}

    def fails(self, program, place, folder):
        return build.run([program], build.TEST_S * (4 if place.dynamodb else 1), self.environment(place, folder))[0] != 0

    def try_one(self, mutant):
        folder = self.folders.get()
        try:
            mutant.fate = self.fate(mutant, folder)
        finally:
            self.folders.put(folder)
        if mutant.fate == "survived" and mutant.key not in self.known:
            print(f"  {mutant.rule}, line {mutant.line}, {mutant.kind}: {' | '.join(mutant.key)}", flush=True)

    def fate(self, mutant, folder):
        changed = build.compiled(self.how, mutant.place, mutant.text, folder)
        if changed is None:
            return "no C"
        for test in mutant.place.tests:
            if self.fails(build.linked(self.how, test, changed, folder), mutant.place, folder):
                return "killed"
        original = (SRC / mutant.place.file).read_text()
        same = build.assembly(self.how, mutant.place, original, folder) == build.assembly(self.how, mutant.place, mutant.text, folder)
        return "same program" if same else "survived"

    def unchanged(self, place):
        """The tests pass on what is there: else every mutant would be killed."""
        folder = self.folders.get()
        changed = build.compiled(self.how, place, (SRC / place.file).read_text(), folder)
        for test in place.tests:
            assert not self.fails(build.linked(self.how, test, changed, folder), place, folder), f"{test} fails by itself"
        self.folders.put(folder)


def sample(mutants, n):
    """A fixed choice, spread over the rule."""
    return [mutants[(2 * k + 1) * len(mutants) // (2 * n)] for k in range(n)]


def judge(mutants, known, whole):
    """Settle what survived with the list of equivalents; -> complaints."""
    used, wrong = set(), []
    for m in mutants:
        if m.key in known:
            used.add(m.key)
            if m.fate == "killed":
                wrong.append(f"said to be equivalent, but a test sees it: {' | '.join(m.key)}")
            m.fate = "equivalent" if m.fate == "survived" else m.fate
    wrong += [f"SURVIVED {m.rule}: {' | '.join(m.key)}" for m in mutants if m.fate == "survived"]
    if whole:
        wrong += [f"in `equivalent`, but no mutant: {' | '.join(key)}" for key in known if key not in used]
    return wrong


def places():
    """Rule and file of each place, in the order of rules.py."""
    return [(rule, place.file) for rule in RULES for place in RULES[rule]]


def counts(mutants, seconds):
    lines = []
    for rule, file in places():
        count = collections.Counter(m.fate for m in mutants if (m.rule, m.place.file) == (rule, file))
        alike = count["equivalent"] + count["same program"]
        if count:
            lines.append(f"mutants of {rule}, {file}: {sum(count.values())} generated, {count['no C']} do not compile, {count['killed']} killed,"
                         f" {alike} equivalent ({count['same program']} by the optimizer), {count['survived']} survived")
    return [*lines, f"{len(mutants)} mutants in {seconds:.0f} s"]


def with_those(text, lines):
    """The lines of the README, with those of the places that were run put in place of what they said before."""
    found = {one.partition(":")[0]: one for one in re.findall(r"^- (mutants of .*)", text, re.M) + lines}
    return [f"- {found[name]}" for name in (f"mutants of {rule}, {file}" for rule, file in places()) if name in found]


def chosen(words):
    found = []
    for rule in words.rules or RULES:
        every = [m for place in RULES[rule] if not (words.short and place.dynamodb) and words.file in place.file
                 for m in mutants_of(rule, place)]
        found += sample(every, SAMPLE[rule]) if words.short else every
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--file", default="", help="only places whose file name holds this")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("rules", nargs="*")
    words = parser.parse_args()
    if words.write and not figures.BINARY.exists():
        parser.error("--write tells the libraries' versions, by the program: run make first")
    began, mutants, known = time.monotonic(), chosen(words), equivalent()
    on_dynamodb = any(m.place.dynamodb for m in mutants)
    server = Server("local") if on_dynamodb else None
    try:
        with tempfile.TemporaryDirectory(dir=build.ENVIRONMENT["TMPDIR"]) as folder, ThreadPoolExecutor(words.workers) as pool:
            bench = Bench(mutants, folder, server, known, words.workers)
            if not words.short:
                list(pool.map(bench.unchanged, {m.place: 0 for m in mutants}))
            list(pool.map(bench.try_one, mutants))
    finally:
        if server:
            server.stop()
    wrong = judge(mutants, known, not (words.short or words.rules or words.file))
    if words.keep:
        words.keep.write_text("\n\n".join("\n".join(m.key) for m in mutants if m.fate == "survived") + "\n")
    lines = counts(mutants, time.monotonic() - began)
    print("\n".join(lines + wrong))
    if words.write and not (wrong or words.short):
        figures.write(README, "mutants", with_those(README.read_text(), lines))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
