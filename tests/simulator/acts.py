"""What Facebook does on its own: deliver events, and draw the outcome into the chat."""

import secrets
import time

from . import events


class Acts:
    def __init__(self, state, wiring):
        self.state = state
        self.wiring = wiring

    def send(self, what, raw, signature=None):
        """One delivery; its answer goes to the panel."""
        answer = events.deliver(self.wiring.webhook_url, raw, self.wiring.app_secret, signature)
        self.state.record(what, answer)
        return answer

    def finish_login(self, token, code):
        """The browser came back.  -> the person, or None when the token is not live."""
        psid = self.state.spend_token(token)
        if psid is None:
            return None
        person = self.state.person(psid)
        if not code:
            self._not_linked(person, "Account linking was cancelled: no authorization code came back.")
            return person
        raw = events.body(events.linked(psid, code, self.wiring.page_id), page=self.wiring.page_id)
        answer = self.send("linked", raw)
        with self.state.lock:
            person.last_code, person.last_body = code, raw
        if answer.status == 200:
            self._linked(person, answer)
        else:
            self._not_linked(person,
                             f"Account linking failed (webhook answered {answer.status or 'nothing'}).")
        return person

    def _linked(self, person, answer):
        with self.state.lock:
            person.linked = True
            person.say("notice", f"Account linked (webhook answered {answer.status} in {answer.ms} ms).")
            person.say("bot", "You're logged in. From now on I know it's you.")
            person.say("logout", "You can disconnect whenever you like.")

    def _not_linked(self, person, words):
        with self.state.lock:
            person.say("failed", words)
            person.say("login", "That did not work. You can try again.")

    def log_out(self, person):
        raw = events.body(events.unlinked(person.psid, self.wiring.page_id), page=self.wiring.page_id)
        answer = self.send("unlinked", raw)
        with self.state.lock:
            if answer.status == 200:
                person.linked = False
                person.say("notice",
                           f"Account unlinked (webhook answered {answer.status} in {answer.ms} ms).")
                person.say("login", "You're logged out. Log in again at any time.")
            else:
                person.say("failed", f"Log out failed (webhook answered {answer.status or 'nothing'}).")
        return answer

    def say(self, person, words):
        with self.state.lock:
            person.say("me", words)
            person.wrote_at = time.monotonic()
        self.send("message", events.body(events.message(person.psid, words, self.wiring.page_id)))
        with self.state.lock:
            person.say("logout" if person.linked else "login",
                       "I know who you are." if person.linked else "I don't know who you are yet.")

    def deliver(self, person, what):
        """One of the panel's kinds.  -> False for an unknown one."""
        kind = getattr(self, "_deliver_" + what, None)
        if kind is None:
            return False
        kind(person)
        return True

    def _linked_again(self, person):
        code = person.last_code or secrets.token_urlsafe(32)
        return person.last_body or events.body(events.linked(person.psid, code, self.wiring.page_id))

    def _deliver_duplicates(self, person):
        raw = self._linked_again(person)
        for turn in range(1, 4):
            self.send(f"duplicate {turn} of 3", raw)

    def _deliver_batch(self, person):
        page, psid = self.wiring.page_id, person.psid
        code = person.last_code or secrets.token_urlsafe(32)
        first = events.entry(events.message(psid, "Hello", page), events.read(psid, page),
                             events.event(psid, page, account_linking={"status": "something new"}), page=page)
        second = events.entry(events.message(events.new_psid(), "Somebody else", page),
                              events.event(psid, page, unheard_of={"a": [1, 2, {"b": None}]}),
                              events.linked(psid, code, page), page=page)
        self.send("batch", events.body_of(first, second))

    def _deliver_reordered(self, person):
        page, now = self.wiring.page_id, events.now_ms()
        code = person.last_code or secrets.token_urlsafe(32)
        raw = events.body(events.unlinked(person.psid, page, now + 1),
                          events.linked(person.psid, code, page, now), page=page)
        if self.send("reordered", raw).status == 200:
            with self.state.lock:
                person.linked = False

    def _deliver_forged(self, person):
        raw = events.body(events.unlinked(person.psid, self.wiring.page_id))
        self.send("forged", raw, events.sign(raw, "not-" + self.wiring.app_secret))

    def _deliver_unsigned(self, person):
        raw = events.body(events.unlinked(person.psid, self.wiring.page_id))
        self.state.record("unsigned", events.post(self.wiring.webhook_url, raw,
                                                  {"Content-Type": "application/json"}))

    def _deliver_wrongcode(self, person):
        self.send("wrong code", events.body(events.linked(person.psid, secrets.token_urlsafe(32),
                                                          self.wiring.page_id)))

    def _deliver_message(self, person):
        self.send("message", events.body(events.message(person.psid, "Where is my order?",
                                                        self.wiring.page_id)))
