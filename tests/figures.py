"""Figures that commands write into a README, with the day and the machine.

    figures.write(pathlib.Path("tests/FIGURES.md"), "fuzz", ["| target | executions |", "|---|---|", ...])

puts the lines between `<!-- figures: fuzz -->` and `<!-- end -->` in that file, which must have the marks."""
import datetime
import os
import pathlib
import platform
import re
import subprocess

BINARY = pathlib.Path(os.environ.get("LINKD_BINARY") or pathlib.Path(__file__).resolve().parents[1] / "build/account-linkd")
MARK = r"(<!-- figures: {} -->\n).*?(<!-- end -->)"


def cpu():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)", text, re.M)
    return re.sub(r"\s+", " ", model.group(1)) if model else platform.machine()


def memory_gib():
    kib = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return f"{int(kib.group(1)) / 2**20:.0f} GiB"


def libraries():
    """The versions of libmicrohttpd and libcurl that the program prints."""
    p = subprocess.run([BINARY, "version"], capture_output=True, text=True)
    found = re.findall(r"(libmicrohttpd|libcurl)\W+([\d.]+)", p.stdout)
    return ", ".join(f"{name} {version}" for name, version in found)


def machine():
    """One line: when and where a figure was made."""
    parts = [datetime.date.today().isoformat(), f"{len(os.sched_getaffinity(0))} x {cpu()}", memory_gib(),
             f"Linux {platform.release()}", libraries()]
    return ", ".join(one for one in parts if one)


def replace(text, section, lines):
    """The text with the block of this section made anew; ValueError: it has none."""
    block = "".join(line.rstrip() + "\n" for line in lines)
    pattern = re.compile(MARK.format(re.escape(section)), re.S)
    made, n = pattern.subn(lambda m: m.group(1) + block + m.group(2), text)
    if n != 1:
        raise ValueError(f"{n} blocks of figures named {section}")
    return made


def write(readme, section, lines):
    """Put the lines into their block, the machine above them."""
    path = pathlib.Path(readme)
    stamp = [machine() + ".", ""]
    path.write_text(replace(path.read_text(), section, stamp + list(lines)))
