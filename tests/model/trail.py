"""The audit trail beside the store: each change of a link and each code issued has exactly one line.

Triggers in the database keep every change in the transaction that makes it, whoever asked for it and whatever was answered.
A process that is killed takes the lines with it that were not written yet: a change may be without a line when a kill
followed within LOST_S.  A line without a change is never right."""
import collections
import json

from harness import digests

LOST_S = 2
SEAL_KEY = "a seal key for the model of more than 32 bytes"

TABLE = "CREATE TABLE model_changes (at REAL, what TEXT, customer TEXT, psid TEXT)"
TRIGGERS = {
    # name: columns, when, what, PSID
    "linked": ("fb_link_code", "new.fb_psid IS NOT NULL AND new.fb_link_code IS NOT old.fb_link_code", "new.fb_psid"),
    "removed": ("fb_psid", "old.fb_psid IS NOT NULL AND new.fb_psid IS NOT old.fb_psid", "old.fb_psid"),
    "issued": ("authorization_code", "new.authorization_code IS NOT NULL", "''"),
}


def watch(connection):
    connection.execute(TABLE)
    for what, (columns, when, psid) in TRIGGERS.items():
        connection.execute(
            f"CREATE TRIGGER model_{what} AFTER UPDATE OF {columns} ON customers WHEN {when} BEGIN INSERT INTO model_changes VALUES"
            f" ((julianday('now') - 2440587.5) * 86400.0, '{what}', new.customer_id, {psid}); END")


class Lines(collections.Counter):
    """Audit lines that tell of a change, counted by what, customer and PSID."""
    def take(self, text):
        line = json.loads(text)
        what = {("link", "linked"): "linked", ("link", "removed"): "removed", ("code", "issued"): "issued"}.get(
            (line["action"], line["result"]))
        if what:
            self[what, line["customer_digest"], "" if what == "issued" else line["psid_digest"]] += 1


def judge(changes, lines, kills):
    """changes: rows of model_changes; kills: times.  -> (changes, lost by a kill, what is wrong)"""
    key, names = digests.key_of(SEAL_KEY), {}
    made, excused = collections.Counter(), collections.Counter()

    def name(text):
        if text not in names:
            names[text] = digests.digest(key, text) if text else ""
        return names[text]
    for at, what, customer, psid in changes:
        one = what, name(customer), name(psid)
        made[one] += 1
        excused[one] += any(at - 0.1 <= kill <= at + LOST_S for kill in kills)
    wrong = [f"{lines[one]} lines for {made[one]} changes: {one}" for one in {**made, **lines}
             if not made[one] - excused[one] <= lines[one] <= made[one]]
    return sum(made.values()), sum((made - lines).values()), wrong
