"""Does the model find defects?  Each is put into a copy of the tree, which is built; then sequences are played until one fails.

    cd tests && python3 -m model.defects [NAME...]"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MOST = 3000  # sequences in which a defect must be found


class Defect(NamedTuple):
    name: str
    file: str
    before: str
    after: str
    store: str = "sqlite"
    mix: dict = {}


SQL, WRITE = "src/store/sqlite/sql.def", "src/store/dynamodb/write.c"
TOGETHER = {"together": 60}
DEFECTS = [
    Defect("a code is not deleted when it is used", SQL, 'UPDATE customers SET" NEW_LINK "," NO_CODE THIS',
           'UPDATE customers SET" NEW_LINK THIS'),
    Defect("expiry is not checked", SQL, " AND authorization_code_expires_at >= ?7", ""),
    Defect("expiry is wrong by its last second", SQL, "authorization_code_expires_at >= ?7", "authorization_code_expires_at > ?7"),
    Defect("the bound profile is not checked", SQL, "(authorization_code_psid IS NULL OR authorization_code_psid = ?4)", "1"),
    Defect("an old binding is not cleared", SQL, "authorization_code_psid = ?4, authorization_code_replaces = ?10",
           "authorization_code_psid = coalesce(?4, authorization_code_psid), authorization_code_replaces = ?10"),
    Defect("a used code is issued again", SQL, '" THIS "AND fb_link_code IS NOT ?3")\nSQL(REDEEM', '" THIS)\nSQL(REDEEM'),
    Defect("unlink does not look at the time", SQL, '"AND fb_psid = ?4 AND (fb_linked_at > ?6 AND fb_linked_at <= ?16) IS NOT TRUE")',
           '"AND fb_psid = ?4")'),
    Defect("unlink is a millisecond strict", "src/link/link.h", "LINK_SLACK_MS = 2000", "LINK_SLACK_MS = 1999"),
    Defect("an erased customer keeps a code", SQL, 'SET" NO_LINK "," NO_CODE\n', 'SET" NO_LINK\n'),
    Defect("an erased customer loses the used code", SQL, '", login_failures = NULL, login_window_ends = NULL" THIS)\nSQL(ADD',
           '", fb_link_code = NULL, login_failures = NULL, login_window_ends = NULL" THIS)\nSQL(ADD'),
    Defect("a consent outlives its customer", "src/store/sqlite/op.c", "ret->another = !same;", "(void)same;"),
    Defect("a consent outlives its customer, DynamoDB", WRITE, "return same ? P_ISSUE", "return same || !same ? P_ISSUE", "dynamodb"),
    Defect("the older of two links wins", "src/link/link_find.c", "return a->link.linked_at_ms > b->link.linked_at_ms;",
           "return a->link.linked_at_ms < b->link.linked_at_ms;"),
    Defect("no look for other holders", "src/link/link_complete.c", "\tif (!traits->find_psid)\n", "\tif (traits->find_psid)\n"),
    Defect("ties are left alone", SQL, '"\n\t" OR (fb_linked_at = ?6 AND customer_id >= ?11))) IS NOT TRUE")', ')) IS NOT TRUE")'),
    Defect("an old unlink acts", "src/webhook/event.c", "return t.stale && e->kind == EVENT_K_UNLINKED ?", "return t.stale && e->psid[0] == 0 ?"),
    Defect("events are not put in order", "src/webhook/sequencer.c", "if (v[a].time_ms != v[b].time_ms)", "if (a == b)"),
    Defect("any signature will do", "src/webhook/signature.c", "return right ? ERR_OK : ERR_DENIED;",
           "(void)right;\n\treturn ERR_OK;"),
    Defect("answered before it is written", "src/store/sqlite/group.c", "\treturn sqlite_db_run(g->db, SQL_COMMIT);",
           "\tfor (size_t i = 0; i < g->n; i++) {\n\t\tstruct err copy = g->op[i]->err;\n"
           "\t\tfinish(g->op[i], g->op[i]->code, &copy);\n\t}\n\tg->n = 0;\n"
           "\t(void)sqlite3_sleep(3);\n\treturn sqlite_db_run(g->db, SQL_COMMIT);",
           mix={"crash": 20}),
    Defect("redeem reads, then writes", WRITE, '"authorization_code=:d AND authorization_code_expires_at>=:s AND"',
           '"(attribute_not_exists(authorization_code) OR attribute_exists(authorization_code)) AND"', "dynamodb", TOGETHER),
    Defect("a used code is issued again, DynamoDB", WRITE,
           '\tif (str_is(dynamodb_item_str(item, "fb_link_code"), in->digest))\n\t\treturn dynamodb_op_outcome(x, STORE_USED);\n',
           "", "dynamodb"),
    Defect("the bound profile is not checked, DynamoDB", WRITE,
           '" (attribute_not_exists(authorization_code_psid) OR authorization_code_psid=:p)"',
           '" attribute_exists(customer_id)"', "dynamodb"),
    Defect("expiry is not checked, DynamoDB", WRITE, "authorization_code=:d AND authorization_code_expires_at>=:s AND",
           "authorization_code=:d AND", "dynamodb"),
    Defect("repair does not look at the time, DynamoDB", WRITE,
           '"fb_psid=:p AND NOT (fb_linked_at<=:j AND (fb_linked_at>:t OR"\n'
           '                          " (fb_linked_at=:t AND customer_id>=:m)))"', '"fb_psid=:p"', "dynamodb"),
    Defect("no later look for other holders, DynamoDB", "src/link/link_complete.c", "if (!c->repaired && !c->bound)",
           "if (c->repaired && !c->repaired)", "dynamodb"),
]


def copy_of_tree(to):
    listed = subprocess.run(["git", "ls-files", "-z", "src", "Makefile", "config", "tests/packages", "tests/check.mk"], cwd=ROOT,
                            capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, listed):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to / name)


def build(tree):
    done = subprocess.run(["make", "--no-print-directory", "-j2"], cwd=tree, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]


def find(tree, defect, most=MOST):
    """-> the result of the sequences played on the tree with this defect in it."""
    file = tree / defect.file
    sound = file.read_text()
    assert sound.count(defect.before) == 1, f"{defect.name}: {defect.file} has changed; the defect must be written anew"
    file.write_text(sound.replace(defect.before, defect.after))
    try:
        build(tree)
        done = subprocess.run([sys.executable, "-m", "model.run", "--store", defect.store, "--sequences", str(most), "--json",
                               "--no-shrink", "--mix", json.dumps(defect.mix)], cwd=ROOT / "tests", capture_output=True, text=True,
                              env={**os.environ, "LINKD_BINARY": str(tree / "build/account-linkd")}, timeout=1800)
        assert done.returncode in (0, 1) and done.stdout, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])
    finally:
        file.write_text(sound)


def all_found(names=(), say=print):
    """-> names of those that were not found; tells how many sequences each took."""
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy_of_tree(tree)
        build(tree)
        for defect in DEFECTS:
            if names and defect.name not in names:
                continue
            result = find(tree, defect)
            found = bool(result["failures"])
            say(f"{defect.name}: {'found' if found else 'NOT found'} in {result['played']} sequences, {result['seconds']} s", flush=True)
            if not found:
                missed.append(defect.name)
    return missed


if __name__ == "__main__":
    sys.exit(1 if all_found(sys.argv[1:]) else 0)
