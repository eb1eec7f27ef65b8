"""Every route of src/routes.c is described in src/README.md, and stands once for a listener.  A path that is a macro must be named
there by the macro."""
import re

from lintlib import Report, bare, root

ROW = re.compile(r'(?:(ROUTE_\w+),\s*(?:\.method\s*=\s*)?)?"(GET|POST|PUT|DELETE|OPTIONS)"\s*,\s*(?:\.path\s*=\s*)?(?:"(/[^"]*)"|([A-Z]\w+))')


def main():
    base = root()
    r = Report("routes", base)
    table = base / "src/routes.c"
    text = bare(table.read_text(), strings=True) if table.exists() else ""
    readme = base / "src/README.md"
    words = readme.read_text() if readme.exists() else ""
    seen = set()
    for m in ROW.finditer(text):
        r.checked += 1
        line = text.count("\n", 0, m.start()) + 1
        method, path = m.group(2), m.group(3) or m.group(4)
        wanted = rf"`{method} " + re.escape(path).replace(r"\{\}", r"\{\w*\}") + "`" if m.group(3) else rf"`{path}`"
        if not re.search(wanted, words):
            r.bad(table, line, f"`{method} {path}` is not in src/README.md")
        if m.groups() in seen:
            r.bad(table, line, f"{method} {path} stands twice")
        seen.add(m.groups())
    r.end()


main()
