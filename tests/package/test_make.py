"""The Makefile's promises: says what is missing, installs it, builds only what changed, installs the program."""
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def script(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def run(*command, path=None, **env):
    kept = {k: v for k, v in os.environ.items() if k not in ("CFLAGS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD")}
    kept["PATH"] = path or kept["PATH"]
    done = subprocess.run([str(c) for c in command], cwd=ROOT, env={**kept, **env}, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def bare(tmp_path):
    """A PATH on which nothing of tests/packages is installed, and apt-get writes down what it is asked."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for tool in ("sh", "dirname", "grep", "cat", "env", "mktemp", "rm", "tail"):
        (bin_ / tool).symlink_to(shutil.which(tool))
    script(bin_, "dpkg-query", "exit 1\n")
    script(bin_, "id", "echo ${FAKE_ID-0}\n")
    script(bin_, "apt-get", f'echo "$DEBIAN_FRONTEND $*" >>{tmp_path}/apt\nexit ${{FAKE_APT-0}}\n')
    return bin_


def asked(tmp_path):
    log = tmp_path / "apt"
    return log.read_text().splitlines() if log.exists() else []


def test_make_tells_what_is_missing(tmp_path):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    script(bin_, "pkg-config", "exit 1\n")
    script(bin_, "dpkg-query", "exit 1\n")
    code, out, err = run("make", f"BUILD={tmp_path}/b", path=f"{bin_}:{os.environ['PATH']}")
    assert code != 0
    assert "CC" not in out
    said = [line for line in err.splitlines() if "apt-get" in line]
    assert len(said) == 1
    assert "apt-get install -y" in said[0] and "libmicrohttpd-dev" in said[0]


def test_make_tells_of_a_missing_compiler(tmp_path):
    code, _, err = run("make", "CC=no-such-compiler", f"BUILD={tmp_path}/b")
    assert code != 0 and "no-such-compiler does not work" in err


def test_install_says_first_and_updates_first(bare, tmp_path):
    code, out, _ = run("sh", "tests/install.sh", "build", path=str(bare))
    assert code == 0
    assert out.startswith("Installing from the distribution: gcc")
    calls = asked(tmp_path)
    assert calls[0].startswith("noninteractive update")
    assert calls[1].startswith("noninteractive install -y") and "libcjson-dev" in calls[1]
    assert "chromium" not in calls[1] and len(calls) == 2


def test_check_needs_more_than_run(bare, tmp_path):
    assert run("sh", "tests/install.sh", "run", path=str(bare))[0] == 0
    assert run("sh", "tests/install.sh", "all", path=str(bare))[0] == 0
    calls = asked(tmp_path)
    assert "libcmocka-dev" not in calls[1]
    assert "libcmocka-dev" in calls[3] and "valgrind" in calls[3] and "gcc" in calls[3]


def test_nothing_missing_installs_nothing(bare, tmp_path):
    script(bare, "dpkg-query", "echo installed\n")
    assert run("sh", "tests/install.sh", "all", path=str(bare)) == (0, "", "")
    assert asked(tmp_path) == []


def test_without_root_and_sudo_it_stops(bare, tmp_path):
    code, _, err = run("sh", "tests/install.sh", "build", path=str(bare), FAKE_ID="1000")
    assert code == 1 and "libsqlite3-dev" in err and asked(tmp_path) == []


def test_without_root_it_uses_sudo(bare, tmp_path):
    script(bare, "sudo", f'echo sudo >>{tmp_path}/apt\nexec "$@"\n')
    assert run("sh", "tests/install.sh", "build", path=str(bare), FAKE_ID="1000")[0] == 0
    assert asked(tmp_path)[0] == "sudo"


def test_failed_installation_is_said(bare):
    code, _, err = run("sh", "tests/install.sh", "build", path=str(bare), FAKE_APT="100")
    assert code == 1 and "The installation failed" in err


def test_unknown_purpose_is_a_usage_error(bare):
    assert run("sh", "tests/install.sh", "party", path=str(bare))[0] == 2


def test_second_make_does_nothing():
    assert run("make", "WERROR=1")[0] == 0
    code, out, err = run("make", "WERROR=1")
    assert (code, out, err) == (0, "", "") or "Nothing to be done" in out


def test_flags_of_the_caller_are_used():
    code, out, _ = run("make", "-n", "-B", "V=1", "CC=gcc", "CFLAGS=-O1 -DMARK", "LDFLAGS=-Wl,-O1", "BUILD=build/none")
    assert code == 0
    compiled = [line for line in out.splitlines() if " -c -o " in line]
    assert compiled and all("-O1 -DMARK" in line and "-O2" not in line for line in compiled)
    assert "-Wl,-O1" in out


def test_install_puts_program_and_manual(tmp_path):
    code, _, err = run("make", "WERROR=1", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    assert code == 0, err
    program = tmp_path / "usr/sbin/account-linkd"
    manual = tmp_path / "usr/share/man/man8/account-linkd.8"
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert stat.S_IMODE(manual.stat().st_mode) == 0o644
    assert {p for p in tmp_path.rglob("*") if p.is_file()} == {program, manual}


def test_build_folder_is_all_that_a_build_leaves():
    done = subprocess.run(["git", "status", "--short", "--ignored", "--untracked-files=all"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        assert [line for line in done.stdout.splitlines() if line.endswith((".o", ".a", ".d", ".gcda", ".gcno"))
                and "build/" not in line] == []
