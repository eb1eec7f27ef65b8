"""Packages of the npm registry, fetched once into build/npm and never committed."""
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build/npm"


def package(name, version):
    """-> the folder of the unpacked package."""
    folder = FOLDER / f"{name.strip('@').replace('/', '-')}-{version}"
    if (folder / "package/package.json").exists():
        return folder / "package"
    folder.mkdir(parents=True, exist_ok=True)
    p = subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, capture_output=True, text=True, timeout=300)
    assert p.returncode == 0, f"npm pack {name}@{version}: {p.stderr}"
    subprocess.run(["tar", "xzf", p.stdout.split()[-1]], cwd=folder, check=True)
    return folder / "package"
