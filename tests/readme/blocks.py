"""The fenced blocks of every README of the tree, each named by its file, its heading and its number below that heading."""
import os
import pathlib
import re
import subprocess
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks_of(name, text):
    """-> {(file, heading, number): text of the block without its indentation}"""
    found, heading, count, fence, lines = {}, "", 0, None, []
    for line in text.splitlines():
        mark = re.match(r"\s*(```|~~~)", line)
        if mark and fence is None:
            fence, lines, count = mark[1], [], count + 1
        elif mark and mark[1] == fence:
            found[name, heading, count] = textwrap.dedent("\n".join(lines)) + "\n"
            fence = None
        elif fence:
            lines.append(line)
        elif line.startswith("#"):
            heading, count = line.lstrip("# "), 0
    assert fence is None, f"{name}: a block below '{heading}' has no end"
    return found


def every_block():
    found = {}
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [one for one in folders if one not in (".git", "build", "node_modules")]
        for path in (pathlib.Path(folder) / one for one in files if one == "README.md"):
            name = str(path.relative_to(ROOT))
            found.update(blocks_of(name, path.read_text()))
    return found


def moved(text, at):
    """The paths below /etc, /run and /var lie below `at`: the tests change nothing of the machine."""
    return re.sub(r"(?<![\w./-])/(etc|run|var)/", rf"{at}/\1/", text)


class Shell:
    """Runs a block as a person would: in the top folder of the tree, with the program and stand-ins for what is missing on PATH."""

    def __init__(self, at, binary):
        self.at, self.bin = at, at / "bin"
        self.bin.mkdir()
        (self.bin / "account-linkd").symlink_to(binary)
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("LINKD_", "AWS_")) and name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD", "CFLAGS")}
        self.env = {**kept, "PATH": f"{self.bin}:/usr/sbin:{os.environ['PATH']}", "AT": str(at)}

    def stand_in(self, name, text):
        """A program in place of one that this machine need not have, or that would change it."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def start(self, text, cwd=ROOT, **settings):
        return subprocess.Popen(["sh", "-eu", "-c", text], cwd=cwd, env={**self.env, **settings}, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def run(self, text, stdin="", cwd=ROOT, **settings):
        """-> what it printed; it must succeed."""
        with self.start(text, cwd, **settings) as p:
            out = p.communicate(stdin, timeout=120)[0]
        assert p.returncode == 0, f"{text}\nexit {p.returncode}: {out}"
        return out
