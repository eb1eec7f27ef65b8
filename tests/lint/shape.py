"""The top level holds these and hidden files, nothing else; generated files are not in the tree."""
import fnmatch

from lintlib import Report, root

VISIBLE = {"Makefile", "src", "config", "tests", "docker", "deploy", "README.md"}
HIDDEN = {".git", ".ci", ".clang-format", ".clang-tidy", ".editorconfig", ".gitignore", ".github", ".pytest_cache"}


def main():
    base = root()
    r = Report("entries", base)
    ignore = base / ".gitignore"
    ignored = [p.strip("/") for p in ignore.read_text().split() if not p.startswith("#")] if ignore.exists() else []
    for entry in sorted(base.iterdir()):
        if any(fnmatch.fnmatch(entry.name, p) for p in ignored):
            continue
        r.checked += 1
        if entry.name not in VISIBLE | HIDDEN:
            r.bad(entry, 1, f"the top level is {' '.join(sorted(VISIBLE))} and hidden files")
    for name in ("Makefile", "README.md", "src", "tests"):
        if not (base / name).exists():
            r.bad(base / name, 1, "is missing")
    r.end()


main()
