"""A corpus in one file that can be read and reviewed: an input a line, what is not printable as \\n, \\r, \\t, \\\\ or
\\xHH; lines that begin with # are comments.  The empty input is always tried and stands in none."""
import hashlib
import re

NAMED = {"\\n": b"\n", "\\r": b"\r", "\\t": b"\t", "\\\\": b"\\"}
ESCAPE = {value[0]: name for name, value in NAMED.items()}


def line(data):
    text = "".join(ESCAPE.get(c) or (chr(c) if 0x20 <= c < 0x7f else f"\\x{c:02x}") for c in data)
    if text.startswith("#"):
        text = "\\x23" + text[1:]
    return text[:-1] + "\\x20" if text.endswith(" ") else text


def data(text):
    def one(m):
        return NAMED[m.group(0)].decode("latin-1") if m.group(0) in NAMED else chr(int(m.group(1), 16))
    return re.sub(r"\\(?:x([0-9a-f]{2})|.)", one, text).encode("latin-1")


def read(path):
    """-> [(comment above it or "", input)]"""
    found, section = [], ""
    for text in path.read_text("ascii").splitlines():
        if text.startswith("#"):
            section = text[1:].strip()
        elif text:
            found.append((section, data(text)))
    return found


def write(path, inputs):
    lines, last = [], ""
    for section, one in inputs:
        if section != last:
            lines.append(f"# {section}")
            last = section
        lines.append(line(one))
    path.write_text("\n".join(lines) + "\n", "ascii")


def unpack(path, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for _, one in read(path):
        (folder / hashlib.sha1(one).hexdigest()).write_bytes(one)
