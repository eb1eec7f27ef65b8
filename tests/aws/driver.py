"""The small C programs beside this file, built with the same flags as what is tested."""
import os
from pathlib import Path

BUILD = Path(os.environ.get("LINKD_BINARY", Path(__file__).parents[2] / "build/account-linkd")).parent


def path(name):
    program = BUILD / "aws" / name
    assert program.exists(), f"{program} is not built; make tests"
    return str(program)


# A program started with an environment of its own still has to write its sanitizer's report.
SANITIZE = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
