"""Words that do not belong in the tree: notes to self, paths of one machine, references to texts that do not ship."""
import re

from lintlib import Report, files, root

WORDS = [  # written so that no pattern matches itself
    (r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b", "a note to self"),
    (r"(?<![\w./<{-])/(wor[k]|tmp/w[t]|roo[t]|hom[e]/\w+)(/|\b)", "a path of one machine"),
    (r"\b(issu[e]|ticke[t]) #?\d+\b", "a number no reader can look up"),
    (r"\b(produc[t]|stor[e]|architectur[e]|styl[e]|securit[y]|messenge[r]|op[s]|peer[s]|aw[s]|con[v])\.md\b", "a text that is not here"),
    (r"(?i)\b(languag[e] model|sub-?agen[t]|work-?tre[e]|the brie[f])\b", "a word of the workshop"),
    (r"(?i)\b(lorem ipsu[m]|foo-?ba[r])\b", "filler"),
]
MARK = re.compile(r"^(<{7}|={7}|>{7})( |$)")
TEXT = ("*.c", "*.h", "*.def", "*.py", "*.sh", "*.md", "*.mk", "*.8", "*.html", "*.css", "*.txt", "*.yml", "*.yaml",
        "*.ini", "*.in", "*.json", "*.js", "*.mjs", "Makefile", "packages", "run", "*Dockerfile*", "*.service", ".clang-*",
        ".editorconfig", "*.supp")


def main():
    base = root()
    r = Report("lines", base)
    for path in files(base, *TEXT):
        raw = path.read_bytes()
        if raw and not raw.endswith(b"\n"):
            r.bad(path, 1, "the last line has no end")
        for n, line in enumerate(raw.decode("utf-8", "replace").split("\n"), 1):
            r.checked += 1
            for pattern, why in WORDS:
                m = re.search(pattern, line)
                if m:
                    r.bad(path, n, f"'{m.group(0)}': {why}")
            if MARK.match(line):
                r.bad(path, n, "a merge that was not finished")
            if line != line.rstrip():
                r.bad(path, n, "space at the end of the line")
            if "\ufffd" in line:
                r.bad(path, n, "not UTF-8")
    r.end()


main()
