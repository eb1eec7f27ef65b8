"""Build one changed source and link it into a test in front of the library, whose own copy is then left out."""
import os
import pathlib
import shlex
import subprocess
from typing import NamedTuple

import check

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/asan"
FLAGS = check.KINDS["asan"][0]
TEST_S = 30  # a test that takes longer hangs
ENVIRONMENT = {"PATH": os.environ["PATH"], "TMPDIR": os.environ.get("TMPDIR", "/dev/shm"), "LINKD_SLOW": "1",
               "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "halt_on_error=1"}


class Commands(NamedTuple):
    compile: dict  # source below src/ -> words
    link: dict     # test -> words


def target(source):
    return f"build/asan/obj/{pathlib.Path(source).with_suffix('.o')}"


def ask_make(*words):
    p = subprocess.run(["make", "--no-print-directory", *FLAGS, *words], cwd=ROOT, capture_output=True, text=True)
    assert p.returncode == 0, p.stdout[-2000:] + p.stderr[-2000:]
    return p.stdout


def commands(sources, tests):
    """Build what is needed, then let make tell how it compiles these sources and links these tests."""
    programs = [f"build/asan/{one}" for one in tests]
    ask_make("-j2", *programs)
    objects = [f"build/asan/obj-tests/{one}.o" for one in tests]
    changed = [word for one in [*(f"src/{source}" for source in sources), *objects] for word in ("-W", one)]
    lines = [shlex.split(line) for line in ask_make("-n", *changed, *programs).splitlines() if " -o " in line and "echo" not in line]
    made = {line[line.index("-o") + 1]: line for line in lines}
    return Commands({one: made[target(one)] for one in sources}, {one: made[f"build/asan/{one}"] for one in tests})


def changed_word(words, after, new):
    at = words.index(after) + 1
    return [*words[:at], new, *words[at:][1:]]


def run(words, timeout, env=None):
    """-> exit code, output; 124: it took too long."""
    with subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as p:
        try:
            out = p.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            p.kill()
            out = p.communicate()[0]
            return 124, out
    return p.returncode, out


def compiled(how, place, text, folder, more=()):
    """The changed file's object, or None: no C."""
    source = place.through or place.file
    words = changed_word(list(how.compile[source]), "-o", str(folder / "changed.o"))
    if place.through:
        header = folder / place.file
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text(text)
        words.insert(next(i for i, word in enumerate(words) if word.startswith("-I")), f"-I{folder}")
    else:
        (folder / "changed.c").write_text(text)
        words[words.index(f"src/{source}")] = str(folder / "changed.c")
    code, _ = run([*words, "-w", "-O0", "-g0", *more], 120)
    return folder / "changed.o" if code == 0 else None


def linked(how, test, changed, folder):
    words = changed_word(list(how.link[test]), "-o", str(folder / "test"))
    library = next(i for i, word in enumerate(words) if word.endswith("libaccount-linkd.a"))
    words[library:library] = [str(changed), "-Wl,-S"]
    code, out = run(words, 120)
    assert code == 0, out[-2000:]
    return folder / "test"


def assembly(how, place, text, folder):
    """What the optimizer makes of it, without sanitizers: equal for an equal program."""
    out = compiled(how, place, text, folder, ("-fno-sanitize=all", "-O2", "-g0", "-S"))
    return out.read_bytes() if out else None
