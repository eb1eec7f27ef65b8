"""What 'Facebook' remembers: people, linking tokens, deliveries.  All of it bounded."""

import collections
import threading
import time

from . import events

PEOPLE_MAX = 64
LINES_MAX = 100
TOKENS_MAX = 512
DELIVERIES_MAX = 40
TOKEN_LIFE_S = 300
WINDOW_S = 24 * 3600  # in which a page may write to a person who wrote to it
NAMES = (("Ada", "Berger"), ("Noor", "Haddad"), ("Mika", "Salo"), ("Ines", "Costa"), ("Tom", "Okafor"))


class Person:
    """One Messenger user as the page sees them."""

    def __init__(self, psid, name):
        self.psid = psid
        self.first, self.last = name
        self.linked = False
        self.wrote_at = time.monotonic()  # a person who taps a button has written
        self.last_code = None
        self.last_body = None
        self.chat = collections.deque(maxlen=LINES_MAX)

    def say(self, kind, text):
        """kind: bot, me, notice, login or logout (a card with that button)."""
        self.chat.append((kind, text, time.strftime("%H:%M")))

    def window_open(self, now):
        return now - self.wrote_at < WINDOW_S


class State:
    """Shared by the server's threads; hold `lock` around every use."""

    def __init__(self):
        self.lock = threading.RLock()
        self.people = collections.OrderedDict()
        self.tokens = collections.OrderedDict()
        self.deliveries = collections.deque(maxlen=DELIVERIES_MAX)
        self.sent = 0

    def person(self, psid):
        with self.lock:
            known = self.people.get(psid)
            if known is None:
                known = Person(psid, NAMES[len(self.people) % len(NAMES)])
                known.say("bot", f"Hi {known.first}! I'm the Demo Shop bot.")
                known.say("login", "Log in to your customer account and I can tell you about your orders.")
                self.people[psid] = known
                while len(self.people) > PEOPLE_MAX:
                    self.people.popitem(last=False)
            return known

    def new_token(self, psid, life_s=TOKEN_LIFE_S):
        with self.lock:
            token = events.new_linking_token()
            self.tokens[token] = (psid, time.monotonic() + life_s)
            while len(self.tokens) > TOKENS_MAX:
                self.tokens.popitem(last=False)
            return token

    def token_psid(self, token):
        """The PSID of a live linking token, else None."""
        with self.lock:
            psid, ends = self.tokens.get(token, (None, 0))
            return psid if psid and time.monotonic() < ends else None

    def spend_token(self, token):
        with self.lock:
            psid = self.token_psid(token)
            self.tokens.pop(token, None)
            return psid

    def record(self, what, answer, note=""):
        """Keep an answer for the panel, newest first."""
        with self.lock:
            self.sent += 1
            self.deliveries.appendleft((self.sent, what, answer, note))
