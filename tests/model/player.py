"""Plays a sequence on a service and follows it with the reference: what no order explains is a failure."""
import secrets
import subprocess
import time

from . import reference, steps
from .explore import UNKNOWN, Lost, Request, Search
from .host import TTL_S
from .world import PAGES, PASSWORD, World, digest, lists

ANSWERS_S = 30
SETTLES_S = 45  # the look after 2 s, or that after 30 s more when the first did not settle
REPAIRS = 5  # look-ups in which a repair may fail


def now_ms():
    return int(time.time() * 1000)


class Over(Exception):
    """Another sequence has failed: this one ends."""


class Part:
    """One request of a step: how it is made, what it means, whether an answer fits."""
    def __init__(self, send, chains, fits):
        self.send, self.chains, self.fits = send, chains, fits


class Player:
    def __init__(self, host, name, repeats=False):
        self.host, self.repeats = host, repeats
        self.world = World(host, name)
        self.states = {((reference.Item(),) * steps.CUSTOMERS, frozenset(), frozenset())}
        self.trace = []
        self.unnamed = set()  # PSIDs a code was bound to without the holder there may have been
        self.certain = True   # every answer came
        self.kills = host.kills

    def play(self, sequence):
        for step in sequence:
            self.step(step)
        self.end()

    def step(self, step):
        if self.host.over:
            raise Over
        self.trace.append([step])
        if step[0] in ("together", "crash"):
            for inner in step[-1]:
                self.prepare(inner)
            self.at_once([part for inner in step[-1] if (part := self.part(inner))],
                         step[1] / 1000 if step[0] == "crash" else None)
        elif step[0] == "look":
            self.look()
        elif step[0] == "wait":
            self.wait(step[1])
        else:
            self.prepare(step)
            part = self.part(step)
            if part:
                self.at_once([part])

    def part(self, step):
        return getattr(self, "part_" + step[0])(*step[1:])

    def at_once(self, parts, crash_s=None):
        if not parts:
            return
        began = now_ms()
        if len(parts) == 1 and crash_s is None:
            answers = [parts[0].send()]
        else:
            sent = [self.host.pool.submit(part.send) for part in parts]
            if crash_s is not None:
                self.host.crash(crash_s)
            answers = [one.result() for one in sent]
        span = (began, now_ms())
        self.trace[-1] += answers
        self.follow([self.request(part, answer, span) for part, answer in zip(parts, answers)])

    def request(self, part, answer, span):
        unknown = answer is None or getattr(answer, "status", 0) == 503
        self.certain &= not unknown
        if unknown and answer is not None:
            self.host.unsettled += 1
        return Request(part.chains(span), UNKNOWN if unknown else lambda done: part.fits(answer, done))

    def follow(self, requests):
        after = Search(requests, self.host.lags, self.repeats).run(self.states)
        if not after:
            raise Lost(f"no state explains {self.trace[-1]}")
        self.states = after

    # --- kinds of step

    def prepare(self, step):
        """The bytes of a delivery, so that what repeats it at the same time has them."""
        if step[0] == "deliver":
            made = [event for event in step[2] if event[0] == "unlinked" or event[1] in self.world.codes]
            if made:
                self.world.bodies[step[1]] = (made, self.world.body(made))

    def part_login(self, consent, who):
        def fits(answer, done):
            return answer.status == (200 if done[0][0] else 401)
        return Part(lambda: self.world.login(consent, who), lambda span: [[("login", who, consent)]], fits)

    def part_confirm(self, consent):
        if consent not in self.world.phones:
            return None
        owner = self.world.owner[consent]

        def fits(answer, done):
            return answer.status == {"done": 303, "used": 200, "no customer": 403, "another customer": 403}[done[0][0]]

        def chains(span):
            return [[("issue", owner, consent, tuple(one // 1000 + TTL_S for one in span))]]
        return Part(lambda: self.world.confirm(consent), chains, fits)

    def part_deliver(self, number, _):
        return self.part_again(number)

    def part_again(self, number):
        return self.part_body(*self.world.bodies[number]) if number in self.world.bodies else None

    def part_replay(self, number, older):
        """The service cannot be taken to a later day, so the events are moved to an earlier one."""
        if number not in self.world.bodies:
            return None
        made = [moved(event, older) for event in self.world.bodies[number][0]]
        return self.part_body(made, self.world.body(made))

    def part_body(self, made, raw):
        return Part(lambda: self.world.deliver(raw), lambda span: self.chains(made, span),
                    lambda answer, done: answer.status == 200 and answer.text == "EVENT_RECEIVED")

    def chains(self, made, span):
        """The events of one PSID one after another, in order of time."""
        timed = []
        for event in sum(lists(made), []):
            kind, psid, at = (event[0], event[2], event[3]) if event[0] == "linked" else event
            at = self.world.address(at)
            stale = at is not None and at < span[0] - reference.OLDEST_MS
            if stale and kind == "unlinked":
                continue
            at = span if stale or at is None else (at, at)
            timed.append((psid, at, self.program(kind, event, psid, at, span)))
        return [[one for own, _, one in sorted(timed, key=lambda t: t[1]) if own == psid] for psid in {t[0] for t in timed}]

    def program(self, kind, event, psid, at, span):
        if kind == "unlinked":
            return ("unlink", psid, (at[0] + reference.SLACK_MS, at[1] + reference.SLACK_MS), True)
        consent, spoiled = event[1], event[5]
        now = tuple(min(one, other) // 1000 for one, other in zip(at, span))
        return reference.linked(None if spoiled else self.world.owner[consent], consent, psid, at, now, event[4])

    def part_forged(self, consent, psid):
        if consent not in self.world.codes:
            return None
        raw = self.world.body([("linked", consent, psid, -5000, 0, None)])
        return Part(lambda: self.world.deliver(raw, "sha256=" + "0" * 64), lambda span: [],
                    lambda answer, done: answer.status == 403)

    def part_get(self, psid):
        def fits(answer, done):
            told = done[0][0]
            if told is None or answer.status != 200:
                return told is None and answer.status == 404
            who, page, at = told
            got = answer.json
            return (got["customer_id"] == self.world.ids[who] and got["email"] == self.world.emails[who]
                    and got["psid"] == self.world.psids[psid] and got["page_id"] == PAGES[page] and in_time(got["linked_at"], at))
        return Part(lambda: self.world.admin("GET", "/v1/links/" + self.world.psids[psid]),
                    lambda span: [[("find", psid, "link")]], fits)

    def part_delete(self, psid):
        return Part(lambda: self.world.admin("DELETE", "/v1/links/" + self.world.psids[psid]),
                    lambda span: [[("unlink", psid, reference.ANY_AGE, False)]],
                    lambda answer, done: answer.status == (204 if done[0][0] else 404))

    def part_links(self, who):
        def fits(answer, done):
            told = done[0][0]
            if told is None or answer.status != 200:
                return told is None and answer.status == 404
            psid, page, at = told
            links = answer.json["links"]
            if psid is None or not links:
                return psid is None and not links
            return (len(links) == 1 and links[0]["psid"] == self.world.psids[psid] and links[0]["page_id"] == PAGES[page]
                    and in_time(links[0]["linked_at"], at))
        return Part(lambda: self.world.admin("GET", f"/v1/customers/{self.world.ids[who]}/links"),
                    lambda span: [[("links", who)]], fits)

    def part_erase(self, who):
        return Part(lambda: self.world.admin("DELETE", f"/v1/customers/{self.world.ids[who]}/links"),
                    lambda span: [[("erase", who)]], lambda answer, done: answer.status == (204 if done[0][0] else 404))

    def beside(self, op, act):
        return Part(lambda: act() or True, lambda span: [[op]], lambda answer, done: True)

    def part_add(self, who):
        return self.beside(("add", who), lambda: self.host.add(self.world.ids[who], self.world.emails[who], fresh_hash()))

    def part_remove(self, who):
        return self.beside(("remove", who), lambda: self.host.remove(self.world.ids[who], self.world.emails[who]))

    def change(self, consent, means, **values):
        who = self.world.owner[consent]
        return self.beside(("change", who, consent, tuple(means.items())),
                           lambda: self.host.change(self.world.ids[who], self.world.emails[who],
                                                    digest(self.world.codes[consent]), values))

    def part_bind(self, consent, psid, other):
        """As a look-up at Facebook would have bound the code."""
        if consent not in self.world.codes:
            return None
        self.unnamed.add(psid)
        return self.change(consent, {"bound": psid, "replaces": other}, authorization_code_psid=self.world.psids[psid],
                           authorization_code_replaces=self.world.packed(other))

    def part_expire(self, consent, at_s):
        if consent not in self.world.codes:
            return None
        at_s += self.world.began
        return self.change(consent, {"expires": (at_s, at_s)}, authorization_code_expires_at=at_s)

    # --- looking

    def wait(self, consent):
        if consent in self.world.codes:
            time.sleep(TTL_S + 1.1)

    def look(self):
        """The rows must be those of some state; only those states stay."""
        rows = self.world.rows()
        self.trace[-1].append(rows)
        states = Search([], self.host.lags, self.repeats).run(self.states)
        self.states = {one for one in states if self.shows(one[0], rows)}
        if not self.states:
            raise Lost(f"no state has these rows: {[(r and r['customer_id'], short(r)) for r in rows]}"
                       f" but e.g. {sorted(states, key=repr)[:2]}")

    def shows(self, items, rows):
        return all((item is None and row is None) or (item and row and self.is_row(item, row)) for item, row in zip(items, rows))

    def is_row(self, item, row):
        return (self.is_code(item.code, row["authorization_code"]) and self.is_code(item.link_code, row["fb_link_code"])
                and in_time(row["authorization_code_expires_at"], item.expires) and in_time(row["fb_linked_at"], item.at)
                and row["authorization_code_replaces"] == self.world.packed(item.replaces)
                and row["authorization_code_psid"] == named(self.world.psids, item.bound)
                and row["fb_psid"] == named(self.world.psids, item.psid) and row["fb_page_id"] == named(PAGES, item.page))

    def is_code(self, consent, found):
        if consent is None or found is None:
            return consent is None and found is None
        if consent in self.world.codes:
            return found == digest(self.world.codes[consent])
        return found not in {digest(one) for one in self.world.codes.values()}  # its answer was lost

    def end(self):
        """The table, every look-up, and the table again."""
        if self.host.lags:
            self.settle()
        self.step(("look",))
        # what was sent without an answer may land behind the first; where calls fail, a repair may too
        for _ in range(REPAIRS if self.repeats else 1 if self.certain else 2):
            self.look_up_all()
            for step in [*(("links", who) for who in range(steps.CUSTOMERS)), ("look",)]:
                self.step(step)
            held = [item.psid for item in next(iter(self.states))[0] if item and item.psid is not None]
            if len(held) == len(set(held)):
                return
        raise Lost("a profile has two customers after every look-up")

    def look_up_all(self):
        """Each until it is answered: one that cannot reach the store removes nothing."""
        left, ends = range(steps.PSIDS), time.monotonic() + ANSWERS_S
        while left:
            if time.monotonic() > ends:
                raise Lost(f"look-ups are not answered: {self.trace[-1]}")
            self.step(("together", tuple(("get", psid) for psid in left)))
            left = [psid for psid, answer in zip(left, self.trace[-1][1:]) if answer is None or answer.status == 503]

    def settle(self):
        """Of two holders only the newest stays, though nobody looks; but where the code named none, or a process died with what
        it had in mind."""
        ends = time.monotonic() + SETTLES_S
        while self.certain and self.kills == self.host.kills and not self.host.over and (double := self.double()):
            if time.monotonic() > ends:
                raise Lost(f"profiles {double} have two customers until somebody looks")
            time.sleep(0.3)

    def double(self):
        held = [row["fb_psid"] for row in self.world.rows() if row and row["fb_psid"]]
        return [n for n, psid in enumerate(self.world.psids) if held.count(psid) > 1 and n not in self.unnamed]


def moved(event, by):
    """The event as of another time; one without a time has none."""
    at = 3 if event[0] == "linked" else 2
    return event if event[at] is None else (*event[:at], event[at] + by, *event[at + 1:])


def fresh_hash():
    """Of the one password, quickly made; who is added again has a hash that was never there."""
    words = ["openssl", "passwd", "-6", "-salt", secrets.token_hex(8), PASSWORD]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def named(names, number):
    return None if number is None else names[number]


def in_time(value, span):
    return span is value if span is None or value is None else span[0] <= value <= span[1]


def short(row):
    return row and {name: value for name, value in row.items() if value is not None and name not in ("password", "email", "customer_id")}
