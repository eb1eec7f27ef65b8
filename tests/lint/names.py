"""Names that a stack trace or a search must tell apart.

A static function of one name stands in at most FILES_MAX files; the names in MANY stand in more, and in no more than said there.
The phases of a flow (`enum phase` or `enum X_phase`) begin with a prefix that no other flow's have; PLAIN, the prefix that
several share, stands for at most PLAIN_MAX flows."""
import re
from collections import defaultdict

from lintlib import Report, bare, files, functions, root

FILES_MAX = 8
MANY = {"run": 10, "take": 11, "add": 11, "find": 10}
PLAIN, PLAIN_MAX = "P_", 7


def phases(text):
    """-> (line, prefix) of each enumeration of phases."""
    for m in re.finditer(r"\benum\s+(?:\w+_)?phase\s*\{([^}]*)\}", text):
        words = re.findall(r"^\s*(\w+)", m[1].replace(",", "\n"), re.M)
        prefix = words[0]
        while not all(word.startswith(prefix) for word in words):
            prefix = prefix[:-1]
        yield text.count("\n", 0, m.start()) + 1, prefix[:prefix.rfind("_") + 1]


def main():
    base = root()
    r = Report("names", base)
    static, flows = defaultdict(list), defaultdict(list)
    for path in files(base, "*.c", "*.h", under=["src"]):
        text = path.read_text()
        for f in functions(text):
            if f.static:
                static[f.name].append((path, f.line))
        for line, prefix in phases(bare(text)):
            flows[prefix].append((path, line))
    for name, places in static.items():
        r.checked += 1
        most = MANY.get(name, FILES_MAX)
        if len(places) > most:
            r.bad(*places[-1], f"static {name} is in {len(places)} files, more than {most}: say what it does here")
    for prefix, places in flows.items():
        r.checked += 1
        if len(places) > (PLAIN_MAX if prefix == PLAIN else 1):
            r.bad(*places[-1], f"phases that begin with '{prefix}' are in {len(places)} flows: give each a prefix of its own")
    shared = len(flows.get(PLAIN, []))
    r.end(f"; {len(flows) - (shared > 0)} flows with a prefix of their own, {shared} with {PLAIN}")


main()
