"""Addresses to names: (module, function) from innermost to outermost."""
import bisect
import functools
import os
import re
import subprocess

LIBC = ("libc.so", "ld-linux", "libasan.so", "torture.so", "linux-vdso", "libgcc_s.so", "libpthread", "libubsan.so")
OURS = "account-linkd"


@functools.lru_cache(None)
def _table(path):
    """Sorted (address, name) of a module's functions."""
    found = []
    for options in (["-n"], ["-Dn"]):
        out = subprocess.run(["nm", *options, "--defined-only", path], capture_output=True, text=True).stdout
        found += [(int(a, 16), name) for a, kind, name in (line.split(" ", 2) for line in out.splitlines())
                  if kind in "tTwWi"]
    return sorted(found)


@functools.lru_cache(None)
def _name(path, offset):
    table = _table(path)
    at = bisect.bisect_right(table, (offset, "\x7f")) - 1
    return table[at][1].split("@")[0] if at >= 0 else "?"


@functools.lru_cache(None)
def _short(path):
    name = os.path.basename(path)
    return name.split(".so")[0] + ".so" if ".so" in name else name


def _frame(address, modules, binary):
    for m in modules:
        if m.start <= address < m.end:
            path = m.name.decode() or binary
            return _short(path), _name(path, address - 1 - m.base)
    return "?", hex(address)


def stack(addresses, modules, binary):
    return [_frame(a, modules, binary) for a in addresses]


def top(frames):
    """The innermost frame outside of the C library."""
    return next(((module, name) for module, name in frames if not module.startswith(LIBC)), ("?", "?"))


def is_ours(frame):
    return frame[0] == OURS and not frame[1].lstrip("_").startswith("gcov")  # linked into it, to count lines


def text(frames, limit=12):
    seen = [(module, name) for module, name in frames if not module.startswith(("torture", "libasan"))]
    return " < ".join(name if module == OURS else f"{module}:{name}" for module, name in seen[:limit])


def of_library(frame, told):
    """What is told of a crash or leak; of a library's as far as to our first function, since it comes by many ways."""
    if is_ours(frame):
        return told
    frames = told.split("; failed in ")[0].split(" < ")
    ours = next((i for i, one in enumerate(frames) if ":" not in one.split()[-1]), len(frames) - 1)
    return " < ".join(frames[:ours + 1])


def of_report(text):
    """The first stack of a sanitizer's report, innermost first."""
    found = []
    if "ERROR: AddressSanitizer" in text:
        text = text[text.find("ERROR: AddressSanitizer"):]
    elif "ERROR: LeakSanitizer" in text:
        return []
    for line in text.splitlines():
        seen = re.match(r"\s+#\d+ 0x[0-9a-f]+ +(?:in (\S+) )?(.*)", line)
        if not seen:
            if found:
                break
            continue
        found.append(_reported(seen[1], seen[2]))
    return found


def leaks(text):
    """The stacks of a report of LeakSanitizer, what is only reached from other leaks left out."""
    return [of_report(one) for one in text.split("Direct leak of ")[1:]]


def _reported(name, place):
    """Of a sanitizer's line: the function if it knew it, and `src/file.c:1` or `(path+0xoffset)`."""
    seen = re.search(r"\(([^()+]+)\+0x([0-9a-f]+)", place)
    if seen:
        return _short(seen[1]), name or _name(seen[1], int(seen[2], 16))
    if place.startswith("src/"):
        return OURS, name
    return ("libasan.so" if "sanitizer" in place else "torture.so" if "tests/torture" in place else "libc.so"), name or "?"
