"""Every branch of the five rules was taken both ways:  tests/mutants/branches.py FILE, gcovr's JSON."""
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mutants import csource  # noqa: E402
from mutants.rules import RULES  # noqa: E402

# The switch of a flow over all its phases has one branch more, for no phase, which the compiler makes.
LEFT_OUT = "_run"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def lines_of(place):
    """Of each function of a place: its lines."""
    text = (ROOT / "src" / place.file).read_text()
    tokens = csource.scan(text)
    for span in csource.functions(tokens):
        if not span.name.endswith(LEFT_OUT) and ("*" in place.functions or span.name in place.functions):
            yield span.name, range(text.count("\n", 0, tokens[span.first].at) + 1, text.count("\n", 0, tokens[span.last].at) + 2)


def counted(file):
    """file -> line -> branches."""
    found = json.loads(pathlib.Path(file).read_text())["files"]
    return {one["file"]: {line["line_number"]: line["branches"] for line in one["lines"]} for one in found}


def main():
    places = [(rule, place) for rule in RULES for place in RULES[rule] if place.functions]
    found, taken, missing = counted(sys.argv[1]), collections.Counter(), []
    every = collections.Counter()
    for rule, place in places:
        lines = found[f"src/{place.file}"]
        for name, numbers in lines_of(place):
            for n in numbers:
                branches = lines.get(n, [])
                every[rule] += len(branches)
                taken[rule] += sum(1 for one in branches if one["count"])
                if not all(one["count"] for one in branches):
                    missing.append(f"src/{place.file}:{n}: {name}: {sum(1 for one in branches if not one['count'])} branches not taken")
    print("branches of the rules: " + ", ".join(f"{rule} {taken[rule]}/{every[rule]}" for rule in RULES))
    print("\n".join(missing))
    sys.exit(1 if missing or not all(every.values()) else 0)


if __name__ == "__main__":
    main()
