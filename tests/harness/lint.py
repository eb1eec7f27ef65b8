"""Rules every answer must meet, whatever the test was about."""

import json
import re
import threading
import urllib.parse

from .forms import Page

REQUEST_ID = re.compile(r"[0-9a-f]{16}|[A-Za-z0-9._-]{8,64}")
CACHED = ("/metrics", ".css")
PAGE_RULES = ("frame-ancestors 'none'", "base-uri 'none'")

_lock = threading.Lock()
_found = []
seen = {"answers": 0, "pages": 0}


def take():
    """Findings since the last call."""
    with _lock:
        found = list(_found)
        _found.clear()
        return found


def check(method, path, status, headers, body, https=False):
    """headers: list of (name, value).  Findings are kept for take()."""
    problems = list(_common(path, status, headers, https))
    kind = _one(headers, "content-type") or ""
    if kind.startswith("text/html"):
        problems += _page(headers, kind, body if method != "HEAD" else "")
    elif status >= 400 and kind.startswith("application/problem+json") and method != "HEAD":
        problems += _problem(status, body)
    with _lock:
        seen["answers"] += 1
        seen["pages"] += kind.startswith("text/html")
        _found.extend(f"{method} {path.split('?')[0]} -> {status}: {one}" for one in problems)


def _all(headers, name):
    return [value for known, value in headers if known.lower() == name]


def _one(headers, name):
    found = _all(headers, name)
    return found[0] if len(found) == 1 else None


def _common(path, status, headers, https):
    if not REQUEST_ID.fullmatch(_one(headers, "x-request-id") or ""):
        yield "no X-Request-Id"
    if _one(headers, "x-content-type-options") != "nosniff":
        yield "no nosniff"
    if not path.split("?")[0].endswith(CACHED) and _one(headers, "cache-control") != "no-store":
        yield "no Cache-Control: no-store"
    if https != bool(_all(headers, "strict-transport-security")):
        yield f"HSTS {'missing' if https else 'over http'}"
    if status not in (204, 304) and _one(headers, "content-length") is None and status >= 200:
        if not _all(headers, "transfer-encoding"):
            yield "neither Content-Length nor chunked"
    if 300 <= status < 400:
        yield from _redirect(status, headers)
    elif _all(headers, "location"):
        yield "Location without redirect"
    if status == 405 and not _one(headers, "allow"):
        yield "405 without Allow"
    if status == 429 and not (_one(headers, "retry-after") or "").isdigit():
        yield "429 without Retry-After"
    for cookie in _all(headers, "set-cookie"):
        yield from _cookie(cookie, https)
    names = [name.lower() for name, _ in headers]
    for name in sorted({one for one in names if names.count(one) > 1} - {"set-cookie"}):
        yield f"{name} twice"
    if _all(headers, "server") or _all(headers, "x-powered-by"):
        yield "says what it runs on"


def _redirect(status, headers):
    if status != 303:
        yield "redirect is not 303"
    if _one(headers, "referrer-policy") != "no-referrer":
        yield "redirect without no-referrer"
    if not urllib.parse.urlsplit(_one(headers, "location") or "").path:
        yield "redirect without Location"


def _cookie(cookie, https):
    parts = [one.strip() for one in cookie.split(";")]
    attributes = {one.lower() for one in parts[1:]}
    wanted = {"httponly", "samesite=lax", "path=/"} | ({"secure"} if https else set())
    if not wanted <= attributes:
        yield f"cookie without {sorted(wanted - attributes)}"
    if any(one.startswith("domain") for one in attributes) or (not https and "secure" in attributes):
        yield "cookie with Domain, or Secure over http"
    if parts[0].split("=")[0] not in [("__Host-" if https else "") + name for name in ("linkd", "linkd-device")]:
        yield "cookie of another name"


def _page(headers, kind, body):
    policy = _one(headers, "content-security-policy") or ""
    rules = {one.strip().split(" ")[0]: one.strip() for one in policy.split(";")}
    if "charset=utf-8" not in kind.lower():
        yield "page without charset"
    if rules.get("default-src") != "default-src 'none'" or rules.get("script-src",
                                                                     "'none'").split()[-1] != "'none'":
        yield "CSP allows script or has no default-src 'none'"
    for rule in PAGE_RULES:
        if rules.get(rule.split(" ")[0]) != rule:
            yield f"CSP without {rule}"
    if not rules.get("form-action", "").startswith("form-action 'self'"):
        yield "CSP without form-action 'self'"
    if any("unsafe" in one for one in rules.values()):
        yield "CSP with an unsafe rule"
    if _one(headers, "referrer-policy") != "same-origin":
        yield "page without Referrer-Policy: same-origin"
    if body:
        yield from _markup(Page(body))


def _markup(page):
    if page.scripts or page.handlers:
        yield "page with script"
    if any(urllib.parse.urlsplit(one).netloc for one in page.fetched):
        yield "page fetches from elsewhere"
    if not page.lang:
        yield "page without language"
    if any(form.method != "post" for form in page.forms):
        yield "form that is not POST"


def _problem(status, body):
    try:
        value = json.loads(body)
    except ValueError:
        yield "problem+json that is not JSON"
        return
    if value.get("status") != status or not isinstance(value.get("title"), str):
        yield "problem+json without title or with another status"
