"""The five rules that decide who is linked to whom: where each stands, and the tests that must see a defect in it.

A place: a file below src/ and the names in it: functions ("*": all, and the file's constants), rows of tables, macros."""
from typing import NamedTuple

SQL = ("store/test_told", "store/test_contract", "store/test_ops", "store/test_starve", "store/test_sqlite")
DYNAMODB = ("store/test_dynamodb", "store/test_dynamodb_issue", "store/test_told", "store/test_contract", "store/test_ops", "store/test_dynamodb_starve")


class Place(NamedTuple):
    file: str
    functions: tuple
    tests: tuple       # programs, the quickest first
    rows: tuple = ()
    macros: tuple = ()
    dynamodb: bool = False  # the tests run on DynamoDB
    through: str = ""  # the source that includes the file, where it is none itself


STORE_ROWS = ("STORE_ISSUE", "STORE_REDEEM", "STORE_UNLINK")
DYNAMODB_WRITE = ("has_value", "put_optional", "update_expression", "update", "first", "done", "written", "put_unchanged",
                  "issue", "why_not_linked", "why_kept", "may_issue", "why", "read_back")
RULES = {
    "redirect": (Place("login/redirect.c", ("*",), ("unit/test_redirect",)),),
    "signature": (Place("webhook/signature.c", ("*",), ("unit/test_signature",)),),
    "code": (
        Place("link/auth_code.c", ("*",), ("unit/test_auth_code",)),
        Place("base/crypto.c", ("crypto_sha256_text",), ("unit/test_crypto", "unit/test_crypto_refused")),
        Place("link/seal.c", ("*",), ("unit/test_seal", "unit/test_auth_code")),
        Place("link/link_complete.c", ("begin", "searched", "redeem", "judge", "link_complete"),
              ("unit/test_link", "unit/test_link_fail", "unit/test_link_starve")),
        Place("store/sqlite/op.c", ("read_record", "read_old", "why_not_linked", "why_not", "keep_old",
                                      "sqlite_op_write"), SQL,
              rows=STORE_ROWS),
        Place("store/sqlite/sql.def", (), SQL, rows=("FIND_CODE", "ISSUE", "REDEEM"),
              macros=("THIS", "NO_CODE", "NEW_LINK"), through="store/sqlite/db.c"),
        Place("store/dynamodb/write.c", DYNAMODB_WRITE, DYNAMODB, dynamodb=True,
              rows=("STORE_ISSUE", "STORE_REDEEM"),
              macros=("THERE", "LINK_SET", "CODE_ATTRIBUTES", "NOT_USED", "ISSUE_SET")),
        Place("store/record.c", ("record_is",), ("store/test_contract", "store/test_starve")),
        Place("store/dynamodb/json.c", ("put_packed", "put_value", "dynamodb_body_values"),
              DYNAMODB, dynamodb=True),
    ),
    "unlink": (
        Place("link/link_remove.c", ("*",), ("unit/test_link_remove", "unit/test_link_fail", "unit/test_link_starve")),
        Place("store/sqlite/sql.def", (), SQL, rows=("UNLINK",), macros=("NO_LINK",), through="store/sqlite/db.c"),
        Place("store/dynamodb/write.c", (), DYNAMODB, dynamodb=True, rows=("STORE_UNLINK",), macros=("LINK_ATTRIBUTES",)),
    ),
    "expiry": (
        Place("login/state.c", ("put_time", "get_time", "judge", "state_open", "state_open_consent"), ("unit/test_state",)),
        Place("login/confirm.c", ("fill",), ("unit/test_login_confirm",)),
    ),
}
