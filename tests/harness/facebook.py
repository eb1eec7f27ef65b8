"""A service that has a page token, and the Graph that it asks (tests/simulator)."""
import secrets

from simulator import events
from simulator.server import Simulator, Wiring

from . import canary, metrics
from .phone import Phone

TOKEN = "EAAGtestPageToken0123456789"


class Facebook:
    """make_service: called with the settings, starts the service."""

    def __init__(self, make_service, **settings):
        self.simulator = Simulator(Wiring("to be told"), graph_tokens={TOKEN: events.PAGE_ID}).start()
        self.graph = self.simulator.graph
        self.service = make_service(**{
            "LINKD_GRAPH_URL": self.simulator.url, "LINKD_PAGE_ACCESS_TOKEN": TOKEN, "LINKD_PAGE_IDS": events.PAGE_ID,
            "LINKD_GRAPH_TIMEOUT_MS": "400", **settings})
        self.graph.app_secret = self.service.secret

    def phone(self):
        """Of a person whose name nobody else has."""
        phone = Phone(self.service)
        person = self.simulator.state.person(phone.psid)
        person.first, person.last = (canary.secret(f"{part}-{secrets.token_hex(4)}", "name") for part in ("First", "Last"))
        return phone

    def open(self, phone, life_s=300):
        return phone.open(token=self.simulator.state.new_token(phone.psid, life_s))

    def lookups(self):
        return sum(path.endswith("/me") for _, path in self.graph.calls)

    def counted(self, outcome):
        return metrics.value(self.service, f'linkd_bindings_total{{outcome="{outcome}"}}')

    def stop(self):
        self.simulator.stop()
