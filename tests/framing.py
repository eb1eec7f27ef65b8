"""What becomes of every row of harness/framing.py on this machine's libmicrohttpd and, in a chroot, on Debian 13's: a table.

    python3 tests/framing.py [--write]      --write: the summary into tests/FIGURES.md

Needs the built program; root and debootstrap for the second.  Fails when a row went otherwise than it must on either."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import figures  # noqa: E402
from harness.framing import EITHER, SERVED, TABLE  # noqa: E402
from harness.service import BINARY  # noqa: E402

HERE = pathlib.Path(__file__).parent
LIBRARIES = ("0.9.75", "1.0.1")  # of Debian 12 and 13


def library():
    words = subprocess.run([BINARY, "version"], capture_output=True, text=True, check=True).stdout
    return next(line.split()[-1] for line in words.splitlines() if "microhttpd" in line)


def here(path):
    return subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "flow/test_framing.py"],
                          env={**os.environ, "LINKD_FRAMING": str(path)}).returncode


def there(path):
    return subprocess.run(["sh", HERE / "framing.sh", "trixie", path]).returncode


def verdict(row, outcomes):
    """For one row: what an operator has to know."""
    taken = [one.startswith(("2", "403")) for one in outcomes]
    if row.want == SERVED:
        return "served"
    if row.proper:
        return "served" if all(taken) else "proper, but refused by one" if any(taken) else "proper, but refused"
    if not any(taken):
        return "refused"
    return "served: PROXY" if row.want == EITHER else "taken, then closed: PROXY"


def show(results):
    """Print the table; -> its summary."""
    print(f"{'request':62}  {LIBRARIES[0]:10}  {LIBRARIES[1]:10}")
    counts, proxied = {}, []
    for row in TABLE:
        outcomes = [one.get(row.id, "not sent") for one in results]
        said = verdict(row, outcomes)
        counts[said] = counts.get(said, 0) + 1
        proxied += [row.id] if "PROXY" in said else []
        print(f"{row.id:62}  {outcomes[0]:10}  {outcomes[1]:10}  {said}")
    return [f"{len(TABLE)} requests on libmicrohttpd {' and '.join(LIBRARIES)}: "
            + ", ".join(f"{n} {said}" for said, n in sorted(counts.items()))
            + "; behind none of those that are refused or closed was another served.",
            f"What a strict proxy in front has to refuse: {'; '.join(proxied)}."]


def main():
    print(f"libmicrohttpd here: {library()}")
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("here", "there")]
        codes = [here(paths[0]), there(paths[1])]
        results = [json.loads(path.read_text()) if path.exists() else {} for path in paths]
    print("=== table ===")
    summary = show(results)
    print("\n".join(summary))
    print("=== end of table ===")
    if "--write" in sys.argv[1:] and not any(codes):
        figures.write(HERE / "FIGURES.md", "framing", summary)
    sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
