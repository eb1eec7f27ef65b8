"""Each lint passes a small good tree, fails each bad example, and fails a tree with nothing in it."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOOD = {
    "Makefile": "all:\n",
    "README.md": "Set LINKD_LISTEN.\n",
    "config/README.md": "LINKD_LISTEN\n",
    "src/README.md": "`GET /link`, `GET /v1/links/{psid}`\n",
    "src/config/settings.def": 'SETTING(listen, LISTEN, LIST, "a,b", 1, 9, 0,\n        "Addresses (of the listener).")\n',
    "src/obs/metrics.def": 'COUNTER(OPENED, "linkd_opened_total", "", "Opened.")\nHISTOGRAM(LAG, "linkd_lag_seconds", "Lag.")\n',
    "src/routes.c": "enum { ROUTE_PUBLIC };\nstruct route {\n\tint listener;\n\tconst char *method, *path;\n};\n\n"
                    "const struct route routes[] = {\n"
                    '        {ROUTE_PUBLIC, "GET", "/link"},\n        {ROUTE_PUBLIC, "GET", "/v1/links/{}"},\n};\n',
    "src/base/buf.h": "#pragma once\n#include <stddef.h>\nint buf_len(int a, int b);\n",
    "src/base/buf.c": '#include "base/buf.h"\n\nint buf_len(int a, int b)\n{\n\treturn a + b;\n}\n',
    "src/loop/loop.c": '#include "base/buf.h"\n#include "config/config.h"\n\nstatic int due(int n)\n{\n\treturn n;\n}\n\n'
                       'int loop_new(const struct config *cfg)\n{\n'
                       "\tlog_line(LOG_INFO, \"loop_made\");\n\tmetric_add(M_OPENED, 1);\n\tmetric_observe_us(H_LAG, 1);\n\treturn due(cfg->listen.n) > 1;\n}\n",
    "src/config/config.h": "#pragma once\nstruct config {\n\tstruct {\n\t\tint n;\n\t} listen;\n};\n"
                    "enum { M_OPENED, H_LAG, LOG_INFO };\nint log_line(int level, const char *msg);\nvoid metric_add(int m, int n);\nvoid metric_observe_us(int h, int us);\n",
    "tests/unit/test_buf.c": "static void test_len(void **state)\n{\n\t(void)state;\n}\n\n"
                             "static const struct CMUnitTest tests[] = {cmocka_unit_test(test_len)};\n",
    "tests/flow/test_flow.py": "def test_flow():\n    assert True\n",
    "tests/x.sh": "#!/bin/sh\nset -eu\necho hello\n",
}
NOTE = "TO" + "DO"
LONG = "\tf();\n" * 61
BODY = "{\n\treturn 0;\n}\n"
BAD = [  # lint, file, text put in its place ("+..." adds), a word the finding must have
    ("layers", "src/base/buf.c", '+#include "loop/loop.c"\n', "not below"),
    ("layers", "src/base/buf.c", "+#include <curl/curl.h>\n", "belongs to"),
    ("layers", "src/base/buf.c", "+#include <zlib.h>\n", "neither"),
    ("layers", "src/http/server.c", '+#include "loop/loop.c"\n#include "store/store.h"\n', "no step|not below"),
    ("layers", "src/webhook/event.c", '#include "login/password.h"\n', "not below"),
    ("layers", "src/admin/links.c", '#include "web/page.h"\n', "not below"),
    ("layers", "src/routes.c", '#include "web/page.h"\n', "must not"),
    ("layers", "src/attic/x.c", '#include "base/buf.h"\n', "no step"),
    ("layers", "src/base/buf.c", '+#include "str.h"\n', "name the path"),
    ("layers", "src/loop/loop.c", '+#include "base/buf_private.h"\n', "own folder"),
    ("symbols", "src/base/buf.c", f"+\nint length(void)\n{BODY}", "length"),
    ("symbols", "src/link/link_find.c", f"int find_it(\n\tint a)\n{BODY}", "find_it"),
    ("symbols", "src/base/buf.c", "+int shared = 1;\n", "shared"),
    ("symbols", "src/base/buf.c", "+const char *const names[] = {\n\t0,\n};\n", "names"),
    ("symbols", "src/base/buf.c", f"+\nint _buf(void)\n{BODY}", "underscore"),
    ("names", "src/base/buf.c", "+\nenum x_phase { X_A, X_B };\nenum y_phase {\n\tX_C, /* c */\n\tX_D\n};\n", "'X_' are in 2"),
    ("sizes", "src/base/buf.c", "+\n" * 1 + "/* x */\n" * 501, "more than 500"),
    ("sizes", "src/base/buf.c", "+\nint buf_long(void)\n{\n" + LONG + "}\n", "more than 60"),
    ("sizes", "src/base/buf.c", "+\nint buf_run(void)\n{\n" + LONG + "}\n", "more than 60"),
    ("sizes", "src/base/buf.c", f"+\nint buf_p(int a, int b, int c, int d, int e, int (*f)(int, int), int g)\n{BODY}", "7 param"),
    ("sizes", "tests/flow/test_flow.py", "def test_flow():\n" + "    assert True\n" * 61, "more than 60"),
    ("banned", "src/base/buf.c", "+\nvoid buf_x(char *p)\n{\n\tsprintf(p, \"x\");\n}\n", "sprintf"),
    ("banned", "src/base/buf.c", "+\nint buf_x(char *p)\n{\n\treturn atoi (p);\n}\n", "atoi"),
    ("banned", "src/base/buf.c", "+\nvoid buf_x(void)\n{\n\texit(1);\n}\n", "exit"),
    ("banned", "tests/unit/test_buf.c", "+\nvoid x(char *p)\n{\n\tstrcpy(p, p);\n}\n", "strcpy"),
    ("banned", "src/loop/loop.c", "+\nvoid loop_x(void)\n{\n\tnanosleep(0, 0);\n}\n", "nanosleep"),
    ("settings", "config/README.md", "LINKD_LISTEN_MORE\n", "LINKD_LISTEN is not"),
    ("settings", "config/README.md", "+LINKD_GONE\n", "LINKD_GONE"),
    ("settings", "README.md", "+LINKD_GONE\n", "LINKD_GONE"),
    ("settings", "src/config/settings.def", '+SETTING(other, OTHER, STR, "", 0, 1, 0, "Help.")\n', "LINKD_OTHER"),
    ("settings", "src/loop/loop.c", "int loop_new(void)\n" + BODY, "used nowhere"),
    ("metrics", "src/obs/metrics.def", '+GAUGE(OPEN, "linkd_open", "", "Open.")\n', "M_OPEN"),
    ("metrics", "src/obs/metrics.def", 'COUNTER(OPENED, "linkd_opened", "", "Opened.")\n', "_total"),
    ("metrics", "src/obs/metrics.def", 'COUNTER(OPENED, "opened_total", "", "Opened.")\n', "begin with"),
    ("messages", "src/loop/loop.c", '+\nvoid loop_x(void)\n{\n\tlog_line(LOG_WARN, "it went wrong");\n}\n', "not a name"),
    ("messages", "src/loop/loop.c", '+\nvoid loop_x(void)\n{\n\tlog_line(x ? LOG_WARN : LOG_INFO,\n\t\t"Store_failing", log_z("a", b));\n}\n', "not a name"),
    ("tests", "tests/unit/test_buf.c", "+\nstatic void test_lost(void **state)\n{\n\t(void)state;\n}\n", "test_lost"),
    ("tests", "tests/unit/test_buf.c", "+\n/* test_lost */\nstatic void test_lost(void **state)\n{\n}\n", "test_lost"),
    ("tests", "tests/unit/test_buf.c", "+\nstatic void a_lost_one(void **state)\n{\n\t(void)state;\n}\n", "a_lost_one"),
    ("tests", "tests/unit/test_none.c", "int x;\n", "no test"),
    ("tests", "tests/flow/test_flow.py", "+\n\ndef test_flow():\n    pass\n", "twice"),
    ("tests", "tests/flow/test_none.py", "x = 1\n", "no test"),
    ("tests", "tests/flow/test_flow.py", "import pytest\n\n\n@pytest.mark.sk" + "ip\ndef test_flow():\n    pass\n", "off"),
    ("routes", "src/README.md", "`GET /link`\n", "/v1/links"),
    ("routes", "src/routes.c", '+const struct route more[] = {\n\t{ROUTE_PUBLIC, "GET", "/link", f},\n};\n', "twice"),
    ("routes", "src/routes.c", '+const struct route more[] = {\n\t{.method = "GET", .path = STYLE_PATH},\n};\n', "STYLE_PATH"),
    ("words", "src/base/buf.c", f"+/* {NOTE}: later */\n", NOTE),
    ("words", "src/base/buf.c", "+/* see /wo" + "rk/notes */\n", "path"),
    ("words", "README.md", "+Copy it to /ro" + "ot/x\n", "path"),
    ("words", "README.md", "+See iss" + "ue 2.\n", "look up"),
    ("words", "README.md", "+See sto" + "re.md.\n", "not here"),
    ("words", "README.md", "+end \n", "space"),
    ("words", "README.md", "+<<<<" + "<<< HEAD\n", "merge"),
    ("shape", "notes.txt", "x\n", "top level"),
    ("shape", "docs/x.md", "x\n", "top level"),
    ("clang-format", "src/base/buf.c", "+int  buf_y(void);\n", "clang-formatted"),
    ("clang-analyzer", "src/base/buf.c", "+\nint buf_y(int *p)\n{\n\tint *q = 0;\n\treturn p ? *q : 0;\n}\n", "Null"),
    ("clang-tidy", "src/base/buf.c", "+\nint buf_y(int a)\n{\n\tif (a)\n\t\treturn 1;\n\telse\n\t\treturn 1;\n}\n", "bugprone"),
    ("cppcheck", "src/base/buf.c", "+\nint buf_y(void)\n{\n\tint a[2] = {0, 1};\n\treturn a[2];\n}\n", "arrayIndexOutOfBounds"),
    ("shellcheck", "tests/x.sh", "+rm -r $1\n", "SC2086"),
    ("shellcheck", "tests/run", "#!/bin/bash\necho $1\n", "SC2086"),
    ("python", "tests/flow/test_flow.py", "+import os\n", "unused"),
    ("python", "tests/flow/test_flow.py", "+if:\n", "invalid syntax"),
]
TOOLS = ["cppcheck", "clang-format", "shellcheck", "python", "clang-tidy", "clang-analyzer"]
OWN = sorted({lint for lint, *_ in BAD} - set(TOOLS))


def write(base, name, text):
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if text.startswith("+"):
        text = (path.read_text() if path.exists() else "") + text[1:]
    path.write_text(text)


@pytest.fixture
def tree(tmp_path):
    for name, text in GOOD.items():
        write(tmp_path, name, text)
    (tmp_path / ".clang-format").write_text((HERE.parents[1] / ".clang-format").read_text())
    return tmp_path


def lint(name, base):
    script = [HERE / "tools.py", name] if name in TOOLS else [HERE / f"{name}.py"]
    p = subprocess.run([sys.executable, *script, base], capture_output=True, text=True,
                       env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    return p.returncode, p.stdout + p.stderr


@pytest.mark.parametrize("name", OWN + TOOLS)
def test_good_tree_passes(name, tree):
    code, out = lint(name, tree)
    assert code == 0, out
    assert "Traceback" not in out


@pytest.mark.parametrize("name", OWN + TOOLS)
def test_nothing_to_look_at_fails(name, tmp_path):
    table = {"settings": "src/config/settings.def", "metrics": "src/obs/metrics.def"}.get(name)
    if table:
        write(tmp_path, table, "")
    code, out = lint(name, tmp_path)
    assert code == 1, out
    assert "Traceback" not in out


@pytest.mark.parametrize("name,file,text,word", BAD, ids=lambda v: v if isinstance(v, str) and len(v) < 24 else "")
def test_bad_example_fails(name, file, text, word, tree):
    write(tree, file, text)
    code, out = lint(name, tree)
    assert code == 1, out
    assert any(w in out for w in word.split("|")), out
    assert "Traceback" not in out


def test_every_lint_is_run_and_tested():
    scripts = {p.stem for p in HERE.glob("*.py")} - {"lintlib", "all", "tools", "test_lints"}
    assert scripts == set(OWN)
    listed = (HERE / "all.py").read_text()
    assert all(f'"{name}"' in listed for name in [*OWN, *TOOLS])


def test_a_static_name_is_in_few_files(tree):
    for n in range(8):
        phases = "enum phase { P_A, P_B };\n" if n < 7 else ""
        write(tree, f"src/base/x{n}.c", f"static int look(void)\n{BODY}\n{phases}")
    assert lint("names", tree)[0] == 0
    write(tree, "src/base/y.c", f"static int look(void)\n{BODY}")
    code, out = lint("names", tree)
    assert code == 1 and "static look is in 9 files" in out


def test_exemptions_hold(tree):
    write(tree, "src/base/buf.c", "+\nint buf_run(int x)\n{\n\tswitch (x) {\n" + LONG + "\t}\n}\n")
    assert lint("sizes", tree)[0] == 0
    write(tree, "src/base/buf.c", "+\nint buf_table(void)\n{\n\tstatic const int t[] = {\n" + "\t\t1,\n" * 61 + "\t};\n}\n")
    assert lint("sizes", tree)[0] == 0
    write(tree, "src/http/server_on.c", f"static int on(struct MHD_Connection *c, int b, int d, int e, int f, int g, int h)\n{BODY}")
    assert lint("sizes", tree)[0] == 0
    write(tree, "src/http/server.c", f"int http_listen(void)\n{BODY}\nint server_new(void)\n{BODY}")
    write(tree, "src/obs/metrics.c", f"int metric_add(void)\n{BODY}")
    assert lint("symbols", tree)[0] == 0
    write(tree, "src/login/start.c", '#include "web/page.h"\n')
    write(tree, "src/web/page.h", "#pragma once\n")
    assert lint("layers", tree)[0] == 0
