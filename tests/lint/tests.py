"""A test that never runs proves nothing: every test function of C is in its program's table, no Python test
hides another of the same name, none is switched off, and every file of tests has tests."""
import ast
import re

from lintlib import Report, bare, files, functions, root

OFF = re.compile(r"mark\.(skip|xfail)|pytest\.(skip|xfail|importorskip)\b|@(unittest\.)?skip|\bskip\(\)")


def c_tests(r, path):
    text = path.read_text()
    plain = bare(text)
    own = [f for f in functions(text) if f.static and f.head.startswith("static void")
           and (f.name.startswith("test_") or re.fullmatch(r"void \*\*\w+", ",".join(f.params)))]
    for f in own:
        r.checked += 1
        if len(re.findall(rf"\b{f.name}\b", plain)) < 2:
            r.bad(path, f.line, f"{f.name} is in no table")
    if path.stem.startswith("test_") and not re.search(r"\b(cmocka_unit_test|cmocka_run_group_tests|run_group)", plain):
        r.bad(path, 1, "no test is run here")


def py_tests(r, path):
    tree = ast.parse(path.read_text())
    scopes = [tree] + [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    count = 0
    for scope in scopes:
        seen = set()
        for f in scope.body:
            if isinstance(f, ast.FunctionDef) and f.name.startswith("test"):
                count += 1
                if f.name in seen:
                    r.bad(path, f.lineno, f"{f.name} is defined twice: the first never runs")
                seen.add(f.name)
    r.checked += count
    if path.stem.startswith("test_") and not count:
        r.bad(path, 1, "no test here")


def main():
    base = root()
    r = Report("tests", base)
    for path in files(base, "*.c", under=["tests"]):
        c_tests(r, path)
    for path in files(base, "test_*.py", under=["tests"]):
        py_tests(r, path)
    for path in files(base, "*.c", "*.py", under=["tests"]):
        if "lint" in path.parts:
            continue
        for n, line in enumerate(path.read_text().split("\n"), 1):
            if OFF.search(line):
                r.bad(path, n, "a test that is switched off")
    r.end()


main()
