"""The Graph calls the service makes, answered as graph.facebook.com does, and as it does on a bad day."""

import hashlib
import hmac
import json
import re
import secrets
import time
import urllib.parse

from . import graph_app

PATH = re.compile(r"^/v\d+\.\d+/(me|me/unlink_accounts|me/messages|app|debug_token"
                  r"|\d{1,64}/(?:messages|subscribed_apps|subscriptions)|\d{1,64})$")
PAGE_NAME = "Demo Shop"
ODD_NAME = ("<b>Ada</b> \U0001f469\u200d\U0001f469\u200d\U0001f467 \u202eadA & \"Co\"", "x" * 10_000)
SLOW_S = 30
DRIP_MAX = 60
HUGE = 10 * 1024 * 1024


class Answer:
    """What goes out: `wait_s` before it, one byte a second with `drip`, nothing but a reset with `reset`."""

    def __init__(self, status, raw, wait_s=0, drip=False, reset=False):
        self.status, self.raw, self.wait_s, self.drip, self.reset = status, raw, wait_s, drip, reset

    @classmethod
    def of(cls, status, value, **how):
        return cls(status, json.dumps(value).encode(), **how)


def error(status, code, text, kind="OAuthException", subcode=None):
    body = {"message": text, "type": kind, "code": code, "fbtrace_id": "A" + secrets.token_urlsafe(16)}
    if subcode:
        body["error_subcode"] = subcode
    return status, {"error": body}


def expired():
    return error(400, 10303, "Invalid account_linking_token", "FacebookApiException")


# Each takes the right answer, (status, value), and gives the Answer in its place.  Order: as on the page.
FAULTS = {
    "expired": ("Token expired", "Error 10303 for every linking token.", lambda right: Answer.of(*expired())),
    "dead": ("Page token dead", "Error 190 for every call.",
             lambda right: Answer.of(*error(400, 190, "Error validating access token: the session was invalidated"))),
    "limit": ("Rate limit", "Error 4, application request limit reached.",
              lambda right: Answer.of(*error(400, 4, "(#4) Application request limit reached"))),
    "page-limit": ("Page rate limit", "Error 613, calls to this API have exceeded the rate limit.",
                   lambda right: Answer.of(*error(400, 613, "(#613) Calls to this api have exceeded the rate limit."))),
    "wrong-secret": ("Wrong app secret", "Error 100 for every call: the proof is not of this app's secret.",
                     lambda right: Answer.of(*error(400, 100, "Invalid appsecret_proof provided in the API argument",
                                                    "GraphMethodException"))),
    "down": ("Down", "HTTP 500 with an HTML page.", lambda right: Answer(500, b"<html><title>Error</title></html>")),
    "reset": ("Reset", "The connection is reset before an answer.", lambda right: Answer(0, b"", reset=True)),
    "slow": ("Slow", f"The right answer after {SLOW_S} s.", lambda right: Answer.of(*right, wait_s=SLOW_S)),
    "drip": ("One byte a second", "The right answer, very slowly.", lambda right: Answer.of(*right, drip=True)),
    "huge": ("Huge", f"A JSON text of {HUGE >> 20} MiB.", lambda right: Answer.of(right[0], {"id": "x" * HUGE})),
    "not-json": ("Not JSON", "HTTP 200 with a text.", lambda right: Answer(200, b"Sorry, something went wrong.")),
    "error-200": ("Error as 200", "HTTP 200 with an error object.",
                  lambda right: Answer.of(200, error(400, 1, "An unknown error occurred")[1])),
    "doubled": ("Doubled keys", "Each key of the answer twice, the second with another value.",
                lambda right: Answer(right[0], json.dumps(right[1])[:-1].encode() + b',"id":"1","recipient":"2"}')),
    "wrong-page": ("Wrong page", "The linking token belongs to another page.",
                   lambda right: Answer.of(right[0], {**right[1], "id": "999999999999999"})),
    "bad-psid": ("Odd PSID", "The PSID is not a text of digits.",
                 lambda right: Answer.of(right[0], {**right[1], "recipient": "1 OR 1=1"})),
    "no-profile": ("No profile", "Error 100/2018218 for the name.",
                   lambda right: Answer.of(*(error(400, 100, "No profile available for this user.", subcode=2018218)
                                             if "first_name" in right[1] else right))),
    "odd-name": ("Odd name", "A name with markup, emoji, a right-to-left mark and 10,000 letters.",
                 lambda right: Answer.of(right[0], {**right[1], **dict(zip(("first_name", "last_name"), ODD_NAME))}
                                         if "first_name" in right[1] else right[1])),
}

ALL_FAULTS = {**FAULTS, **{name: (*words, lambda right, change=change: Answer.of(right[0], change(right[1])))
                           for name, (*words, change) in graph_app.FAULTS.items()}}


class Graph:
    """`tokens` maps page access token to page id; `faults` holds answers to give first, for tests; `fault` names the
    fault of ALL_FAULTS that every call meets.  With an app secret a call with a wrong appsecret_proof is refused, and
    with `proof_required` one without it."""

    def __init__(self, state, tokens, app_secret=None):
        self.state = state
        self.tokens = dict(tokens)
        self.app = graph_app.App(self.tokens)
        self.app_secret = app_secret
        self.proof_required = True
        self.faults = []
        self.fault = ""
        self.calls = []

    def handles(self, path):
        return PATH.match(path) is not None

    def answer(self, method, path, query, headers, raw):
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
        form = self._form(headers, raw)
        self.calls.append((method, path))
        del self.calls[:-100]
        if form is None:
            return Answer.of(*error(400, 100, "Invalid parameter"))
        if self.faults:
            return Answer.of(*self.faults.pop(0))
        right = self._right(method, PATH.match(path).group(1), headers, asked, form)
        return ALL_FAULTS[self.fault][2](right) if self.fault else Answer.of(*right)

    def _right(self, method, what, headers, asked, form):
        given = {**asked, **form}
        page = self._page(headers, given)
        as_app = self.app_secret and self._token(headers, given) == self.app.token(self.app_secret)
        if page is None and not as_app:
            return error(401, 190, "Invalid OAuth access token - Cannot parse access token")
        refused = self._proof_fault(headers, given)
        if refused:
            return error(400, 100, refused, "GraphMethodException")
        if what.endswith("/subscribed_apps"):
            return self._subscribed(method, what.split("/")[0], page, given)
        if what == "me/unlink_accounts":
            return self._unlink(method, form)
        if what.endswith("/messages"):
            return self._message(method, form)
        if method != "GET":
            return error(400, 100, "Unsupported post request.", "GraphMethodException")
        if what == "app":
            return self.app.about()
        if what == "debug_token" or what.endswith("/subscriptions"):
            if not as_app:
                return error(400, 15, "(#15) This method must be called with an app access_token.")
            return self.app.debug(asked.get("input_token")) if what == "debug_token" else self.app.subscriptions()
        if page is None:
            return error(400, 2500, "An active access token must be used to query information about the current user.")
        return self._recipient(page, asked) if what == "me" else self._profile(what, asked)

    @staticmethod
    def _form(headers, raw):
        if not raw:
            return {}
        try:
            if headers.get("Content-Type", "").startswith("application/json"):
                value = json.loads(raw)
                return value if isinstance(value, dict) else None
            return dict(urllib.parse.parse_qsl(raw.decode()))
        except ValueError:
            return None

    @staticmethod
    def _token(headers, asked):
        bearer = headers.get("Authorization", "")
        return bearer[7:] if bearer.startswith("Bearer ") else asked.get("access_token", "")

    def _page(self, headers, asked):
        return self.tokens.get(self._token(headers, asked))

    def _proof_fault(self, headers, asked):
        """What Graph says of the proof; "" when it is right, or not needed."""
        given = str(asked.get("appsecret_proof", ""))
        if not self.app_secret or (not given and not self.proof_required):
            return ""
        if not given:
            return "API calls from the server require an appsecret_proof argument"
        proof = hmac.new(self.app_secret.encode(), self._token(headers, asked).encode(), hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(proof, given) else "Invalid appsecret_proof provided in the API argument"

    def _subscribed(self, method, page, of_token, given):
        if page != of_token:
            return error(400, 100, f"Object with ID '{page}' does not exist or cannot be loaded", subcode=33)
        if method == "GET":
            return self.app.subscribed(page)
        if not given.get("subscribed_fields"):
            return error(400, 100, "(#100) Param subscribed_fields must be non-empty.")
        if self.fault == "not-subscribed":
            self.fault = ""
        return self.app.subscribe(page, given["subscribed_fields"])

    def _recipient(self, page, asked):
        if "account_linking_token" not in asked:
            return 200, {"id": page, **({"name": PAGE_NAME} if "name" in asked.get("fields", "") else {})}
        psid = self.state.token_psid(asked["account_linking_token"])
        return expired() if psid is None else (200, {"id": page, "recipient": psid})

    def _unlink(self, method, form):
        if method != "POST":
            return error(400, 100, "Unsupported get request.", "GraphMethodException")
        psid = form.get("psid")
        if not isinstance(psid, str) or psid not in self.state.people:
            return error(400, 100, "(#100) No matching user found", subcode=2018001)
        with self.state.lock:
            self.state.people[psid].linked = False
        return 200, {"result": "unlink account success"}

    def _message(self, method, form):
        if method != "POST":
            return error(400, 100, "Unsupported get request.", "GraphMethodException")
        recipient, message = form.get("recipient"), form.get("message")
        psid = recipient.get("id") if isinstance(recipient, dict) else None
        if not isinstance(psid, str) or psid not in self.state.people:
            return error(400, 100, "(#100) No matching user found", subcode=2018001)
        if not isinstance(message, dict) or not isinstance(form.get("messaging_type"), str):
            return error(400, 100, "(#100) Param messaging_type is required")
        if not self.state.people[psid].window_open(time.monotonic()):
            return error(400, 10, "(#10) This message is sent outside of allowed window.", subcode=2018278)
        self._show(self.state.people[psid], message)
        return 200, {"recipient_id": psid, "message_id": "m_" + secrets.token_urlsafe(24)}

    def _show(self, person, message):
        payload = message.get("attachment", {}).get("payload", {})
        kinds = [one.get("type") for one in payload.get("buttons", [])]
        with self.state.lock:
            person.say("logout" if "account_unlink" in kinds else "bot", str(payload.get("text") or message.get("text", ""))[:640])

    def _profile(self, psid, asked):
        person = self.state.people.get(psid)
        if person is None:
            return error(400, 100, "No profile available for this user.", subcode=2018218)
        have = {"first_name": person.first, "last_name": person.last,
                "profile_pic": "https://platform-lookaside.fbsbx.com/platform/profilepic/?psid=" + psid}
        wanted = asked.get("fields", "first_name,last_name,profile_pic").split(",")
        return 200, {**{name: have[name] for name in wanted if name in have}, "id": psid}
