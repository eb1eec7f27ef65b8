"""Every metric of src/obs/metrics.def is counted somewhere, and names follow Prometheus' rules."""
import re

from lintlib import Report, bare, defines, files, root


def main():
    base = root()
    r = Report("metrics", base)
    table = base / "src/obs/metrics.def"
    used = "\n".join(bare(p.read_text()) for p in files(base, "*.c", "*.h", under=["src"]) if p.stem != "metrics")
    text = table.read_text()
    for kind, prefix in (("COUNTER", "M_"), ("GAUGE", "M_"), ("HISTOGRAM", "H_")):
        for line, row in defines(text, kind):
            r.checked += 1
            ident, name = row[0], row[1].strip('"')
            if not re.search(rf"\b{prefix}{ident}\b", used):
                r.bad(table, line, f"{prefix}{ident} ({name}) is counted nowhere")
            if not re.fullmatch(r"linkd_[a-z0-9_]+", name):
                r.bad(table, line, f"{name} does not begin with linkd_")
            if (kind == "COUNTER") != name.endswith("_total"):
                r.bad(table, line, f"{name}: counters, and only they, end in _total")
            if not row[-1].strip('"'):
                r.bad(table, line, f"{name} has no help")
    r.end()


main()
