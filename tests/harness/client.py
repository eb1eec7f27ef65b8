"""HTTP as the tests speak it: one request a connection, every answer seen by the linter."""

import functools
import http.client
import json
import urllib.parse

from . import lint
from .forms import Page

TIMEOUT_S = 15  # without a byte
FORM = "application/x-www-form-urlencoded"


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"Response({self.status}, {self.text[:120]!r})"

    def all(self, name):
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def header(self, name):
        found = self.all(name)
        return found[0] if found else None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    @functools.cached_property
    def page(self):
        assert (self.header("content-type") or "").startswith("text/html"), f"no page: {self!r}"
        return Page(self.text)

    @property
    def is_page(self):
        return (self.header("content-type") or "").startswith("text/html")


def call(method, url, body=None, headers=None, timeout=None, https=False, source=None):
    """One request; the query goes out as it is in url.  https: what the service believes of itself.  source: the
    address it comes from."""
    at = urllib.parse.urlsplit(url)
    target = url.split(at.netloc, 1)[1] or "/"
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=timeout or TIMEOUT_S,
                                             source_address=(source, 0) if source else None)
    try:
        connection.request(method, target, body, headers or {})
        got = connection.getresponse()
        response = Response(got.status, got.getheaders(), got.read())
    finally:
        connection.close()
    lint.check(method, target, response.status, response.headers, response.text, https)
    return response


def get(url, headers=None, **more):
    return call("GET", url, None, headers, **more)


def post_form(url, fields, headers=None, **more):
    """fields: dict, list of pairs, or the raw body."""
    raw = fields if isinstance(fields, (bytes, str)) else urllib.parse.urlencode(fields)
    return call("POST", url, raw, {"Content-Type": FORM, **(headers or {})}, **more)


def admin(service, method, path, token=True, headers=None):
    """A request to the admin listener; token: True the right one, None none, else that one."""
    given = dict(headers or {})
    if token is not None:
        given["Authorization"] = "Bearer " + (service.admin_token if token is True else token)
    return call(method, service.admin + path, None, given)
