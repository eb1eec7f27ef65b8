"""A DynamoDB stand-in with the proxy in front, and tables on it: what the tests of the running service use."""
import secrets
import subprocess

from .proxy import Proxy
from .servers import ENVIRONMENT, Server
from .table import Table


class Stage:
    def __init__(self, kind="local"):
        self.server = Server(kind)
        self.proxy = Proxy(self.server)
        self.address = self.proxy.url

    def stop(self):
        self.proxy.stop()
        self.server.stop()

    def settings(self, name, direct=False):
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": self.server.url if direct else self.address,
                "LINKD_STORE": f"dynamodb:{name}"}

    def table(self, binary, name=None):
        """A table made by create-table."""
        name = name or "t-" + secrets.token_hex(6)
        create(binary, self.settings(name))
        return Table(self.server.url, name)


def create(binary, settings):
    """Run create-table."""
    p = subprocess.run([binary, "create-table"], capture_output=True, text=True, timeout=60,
                       env=settings)
    assert p.returncode == 0, p.stderr
