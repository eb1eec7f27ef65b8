"""Tables as they exist at users: other keys, other projections, no index; and what is refused with which words."""
import json
import pathlib
import re
import secrets
import subprocess

import pytest

from conftest import count
from dynamodb import people
from dynamodb.people import Person
from dynamodb.servers import ENVIRONMENT
from dynamodb.table import Table
from harness import client
from harness.phone import deliver
from simulator import events

MIB = 1024 * 1024


def make(stage, hash_key="customer_id", sort="email", email="ALL", psid=True, code=False, name=None):
    """-> a table of that shape, made by boto3."""
    name = name or "u-" + secrets.token_hex(6)
    keys = [(hash_key, "HASH")] + ([(sort, "RANGE")] if sort else [])
    kinds = {None: None, "ALL": {"ProjectionType": "ALL"}, "KEYS_ONLY": {"ProjectionType": "KEYS_ONLY"},
             "PASSWORD": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["password"]}}
    wanted = [("email-index", "email", kinds[email])] if email else []
    wanted += [("fb_psid-index", "fb_psid", kinds["KEYS_ONLY"])] if psid else []
    wanted += [("authorization_code-index", "authorization_code", kinds["KEYS_ONLY"])] if code else []
    attributes = {name for name, _ in keys} | {attribute for _, attribute, _ in wanted}
    indexes = [{"IndexName": index, "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}], "Projection": projection}
               for index, attribute, projection in wanted]
    table = Table(stage.server.url, name)
    table.client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                              KeySchema=[{"AttributeName": a, "KeyType": k} for a, k in keys],
                              AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in sorted(attributes)],
                              **({"GlobalSecondaryIndexes": indexes} if indexes else {}))
    return table


def link(service, person):
    code = people.code_of(service, person)
    people.tell(service, events.linked(person.psid, code))
    return code


def whole_way(service):
    """Link, redelivery, unlink, on whatever table."""
    person = Person(service)
    code = link(service, person)
    row = person.row(service)
    assert row["fb_psid"] == person.psid and row["authorization_code"] is None
    people.tell(service, events.linked(person.psid, code))
    people.tell(service, events.unlinked(person.psid))
    assert person.row(service)["fb_psid"] is None
    return person


@pytest.mark.parametrize("email", ["ALL", "KEYS_ONLY", "PASSWORD"])
def test_any_projection(stage, proxy, start, email):
    table = make(stage, email=email)
    service = start(LINKD_STORE=f"dynamodb:{table.name}")
    service.database = table
    person = Person(service)
    proxy.reset()
    proxy.keep = True
    people.code_of(service, person)
    fetched = [b for o, b in proxy.log if o == "GetItem" and b"login_failures" in b]
    assert len(fetched) == (0 if email == "ALL" else 1)
    whole_way(service)


def test_a_table_without_sort_key(stage, proxy, start):
    table = make(stage, sort=None)
    service = start(LINKD_STORE=f"dynamodb:{table.name}")
    service.database = table
    whole_way(service)
    assert service.command("customer", "add", "--id", "x1", "--email", "x1@example.com", "--password-stdin",
                           stdin="pw").returncode == 0
    assert table.customer("x1")["email"] == "x1@example.com"
    assert service.command("customer", "add", "--id", "x1", "--email", "x1@example.com", "--password-stdin",
                           stdin="pw").returncode == 1
    assert service.command("customer", "remove", "--id", "x1").returncode == 0 and not table.found("x1")


@pytest.mark.parametrize("before, after", [("email", None), (None, "email")])
def test_a_table_made_anew_with_other_keys_settles_nothing_falsely(stage, proxy, start, before, after):
    """As restored from elsewhere: until the service has looked at it again (a minute) an event is not settled."""
    table = make(stage, sort=before)
    service = start(LINKD_STORE=f"dynamodb:{table.name}")
    service.database = table
    person = Person(service)
    code = people.code_of(service, person)
    rows = table.rows()
    table.client.delete_table(TableName=table.name)
    make(stage, sort=after, name=table.name)
    for row in rows:
        table.put(**row)
    raw = events.body(events.linked(person.psid, code))
    assert deliver(service, raw).status == 503 and person.row(service)["fb_psid"] is None
    if count("LINKD_WAITS", 0, 1):
        people.tell(service, events.linked(person.psid, code), patience_s=80)
    else:
        service.stop()
        service.start()
        assert deliver(service, raw).status == 200
    assert person.row(service)["fb_psid"] == person.psid


def test_without_an_index_a_small_table_is_scanned(stage, proxy, start):
    table = make(stage, psid=False)
    for i in range(30):  # several pages of 1 MiB
        table.put(customer_id=f"big{i}", email=f"big{i}@example.com", note="x" * 380_000)
    service = start(LINKD_STORE=f"dynamodb:{table.name}")
    service.database = table
    proxy.reset()
    whole_way(service)
    assert proxy.operations["Scan"] > 5
    proxy.reset()
    person = Person(service)
    link(service, person)
    assert proxy.operations["Scan"] == 0, "a link looks for nobody in scan mode"


def test_a_scan_goes_on_after_a_key_too_long_for_a_code(stage, proxy, start):
    """A page may end at a customer no code can be made for; the next page begins there all the same."""
    table = make(stage, psid=False)
    for i in range(12):
        table.put(customer_id=f"{i}-" + "\u00e9" * 300, email=f"long{i}@example.com", note="x" * 380_000)
    service = start(LINKD_STORE=f"dynamodb:{table.name}")
    service.database = table
    proxy.reset()
    whole_way(service)
    assert proxy.operations["Scan"] > 3


@pytest.mark.parametrize("psid", [True, False])
def test_a_holder_whose_key_is_too_long_is_no_fault_of_the_store(stage, proxy, start, psid):
    """The origin may have linked it: what cannot be named is left alone, and its events are settled."""
    table = make(stage, psid=psid)
    service = start(LINKD_STORE=f"dynamodb:{table.name}")
    service.database = table
    table.put(customer_id="k" * 400, email="k@example.com", fb_psid="4711")
    assert deliver(service, events.body(events.unlinked("4711"))).status == 200
    assert table.holders("4711") == ["k" * 400]
    whole_way(service)


@pytest.mark.parametrize("email", ["ALL", "KEYS_ONLY"])
def test_a_login_with_a_key_too_long_is_told_so(stage, proxy, start, email):
    table = make(stage, email=email)
    service = start(LINKD_STORE=f"dynamodb:{table.name}")
    service.database = table
    table.put(customer_id="k" * 400, email="k@example.com", password=people.hash_of(service))
    phone = people.Phone(service)
    phone.open()
    assert phone.login("k@example.com", people.PASSWORD).status == 500, "key_too_long"


@pytest.mark.parametrize("index", [True, False])
def test_random_codes(stage, proxy, start, index):
    table = make(stage, code=index)
    service = start(LINKD_STORE=f"dynamodb:{table.name}", LINKD_CODE_STYLE="random")
    service.database = table
    proxy.lag_s = 0.8 if index else 0
    person = Person(service)
    code = people.code_of(service, person)
    assert len(code) == 43
    assert deliver(service, events.body(events.linked(person.psid, code))).status == 200
    assert person.row(service)["fb_psid"] == person.psid
    proxy.lag_s = 0
    assert deliver(service, events.body(events.linked(person.psid, code))).status == 200, "a redelivery"
    assert deliver(service, events.body(events.linked(events.new_psid(), "A" * 43))).status == 200, "a code of nobody"
    assert person.row(service)["fb_psid"] == person.psid


def refused(service):
    """What a service that does not start says; doctor must say it too."""
    served = service.command("serve")
    told = service.command("doctor", "--json")
    assert served.returncode == 1, served.stdout
    assert json.loads(told.stdout)["faults"] > 0 and told.returncode == 1
    return served.stderr, told.stdout


@pytest.mark.parametrize("shape, words", [
    ({"hash_key": "id", "sort": None, "email": None, "psid": False}, "partition key is not customer_id"),
    ({"sort": "created"}, "sort key is not email"),
    ({"email": None}, "aws dynamodb update-table"),
])
def test_a_table_that_does_not_fit(stage, proxy, make_service, shape, words):
    table = make(stage, **shape)
    service = make_service(start=False, **{**stage.settings(table.name)})
    stderr, told = refused(service)
    assert words in stderr and "LINKD_STORE" in stderr + told or "email-index" in stderr


def test_no_table_at_all(stage, proxy, make_service):
    stderr, _ = refused(make_service(start=False, **stage.settings("nowhere")))
    assert "create-table" in stderr and "LINKD_STORE" in stderr and "eu-central-1" in stderr


def test_a_large_table_without_index_is_not_scanned(stage, proxy, make_service):
    table = make(stage, psid=False)
    proxy.describe = lambda t: t.update(TableSizeBytes=33 * MIB)
    stderr, told = refused(make_service(start=False, **stage.settings(table.name)))
    command = stderr[stderr.index("aws dynamodb update-table"):].strip()
    assert f"--table-name {table.name}" in command and command.endswith("'") and "fb_psid-index" in told
    # the command is right: what it asks for is what boto3 takes
    update = json.loads(command.split("--global-secondary-index-updates '")[1].rstrip("'"))
    table.client.update_table(TableName=table.name, GlobalSecondaryIndexUpdates=update,
                              AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"}
                                                    for a in ("customer_id", "email", "fb_psid")])


def test_a_large_table_asked_to_be_scanned(stage, proxy, make_service):
    table = make(stage)
    proxy.describe = lambda t: t.update(TableSizeBytes=33 * MIB)
    stderr, _ = refused(make_service(start=False, LINKD_PSID_LOOKUP="scan", **stage.settings(table.name)))
    assert "LINKD_PSID_LOOKUP" in stderr


def test_only_the_index_and_there_is_none(stage, proxy, make_service):
    table = make(stage, psid=False)
    stderr, _ = refused(make_service(start=False, LINKD_PSID_LOOKUP="index", **stage.settings(table.name)))
    assert "LINKD_PSID_LOOKUP=index" in stderr and "aws dynamodb update-table" in stderr


if count("LINKD_WAITS", 0, 1):  # the table is looked at once a minute
    def test_an_index_that_goes_while_the_service_runs(stage, proxy, start):
        service = start(LINKD_PSID_LOOKUP="index")
        assert service.logged(lambda line: line["msg"] == "psid_lookup")["by"] == "index"
        proxy.describe = lambda t: t.update(GlobalSecondaryIndexes=[
            one for one in t["GlobalSecondaryIndexes"] if one["IndexName"] != "fb_psid-index"])
        told = service.logged(lambda line: line["msg"] == "psid_lookup" and line["by"] == "nothing", seconds=80)
        assert told["level"] == "error" and "aws dynamodb update-table" in told["error"]


@pytest.mark.parametrize("index", ["email-index", "fb_psid-index"])
def test_an_index_being_built(stage, proxy, make_service, index):
    table = make(stage)

    def building(t):
        next(i for i in t["GlobalSecondaryIndexes"] if i["IndexName"] == index)["IndexStatus"] = "CREATING"
    proxy.describe = building
    stderr, _ = refused(make_service(start=False, LINKD_PSID_LOOKUP="index", **stage.settings(table.name)))
    assert index in stderr and "wait until it is ACTIVE" in stderr


def test_create_table_and_doctor(stage, proxy, make_service):
    name = "made-" + secrets.token_hex(4)
    service = make_service(start=False, **stage.settings(name))
    made = service.command("create-table", "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["status"] == "ACTIVE" and told["deletion_protection"] and "3 write units" in told["cost_of_a_first_link"]
    table = Table(stage.server.url, name).client.describe_table(TableName=name)["Table"]
    kinds = {i["IndexName"]: i["Projection"] for i in table["GlobalSecondaryIndexes"]}
    assert sorted(kinds["email-index"]["NonKeyAttributes"]) == ["login_failures", "login_window_ends", "password"]
    assert kinds["fb_psid-index"]["ProjectionType"] == "KEYS_ONLY"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    again = service.command("create-table")
    assert again.returncode == 1 and "exists already" in again.stderr
    healthy = service.command("doctor", "--json")
    checks = {one["check"]: one for one in json.loads(healthy.stdout)["checks"]}
    assert healthy.returncode == 0, healthy.stdout
    assert {"region", "credentials", "clock", "round_trip", "table", "keys", "email-index", "fb_psid-index", "projection",
            "psid_lookup", "store", "seal_key"} <= set(checks)
    assert "env" in checks["credentials"]["text"] and "AWS_REGION" in checks["region"]["text"]


def test_the_snippet_of_the_readme_runs_as_printed(stage, binary, tmp_path):
    """With the address of the stand-in, AWS's keys, and nothing of Facebook's."""
    text = re.search(r"^## On DynamoDB\n.*?^```sh\n(.*?)^```", pathlib.Path(ROOT, "README.md").read_text(), re.M | re.S).group(1)
    (tmp_path / "account-linkd").symlink_to(pathlib.Path(binary).resolve())
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "AWS_ENDPOINT_URL_DYNAMODB": stage.address,
           **{name: value for name, value in ENVIRONMENT.items() if name.startswith("AWS_") and name != "AWS_REGION"}}
    done = subprocess.run(["sh", "-euc", text], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "status: ACTIVE" in done.stdout and "faults: 0" in done.stdout, done.stdout


def test_a_lost_answer_to_create_table_is_no_failure(stage, proxy, make_service):
    """The second copy finds the table the first one made."""
    service = make_service(start=False, **stage.settings("made-" + secrets.token_hex(4)))
    proxy.only = ("CreateTable",)
    proxy.script.append("lost_after")
    made = service.command("create-table", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["status"] == "ACTIVE"


def test_items_so_large_that_a_page_ends_early(proxy, start):
    """DynamoDB ends a page at 1 MiB of items, whatever we read of them: none is left out of a customer's."""
    service, name = start(), "large-" + secrets.token_hex(6)
    for n in range(7):
        service.database.put(customer_id=name, email=f"{name}-{n}@example.com", fb_psid="7" * 17, fb_linked_at=n,
                             others="x" * 390000)
    assert len(client.admin(service, "GET", f"/v1/customers/{name}/links").json["links"]) == 7
    assert client.admin(service, "DELETE", f"/v1/customers/{name}/links").status == 204
    rows = [one for one in service.database.rows() if one["customer_id"] == name]
    assert len(rows) == 7 and not any(one["fb_psid"] for one in rows)
    for one in rows:
        service.database.delete(one)


def attributes_of(body):
    """What dynamodb:Attributes holds of a request: every attribute that its keys and expressions name."""
    names = {name for key in ("Key", "Item") for name in body.get(key, {})}
    for expression in (text for name, text in body.items() if name.endswith("Expression")):
        names |= set(re.findall(r"(?<![:\w])[a-z]\w*\b(?!\()", expression))
    return names


def context_of(operation, body):
    """The condition keys of a request.  A read that names no attributes gets all of the item or of the index."""
    context = {"dynamodb:Attributes": attributes_of(body)}
    if operation == "Query":
        whole = "ALL_PROJECTED_ATTRIBUTES" if "IndexName" in body else "ALL_ATTRIBUTES"
        context["dynamodb:Select"] = {"SPECIFIC_ATTRIBUTES" if "ProjectionExpression" in body else whole}
    if operation == "UpdateItem":
        context["dynamodb:ReturnValues"] = {body.get("ReturnValues", "NONE")}
    return context


def listed(value):
    return value if isinstance(value, list) else [value]


def allows(statement, operation, body):
    """As much of IAM's rules as the policy uses."""
    resource = "TABLE" + (f"/index/{body['IndexName']}" if "IndexName" in body else "")
    context = context_of(operation, body)
    return ("dynamodb:" + operation in listed(statement["Action"])
            and any(one.endswith("table/" + resource) for one in listed(statement["Resource"]))
            and all(context.get(key, set()) <= set(listed(wanted))
                    for condition in statement.get("Condition", {}).values() for key, wanted in condition.items()))


def policy():
    with open(f"{ROOT}/deploy/iam-policy.json", encoding="utf-8") as file:
        return json.load(file)["Statement"]


def test_the_policy_allows_what_is_sent_and_nothing_else(stage, proxy, start):
    """deploy/iam-policy.json against a service that did everything it does on create-table's table."""
    statements = policy()
    allowed = {action for s in statements for action in listed(s["Action"])}
    indexes = {r.rsplit("/", 1)[1] for s in statements for r in listed(s["Resource"]) if "/index/" in r}
    service = start()
    assert proxy.operations["DescribeTable"]
    people.hash_of(service)
    proxy.reset()
    proxy.keep = True
    person = whole_way(service)
    link(service, person)
    for path in (f"/v1/links/{person.psid}", f"/v1/customers/{person.id}/links"):
        for method in ("GET", "DELETE"):
            client.call(method, service.admin + path, None, {"Authorization": "Bearer " + service.admin_token})
    phone = people.Phone(service)
    phone.open()
    phone.login(person.email, "wrong")
    requests = [(operation, json.loads(body)) for operation, body in proxy.log] + [("DescribeTable", {})]
    assert [one for one in requests if not any(allows(s, *one) for s in statements)] == []
    assert {"dynamodb:" + operation for operation, _ in requests} == allowed
    assert {body["IndexName"] for _, body in requests if "IndexName" in body} == indexes
    named = {name for one in requests if one[0] == "UpdateItem" for name in attributes_of(one[1])}
    assert {"authorization_code", "fb_link_code", "login_failures"} <= named


@pytest.mark.parametrize("operation,body", [
    ("UpdateItem", {"Key": {"customer_id": {}}, "UpdateExpression": "SET balance=:b"}),
    ("UpdateItem", {"Key": {"customer_id": {}}, "UpdateExpression": "SET fb_psid=:p", "ConditionExpression": "balance>:b"}),
    ("UpdateItem", {"Key": {"customer_id": {}}, "UpdateExpression": "SET fb_psid=:p", "ReturnValues": "ALL_OLD"}),
    ("GetItem", {"Key": {"customer_id": {}}, "ProjectionExpression": "customer_id,balance"}),
    ("Query", {"KeyConditionExpression": "customer_id=:k"}),
    ("Query", {"KeyConditionExpression": "customer_id=:k", "ProjectionExpression": "balance"}),
    ("Query", {"KeyConditionExpression": "balance=:b", "IndexName": "balance-index"}),
    ("Scan", {"ProjectionExpression": "customer_id"}),
    ("PutItem", {"Item": {"customer_id": {}}}),
    ("DeleteItem", {"Key": {"customer_id": {}}}),
])
def test_the_policy_refuses_others_attributes(operation, body):
    assert not any(allows(s, operation, body) for s in policy())


ROOT = __file__.rsplit("/tests/", 1)[0]
