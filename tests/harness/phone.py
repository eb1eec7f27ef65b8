"""A person with a phone: opens the Log In link, logs in, consents; and Facebook's side of it."""

import secrets
import urllib.parse

from simulator import events

from . import canary, client

RETURN = "https://facebook.com/messenger_platform/account_linking/?account_linking_token="


def new_address():
    """A client address nobody else has, for X-Forwarded-For."""
    return "10." + ".".join(str(secrets.randbelow(254) + 1) for _ in range(3))


class Phone:
    """Keeps cookie, page and code between steps, like a webview."""

    def __init__(self, service, psid=None, https_origin=None):
        self.service = service
        self.psid = canary.secret(psid or events.new_psid(), "PSID")
        self.origin = https_origin or service.url
        self.https = self.origin.startswith("https:")
        self.address = new_address()
        self.cookies = {}
        self.last = self.code = self.token = None

    # --- requests

    def headers(self, more=None):
        made = {"X-Forwarded-For": self.address}
        if self.cookies:
            made["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        made.update(more or {})
        return {name: value for name, value in made.items() if value is not None}

    def get(self, target, headers=None):
        return self._seen(client.get(self.service.url + target, self.headers(headers), https=self.https))

    def post(self, target, fields, headers=None):
        """With Origin, as browsers do; a header given as None is left out."""
        made = self.headers({"Origin": self.origin, **(headers or {})})
        return self._seen(client.post_form(self.service.url + target, fields, made, https=self.https))

    def _seen(self, response):
        for one in response.all("set-cookie"):
            name, _, value = one.split(";")[0].partition("=")
            self.cookies[name] = canary.secret(value, "cookie")
        if response.is_page:
            for form in response.page.forms:
                for name, value in form.fields.items():
                    if form.types[name] == "hidden":
                        canary.secret(value, "sealed token")
        self.last = response
        return response

    # --- the flow

    def address_of_link(self, token=None, back=None):
        self.token = canary.secret(token or events.new_linking_token(), "linking token")
        self.back = back or RETURN + self.token
        return ("/link?account_linking_token=" + urllib.parse.quote(self.token, safe="")
                + "&redirect_uri=" + urllib.parse.quote(self.back, safe=""))

    def open(self, token=None, back=None):
        return self.get(self.address_of_link(token, back))

    def login(self, email, password, headers=None, **fields):
        """Fill in the login form of the page shown last."""
        target, form = self.last.page.submit("/link/login")
        canary.secret(password, "password")
        return self.post(target, {**form, "email": email, "password": password, **fields}, headers)

    def press(self, path, headers=None):
        target, form = self.last.page.submit(path)
        return self.post(target, form, headers)

    def connect(self, headers=None):
        response = self.press("/link/confirm", headers)
        self.code = code_in(response)
        return response

    def not_me(self):
        return self.press("/link/cancel")

    def get_code(self, who):
        """All of it up to the redirect; -> the authorization code."""
        assert self.open().status == 200
        assert self.login(who.email, who.password).status == 200
        response = self.connect()
        assert response.status == 303 and self.code, response
        return self.code

    # --- Facebook's side

    def tell(self, *made, **more):
        """Deliver events; by default `linked` with the code in hand."""
        return deliver(self.service, events.body(*(made or [events.linked(self.psid, self.code)])), **more)

    def link(self, who, at=None):
        """From the Log In button to the webhook's 200."""
        self.get_code(who)
        answer = self.tell(events.linked(self.psid, self.code, at=at))
        assert answer.status == 200, answer
        return self


def code_in(response):
    """The authorization code in a redirect, None without."""
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(response.header("location") or "").query)
    return canary.secret(asked.get("authorization_code", [None])[0], "authorization code")


def deliver(service, raw, signature=True, headers=None, **more):
    """POST /webhook.  signature: True the right one, None none, else that value."""
    made = {"Content-Type": "application/json", "User-Agent": "facebookexternalua", **(headers or {})}
    if signature is not None:
        made["X-Hub-Signature-256"] = events.sign(raw, service.secret) if signature is True else signature
    return client.call("POST", service.url + "/webhook", raw, made, **more)


class Customer:
    """Somebody with an account at the company."""

    def __init__(self, service, password=None, email=None, add=True):
        name = secrets.token_hex(6)
        self.id = canary.secret("id-" + name, "customer id")
        self.email = canary.secret(email or f"mail-{name}@example.com", "e-mail")
        self.password = canary.secret(password or "pass-" + secrets.token_urlsafe(12), "password")
        if add:
            service.add_customer(self.id, self.email, self.password)
