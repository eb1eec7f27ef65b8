"""What deploy/ ships is valid, safe, and says the same as the program."""
import json
import re
import shutil
import subprocess

import pytest
import yaml

from harness.service import ROOT

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "account-linkd.service"
TEMPLATE = DEPLOY / "cloudformation.yaml"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, each read as ("Ref", value)."""


def short_function(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        return (tag, loader.construct_scalar(node))
    return (tag, loader.construct_sequence(node))


Loader.add_multi_constructor("!", short_function)


@pytest.fixture(scope="module")
def resources():
    return yaml.load(TEMPLATE.read_text(), Loader)["Resources"]


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120)


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that is here."""
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace("/usr/sbin/account-linkd", "/bin/true"))
    return path


def test_systemd_finds_nothing_wrong(unit):
    done = run("systemd-analyze", "verify", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_sees_a_wrong_line(unit):
    unit.write_text(unit.read_text().replace("NoNewPrivileges=", "NoNewPrivilege="))
    assert run("systemd-analyze", "verify", unit).stderr


def test_the_unit_is_sandboxed(unit):
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=15", unit)
    assert done.returncode == 0, done.stdout[-500:]
    print("\n" + done.stdout.strip().splitlines()[-1])


def test_the_units_settings_are_settings(binary):
    known = run(binary, "print-config", "--readme").stdout
    for name in re.findall(r"LINKD_[A-Z_]+", UNIT.read_text()):
        assert f"`{name.removesuffix('_FILE')}`" in known, name


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory):
    """The pinned tools, installed beside the build."""
    folder = ROOT / "build/npm"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests" / name, folder)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder / "node_modules"


def validate(node_modules, template):
    return run("node", ROOT / "tests/deploy/validate.mjs", node_modules, template)


def test_cloudformation_finds_nothing_wrong(node_modules):
    done = validate(node_modules, TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[-1]) > 100, "it has its rules"


def test_cloudformation_sees_a_wrong_property(node_modules, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(TEMPLATE.read_text().replace("BillingMode:", "BillingMod:"))
    assert validate(node_modules, broken).returncode == 1


def test_the_lockfile_names_no_host():
    assert "://" not in (ROOT / "tests/package-lock.json").read_text()


def test_the_task_may_do_what_the_policy_says(resources):
    template = resources["TaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    policy = json.loads((DEPLOY / "iam-policy.json").read_text())["Statement"]
    assert [(s["Sid"], s["Effect"], s["Action"]) for s in template] == [(s["Sid"], s["Effect"], s["Action"]) for s in policy]
    indexes = [r[1].split("/")[-1] for r in template[1]["Resource"]]
    assert indexes == [r.split("/")[-1] for r in policy[1]["Resource"]]


def test_the_table_is_what_create_table_makes(resources):
    made = (ROOT / "src/store/dynamodb_create.c").read_text().replace('\\"', '"')
    table = resources["Customers"]["Properties"]
    wanted = re.search(r'"INCLUDE","NonKeyAttributes":(\[[^]]*\])', made).group(1)
    email, psid = table["GlobalSecondaryIndexes"]
    assert email["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": json.loads(wanted)}
    assert psid["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert table["DeletionProtectionEnabled"] and table["BillingMode"] == "PAY_PER_REQUEST"
    assert [k["AttributeName"] for k in table["KeySchema"]] == ["customer_id", "email"]


def test_compose_names_settings_that_exist(binary):
    compose = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    assert set(compose["services"]) == {"dynamodb", "table", "linkd", "simulator"}
    known = run(binary, "print-config", "--readme").stdout
    for name in compose["services"]["linkd"]["environment"]:
        assert name.startswith("AWS_") or f"`{name}`" in known, name


def test_the_balancer_outlives_the_drain(resources):
    targets = resources["Targets"]["Properties"]
    environment = resources["Task"]["Properties"]["ContainerDefinitions"][0]["Environment"]
    delay = next(int(e["Value"]) for e in environment if e["Name"] == "LINKD_DRAIN_DELAY")
    deregistration = int(targets["TargetGroupAttributes"][0]["Value"])
    seen_down = targets["HealthCheckIntervalSeconds"] * targets["UnhealthyThresholdCount"]
    assert seen_down < delay and delay + 10 <= deregistration
    assert targets["HealthCheckPath"] == "/healthz"
