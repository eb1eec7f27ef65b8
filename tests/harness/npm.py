"""The npm packages of tests/package.json as its lockfile pins them, in build/npm/tools.  The lockfile names no registry:
npm's own settings decide."""
import pathlib
import shutil
import subprocess

TESTS = pathlib.Path(__file__).parents[1]
TOOLS = TESTS.parent / "build/npm/tools"
NAMES = ("package.json", "package-lock.json")


def installed():
    """-> the folder with node_modules, installed anew when the lockfile has changed."""
    done = TOOLS / "installed-lock.json"
    lock = (TESTS / NAMES[1]).read_text()
    assert '"resolved"' not in lock, "the lockfile names a registry: npm install --omit-lockfile-registry-resolved"
    if done.exists() and done.read_text() == lock:
        return TOOLS
    TOOLS.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        shutil.copy(TESTS / name, TOOLS)
    ran = subprocess.run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=TOOLS, timeout=300,
                         capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    done.write_text(lock)
    return TOOLS
