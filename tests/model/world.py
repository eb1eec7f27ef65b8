"""One sequence's customers and PSIDs on a running service: makes the requests, and looks into the store from beside."""
import base64
import hashlib
import http.client
import secrets
import time

from harness import client
from harness.phone import Phone, code_in, deliver
from simulator import events

from . import steps

PAGES = (events.PAGE_ID, "1067280970047461")
PASSWORD = "one password for all of them"
BROKEN = (OSError, http.client.HTTPException)


def digest(code):
    return base64.urlsafe_b64encode(hashlib.sha256(code.encode()).digest()).decode().rstrip("=")


def lists(made):
    """The events in messaging[] and those in standby[], which mean the same: each second one, or of a single one some."""
    first = made[0][1] % 2
    return made[first::2], made[1 - first::2]


class World:
    def __init__(self, host, name):
        """name: begins the ids of its customers, which are there already."""
        self.host, self.name = host, name
        self.ids = [f"{name}-{letter}" for letter in "abc"[:steps.CUSTOMERS]]
        self.emails = [f"{one}@example.com" for one in self.ids]
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
        self.psids = [f"7{number:015d}{n}" for n in range(steps.PSIDS)]
        self.began = int(time.time())
        self.broken = []  # requests without an answer: when, why
        self.phones, self.owner, self.codes, self.bodies = {}, {}, {}, {}

    def address(self, at):
        """Absolute ms of an event's time, None for that of its receipt."""
        return None if at is None else self.began * 1000 + at

    # --- requests: the answer, or None when none came

    def ask(self, call, *words, **more):
        self.host.up.wait(60)
        try:
            return call(*words, **more)
        except BROKEN as why:
            self.broken.append((round(time.time() - self.began, 2), repr(why)))
            return None

    def admin(self, method, path):
        return self.ask(client.admin, self.host.service, method, path)

    def login(self, consent, who):
        """Up to the consent page."""
        phone = Phone(self.host.service, self.psids[0])
        opened = self.ask(phone.open)
        if opened is None or opened.status != 200:
            return opened
        answer = self.ask(lambda: phone.login(self.emails[who], PASSWORD, {"Origin": self.host.service.url}))
        if answer is not None and answer.status == 200:
            phone.form = answer.page.submit("/link/confirm")
            self.phones[consent], self.owner[consent] = phone, who
        return answer

    def confirm(self, consent):
        phone = self.phones[consent]
        target, form = phone.form
        answer = self.ask(lambda: phone.post(target, form, {"Origin": self.host.service.url}))
        if answer is not None and answer.status == 303:
            self.codes[consent] = code_in(answer)
        return answer

    def deliver(self, raw, signature=True):
        return self.ask(deliver, self.host.service, raw, signature)

    def event(self, step):
        kind, *_ = step
        at = self.address(step[3] if kind == "linked" else step[2])
        at = False if at is None else at
        if kind == "unlinked":
            return events.unlinked(self.psids[step[1]], PAGES[0], at)
        return events.linked(self.psids[step[2]], self.code(step[1], step[5]), PAGES[step[4]], at)

    def code(self, consent, spoiled=None):
        code = self.codes[consent]
        if spoiled == "bent":
            return code[:40] + ("A" if code[40] != "A" else "B") + code[41:]
        return secrets.token_urlsafe(len(code))[:len(code)] if spoiled else code

    def body(self, made):
        """A delivery of these events whose entry says no time, so that an event without one has that of its receipt."""
        messaging, standby = lists(made)
        entry = events.entry(*map(self.event, messaging), at=False)
        return events.body_of({**entry, "standby": list(map(self.event, standby))} if standby else entry)

    # --- from beside

    def rows(self):
        """-> for each customer its row, None without."""
        found = self.host.rows(self.ids)
        return [found.get(one) for one in self.ids]

    def packed(self, who):
        return None if who is None else f"{len(self.ids[who])}:{self.ids[who]}{self.emails[who]}"
