"""A second client, from an address of its own, that wants to be served throughout: health and a linked webhook."""
import http.client
import threading
import time

from harness import client
from harness.phone import Customer, Phone, deliver
from simulator import events

ADDRESS = "127.0.0.2"
EVERY_S = 0.02
PATIENCE_S = 5


def p99(values):
    return sorted(values)[int(len(values) * 0.99)] if values else 0.0


class Bystander(threading.Thread):
    """Asks on a new connection each time until `stop`.  The webhook is a redelivery of a link that was made."""

    def __init__(self, service, every_s=EVERY_S, webhook=True):
        super().__init__(daemon=True)
        self.service, self.every_s, self.asks_webhook = service, every_s, webhook
        if webhook:
            phone = Phone(service)
            phone.link(Customer(service))
            self.body = events.body(events.linked(phone.psid, phone.code))
        self.times, self.bad = {"healthz": [], "webhook": []}, []
        self.ending = threading.Event()
        self.start()

    def healthz(self):
        return client.get(self.service.url + "/healthz", source=ADDRESS, timeout=PATIENCE_S)

    def webhook(self):
        return deliver(self.service, self.body, source=ADDRESS, timeout=PATIENCE_S)

    def run(self):
        while not self.ending.is_set():
            self.once("healthz", self.healthz)
            if self.asks_webhook:
                self.once("webhook", self.webhook)
            self.ending.wait(self.every_s)

    def once(self, name, ask):
        began = time.monotonic()
        try:
            status = ask().status
        except (OSError, http.client.HTTPException) as error:
            status = repr(error)
        self.times[name].append(time.monotonic() - began)
        if status != 200:
            self.bad.append((name, status))

    def stop(self):
        self.ending.set()
        self.join(PATIENCE_S * 3)

    def slowest(self):
        return max(p99(one) for one in self.times.values())

    def said(self):
        """The figures, as one text."""
        asked = sum(len(one) for one in self.times.values())
        times = ", ".join(f"{name} p99 {p99(one) * 1000:.1f} ms" for name, one in self.times.items() if one)
        return f"second client: {asked - len(self.bad)} of {asked} served ({100 - 100 * len(self.bad) / max(asked, 1):.2f} %), {times}"
