"""Just enough of C to change it: tokens with their places, and where functions, table rows and macros lie."""
import re
from typing import NamedTuple

TOKEN = re.compile(r"""
    (?P<gap>\s+|/\*.*?\*/|//[^\n]*)
  | (?P<text>"(?:\\.|[^"\\\n])*")
  | (?P<char>'(?:\\.|[^'\\\n])*')
  | (?P<number>0[xX][0-9a-fA-F]+\w*|\d[\w.]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\\\n|[^\w\s])
""", re.X | re.S)
PAIR = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    kind: str
    s: str
    at: int  # offset in the file

    @property
    def end(self):
        return self.at + len(self.s)


class Span(NamedTuple):
    name: str
    first: int  # tokens first..last belong to it
    last: int


def is_directive(text, at):
    return text[at] == "#" and not text[text.rfind("\n", 0, at) + 1:at].strip()


def scan(text):
    """Tokens without blanks and comments; a preprocessor line is one token of kind "line"."""
    found, at = [], 0
    while at < len(text):
        if is_directive(text, at):
            end = re.compile(r"(?:\\\n|[^\n])*").match(text, at).end()
            found.append(Token("line", text[at:end], at))
            at = end
            continue
        m = TOKEN.match(text, at)
        if m.lastgroup != "gap" and m.group() != "\\\n":
            found.append(Token(m.lastgroup, m.group(), at))
        at = m.end()
    return found


def closing(tokens, i):
    """The partner of the bracket at i."""
    depth = 0
    for j in range(i, len(tokens)):
        depth += (tokens[j].s in PAIR) - (tokens[j].s in PAIR.values())
        if depth == 0:
            return j
    raise AssertionError(f"no end of {tokens[i]}")


def functions(tokens):
    """The bodies, braces included, of every function."""
    i, found = 0, []
    while i < len(tokens):
        if tokens[i].s == "(" and i and tokens[i - 1].kind == "word":
            end = closing(tokens, i)
            if end + 1 < len(tokens) and tokens[end + 1].s == "{":
                found.append(Span(tokens[i - 1].s, end + 1, closing(tokens, end + 1)))
                i = found[-1].last
            else:
                i = end
        elif tokens[i].s == "{":
            i = closing(tokens, i)
        i += 1
    return found


def enums(tokens):
    """The bodies of enums without a name: the file's constants."""
    return [Span("enum", i + 1, closing(tokens, i + 1)) for i, t in enumerate(tokens[:-1])
            if t.s == "enum" and tokens[i + 1].s == "{"]


def entries(tokens, name):
    """Rows of tables: `[NAME] = {...}`, `NAME... = {...}` and, in an X-macro file, `SQL(NAME, ...)`."""
    for i, t in enumerate(tokens):
        if t.s != name:
            continue
        if tokens[i - 1].s == "(" and tokens[i - 2].s == "SQL":
            return Span(name, i, closing(tokens, i - 1))
        j = i + 1
        while tokens[j].s in "[]" or tokens[j].kind in ("number", "word"):
            j += 1
        if tokens[j].s == "=" and tokens[j + 1].s == "{":
            return Span(name, j + 1, closing(tokens, j + 1))
    raise AssertionError(f"no entry {name}")


def macro(tokens, name):
    """-> the tokens of a macro's text, at their places in the file."""
    for t in tokens:
        m = re.match(rf"#\s*define\s+{name}\b", t.s) if t.kind == "line" else None
        if m:
            return [one._replace(at=one.at + t.at + m.end()) for one in scan(t.s[m.end():])]
    raise AssertionError(f"no macro {name}")
