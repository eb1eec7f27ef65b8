"""Fixtures of the hostile tests."""
import concurrent.futures

import pytest

from conftest import FULL
from dynamodb import people
from dynamodb.stage import Stage
from harness.service import BINARY, Service
from hostile import report
from hostile.outage import SECRET
from hostile.scene import Scene


@pytest.fixture
def scene(make_service):
    return lambda **settings: Scene(make_service, **settings)


@pytest.fixture(scope="session", autouse=True)
def stage_ahead(binary, request):
    """The stand-in takes its time to start: it does so while the tests of the clients run."""
    wanted = any("dependencies" in item.nodeid for item in request.session.items)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        coming = pool.submit(Stage) if wanted else None
        yield coming
        if coming:
            coming.result().stop()


@pytest.fixture(scope="session", autouse=True)
def figures_into_the_readme(request):
    yield
    if FULL and not request.session.testsfailed and not request.config.option.keyword and report.clients and report.dependencies:
        report.write()


@pytest.fixture(scope="session")
def ground(stage_ahead, tmp_path_factory):
    """One stand-in and one table for all, and a hash of the one password."""
    stage = stage_ahead.result()
    table = stage.table(BINARY)
    plain = Service(tmp_path_factory.mktemp("plain"), **{**stage.settings(table.name), "LINKD_APP_SECRET": SECRET})
    plain.secret, plain.database = SECRET, table
    people.hash_of(plain)
    return stage.server, table
