"""The Graph calls the service makes, answered as graph.facebook.com does."""

import json
import re
import secrets
import urllib.parse

PATH = re.compile(r"^/v\d+\.\d+/(me|me/unlink_accounts|\d{1,64})$")


def error(status, code, text, kind="OAuthException", subcode=None):
    body = {"message": text, "type": kind, "code": code, "fbtrace_id": "A" + secrets.token_urlsafe(16)}
    if subcode:
        body["error_subcode"] = subcode
    return status, {"error": body}


class Graph:
    """`tokens` maps page access token to page id; `faults` holds answers to give first, for tests."""

    def __init__(self, state, tokens):
        self.state = state
        self.tokens = dict(tokens)
        self.faults = []
        self.calls = []

    def handles(self, path):
        return PATH.match(path) is not None

    def answer(self, method, path, query, headers, raw):
        """-> status, JSON value."""
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
        form = self._form(headers, raw)
        if form is None:
            return error(400, 100, "Invalid parameter")
        self.calls.append((method, path))
        del self.calls[:-100]
        if self.faults:
            return self.faults.pop(0)
        page = self._page(headers, {**asked, **form})
        if page is None:
            return error(401, 190, "Invalid OAuth access token - Cannot parse access token")
        what = PATH.match(path).group(1)
        if what == "me/unlink_accounts":
            return self._unlink(method, form)
        if method != "GET":
            return error(400, 100, "Unsupported post request.", "GraphMethodException")
        if what == "me":
            return self._recipient(page, asked)
        return self._profile(what, asked)

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

    def _page(self, headers, asked):
        bearer = headers.get("Authorization", "")
        token = bearer[7:] if bearer.startswith("Bearer ") else asked.get("access_token", "")
        return self.tokens.get(token)

    def _recipient(self, page, asked):
        if "account_linking_token" not in asked:
            return 200, {"id": page}
        psid = self.state.token_psid(asked["account_linking_token"])
        if psid is None:
            return error(400, 10303, "Invalid account_linking_token", "FacebookApiException")
        return 200, {"id": page, "recipient": psid}

    def _unlink(self, method, form):
        if method != "POST":
            return error(400, 100, "Unsupported get request.", "GraphMethodException")
        psid = form.get("psid")
        if not isinstance(psid, str) or psid not in self.state.people:
            return error(400, 100, "(#100) No matching user found", subcode=2018001)
        with self.state.lock:
            self.state.people[psid].linked = False
        return 200, {"result": "unlink account success"}

    def _profile(self, psid, asked):
        person = self.state.people.get(psid)
        if person is None:
            return error(400, 100, "No profile available for this user.", subcode=2018218)
        have = {"first_name": person.first, "last_name": person.last,
                "profile_pic": "https://platform-lookaside.fbsbx.com/platform/profilepic/?psid=" + psid}
        wanted = asked.get("fields", "first_name,last_name,profile_pic").split(",")
        return 200, {**{name: have[name] for name in wanted if name in have}, "id": psid}
