"""Small changes of C, and of the SQL and the DynamoDB expressions in its texts: each one a defect a test should see."""
import re
from typing import NamedTuple

from mutants.csource import closing

RELATION = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",)}
SWAP = {"&&": "||", "||": "&&", "+": "-", "-": "+", "+=": "-=", "|=": "&=", "++": "--"}
OTHER = {"true": "false", "false": "true", "ERR_OK": "ERR_DENIED", "REDIRECT_OK": "REDIRECT_TOKEN", "STORE_DONE": "STORE_KEPT",
         "STORE_USED": "STORE_ALREADY", "STORE_ALREADY": "STORE_USED", "STORE_REFUSED": "STORE_SUPERSEDED",
         "STORE_SUPERSEDED": "STORE_REFUSED", "STORE_UNLINKED_SINCE": "STORE_ALREADY", "STORE_KEPT": "STORE_DONE",
         "STORE_NO_CUSTOMER": "STORE_KEPT", "STORE_EXISTS": "STORE_DONE", "P_READ": "P_WRITE", "P_WRITE": "P_READ"}
FAMILY = {"ERR_": "ERR_OK", "REDIRECT_": "REDIRECT_OK"}
TYPES = {"struct", "enum", "const", "static", "char", "int", "bool", "size_t", "uint8_t", "uint64_t", "int64_t", "unsigned"}
# Not the rule: what wipes or frees memory changes no decision.  The sanitizers look for lost memory.
KEPT = re.compile(r"(crypto_wipe|free|buf_done|seal_open_done|drop_\w+)\(|log_line\(")


class Change(NamedTuple):
    at: int     # offset, length in the file
    n: int
    new: str
    kind: str


def replace(t, new, kind):
    return Change(t.at, len(t.s), new, kind)


def operand(tokens, i, step):
    """The operand of the && or || at i on one side: -> its first and last token."""
    stops = {";", "?", ":", ",", "=", "return", "||", "|="} | ({"&&"} if tokens[i].s == "&&" else set())
    j, depth = i + step, 0
    while True:
        s = tokens[j].s
        depth += step * ((s in "([{") - (s in ")]}"))
        if depth < 0 or (depth == 0 and s in stops):
            break
        j += step
    return (i + 1, j - 1) if step > 0 else (j + 1, i - 1)


def between(tokens, a, b, new, kind):
    return Change(tokens[a].at, tokens[b].end - tokens[a].at, new, kind)


def text_of(text, tokens, a, b):
    return text[tokens[a].at:tokens[b].end]


def of_sign(text, tokens, i):
    t = tokens[i]
    for new in RELATION.get(t.s, ()):
        yield replace(t, new, "relation")
    binary = tokens[i - 1].kind in ("word", "number", "char", "text") or tokens[i - 1].s in ")]"
    if t.s in SWAP and (binary or t.s == "++") and tokens[i - 1].s != "return":
        yield replace(t, SWAP[t.s], "operator")
    if t.s in ("&&", "||"):
        for step in (-1, 1):
            yield between(tokens, *operand(tokens, i, step), "true" if t.s == "&&" else "false", "condition dropped")
    if t.s == "!":
        yield replace(t, "", "negation")


def of_number(tokens, i):
    m = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", tokens[i].s)
    if m and tokens[i - 1].s != "case" and tokens[i - 2].s != "calloc":  # more memory changes no decision
        value = int(m.group(1), 0)
        yield replace(tokens[i], f"{value + 1}{m.group(2)}", "constant")
        yield replace(tokens[i], f"{value - 1}{m.group(2)}" if value else f"(-1{m.group(2)})", "constant")


def of_word(text, tokens, i):
    t, after = tokens[i], tokens[i + 1] if i + 1 < len(tokens) else None
    if t.s in ("if", "while") and after.s == "(":
        end = closing(tokens, i + 1)
        inner, words = text_of(text, tokens, i + 2, end - 1), {one.s for one in tokens[i + 2:end]}
        if words & {"&&", "||"} or not words & {"!", *RELATION}:
            yield between(tokens, i + 1, end, f"(!({inner}))", "negation")
        yield between(tokens, i + 1, end, "(false)", "condition dropped")
        if t.s == "if":
            yield between(tokens, i + 1, end, "(true)", "condition dropped")
    other = OTHER.get(t.s) or next((FAMILY[p] for p in FAMILY if t.s.startswith(p)), None)
    if other and other != t.s and tokens[i - 1].s in ("return", "?", ":", "=", ",") and after.s in (";", ":", ")", ","):
        yield replace(t, other, "value")
    if t.s == "return" and after.s not in (";", "{"):
        yield from of_return(text, tokens, i)


def of_return(text, tokens, i):
    """Of a bool or a choice: the other one."""
    end = next(j for j in range(i, len(tokens)) if tokens[j].s == ";")
    inner = [t.s for t in tokens[i + 1:end]]
    if "?" in inner:
        mark = i + 1 + inner.index("?")
        cond = text_of(text, tokens, i + 1, mark - 1)
        yield between(tokens, i + 1, mark - 1, f"!({cond})", "choice")
    elif {"&&", "||"} & set(inner):
        yield between(tokens, i + 1, end - 1, f"!({text_of(text, tokens, i + 1, end - 1)})", "negation")


def statements(text, tokens, span):
    """Without each expression statement: of the first token of one to its semicolon."""
    for i in range(span.first + 1, span.last):
        if tokens[i - 1].s not in (";", "{", "}", ")", "else", ":") or tokens[i].s in ("{", "}", ";", "else", "if", "for"):
            continue
        if tokens[i - 1].s == ")" and not after_head(tokens, i - 1) or tokens[i - 1].s == ":" and not after_label(tokens, i - 1):
            continue
        if tokens[i].s in TYPES | {"switch", "return", "while", "case", "default", "goto", "static"} or tokens[i].s in "?:.[":
            continue
        end = statement_end(tokens, i)
        body = text_of(text, tokens, i, end)
        if end < span.last and not KEPT.search(body) and not is_label(tokens, i):
            yield between(tokens, i, end, ";", "statement deleted")


def after_head(tokens, i):
    """Does this ')' end an if, while or for?"""
    depth = 0
    for j in range(i, -1, -1):
        depth += (tokens[j].s == ")") - (tokens[j].s == "(")
        if depth == 0:
            return tokens[j - 1].s in ("if", "while", "for")
    return False


def after_label(tokens, i):
    """Does this ':' end a case, and not a part of `a ? b : c`?"""
    while tokens[i].s not in ("?", ";", "{", "}", "case", "default"):
        i -= 1
    return tokens[i].s in ("case", "default")


def is_label(tokens, i):
    return tokens[i + 1].s == ":" or (tokens[i].kind == "word" and tokens[i + 1].kind == "word")


def statement_end(tokens, i):
    depth = 0
    for j in range(i, len(tokens)):
        depth += (tokens[j].s in "([{") - (tokens[j].s in ")]}")
        if tokens[j].s == ";" and depth == 0 or depth < 0:
            return j
    return len(tokens)


def of_span(text, tokens, span):
    """Every change of one function."""
    for i in range(span.first, span.last + 1):
        kind = tokens[i].kind
        if kind == "sign":
            yield from of_sign(text, tokens, i)
        elif kind == "number":
            yield from of_number(tokens, i)
        elif kind == "word":
            yield from of_word(text, tokens, i)
    yield from statements(text, tokens, span)


def of_constants(tokens, span):
    for i in range(span.first, span.last + 1):
        if tokens[i].kind == "number":
            yield from of_number(tokens, i)


# --- SQL and DynamoDB expressions

WORDS = r"[A-Za-z_?:][\w:?]*"
TERM = re.compile(rf"attribute_(?:not_)?exists\([a-z_]+\)|{WORDS} ?(<>|<=|>=|=|<|>|(?<= )IS NOT|(?<= )IS) ?[?:\w]+")
NEW_OPERATOR = {"=": ("<>",), "<>": ("=",), "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
                "IS": ("IS NOT",), "IS NOT": ("IS",)}
GROUP = r"\([^()]*\)"


def of_text(t):
    """Changes of one string token; what it is, is told by its words."""
    s = t.s
    if re.search(r"\b(AND|OR|WHERE)\b|attribute_(not_)?exists\(|ORDER BY", s) or TERM.fullmatch(s.strip('"')):
        yield from of_condition(t, s)
    elif "=" in s:
        yield from without_items(t, s, rf"{WORDS} ?= ?[?:\w]+")
    elif re.fullmatch(r'"[a-z_]+(,[a-z_]+)*"', s):
        yield from without_items(t, s, r"[a-z_]+")


def changed(t, a, b, new, kind):
    return Change(t.at + a, b - a, new, kind)


def of_condition(t, s):
    for m in TERM.finditer(s):
        if m.group(1):
            for new in NEW_OPERATOR[m.group(1)]:
                yield changed(t, m.start(1), m.end(1), new, "relation")
        else:
            old = m.group()
            new = old.replace("not_exists", "exists") if "not_" in old else old.replace("exists", "not_exists")
            yield changed(t, m.start(), m.end(), new, "negation")
        yield from dropped(t, s, m)
    for m in re.finditer(GROUP, s):
        if re.search(r" (AND|OR) ", m.group()):
            yield from dropped(t, s, m)
    for m in re.finditer(r"\b(AND|OR)\b", s):
        yield changed(t, m.start(), m.end(), "OR" if m.group() == "AND" else "AND", "operator")


def dropped(t, s, m):
    """Without one term and the AND or OR beside it."""
    before = re.search(r"(^\"| )(AND|OR) $", s[:m.start()])
    after = re.match(r" (AND|OR) ", s[m.end():])
    if after and not (before and before.group(2) == "AND"):
        yield changed(t, m.start(), m.end() + after.end(), "", "condition dropped")
    elif before:
        yield changed(t, before.start(2), m.end(), "", "condition dropped")


def without_items(t, s, item):
    """Without each assignment, or attribute, of a list."""
    found = list(re.finditer(item, s))
    for k, m in enumerate(found):
        comma = re.match(r", ?", s[m.end():])
        if comma:
            yield changed(t, m.start(), m.end() + comma.end(), "", "statement deleted")
        elif k:
            yield changed(t, found[k - 1].end(), m.end(), "", "statement deleted")


def of_row(tokens):
    """A row of a table, or a macro: its texts and its yes or no."""
    for t in tokens:
        if t.kind == "text":
            yield from of_text(t)
        elif t.s in ("true", "false"):
            yield replace(t, OTHER[t.s], "value")
