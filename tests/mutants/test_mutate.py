"""The mutator: what it changes of a line, that it leaves the rest alone, and that the rules' places are there."""
import pytest

from mutants import csource, mutate, run
from mutants.rules import RULES

CODE = """#define SIZE 3 /* not a < b */
static int f(int a, const char *s)
{
	// a < b
	if (%s)
		return 1;
	wipe(s);
	return 0;
}
"""


def changes(text, kind):
    tokens = csource.scan(text)
    found = [one for span in csource.functions(tokens) for one in mutate.of_span(text, tokens, span) if one.kind == kind]
    return {(text[one.at:one.at + one.n], one.new) for one in found}


@pytest.mark.parametrize("condition, kind, want", [
    ("a < 7", "relation", {("<", "<="), ("<", ">=")}),
    ("a == 7", "relation", {("==", "!=")}),
    ("a < 7", "constant", {("7", "8"), ("7", "6"), ("1", "2"), ("1", "0"), ("0", "1"), ("0", "(-1)")}),
    ("a && s[0] == 'x'", "operator", {("&&", "||")}),
    ("!a", "negation", {("!", "")}),
    ("a && (s || a)", "condition dropped", {("a", "true"), ("(s || a)", "true"), ("s", "false"), ("a", "false"),
                                            ("(a && (s || a))", "(true)"), ("(a && (s || a))", "(false)")}),
    ("a->b > *s", "relation", {(">", ">="), (">", "<=")}),
    ("strcmp(s, \"a < b && c\")", "operator", set()),
    ("a", "statement deleted", {("wipe(s);", ";")}),
])
def test_what_becomes_of_a_line(condition, kind, want):
    assert changes(CODE % condition, kind) == want


def of_text(text):
    token = csource.scan(text)[0]
    return {text[:one.at] + one.new + text[one.at + one.n:] for one in mutate.of_text(token)}


def test_conditions_of_sql_and_dynamodb():
    assert of_text('"AND a = ?1 AND b <= ?2"') == {
        '"AND a <> ?1 AND b <= ?2"', '"AND a = ?1 AND b < ?2"', '"AND a = ?1 AND b > ?2"', '" AND b <= ?2"', '"AND a = ?1 "',
        '"OR a = ?1 AND b <= ?2"', '"AND a = ?1 OR b <= ?2"'}
    assert of_text('"attribute_exists(a) OR b=:b"') == {
        '"attribute_not_exists(a) OR b=:b"', '"attribute_exists(a) OR b<>:b"', '"b=:b"', '"attribute_exists(a) "',
        '"attribute_exists(a) AND b=:b"'}
    assert of_text('"x=:d"') == {'"x<>:d"'}
    assert of_text('" a = NULL, b = ?3 "') == {'" b = ?3 "', '" a = NULL "'}
    assert of_text('"a,b,c"') == {'"b,c"', '"a,c"', '"a,b"'}
    assert of_text('"%s:%d"') == set()


def test_every_rule_has_mutants_of_each_of_its_places():
    for rule, places in RULES.items():
        for place in places:
            found = list(run.mutants_of(rule, place))
            assert len(found) > 5, place
            assert len({one.key for one in found}) == len(found), "keys are not unique"
            assert {*place.rows, *place.macros} <= {one.name for one in found}, place
    assert set(run.SAMPLE) == set(RULES)


def test_a_file_run_alone_leaves_the_figures_of_the_others():
    old = "- mutants of signature, webhook/signature.c: 2 generated\n- mutants of redirect, login/redirect.c: 1 generated\n- some: 7\n"
    assert run.with_those(old, ["mutants of redirect, login/redirect.c: 9 generated", "9 mutants in 3 s"]) == [
        "- mutants of redirect, login/redirect.c: 9 generated", "- mutants of signature, webhook/signature.c: 2 generated"]
