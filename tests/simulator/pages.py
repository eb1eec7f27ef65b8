"""The simulator's one page: a phone with a chat, and a panel beside it.  No script."""

import html
import time
import urllib.parse

from .graph import ALL_FAULTS

BOT = ('<svg viewBox="0 0 40 40" role="img" aria-label="Demo Shop">'
       '<circle cx="20" cy="20" r="20" fill="#0a7cff"/>'
       '<path d="M11 16h18l-2 13H13z" fill="#fff"/><path d="M15 16a5 5 0 0 1 10 0" fill="none" stroke="#fff" '
       'stroke-width="2.4"/></svg>')
SEND = ('<svg viewBox="0 0 24 24" role="img" aria-label="Send">'
        '<path d="M3 4l18 8-18 8 3-8z" fill="#0a7cff"/></svg>')

KINDS = (
    ("duplicates", "Duplicates", "The last linked event three times over, as after a lost answer."),
    ("batch", "Batch",
     "Two entries, six events: messages, a read mark, and the last linked event once more."),
    ("reordered", "Reordered",
     "In one delivery: unlinked first, then the older linked. Should end logged out."),
    ("forged", "Forged", "An unlinked event with a wrong signature. Should be 403 and change nothing."),
    ("unsigned", "Unsigned", "The same without any signature. Should be 403."),
    ("wrongcode", "Wrong code", "Linked with a code nobody issued. Should be 200 and change nothing."),
    ("message", "Message", "An ordinary message, nothing about linking. Should be 200."),
)


def text(value):
    return html.escape(str(value), quote=True)


def address(path, **query):
    return text(path + ("?" + urllib.parse.urlencode(query) if query else ""))


def hidden(**fields):
    return "".join(f'<input type="hidden" name="{text(k)}" value="{text(v)}">' for k, v in fields.items())


def chat_line(person, kind, words):
    if kind == "login":
        return (f'<div class="card"><p>{text(words)}</p>'
                f'<a class="login" href="{address("/login", psid=person.psid)}">Log In</a></div>')
    if kind == "logout":
        return (f'<div class="card"><p>{text(words)}</p><form method="post" action="/logout">'
                f'{hidden(psid=person.psid)}<button class="logout">Log Out</button></form></div>')
    if kind in ("notice", "failed"):
        return f'<p class="notice{" bad" if kind == "failed" else ""}">{text(words)}</p>'
    return f'<div class="say{" me" if kind == "me" else ""}">{text(words)}</div>'


def phone(person):
    lines = "\n".join(chat_line(person, kind, words) for kind, words, _ in person.chat)
    state = ("state on", "Linked") if person.linked else ("state", "Not linked")
    return f"""<div class="phone">
<div class="bar" aria-hidden="true"><span>{time.strftime("%H:%M")}</span>
<span>Messenger simulator</span></div>
<div class="head">{BOT}<div><b>Demo Shop</b><small>Typically replies instantly</small></div>
<span class="{state[0]}">{state[1]}</span></div>
<div class="chat"><div class="lines">
{lines}
</div></div>
<form class="write" method="post" action="/say">{hidden(psid=person.psid)}
<input name="text" maxlength="500" aria-label="Message" placeholder="Aa" autocomplete="off">
<button aria-label="Send">{SEND}</button></form>
</div>"""


def people_list(people, current):
    links = "".join(
        f'<a href="{address("/", psid=one.psid)}"{" class=on" if one is current else ""}>'
        f"{text(one.first)} {text(one.last)}</a>" for one in people)
    return (f'<div class="people">{links}'
            f'<form method="post" action="/person"><button>Another person</button></form></div>'
            f"<p><small>This one's page-scoped id is <code>{text(current.psid)}</code></small></p>")


def kind_rows(person):
    return "".join(
        f'<div><form method="post" action="/deliver">{hidden(psid=person.psid, what=what)}'
        f'<button id="deliver-{what}">{text(name)}</button></form><small>{text(why)}</small></div>'
        for what, name, why in KINDS)


def answer_rows(deliveries):
    if not deliveries:
        return "<tr><td colspan=5>Nothing was delivered yet.</td></tr>"
    return "".join(
        f'<tr><td>{number}</td><td>{text(what)}</td><td class="s{answer.status // 100}">'
        f'{answer.status or "none"}</td>'
        f"<td>{text(answer.text[:200])}</td><td>{answer.ms} ms</td></tr>"
        for number, what, answer, _ in deliveries)


def fault_rows(graph, person):
    """One button a fault; the one that is on is marked, and pressing Normal ends it."""
    rows = [("", "Normal", "Graph answers as it should."), *((key, one[0], one[1]) for key, one in ALL_FAULTS.items())]
    return "".join(
        f'<div><form method="post" action="/graph">{hidden(psid=person.psid, fault=key)}'
        f'<button id="graph-{key or "normal"}"{" class=on" if key == graph.fault else ""}>{text(name)}</button></form>'
        f"<small>{text(why)}</small></div>" for key, name, why in rows)


def graph_section(graph, person):
    if not graph.tokens:
        return ""
    calls = "".join(f"<li><code>{text(method)} {text(path)}</code></li>" for method, path in graph.calls[:-9:-1])
    return (f'<section><h2>What Graph answers</h2><div class="kinds">{fault_rows(graph, person)}</div>'
            f'<ul id="graph-calls">{calls or "<li>Graph was not asked yet.</li>"}</ul></section>')


def chat_page(state, person, webhook_url, graph):
    people, deliveries = list(state.people.values()), list(state.deliveries)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Messenger simulator</title><link rel="stylesheet" href="/style.css"></head>
<body><main>
{phone(person)}
<div class="panel">
<section><h1>Messenger simulator</h1>
<p>Stands in for Facebook: tap <b>Log In</b> in the phone, log in on the service's own page, and come back
linked. Events go to <code>{text(webhook_url)}</code>.</p>
<h2>Who is chatting</h2>{people_list(people, person)}</section>
<section><h2>Deliver to the webhook</h2><div class="kinds">{kind_rows(person)}</div></section>
<section><h2>What the webhook answered</h2>
<table id="answers"><thead><tr><th>#<th>Delivery<th>Status<th>Answer<th>Time</thead>
<tbody>{answer_rows(deliveries)}</tbody></table></section>
{graph_section(graph, person)}
</div>
</main></body></html>
"""


def plain_page(title, words):
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)}</title><link rel="stylesheet" href="/style.css"></head>
<body><main><div class="panel"><section><h1>{text(title)}</h1><p>{text(words)}</p>
<p><a href="/">Back to the chat</a></p></section></div></main></body></html>
"""
