"""Webhook events as Messenger sends them: build, sign, deliver."""

import hashlib
import hmac
import http.client
import json
import secrets
import time
import urllib.parse

PAGE_ID = "1067280970047460"
ANSWER_MAX = 1 << 20
TOKEN_TAIL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def now_ms():
    return int(time.time() * 1000)


def new_psid():
    """A fresh page-scoped id: 17 digits, as today's are."""
    return "7" + "".join(secrets.choice("0123456789") for _ in range(16))


def new_linking_token():
    """Opaque to everyone but Facebook: 110 characters, the first two AR."""
    return "AR" + "".join(secrets.choice(TOKEN_TAIL) for _ in range(108))


def event(psid, page=PAGE_ID, at=None, **kind):
    """One item of messaging[]; `at` in ms, False leaves the timestamp out."""
    made = {"sender": {"id": psid}, "recipient": {"id": page}}
    if at is not False:
        made["timestamp"] = now_ms() if at is None else at
    made.update(kind)
    return made


def linked(psid, code, page=PAGE_ID, at=None):
    return event(psid, page, at, account_linking={"status": "linked", "authorization_code": code})


def unlinked(psid, page=PAGE_ID, at=None):
    return event(psid, page, at, account_linking={"status": "unlinked"})


def message(psid, text, page=PAGE_ID, at=None):
    return event(psid, page, at, message={"mid": "m_" + secrets.token_urlsafe(24), "text": text})


def read(psid, page=PAGE_ID, at=None):
    return event(psid, page, at, read={"watermark": now_ms()})


def entry(*events, page=PAGE_ID, at=None):
    made = {"id": page, "messaging": list(events)}
    if at is not False:
        made["time"] = now_ms() if at is None else at
    return made


def encode(value):
    """Compact JSON with \\u escapes and escaped slashes, the form Facebook signs and sends."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def body(*events, page=PAGE_ID):
    """A delivery with one entry that holds these events."""
    return encode({"object": "page", "entry": [entry(*events, page=page)]})


def body_of(*entries, kind="page"):
    return encode({"object": kind, "entry": list(entries)})


def sign(raw, secret):
    """Value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


class Answer:
    """What the webhook answered; status 0 and the reason as text when it did not."""

    def __init__(self, status, headers, text, ms):
        self.status, self.headers, self.text, self.ms = status, headers, text, ms

    def __repr__(self):
        return f"Answer({self.status}, {self.text[:60]!r}, {self.ms} ms)"


def post(url, raw, headers, timeout=10):
    """POST bytes; never raises for what the other side does."""
    at = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    began = time.monotonic()
    connection = kind(at.hostname, at.port, timeout=timeout)
    try:
        connection.request("POST", (at.path or "/") + ("?" + at.query if at.query else ""), raw, headers)
        got = connection.getresponse()
        text = got.read(ANSWER_MAX).decode("utf-8", "replace")
        status, fields = got.status, got.getheaders()
    except (OSError, http.client.HTTPException) as error:
        status, fields, text = 0, [], f"no answer: {error}"
    finally:
        connection.close()
    return Answer(status, fields, text, int((time.monotonic() - began) * 1000))


def deliver(url, raw, secret, signature=None, timeout=10):
    """One signed delivery with Facebook's headers; `signature` replaces the right one."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "facebookexternalua",
        "X-Hub-Signature-256": signature or sign(raw, secret),
    }
    return post(url, raw, headers, timeout)
