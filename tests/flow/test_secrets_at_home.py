"""No secret can be read from outside the process: not its environment, arguments, descriptors or core."""

import json
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

import harness.service
from harness import canary
from harness.service import Service

CLOEXEC = 0o2000000
NOBODY = 65534
AWS = {"AWS_ACCESS_KEY_ID": "AKIDNOTSECRET", "AWS_SECRET_ACCESS_KEY": canary.secret("aws-canary-key-1f5c", "AWS key"),
       "AWS_SESSION_TOKEN": canary.secret("aws-canary-token-77ab", "AWS token")}
SEAL_KEY = canary.secret("seal-canary-" + "5e" * 16, "seal key")


def proc(service, name):
    return pathlib.Path(f"/proc/{service.process.pid}/{name}")


def test_the_environment_shows_no_secret(make_service):
    misspelt = canary.secret("misspelt-canary-3c90", "misspelt setting")
    service = make_service(LINKD_SEAL_KEY=SEAL_KEY, LINKD_ADMIN_TOKENS=misspelt, **AWS)
    secrets = [service.secret, service.admin_token, service.verify_token, SEAL_KEY, misspelt,
               AWS["AWS_SECRET_ACCESS_KEY"], AWS["AWS_SESSION_TOKEN"]]
    if os.geteuid() == 0:  # others may not even look
        environment = proc(service, "environ").read_bytes()
        assert not [one for one in secrets if one.encode() in environment]
        assert b"LINKD_WORKERS=2\0" in environment and b"AKIDNOTSECRET" in environment
    arguments = proc(service, "cmdline").read_bytes()
    assert not [one for one in secrets if one.encode() in arguments]


def test_no_core_and_no_debugger_of_its_user(binary, monkeypatch):
    """The kernel gives /proc of such a process to root."""
    more = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(binary, directory)
        monkeypatch.setattr(harness.service, "BINARY", copy)
        if more:
            os.chown(directory, NOBODY, NOBODY)
        service = Service(directory).start(**more)
        try:
            limits = proc(service, "limits").read_text().splitlines()
            core = next(line for line in limits if line.startswith("Max core file size"))
            assert core.split()[4:6] == ["0", "0"]
            assert proc(service, "status").read_text().split("Uid:")[1].split()[0] != "0"
            assert [proc(service, name).stat().st_uid for name in ("environ", "maps", "mem")] == [0, 0, 0]
        finally:
            service.stop()


def test_no_descriptor_is_inherited(make_service):
    service = make_service()
    open_ones = {int(one.name): one for one in proc(service, "fdinfo").iterdir() if int(one.name) > 2}
    assert len(open_ones) > 5
    for number, path in open_ones.items():
        flags = next(line for line in path.read_text().splitlines() if line.startswith("flags:"))
        assert int(flags.split()[1], 8) & CLOEXEC, os.readlink(f"/proc/{service.process.pid}/fd/{number}")


def dumping(directory):
    """A credential_process that writes down what it was given; -> (AWS_CONFIG_FILE, where it writes)."""
    script, out, config = directory / "keys.py", directory / "seen.json", directory / "aws"
    script.write_text("import json, os, sys\n"
                      "given = {'environment': dict(os.environ), 'fds': os.listdir('/proc/self/fd'),"
                      " 'words': sys.argv[1:]}\n"
                      f"open({str(out)!r}, 'w').write(json.dumps(given))\n"
                      "print(json.dumps({'Version': 1, 'AccessKeyId': 'AKID', 'SecretAccessKey': 's'}))\n")
    config.write_text(f"[default]\ncredential_process = {sys.executable} -S '{script}'\n")
    return config, out


@pytest.mark.parametrize("words", [["serve"], ["doctor"], ["customer", "show", "--id", "nobody"], ["create-table"]], ids=" ".join)
def test_a_credential_process_gets_nothing_of_ours(make_service, tmp_path, words):
    config, out = dumping(tmp_path)
    service = make_service(start=False, LINKD_STORE="dynamodb:shop", LINKD_SEAL_KEY=SEAL_KEY,
                           LINKD_CODE_TTL="60", AWS_CONFIG_FILE=config, AWS_REGION="eu-central-1",
                           AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:1")
    assert service.command(*words).returncode == 1  # nobody is at that address
    given = json.loads(out.read_text())
    assert not [name for name in given["environment"] if name.startswith("LINKD_")]
    assert given["environment"]["PATH"] and given["environment"]["AWS_CONFIG_FILE"] == str(config)
    whole = out.read_text()
    assert not [one for one in (service.secret, service.admin_token, service.verify_token, SEAL_KEY) if one in whole]
    assert sorted(given["fds"]) == ["0", "1", "2", "3"] and given["words"] == []  # the last is its own
