"""What a tortured service is asked.  Each flow prepares unarmed, acts armed, and then tells what was not true: an
answer that promised what the store does not hold, or a service that does not do it properly afterwards."""
import http.client
import time

from harness import client, database, metrics
from harness.phone import Phone, code_in, deliver
from simulator import events

LIMIT_S = {"webhook": 4.5, "page": 10.0, "admin": 5.0, "health": 2.0}
SLACK_S = 2.0
LAG_S = 8.0
REDELIVERIES = 3


class Act:
    """The armed part: asks, and bears it when there is no answer."""

    def __init__(self):
        self.answers, self.slow = [], []

    def ask(self, kind, ask, *args, **more):
        """-> the answer, or None."""
        began, answer = time.monotonic(), None
        try:
            answer = ask(*args, **more)
        except TimeoutError:
            self.slow.append(f"{kind}: no answer and no end in {client.TIMEOUT_S} s")
        except (OSError, http.client.HTTPException):
            pass
        took = time.monotonic() - began
        if took > LIMIT_S[kind] + SLACK_S and not self.slow:
            self.slow.append(f"{kind}: {took:.1f} s")
        self.answers.append(answer)
        return answer


def status(answer):
    return 0 if answer is None else answer.status


def told(want, answer):
    """-> '' when an answer is one of these, a failure of the server, or none."""
    return "" if status(answer) in want or status(answer) in (0, 500, 503) else f"answered {status(answer)}: {answer!r}"


class Flow:
    stores = True  # it reaches the store

    def __init__(self, world):
        self.world, self.service = world, world.service

    @property
    def name(self):
        return type(self).__name__.lower()

    def prepare(self):
        pass

    def holds(self, psid, who):
        """Is this profile linked to that customer, and to nobody else."""
        return database.customer(self.service.database, who.id)["fb_psid"] == psid

    def again_safely(self):
        """-> what is wrong with it when nothing fails."""
        try:
            return self.again()
        except (OSError, AssertionError, http.client.HTTPException) as e:
            return f"afterwards: {type(e).__name__} {str(e)[:300]}"

    def linked_phone(self):
        self.who = self.world.person()
        return Phone(self.service).link(self.who)


class Page(Flow):
    """The login page and its style."""
    stores = False

    def act(self, act):
        phone = Phone(self.service)
        self.page = act.ask("page", phone.open)
        if status(self.page) == 200:
            act.ask("page", phone.get, self.page.page.fetched[0])

    def check(self):
        if status(self.page) == 200 and not self.page.page.forms:
            return "a login page without a form"
        return told((200,), self.page)

    def again(self):
        return "" if Phone(self.service).open().status == 200 else "no login page"


class Login(Flow):
    def prepare(self):
        self.who = self.world.person()
        self.phone = Phone(self.service)
        self.phone.open()

    def act(self, act):
        self.answer = act.ask("page", self.phone.login, self.who.email, self.who.password)

    def check(self):
        return told((200,), self.answer)

    def again(self):
        return "" if Phone(self.service).get_code(self.who) else "no code"


class Confirm(Login):
    def prepare(self):
        super().prepare()
        self.phone.login(self.who.email, self.who.password)

    def act(self, act):
        self.answer = act.ask("page", self.phone.press, "/link/confirm")

    def check(self):
        """A code that was handed out can be redeemed."""
        if status(self.answer) != 303:
            return told((), self.answer)
        self.phone.code = code_in(self.answer)
        if not self.phone.code:
            return "false: sent back without a code"
        answer = self.phone.tell()
        if answer.status != 200 or not self.holds(self.phone.psid, self.who):
            return "false: a code was handed out that does not link"
        return ""


class Whole(Flow):
    """From the Log In button to the link, as far as it goes."""

    def prepare(self):
        self.who = self.world.person()
        self.phone = Phone(self.service)

    def act(self, act):
        self.answer = None
        if status(act.ask("page", self.phone.open)) != 200:
            return
        if status(act.ask("page", self.phone.login, self.who.email, self.who.password)) != 200:
            return
        if status(act.ask("page", self.phone.connect)) == 303:
            self.answer = act.ask("webhook", self.phone.tell)

    def check(self):
        if status(self.answer) == 200 and not self.holds(self.phone.psid, self.who):
            return "false: 200, and no link"
        return told((200,), self.answer)

    def again(self):
        Phone(self.service).link(self.world.person())
        return ""


class Linked(Flow):
    def prepare(self):
        self.who = self.world.person()
        self.phone = Phone(self.service)
        self.phone.get_code(self.who)
        self.raw = events.body(*self.events())

    def events(self):
        return [events.linked(self.phone.psid, self.phone.code)]

    def done(self):
        return self.holds(self.phone.psid, self.who)

    def act(self, act):
        self.answer = act.ask("webhook", deliver, self.service, self.raw)

    def check(self):
        if status(self.answer) == 200 and not self.done():
            return "false: 200, and the store does not hold it"
        return told((200,), self.answer)

    def again(self):
        """Facebook delivers again, and soon it is taken."""
        for _ in range(REDELIVERIES):
            answer = deliver(self.service, self.raw)
            if answer.status == 200:
                break
        else:
            return f"the delivery repeated: {answer!r}"
        return "" if self.done() else "lost: the delivery repeated is answered 200, and the store does not hold it"


class Batch(Linked):
    """Large enough to be read on another thread, with several users."""

    def events(self):
        chat = [events.message(events.new_psid(), "x" * 140000) for _ in range(2)]
        return [*chat, events.linked(self.phone.psid, self.phone.code), events.read(self.phone.psid)]


class Relink(Linked):
    """The profile is another customer's so far."""

    def prepare(self):
        super().prepare()
        self.before = self.linked_phone()
        self.old, self.phone.psid = self.who, self.before.psid
        self.who = self.world.person()
        self.phone.get_code(self.who)
        self.raw = events.body(*self.events())

    def done(self):
        """The customer before is found through an index, which may lag."""
        ends = time.monotonic() + LAG_S
        while self.holds(self.phone.psid, self.old) and time.monotonic() < ends:
            time.sleep(0.1)
        return super().done() and not self.holds(self.phone.psid, self.old)


class Unlinked(Linked):
    def prepare(self):
        self.phone = self.linked_phone()
        self.raw = events.body(events.unlinked(self.phone.psid, at=events.now_ms() + 1000))

    def done(self):
        return not self.holds(self.phone.psid, self.who)


class Messages(Linked):
    """Nothing to store."""
    stores = False

    def prepare(self):
        psid = events.new_psid()
        self.raw = events.body(events.message(psid, "hello"), events.read(psid))

    def done(self):
        return True


class Verify(Flow):
    """Registration of the webhook, and probes."""
    stores = False

    def act(self, act):
        self.answer = act.ask("health", self.register)
        self.probes = [act.ask("health", client.get, self.service.url + path) for path in ("/healthz", "/livez", "/readyz")]

    def register(self):
        return client.get(f"{self.service.url}/webhook?hub.mode=subscribe&hub.challenge=4711"
                          f"&hub.verify_token={self.service.verify_token}")

    def check(self):
        if status(self.answer) == 200 and self.answer.text != "4711":
            return "false: 200 without the challenge"
        return next(filter(None, (told((200,), one) for one in (self.answer, *self.probes))), "")

    def again(self):
        return "" if self.register().text == "4711" else "no challenge"


class Metrics(Flow):
    stores = False

    def act(self, act):
        self.answer = act.ask("health", client.get, self.service.admin + "/metrics")

    def check(self):
        if status(self.answer) == 200:
            metrics.parse(self.answer.text)
        return told((200,), self.answer)

    def again(self):
        metrics.read(self.service)
        return ""


class Lookup(Flow):
    def prepare(self):
        self.phone = self.linked_phone()

    def look(self):
        return (client.admin(self.service, "GET", f"/v1/links/{self.phone.psid}"),
                client.admin(self.service, "GET", f"/v1/customers/{self.who.id}/links"))

    def act(self, act):
        self.link = act.ask("admin", client.admin, self.service, "GET", f"/v1/links/{self.phone.psid}")
        self.links = act.ask("admin", client.admin, self.service, "GET", f"/v1/customers/{self.who.id}/links")

    def check(self):
        if status(self.link) == 404 or status(self.links) == 404:
            return "false: 404 for a link that is there"
        if status(self.link) == 200 and self.link.json["customer_id"] != self.who.id:
            return "false: another customer"
        if status(self.links) == 200 and self.phone.psid not in self.links.text:
            return "false: a list without the link"
        return told((200,), self.link) or told((200,), self.links)

    def again(self):
        link, links = self.look()
        return "" if (link.status, links.status) == (200, 200) else f"look-up afterwards: {link!r} {links!r}"


class Delete(Lookup):
    def path(self):
        return f"/v1/links/{self.phone.psid}"

    def act(self, act):
        self.answer = act.ask("admin", client.admin, self.service, "DELETE", self.path())

    def check(self):
        """Deleted in spite of a failed answer is right; 404 is not, as the link was there."""
        if status(self.answer) == 204 and self.holds(self.phone.psid, self.who):
            return "false: 204, and the link is there"
        return told((204,), self.answer)

    def again(self):
        answer = client.admin(self.service, "DELETE", self.path())
        if answer.status not in (204, 404):
            return f"delete afterwards: {answer!r}"
        return "lost: deleted, and still there" if self.holds(self.phone.psid, self.who) else ""


class Erase(Delete):
    def path(self):
        return f"/v1/customers/{self.who.id}/links"


FLOWS = (Page, Login, Confirm, Linked, Batch, Relink, Unlinked, Messages, Verify, Metrics, Lookup, Delete, Erase)
