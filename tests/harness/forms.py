"""Reads HTML forms as a browser does, and finds content that a page must not have."""

import html.parser
import urllib.parse


class Form:
    def __init__(self, action, method):
        self.action, self.method = action, method
        self.fields = {}
        self.types = {}
        self.attributes = {}
        self.buttons = []

    def __repr__(self):
        return f"Form({self.method} {self.action}, {sorted(self.fields)})"


class Page(html.parser.HTMLParser):
    """forms, links, text and the things that need looking at by the linter."""

    def __init__(self, markup):
        super().__init__()
        self.forms, self.links, self.scripts, self.handlers, self.fetched, self.images = [], [], 0, [], [], 0
        self.words = []
        self.lang = ""
        self._button = self._form = None
        self._hidden = 0
        self.feed(markup)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        self.handlers += [name for name in given if name.startswith("on")]
        if tag == "html":
            self.lang = given.get("lang", "")
        elif tag == "script":
            self.scripts += 1
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif tag in ("link", "img", "iframe", "source", "object", "embed"):
            self.fetched.append(given.get("href") or given.get("src") or given.get("data") or "")
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in ("input", "textarea", "select") and self._form is not None:
            self._field(given)
        elif tag == "button" and self._form is not None:
            self._button = [given, ""]
        self._hidden += tag in ("style", "title")

    def _field(self, given):
        if given.get("type", "") in ("submit", "image", "button"):
            self._form.buttons.append((given.get("value", ""), given))
        elif given.get("name"):
            self._form.fields[given["name"]] = given.get("value", "")
            self._form.types[given["name"]] = given.get("type", "text")
            self._form.attributes[given["name"]] = given

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "button" and self._button is not None and self._form is not None:
            self._form.buttons.append((" ".join(self._button[1].split()), self._button[0]))
            self._button = None
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data):
        if self._button is not None:
            self._button[1] += data
        if not self._hidden:
            self.words.append(data)

    def submit(self, path):
        """The request a press on the button that leads to `path` makes: (path, fields)."""
        for form in self.forms:
            for _, given in form.buttons or [("", {})]:
                target = urllib.parse.urlsplit(given.get("formaction") or form.action).path
                if target == path and form.method == "post":
                    extra = {given["name"]: given.get("value", "")} if given.get("name") else {}
                    return target, {**form.fields, **extra}
        raise AssertionError(f"no form leads to {path}: {self.forms} {self.text[:200]}")
