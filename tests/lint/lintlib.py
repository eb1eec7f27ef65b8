"""Shared by the lints: the files of the tree, a small parser of C functions, and the report.

Every lint is a script: `python3 tests/lint/x.py [ROOT]`.  It prints each finding as `file:line: text`, then
how many items it looked at, and fails on a finding or when it looked at none."""
import os
import re
import sys
from pathlib import Path

SKIP = {".git", "build", "__pycache__", "node_modules", ".pytest_cache"}


def root():
    return Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()


def files(base, *patterns, under=("",)):
    """Paths below base (in the folders `under`) whose names match, sorted."""
    found = set()
    for top in under:
        for folder, dirs, names in os.walk(base / top):
            dirs[:] = [d for d in dirs if d not in SKIP]
            found |= {Path(folder) / n for n in names if any(Path(n).match(p) for p in patterns)}
    return sorted(found)


class Report:
    def __init__(self, what, base):
        self.what, self.base, self.checked, self.findings = what, base, 0, 0

    def bad(self, path, line, text):
        self.findings += 1
        print(f"{Path(path).relative_to(self.base)}:{line}: {text}")

    def end(self, note=""):
        name = Path(sys.argv[0]).stem
        print(f"{name}: {self.checked} {self.what}, {self.findings} findings{note}")
        if not self.checked:
            print(f"{name}: looked at nothing, which is a failure of the lint itself")
        sys.exit(1 if self.findings or not self.checked else 0)


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def bare(text, strings=False):
    """C text without comments and, unless `strings`, with empty literals; line numbers stay."""
    def blank(m):
        t = m.group(0)
        if t[0] in "\"'":
            return t if strings else t[0] + t[0]
        return re.sub(r"[^\n]", " ", t)
    return TOKEN.sub(blank, text)


class Function:
    """One definition: head, name, static, parameters (texts), line, lines, body."""
    def __init__(self, head, line, body):
        names = [n for n in re.findall(r"(\w+)\s*\(", head) if n != "__attribute__"]
        self.name = names[0] if names else "?"
        self.static = bool(re.match(r"\s*(inline\s+)?static\b", head))
        self.params = split_params(head[head.index("(", head.index(self.name)):] if names else "()")
        self.head, self.line, self.body = head, line, body
        self.lines = body.count("\n") + 1


def split_params(text):
    depth, item, out = 0, "", []
    for c in text:
        depth += (c in "([") - (c in ")]")
        if (c == "," and depth == 1) or depth == 0:
            out.append(item.strip(" (\n\t"))
            item = ""
            if depth == 0:
                break
        else:
            item += c
    return [p for p in out if p and p != "void"]


def functions(text):
    """Function definitions of formatted C: a brace alone in column 0 opens a body, the next one closes it."""
    lines = bare(text).split("\n")
    found, start = [], 0
    for i, line in enumerate(lines):
        if line == "{":
            head = []
            j = i - 1
            while j >= start and lines[j].strip() and lines[j][0] not in "#}" and not lines[j].rstrip().endswith(";"):
                head.insert(0, lines[j])
                j -= 1
            close = next((k for k in range(i, len(lines)) if lines[k] == "}"), len(lines) - 1)
            if "(" in "\n".join(head):
                # from the first line of the head to the closing brace
                found.append(Function("\n".join(head), j + 2, "\n".join(lines[j + 1:close + 1])))
            start = close + 1
    return found


def globals_of(text):
    """Names and lines of non-static variables with an initialiser at file level."""
    found = []
    for n, line in enumerate(bare(text).split("\n"), 1):
        m = re.match(r"(?!static\b|typedef\b|extern\b|#|return\b|[}\s])[\w\s*]*?\b(\w+)(?:\[[^\]]*\])*\s*=[^=]", line + " ")
        if m:
            found.append((m.group(1), n))
    return found


def defines(text, *macros):
    """Arguments of the rows MACRO(a, b, ...) of a .def file: (line, [argument texts])."""
    text = bare(text, strings=True)
    rows = []
    for m in re.finditer(r"^(%s)(\()" % "|".join(macros), text, re.M):
        rows.append((text.count("\n", 0, m.start()) + 1, row_items(text[m.start(2):])))
    return rows


def row_items(text):
    depth, quoted, item, out = 0, False, "", []
    for i, c in enumerate(text):
        if c == '"' and text[i - 1] != "\\":
            quoted = not quoted
        if not quoted:
            depth += (c == "(") - (c == ")")
            if (c == "," and depth == 1) or depth == 0:
                out.append(item.strip())
                item = ""
                if depth == 0:
                    return out
                continue
            if c == "(" and depth == 1:
                continue
        item += c
    return out
