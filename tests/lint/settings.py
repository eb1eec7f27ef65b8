"""Every setting of src/config/settings.def is described in config/README.md, which names no other."""
import re

from lintlib import Report, defines, files, root


def main():
    base = root()
    r = Report("settings", base)
    table = base / "src/config/settings.def"
    readme = base / "config/README.md"
    text = readme.read_text() if readme.exists() else ""
    known = set()
    rows = defines(table.read_text(), "SETTING") + defines(table.read_text(), "CHOICE")
    for line, row in rows:
        r.checked += 1
        name = "LINKD_" + row[1]
        known.add(name)
        if not re.search(rf"\b{name}\b(?!_)", text):
            r.bad(table, line, f"{name} is not in config/README.md")
        if not row[-1].strip('"'):
            r.bad(table, line, f"{name} has no help")
    used = "\n".join(p.read_text() for p in files(base, "*.c", "*.h", under=["src"]))
    for line, row in rows:
        if not re.search(rf"(->|\.){row[0]}\b", used):
            r.bad(table, line, f"the field {row[0]} is used nowhere")
    for path in [p for p in (readme, base / "README.md") if p.exists()]:
        for n, line in enumerate(path.read_text().split("\n"), 1):
            for name in re.findall(r"\bLINKD_[A-Z0-9_]*[A-Z0-9]\b", line):
                if name not in known and name.removesuffix("_FILE") not in known:
                    r.bad(path, n, f"{name} is no setting")
    r.end()


main()
