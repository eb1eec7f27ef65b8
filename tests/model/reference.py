"""What the service means, small: customers, live codes and links, and every operation as a program of atomic steps.

A customer is an Item, or None when there is no such customer; customers, PSIDs, pages and consents are numbers.  Times are
pairs (earliest, latest), since the time of a receipt is known only so well.  An operation under way is a tuple whose first
word names its next atomic step.  `advance` makes that step and tells each way it may go on."""
from typing import NamedTuple

ANY_AGE = (1 << 62, 1 << 62)
SLACK_MS = 2000
OLDEST_MS = 36 * 3_600_000  # of an event, before its receipt


class Item(NamedTuple):
    code: int = None        # consent whose code is live
    bound: int = None       # PSID the code is bound to
    expires: tuple = None   # seconds
    replaces: int = None    # customer named with the code as the PSID's earlier holder
    psid: int = None        # the link; None: not linked
    at: tuple = None        # its time, ms; None: not known
    page: int = None
    link_code: int = None   # consent whose code made the last link
    consents: frozenset = frozenset()  # shown to this customer since the item was made


NO_CODE = {"code": None, "bound": None, "expires": None, "replaces": None}
NO_LINK = {"psid": None, "at": None, "page": None}


class Way(NamedTuple):
    """One way an atomic step may go: the customers after it, and the next step, or the result."""
    items: tuple
    then: tuple = None
    result: object = None
    later: tuple = None     # a program that may run at any later time


def put(items, who, item):
    return items[:who] + (item,) + items[who + 1:]


def holders(items, psid):
    return [who for who, item in enumerate(items) if item and item.psid == psid]


def at_most(a, b):
    """Whether time a is at most b: {True}, {False} or both when it is not known that well.  One event's time equals itself."""
    if a == b or a[1] <= b[0]:
        return {True}
    return {False} if a[0] > b[1] else {True, False}


def below(a, b):
    return {not one for one in at_most(b, a)}


# --- atomic steps on one item: -> [(item, outcome)]

def issue(item, consent, expires):
    if item is None:
        return [(None, "no customer")]
    if item.link_code == consent:
        return [(item, "used")]
    if consent not in item.consents:
        return [(item, "another customer")]
    return [(item._replace(code=consent, bound=None, expires=expires, replaces=None), "done")]


def redeem(item, consent, psid, at, now, page):
    if item is None:
        return [(None, "no customer")]
    made = []
    if item.code == consent and item.bound in (None, psid):
        fresh = at_most(now, item.expires)
        if True in fresh:
            made.append((item._replace(psid=psid, at=at, page=page, link_code=consent, **NO_CODE), "done"))
        if fresh == {True}:
            return made
    if item.link_code == consent:
        why = "unlinked since" if item.psid is None else "already" if item.psid == psid else "used"
        return [*made, (item, why)]
    return [*made, (item, "not linked")]


def unlink(item, psid, until):
    """-> items it may be afterwards"""
    if item is None or item.psid != psid:
        return [item]
    gone = item._replace(**NO_LINK)
    old = {True} if item.at is None else at_most(item.at, until)
    return [gone if one else item for one in old]


def repair(item, psid, at, smaller):
    """smaller: this customer's id is below the newer holder's, which decides a tie."""
    if item is None or item.psid != psid:
        return [item]
    gone = item._replace(**NO_LINK)
    if item.at is None:
        return [gone]
    if item.at == at:
        return [gone if smaller else item]
    return [gone if one else item for one in below(item.at, at)]


# --- programs

def linked(owner, consent, psid, at, now, page):
    """owner: the customer the code is of; None: it does not open."""
    return ("redeem", owner, consent, psid, at, now, page)


def advance(items, op, lags):
    """Every way the next atomic step of `op` may go."""
    return STEPS[op[0]](items, lags, *op[1:])


def step_redeem(items, lags, owner, consent, psid, at, now, page):
    if owner is None:
        return [Way(items, result="ok")]
    before, ways = items[owner], []
    for item, outcome in redeem(before, consent, psid, at, now, page):
        after = put(items, owner, item)
        if outcome not in ("done", "already"):
            ways.append(Way(after, result="ok"))
            continue
        other = before.replaces if outcome == "done" else None
        known = outcome == "done" and before.bound is not None
        ways.append(Way(after, ("replace", owner, psid, at, other, known)))
    return ways


def step_replace(items, lags, me, psid, at, other, known):
    if other in (None, me):
        return [Way(items, ("look", psid, known))]
    return [Way(put(items, other, item), ("look", psid, item != items[other]))
            for item in repair(items[other], psid, at, other < me)]


def step_look(items, lags, psid, known):
    """Where the index lags the look comes later, and only when the code did not name the earlier holder."""
    if not lags:
        return [Way(items, ("find", psid, "ok"))]
    return [Way(items, result="ok", later=None if known else ("find", psid, "ok"))]


def step_find(items, lags, psid, result):
    """result: 'ok', or 'link' for the answer of a look-up."""
    found = holders(items, psid)
    if not found:
        ways = [Way(items, result="ok" if result == "ok" else None)]
        return ways + ([Way(items, ("find", psid, result))] if lags else [])
    ways = []
    for winner in winners(items, found):
        item = items[winner]
        told = "ok" if result == "ok" else (winner, item.page, item.at)
        ways.append(Way(items, ("repairs", psid, item.at, winner, tuple(one for one in found if one != winner), told)))
    return ways


def winners(items, found):
    """Those whose link may be the newest; of equal times the greater id."""
    def may_beat(a, b):
        x, y = items[a].at, items[b].at
        if x == y or x is None or y is None:
            return (x is not None, a) > (y is not None, b)
        return True in below(y, x)
    return [one for one in found if all(may_beat(one, other) for other in found if other != one)]


def step_repairs(items, lags, psid, at, winner, losers, told):
    if not losers:
        return [Way(items, result=told)]
    if at is None:  # nobody is older than a link without time
        return [Way(items, result=told)]
    return [Way(put(items, who, item), ("repairs", psid, at, winner, without(losers, who), told))
            for who in losers for item in repair(items[who], psid, at, who < winner)]


def without(some, who):
    """They are changed one after another, in an order nobody promises."""
    return tuple(one for one in some if one != who)


def step_unlink(items, lags, psid, until, background):
    found = tuple(holders(items, psid))
    return [Way(items, ("unlinks", psid, until, found, False, False, background))]


def step_unlinks(items, lags, psid, until, todo, removed, newer, background):
    """removed: some were; newer: some were kept since their link is newer than the event."""
    if todo:
        ways = []
        for who, item in ((who, item) for who in todo for item in unlink(items[who], psid, until)):
            gone = item != items[who]
            kept = not gone and item is not None and item.psid == psid
            ways.append(Way(put(items, who, item),
                            ("unlinks", psid, until, without(todo, who), removed or gone, newer or kept, background)))
        return ways
    again = ("unlink", psid, until, background)
    if removed or newer or not lags:
        return [Way(items, result=removed)]
    return [Way(items, again), Way(items, result=False, later=again if background else None)]


def acts(op):
    """A program begun that has customers to change; one without does nothing but look again."""
    return op[0] == "repairs" and op[4] and op[2] is not None or op[0] == "unlinks" and op[3]


def writes(op):
    """Its next step changes something."""
    return op[0] in ("redeem", "issue", "erase it") or op[0] == "replace" and op[4] is not None or bool(acts(op))


def step_last(items, lags, op):
    """What a process had sent when it was killed."""
    return [Way(way.items) for way in advance(items, op, lags)]


def step_login(items, lags, who, consent):
    item = items[who]
    after = item and item._replace(consents=item.consents | {consent})
    return [Way(put(items, who, after), result=item is not None)]


def step_issue(items, lags, owner, consent, expires):
    return [Way(put(items, owner, item), result=outcome) for item, outcome in issue(items[owner], consent, expires)]


def step_erase(items, lags, who):
    """Looked for, then erased: between the two it may go."""
    if items[who] is None:
        return [Way(items, result=False)]
    return [Way(items, ("erase it", who))]


def step_erase_it(items, lags, who):
    """A used code stays known, and a consent that was shown stays good."""
    item = items[who]
    return [Way(put(items, who, item and Item(link_code=item.link_code, consents=item.consents)), result=True)]


def step_links(items, lags, who):
    item = items[who]
    return [Way(items, result=None if item is None else (item.psid, item.page, item.at))]


STEPS = {"login": step_login, "redeem": step_redeem, "replace": step_replace, "look": step_look, "find": step_find, "repairs": step_repairs,
         "unlink": step_unlink, "unlinks": step_unlinks, "issue": step_issue, "erase": step_erase, "erase it": step_erase_it,
         "links": step_links, "last": step_last}


# --- what is done from beside, as other programs and time do it

def step_add(items, lags, who):
    return [Way(put(items, who, items[who] or Item()), result=True)]


def step_remove(items, lags, who):
    return [Way(put(items, who, None), result=True)]


def step_change(items, lags, who, consent, change):
    """Of the live code, if it is that of this consent; change: pairs of attribute and value."""
    item = items[who]
    if item is not None and item.code == consent:
        item = item._replace(**dict(change))
    return [Way(put(items, who, item), result=True)]


STEPS.update({"add": step_add, "remove": step_remove, "change": step_change})
