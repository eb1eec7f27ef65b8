"""Fixtures of the DynamoDB tests: one stand-in for all, a table for each service."""
import pytest

from dynamodb.stage import Stage
from harness.service import BINARY, Service


@pytest.fixture(scope="session")
def stage():
    made = Stage()
    yield made
    made.stop()
    assert not made.proxy.wrong, made.proxy.wrong[:5]


@pytest.fixture
def proxy(stage):
    """The proxy without any fault, counts from zero; every signature was right at the end."""
    def calm():
        stage.proxy.faults, stage.proxy.only, stage.proxy.throttle_all = {}, None, False
        stage.proxy.lag_s = stage.proxy.clock_s = 0
        stage.proxy.script.clear()
        stage.proxy.json = b'{"Attributes": [[]], "Item": "none", "Items": 7}'
        stage.proxy.refuse_keys, stage.proxy.refuse_operations, stage.proxy.describe = {}, {}, None
        stage.proxy.reset()
    calm()
    yield stage.proxy
    calm()
    assert not stage.proxy.wrong, stage.proxy.wrong[:5]


@pytest.fixture
def table(stage):
    return stage.table(BINARY)


@pytest.fixture
def start(stage, table, tmp_path_factory):
    """Instances on one table, with one app secret."""
    made = []

    def start(**settings):
        one = Service(tmp_path_factory.mktemp("linkd"), **{**stage.settings(table.name), **settings})
        one.database = table
        if made:
            one.secret = one.settings["LINKD_APP_SECRET"] = made[0].secret
        made.append(one)
        return one.start()

    yield start
    for one in made:
        one.stop()
