"""The template: AWS's own validator, and that it says the same as the program and the policy beside it."""
import http.server
import json
import os
import re
import subprocess
import threading

import pytest

from harness import npm

from .template import PATH, ROOT, container, environment, load, secrets

TESTS = ROOT / "tests"
PARAMETER = re.compile(r"\$\{([\w:]+)\}")


@pytest.fixture(scope="session")
def validator():
    """AWS's validator."""
    tools = npm.installed()

    def validate(*paths):
        done = subprocess.run(["node", TESTS / "deploy/cloudformation.mjs", tools, *paths], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["rules"] > 200 and len(said["found"]) == len(paths)
        return [[f"{one['severity']} {one['ruleId']} {one['message']}" for one in found if one["severity"] != "INFO"]
                for found in said["found"]]
    return validate


BROKEN = [
    ("TaskDefinition: !Ref Task", "TaskDefinitoin: !Ref Task"), ("Cluster: !Ref Cluster", "Cluster: !Ref Clutser"),
    ("LaunchType: FARGATE", "LaunchType: FARGET"), ("Type: AWS::ECS::Cluster", "Type: AWS::ECS::Clusters"),
    ("      DesiredCount: !Ref Tasks", "      DesiredCount: many"), ('AllowedValues: ["256", "512"]', 'AllowedValues: ["256", "4096"]'),
    ("      Family: ", "      Familie: "),
]


def test_validator_finds_nothing(validator):
    assert validator(PATH) == [[]]


def test_validator_finds_what_is_wrong(validator, tmp_path):
    text, paths = PATH.read_text(), []
    for number, (right, wrong) in enumerate(BROKEN):
        assert text.count(right) == 1, right
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(text.replace(right, wrong))
    found = validator(*paths)
    assert [BROKEN[n][1] for n, one in enumerate(found) if not one] == []


# --- the policy

def flat(value):
    """!Sub texts with the words of iam-policy.json in the place of parameters."""
    if isinstance(value, dict) and list(value) == ["Fn::Sub"]:
        words = {"AWS::Partition": "aws", "AWS::Region": "REGION", "AWS::AccountId": "ACCOUNT", "TableName": "TABLE"}
        return PARAMETER.sub(lambda m: words[m.group(1)], value["Fn::Sub"])
    if isinstance(value, dict):
        return {name: flat(one) for name, one in value.items()}
    return [flat(one) for one in value] if isinstance(value, list) else value


def test_role_has_the_policy_beside_it_and_no_more():
    role = load()["Resources"]["TaskRole"]["Properties"]
    assert [flat(one["PolicyDocument"]) for one in role["Policies"]] == [
        json.loads((ROOT / "deploy/iam-policy.json").read_text())]
    assert "ManagedPolicyArns" not in role


# --- the table

class Create(http.server.BaseHTTPRequestHandler):
    """As much of DynamoDB as create-table asks for; keeps what it was told."""

    def do_POST(self):
        operation = self.headers["X-Amz-Target"].split(".")[1]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told[operation] = asked
        made = self.server.told.get("CreateTable")
        if operation == "DescribeTable" and made is None:
            return self.answer(400, {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no"})
        table = {**(made or {}), "TableStatus": "ACTIVE", "ItemCount": 0, "TableSizeBytes": 0,
                 "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}
        table["GlobalSecondaryIndexes"] = [{**one, "IndexStatus": "ACTIVE"} for one in table.get("GlobalSecondaryIndexes", [])]
        return self.answer(200, {"DescribeTable": {"Table": table}}.get(operation, {"TableDescription": table}))

    def answer(self, status, value):
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *unused):
        pass


@pytest.fixture
def told(binary):
    """What create-table sends, by operation."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Create)
    server.told = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = subprocess.run(
            [binary, "create-table"], capture_output=True, text=True, timeout=60,
            env={"PATH": os.environ["PATH"], "LINKD_STORE": "dynamodb:customers", "LINKD_LISTEN": "127.0.0.1:0",
                 "LINKD_APP_SECRET": "x" * 32, "AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "eu-west-1",
                 "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{server.server_address[1]}"})
        assert done.returncode == 0, done.stderr
    finally:
        server.shutdown()
        server.server_close()
    return server.told


def test_table_is_the_one_create_table_makes(told):
    resource = load()["Resources"]["Table"]
    table = dict(resource["Properties"])
    recovery = table.pop("PointInTimeRecoverySpecification")
    assert table.pop("TableName") == {"Ref": "TableName"} and told["CreateTable"].pop("TableName") == "customers"
    assert table == told["CreateTable"]
    assert recovery == told["UpdateContinuousBackups"]["PointInTimeRecoverySpecification"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


# --- times that belong together

def attributes(resource, name):
    return {one["Key"]: one["Value"] for one in resource["Properties"][name]}


def test_a_task_ends_in_the_right_order():
    """Unhealthy is noticed, and requests of the load balancer end, while the task goes on; it is not killed before its end."""
    template = load()
    targets, drain = template["Resources"]["Targets"], int(environment(template)["LINKD_DRAIN_DELAY"])
    check = targets["Properties"]
    assert check["HealthCheckIntervalSeconds"] * check["UnhealthyThresholdCount"] < drain
    assert int(attributes(targets, "TargetGroupAttributes")["deregistration_delay.timeout_seconds"]) <= drain
    assert drain + 10 <= container(template)["StopTimeout"] <= 120


def test_load_balancer_gives_up_idle_connections_first():
    idle = int(attributes(load()["Resources"]["Balancer"], "LoadBalancerAttributes")["idle_timeout.timeout_seconds"])
    ours = int(re.search(r'KEEPALIVE_TIMEOUT, INT, "(\d+)"', (ROOT / "src/config/settings.def").read_text()).group(1))
    assert idle < ours


def test_task_is_confined_and_gets_secrets_apart():
    template = load()
    task = container(template)
    assert task["ReadonlyRootFilesystem"] is True and task["User"] == "10001:10001"
    assert task["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert task["HealthCheck"]["Command"] == ["CMD", "/usr/sbin/account-linkd", "healthcheck"]
    given = secrets(template)
    assert given == {f"LINKD_{name.upper()}": name for name in ("app_secret", "verify_token", "admin_token", "seal_key", "page_access_token")}
    conditional, = [one["Fn::If"] for one in task["Secrets"] if "Fn::If" in one]  # a secret without the key would stop a deployment
    assert conditional[0] == "HasPageToken" and conditional[2] == {"Ref": "AWS::NoValue"} and template["Parameters"]["PageToken"]["Default"] == "no"
    assert set(given.values()) <= set(re.findall(r"\w+", template["Parameters"]["KeysArn"]["Description"]))


# --- the firewall and the access log

def test_pages_have_a_rate_and_the_webhook_has_none():
    resources = load()["Resources"]
    rule, = resources["Firewall"]["Properties"]["Rules"]
    scope = rule["Statement"]["RateBasedStatement"]["ScopeDownStatement"]["ByteMatchStatement"]
    assert (scope["PositionalConstraint"], scope["SearchString"]) == ("STARTS_WITH", "/link")
    assert list(rule["Action"]) == ["Block"]
    on = resources["FirewallOfBalancer"]["Properties"]
    assert on == {"ResourceArn": {"Ref": "Balancer"}, "WebACLArn": {"Fn::GetAtt": ["Firewall", "Arn"]}}


def test_access_log_leaves_out_what_is_secret():
    """The query holds linking tokens; a sampled request and the load balancer's own log would show it."""
    resources = load()["Resources"]
    log = resources["FirewallLogging"]["Properties"]
    hidden = [one["SingleHeader"]["Name"] for one in log["RedactedFields"] if "SingleHeader" in one]
    assert {"QueryString": {}} in log["RedactedFields"]
    assert set(hidden) == {"cookie", "referer", "x-hub-signature", "x-hub-signature-256"}
    group = resources["FirewallLog"]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert group.startswith("aws-waf-logs-") and "${FirewallLog}" in log["LogDestinationConfigs"][0]["Fn::Sub"]
    firewall = resources["Firewall"]["Properties"]
    shown = [one["VisibilityConfig"]["SampledRequestsEnabled"] for one in [firewall, *firewall["Rules"]]]
    assert shown == [False, False]
    assert attributes(resources["Balancer"], "LoadBalancerAttributes")["access_logs.s3.enabled"] == "false"
