"""Random sequences against the reference, on both stores at once.  LINKD_FULL=1: the long forms.

A failure prints its seed, the command that plays it alone, and what is left of it after shrinking."""
import json
import os
import secrets
import subprocess
import sys

import pytest

import figures
from conftest import FULL
from model import defects

README = defects.ROOT / "tests/FIGURES.md"
SEED = os.environ.get("LINKD_SEED") or secrets.token_hex(4)
FAULTS = {"500": 0.02, "503": 0.02, "throttle": 0.02, "drop_before": 0.02, "lost_after": 0.05, "half": 0.02, "crc": 0.01, "html": 0.01}
RUNS = {  # what, words of model.run, the least that must be played
    "sqlite": (["--store", "sqlite", "--sequences", "300", "--seconds", "11"], 50),
    "dynamodb": (["--store", "dynamodb", "--sequences", "60", "--seconds", "9"], 10),
}
LONG = {
    "sqlite": (["--store", "sqlite", "--sequences", "10000"], 10_000),
    "dynamodb": (["--store", "dynamodb", "--sequences", "10000", "--seconds", "900"], 1000),
    "waits": (["--store", "sqlite", "--sequences", "36", "--mix", '{"wait": 6}'], 36),
    "faults": (["--store", "dynamodb", "--sequences", "1000", "--seconds", "240", "--faults", json.dumps(FAULTS)], 50),
}


def begin(words, seed=SEED):
    return subprocess.Popen([sys.executable, "-m", "model.run", "--seed", seed, *words], cwd=defects.ROOT / "tests",
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def running(binary):
    """Of the short form both at once, since they wait most of the time."""
    made = {} if FULL else {name: begin(words) for name, (words, _) in RUNS.items()}
    yield made
    for one in made.values():
        one.kill()
        one.wait()


@pytest.mark.parametrize("name", LONG if FULL else RUNS)
def test_every_sequence_is_explained(running, name):
    words, least = (LONG if FULL else RUNS)[name]
    process = running.get(name) or begin(words)
    out = process.communicate(timeout=3000)[0]
    assert process.returncode == 0, out
    told = out.splitlines()[-1]
    assert int(told.split()[0]) >= least, told
    print(f"\nmodel, seed {SEED}, {name}: {told}")
    if FULL:
        figures.write(README, f"model-{name}", [f"Seed {SEED}, {name}: {told}"])


@pytest.mark.parametrize("defect", [one.name for one in defects.DEFECTS])
def test_a_defect_has_one_place(defect):
    """What the seeded defects replace is in the source as it is now."""
    one = next(one for one in defects.DEFECTS if one.name == defect)
    assert (defects.ROOT / one.file).read_text().count(one.before) == 1
