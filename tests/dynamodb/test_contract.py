"""The contract of every store, the C programs of tests/store, on Amazon's DynamoDB Local and on dynalite.

LINKD_FULL=1 runs all of them on both, and test_odd, which make unit runs on SQLite and on answers of a script."""
import os
import pathlib
import re
import subprocess

import pytest

from conftest import FULL
from dynamodb.servers import ENVIRONMENT, Server
from harness.service import BINARY

PROGRAMS = ("test_contract", "test_ops", "test_told", "test_model")


def run(program, url, tmp_path):
    kept = {name: value for name, value in os.environ.items() if name.startswith(("ASAN", "UBSAN", "TSAN", "PATH"))}
    p = subprocess.run([pathlib.Path(BINARY).parent / "store" / program], capture_output=True, text=True, timeout=600,
                       env={**kept, **ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": url, "TMPDIR": str(tmp_path)})
    out = p.stdout + p.stderr
    passed = re.search(r"\[\s+PASSED\s+\] (\d+) test", out)
    assert p.returncode == 0 and passed and int(passed.group(1)) > 0, out[-3000:]
    assert "dynamodb" in out or program != "test_contract", "ran on another store"


@pytest.mark.parametrize("program", (*PROGRAMS, "test_odd") if FULL else PROGRAMS)
def test_on_dynamodb_local(stage, proxy, program, tmp_path):
    """Through the proxy, which recomputes each signature."""
    run(program, proxy.url, tmp_path)
    assert sum(proxy.executed.values()) > 100


if FULL:
    @pytest.fixture(scope="module")
    def dynalite():
        server = Server("dynalite")
        yield server
        server.stop()

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_on_dynalite(dynalite, program, tmp_path):
        run(program, dynalite.url, tmp_path)
