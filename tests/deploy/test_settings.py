"""Settings that are named under docker/ and deploy/ exist, and the program takes them as they are given there."""
import json
import os
import re
import subprocess

import pytest
import yaml

from .template import ROOT, environment, load, secrets

# What a person is to fill in, and what has no default there.
FILLED = {"LINKD_PUBLIC_URL": "https://link.example.com", "LINKD_APP_SECRET": "x" * 32, "LINKD_TRUSTED_PROXIES": "10.0.0.0/24",
          "LINKD_SEAL_KEY": "k" * 32, "LINKD_ADMIN_TOKEN": "t" * 32, "LINKD_VERIFY_TOKEN": "v"}


def check_config(binary, settings, *words):
    """-> exit status and everything said."""
    done = subprocess.run([binary, "check-config", *words], env={"PATH": os.environ["PATH"], **settings}, capture_output=True,
                          text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def known():
    return {"LINKD_" + name for name in re.findall(r"^(?:SETTING|CHOICE)\(\w+, (\w+),", (ROOT / "src/config/settings.def").read_text(), re.M)}


def texts():
    return [p for folder in ("docker", "deploy") for p in sorted((ROOT / folder).rglob("*")) if p.is_file()]


def test_no_setting_is_made_up():
    seen = {}
    for path in texts():
        for name in re.findall(r"\bLINKD_[A-Z0-9_]*[A-Z0-9]\b", path.read_text()):
            seen[name] = path.name
    assert len(seen) > 10
    assert {name: path for name, path in seen.items() if name not in known() and name.removesuffix("_FILE") not in known()} == {}


def test_no_metric_is_made_up():
    there = set(re.findall(r'"(linkd_\w+)"', (ROOT / "src/obs/metrics.def").read_text()))
    labels = set(re.findall(r'(\w+=\\"\w+\\")', (ROOT / "src/obs/metrics.def").read_text()))
    text = (ROOT / "deploy/README.md").read_text()
    named = set(re.findall(r"\blinkd_\w+", text))
    assert len(named) > 8 and named <= there
    assert {one.replace('"', '\\"') for one in re.findall(r'\{(\w+="\w+")\}', text)} <= labels


def given(template, **chosen):
    """What a task gets: texts, and parameters with their defaults or as chosen."""
    made = {name: value for name, value in environment(template).items() if isinstance(value, str)}
    for name, value in environment(template).items():
        word = value.get("Ref", "") if isinstance(value, dict) else ""
        default = template["Parameters"].get(word, {}).get("Default")
        if word in chosen or default is not None:
            made[name] = chosen.get(word, default)
    return {**FILLED, **made, "LINKD_STORE": "dynamodb:account-linkd", "AWS_REGION": "eu-central-1"}


BRAND = {"BrandName": "Example Shop", "PageIds": "1234567890,42", "PrivacyUrl": "https://example.com/privacy", "LegacySha1": "refuse",
         "SecurityContact": "mailto:security@example.com", "SignupUrl": "https://example.com/new", "ForgotUrl": "https://example.com/forgot"}


@pytest.mark.parametrize("chosen", [{}, BRAND], ids=["defaults", "all chosen"])
def test_template_gives_settings_that_hold(binary, chosen):
    settings = given(load(), **chosen)
    assert set(chosen.values()) <= set(settings.values())
    code, said = check_config(binary, settings)
    assert code == 0, said


def test_unit_and_its_file_give_settings_that_hold(binary, tmp_path):
    unit = (ROOT / "deploy/account-linkd.service").read_text()
    settings = {}
    for setting, name in re.findall(r"^Environment=(LINKD_\w+)=%d/(\S+)$", unit, re.M):
        assert f"LoadCredential={name}:/etc/account-linkd/{name}\n" in unit
        settings[setting] = str(tmp_path / name)
        (tmp_path / name).write_text("of-the-test-" * 3 + "\n")
    assert sorted(settings) == ["LINKD_ADMIN_TOKEN_FILE", "LINKD_APP_SECRET_FILE", "LINKD_VERIFY_TOKEN_FILE"]
    code, said = check_config(binary, settings, "--config", str(ROOT / "deploy/account-linkd.ini"))
    assert code == 0, said


def test_compose_gives_settings_that_hold(binary):
    service = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())["services"]["account-linkd"]
    code, said = check_config(binary, service["environment"])
    assert code == 0, said


def test_one_path_of_the_settings_file_everywhere():
    """README, runbook, unit, image and man page."""
    paths = {}
    for path in [ROOT / "README.md", ROOT / "src/cli/account-linkd.8", ROOT / "config/README.md", *texts()]:
        for found in re.findall(r"/etc/[\w./-]*\.ini", path.read_text().replace("\\-", "-")):
            paths.setdefault(found, set()).add(path.name)
    assert list(paths) == ["/etc/account-linkd/account-linkd.ini"], paths
    assert {"README.md", "account-linkd.8", "account-linkd.service"} <= paths["/etc/account-linkd/account-linkd.ini"]


@pytest.mark.parametrize("change", [{"LINKD_PUBLIC_URL": "ftp://x"}, {"LINKD_APP_SECRET": ""}, {"LINKD_DRAIN_DELAY": "long"}])
def test_check_sees_what_does_not_hold(binary, change):
    assert check_config(binary, {**FILLED, **change})[0] == 1


def test_secret_of_the_runbook_has_the_keys_the_template_reads():
    text = (ROOT / "deploy/README.md").read_text()
    made = json.loads(re.search(r"'(\{\"app_secret\".*?\})'", text).group(1).replace('"%s"', '"x"'))
    assert set(made) == set(secrets(load()).values())
