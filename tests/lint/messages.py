"""The msg of every log line is one snake_case name, so that alerts can rely on it; put sentences in other fields."""
import re

from lintlib import Report, files, root

CALL = re.compile(r"\blog_line\(\s*[^,;]+?,\s*(\"[^\"]*\"|[^,()]+)")
NAME = re.compile(r'"[a-z][a-z0-9]*(_[a-z0-9]+)*"')


def main():
    base = root()
    r = Report("log messages", base)
    for path in files(base, "*.c", "*.h", under=["src"]):
        if path.name.startswith("log"):
            continue  # the log itself
        text = path.read_text()
        for m in CALL.finditer(text):
            r.checked += 1
            msg = m.group(1).strip()
            if msg.startswith('"') and not NAME.fullmatch(msg):
                r.bad(path, text.count("\n", 0, m.start()) + 1, f"{msg} is not a name like store_failing")
    r.end()


main()
