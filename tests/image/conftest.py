"""The image, built once, and containers of it on either store."""
import secrets
import subprocess

import pytest

from .container import FOLDER, IMAGE, ROOT, Container, inspect, podman


def build(*words):
    done = subprocess.run(["sh", ROOT / "tests/image/build.sh", FOLDER, *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-8000:]


@pytest.fixture(scope="session")
def image():
    build()
    return inspect("image", IMAGE)


@pytest.fixture(scope="session")
def systemd_image(image):
    build("systemd")


def on_sqlite():
    yield {}  # the image's own default


def on_dynamodb():
    from dynamodb.servers import ENVIRONMENT, Server
    server = Server("local")
    try:
        yield {**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": server.url, "LINKD_STORE": "dynamodb:",
               "LINKD_SEAL_KEY": secrets.token_hex(16)}
    finally:
        server.stop()


@pytest.fixture(scope="module", params=[on_sqlite, on_dynamodb])
def stores(request):
    yield from request.param()


@pytest.fixture
def make_container(image):
    """Containers that share one volume, gone with the test."""
    volume, made = "linkd-" + secrets.token_hex(4), []
    podman("volume", "create", volume)

    def make(settings):
        made.append(Container(volume, settings))
        return made[-1]

    yield make
    for one in made:
        one.remove()
    podman("volume", "rm", "--force", volume)


@pytest.fixture
def one(stores, make_container):
    """A container, not started, with an empty store of each kind."""
    if not stores:
        return make_container(stores)
    made = make_container({**stores, "LINKD_STORE": "dynamodb:customers-" + secrets.token_hex(4)})
    said = made.command("create-table")
    assert "ACTIVE" in said.stdout, said.stdout + said.stderr
    return made
