"""What the linker and the compiler were told to do against attacks is really in the program."""
import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

BINARY = Path(__file__).parents[2] / "build/account-linkd"


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, str(path)], capture_output=True, text=True, check=True).stdout


def lacks(path):
    """Names of the protections a program does not have."""
    header, segments, dynamic = readelf(path, "-h"), readelf(path, "-l"), readelf(path, "-d")
    symbols = readelf(path, "--dyn-syms")
    stack = re.search(r"GNU_STACK.*\s(R?W?E?)\s+0x", segments)
    has = {
        "position independent": "DYN" in header and "PIE" in dynamic,
        "no executable stack": stack and "E" not in stack.group(1),
        "no writable and executable segment": not re.search(r"LOAD.*\sRWE\s", segments),
        "relocations read-only": "GNU_RELRO" in segments,
        "bound at start": re.search(r"FLAGS.*BIND_NOW|FLAGS_1.*NOW", dynamic),
        "no search path of libraries": not re.search(r"RPATH|RUNPATH", dynamic),
        "no relocations in code": "TEXTREL" not in dynamic,
        "stack canaries": "__stack_chk_fail" in symbols,
        "checked copies": re.search(r"__\w+_chk\b", symbols.replace("__stack_chk", "")),
    }
    return sorted(name for name, there in has.items() if not there)


def test_program_is_hardened():
    assert lacks(BINARY) == []


def test_check_sees_what_is_missing(tmp_path):
    source = tmp_path / "x.c"
    source.write_text("int main(void)\n{\n\treturn 0;\n}\n")
    plain = tmp_path / "plain"
    subprocess.run(["gcc", "-no-pie", "-fcf-protection=none", "-z", "execstack", "-z", "norelro", "-z", "lazy",
                    f"-Wl,-rpath,{tmp_path}", "-o", plain, source], check=True)
    missing = lacks(plain)
    for name in ("position independent", "no executable stack", "relocations read-only", "bound at start", "checked copies",
                 "no search path of libraries", "stack canaries"):
        assert name in missing


def unmarked(archive):
    """Members whose branches and returns the processor cannot check, and the number of all."""
    parts = re.split(r"^File: ", readelf(archive, "-n"), flags=re.M)[1:]
    names = subprocess.run(["ar", "t", archive], capture_output=True, text=True, check=True).stdout.split()
    return len(names) - sum("IBT, SHSTK" in part for part in parts), len(names)


def test_code_is_marked_for_checked_branches(tmp_path):
    """On x86.  Of the program itself the linker drops the mark, since Debian's start files have none: look at our part."""
    if platform.machine() != "x86_64":
        return
    bad, all_ = unmarked(BINARY.parent / "libaccount-linkd.a")
    assert bad == 0 and all_ > 50
    code = subprocess.run(["objdump", "-d", "--disassemble=main", BINARY], capture_output=True, text=True, check=True).stdout
    assert re.search(r"<main>:\n.*endbr64", code)
    (tmp_path / "x.c").write_text("int x(void)\n{\n\treturn 0;\n}\n")
    subprocess.run(["gcc", "-fcf-protection=none", "-c", "x.c"], cwd=tmp_path, check=True)
    subprocess.run(["ar", "rcs", "x.a", "x.o"], cwd=tmp_path, check=True)
    assert unmarked(tmp_path / "x.a") == (1, 1)


@pytest.mark.parametrize("library", ["libasan", "libubsan", "libtsan", "libgcov", "libcmocka"])
def test_program_needs_no_library_of_the_tests(library):
    assert library not in readelf(BINARY, "-d")


def test_program_says_its_version():
    done = subprocess.run([BINARY, "version"], capture_output=True, text=True, timeout=10, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0 and re.search(r"\d", done.stdout)
