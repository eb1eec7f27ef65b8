"""Sizes: files at most 500 lines, C functions at most 60 (tables in them not counted; but a run-switch, `x_run`
around a switch, may be longer), at most 6 parameters (but a callback of libmicrohttpd, whose shape is given).  Prints the medians, which should stay near 150 and 15."""
import ast
import re
import statistics

from lintlib import Report, files, functions, root

FILE_MAX, FUNCTION_MAX, PARAMS_MAX = 500, 60, 6


def is_run_switch(f):
    return re.search(r"(^|_)run$", f.name) and re.search(r"\bswitch \(", f.body)


def without_tables(body):
    """Lines of a body less those of its initialisers, which end in a line of `};`."""
    lines, inside = 0, False
    for line in body.split("\n"):
        inside = inside or bool(re.search(r"=\s*\{\s*$", line))
        lines += not inside
        inside = inside and not re.match(r"\s*\};", line)
    return lines


def c_functions(r, path):
    sizes = []
    for f in functions(path.read_text()):
        sizes.append(f.lines)
        r.checked += 1
        n = without_tables(f.body)
        if n > FUNCTION_MAX and not is_run_switch(f):
            r.bad(path, f.line, f"{f.name} has {n} lines, more than {FUNCTION_MAX}")
        if len(f.params) > PARAMS_MAX and not any("MHD_" in p for p in f.params):
            r.bad(path, f.line, f"{f.name} has {len(f.params)} parameters, more than {PARAMS_MAX}")
    return sizes


def py_functions(r, path):
    for f in ast.walk(ast.parse(path.read_text())):
        if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)):
            r.checked += 1
            if f.end_lineno - f.lineno + 1 > FUNCTION_MAX:
                r.bad(path, f.lineno, f"{f.name} has more than {FUNCTION_MAX} lines")


def main():
    base = root()
    r = Report("files and functions", base)
    lines, sizes = [], []
    for path in files(base, "*.c", "*.h", "*.def", "*.py", "*.sh", "*.mk", "Makefile", under=["src", "tests", ""]):
        n = path.read_text().count("\n")
        r.checked += 1
        if n > FILE_MAX:
            r.bad(path, n, f"{n} lines, more than {FILE_MAX}")
        product = path.is_relative_to(base / "src")
        if path.suffix == ".c":
            own = c_functions(r, path)
            if product:
                lines.append(n)
                sizes += own
        elif path.suffix == ".py":
            py_functions(r, path)
    if sizes:
        sizes.sort()
        r.end(f"; in src: {sum(lines)} lines of C, files median {statistics.median(lines):g} max {max(lines)},"
              f" functions median {statistics.median(sizes):g} p90 {sizes[len(sizes) * 9 // 10]} max {sizes[-1]}")
    r.end()


main()
