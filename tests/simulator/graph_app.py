"""What Graph tells of the app, its page tokens and its subscriptions: debug_token, app, subscribed_apps, subscriptions."""

import copy
import time

FIELD = "messaging_account_linking"
APP_ID = "5501234567890123"
SCOPES = ("pages_messaging", "pages_manage_metadata", "pages_show_list")
EXPIRING_S = 3 * 86400
FIELDS_MAX = 64


def _changed(value, change):
    """The answer with `change` made in each item of its `data`, or in its `data` itself."""
    value = copy.deepcopy(value)
    data = value.get("data")
    for one in data if isinstance(data, list) else [data]:
        if isinstance(one, dict):
            change(one)
    return value


def _drop(key, kept):
    def change(one):
        if key in one:
            one[key] = [item for item in one[key] if kept(item)]
    return lambda value: _changed(value, change)


def _expiring(one):
    if "expires_at" in one:
        one["expires_at"] = int(time.time()) + EXPIRING_S


def _off(one):
    if "active" in one:
        one["active"] = False


# Each takes the value of the right answer and gives the value in its place.  Order: as on the page.
FAULTS = {
    "not-subscribed": ("Page not subscribed", f"The page is not subscribed to {FIELD}, until a POST subscribes it.",
                       _drop("subscribed_fields", lambda item: item != FIELD)),
    "app-not-subscribed": ("App not subscribed", f"The webhook of the app leaves out {FIELD}.",
                           _drop("fields", lambda item: item["name"] != FIELD)),
    "webhook-off": ("Webhook switched off", "Facebook has switched off the webhook of the app, as after an hour of failed calls.",
                    lambda value: _changed(value, _off)),
    "expiring": ("Page token expires", "The page token expires in three days.",
                 lambda value: _changed(value, _expiring)),
    "no-permission": ("Permission missing", "The page token lacks pages_messaging.",
                      _drop("scopes", lambda item: item != "pages_messaging")),
}


class App:
    """The app of all page tokens.  `fields` maps a page id to the fields that it is subscribed to."""

    def __init__(self, tokens, callback_url=""):
        self.tokens = tokens  # page access token -> page id
        self.callback_url = callback_url
        self.fields = {page: ["messages", FIELD] for page in tokens.values()}
        self.webhook_fields = ["messages", FIELD]

    def token(self, app_secret):
        """The access token of the app itself."""
        return f"{APP_ID}|{app_secret}"

    def about(self):
        return 200, {"category": "Business", "link": "https://www.facebook.com/", "name": "Demo Shop", "id": APP_ID}

    def debug(self, token):
        """-> 200, also for a token that is not valid."""
        page = self.tokens.get(token)
        if page is None:
            return 200, {"data": {"error": {"code": 190, "message": "Invalid OAuth access token."}, "is_valid": False, "scopes": []}}
        return 200, {"data": {"app_id": APP_ID, "type": "PAGE", "application": "Demo Shop", "data_access_expires_at": 0,
                              "expires_at": 0, "is_valid": True, "profile_id": page, "scopes": list(SCOPES), "user_id": "1"}}

    def subscribed(self, page):
        return 200, {"data": [{"category": "Business", "name": "Demo Shop", "id": APP_ID, "subscribed_fields": list(self.fields[page])}]}

    def subscribe(self, page, names):
        """The new list takes the place of the old one."""
        self.fields[page] = names.split(",")[:FIELDS_MAX]
        return 200, {"success": True}

    def subscriptions(self):
        fields = [{"name": name, "version": "v26.0"} for name in self.webhook_fields]
        return 200, {"data": [{"object": "page", "callback_url": self.callback_url, "active": True, "fields": fields}]}
