"""deploy/account-linkd.service: systemd's own checks.  That the service runs in that sandbox is looked at in tests/image."""
import re
import subprocess

import pytest

from .template import ROOT

UNIT = (ROOT / "deploy/account-linkd.service").read_text()
PROGRAM = "/usr/local/sbin/account-linkd"
EXPOSURE = "13"  # tenths; systemd calls up to 5.0 acceptable


def analyze(folder, text, binary, *words):
    """The unit must name a program that is there."""
    path = folder / "account-linkd.service"
    assert text.count(f"ExecStart={PROGRAM} ") == 1
    path.write_text(text.replace(PROGRAM, str(binary)))
    return subprocess.run(["systemd-analyze", *words, str(path)], capture_output=True, text=True, timeout=60)


def verify(folder, text, binary):
    """systemd says on stderr what it does not understand, and calls that a success."""
    done = analyze(folder, text, binary, "verify", "--man=no")
    return done.returncode, done.stderr


def exposure(folder, text, binary):
    done = analyze(folder, text, binary, "security", "--offline=true", f"--threshold={EXPOSURE}")
    assert "Overall exposure level" in done.stdout, done.stderr
    return done.returncode


def test_unit_is_understood(tmp_path, binary):
    assert verify(tmp_path, UNIT, binary) == (0, "")


@pytest.mark.parametrize("right,wrong", [("ProtectSystem=strict", "ProtectSytem=strict"), ("Restart=on-failure", "Restart=sometimes"),
                                         ("TimeoutStopSec=45", "TimeoutStopSec=long"), ("Type=exec", "Type=other")])
def test_what_is_not_understood_is_seen(right, wrong, tmp_path, binary):
    assert UNIT.count(right) == 1
    assert verify(tmp_path, UNIT.replace(right, wrong), binary) != (0, "")


def test_unit_exposes_little(tmp_path, binary):
    assert exposure(tmp_path, UNIT, binary) == 0


@pytest.mark.parametrize("line", ["CapabilityBoundingSet=", "SystemCallFilter=@system-service", "User=account-linkd",
                                  "PrivateUsers=yes", "RestrictNamespaces=yes"])
def test_what_is_exposed_is_seen(line, tmp_path, binary):
    assert UNIT.count(f"\n{line}\n") == 1
    assert exposure(tmp_path, UNIT.replace(f"\n{line}\n", "\n"), binary) == 1


def test_unit_waits_for_the_end_of_the_service():
    """The longest drain delay the unit has room for, and the 10 s after it."""
    stop = int(re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M).group(1))
    said = int(re.search(r"room for a delay of (\d+) s", UNIT).group(1))
    assert said + 10 < stop


def test_unit_holds_what_the_service_needs():
    lines = set(UNIT.splitlines())
    assert {"ProtectSystem=strict", "MemoryDenyWriteExecute=yes", "NoNewPrivileges=yes", "StateDirectory=account-linkd",
            "SystemCallFilter=setpriority", "Restart=on-failure", "LimitNOFILE=65536", "IPAddressDeny=any",
            "IPAddressAllow=localhost", "RestrictAddressFamilies=AF_INET AF_INET6"} <= lines


def drop_ins():
    """Of deploy/README.md: for DynamoDB, and for a page token."""
    return re.findall(r"^```ini\n(\[Service\]\n.*?)^```$", (ROOT / "deploy/README.md").read_text(), re.M | re.S)


def understood(tmp_path, binary, drop_in):
    """-> what it sets."""
    folder = tmp_path / "account-linkd.service.d"
    folder.mkdir()
    (folder / "override.conf").write_text(drop_in)
    assert verify(tmp_path, UNIT, binary) == (0, "")
    return [line.split("=")[0] for line in drop_in.splitlines()[1:] if not line.startswith("#")]


def test_drop_in_for_dynamodb_is_understood(tmp_path, binary):
    """deploy/README.md's way out: what it sets is set in the unit, so that it widens that."""
    names = set(understood(tmp_path, binary, drop_ins()[0]))
    assert names == {"IPAddressAllow", "RestrictAddressFamilies"} and all(f"\n{name}=" in UNIT for name in names)


def test_drop_in_for_a_page_token_is_understood(tmp_path, binary):
    """The way out, and the token as the unit has the other secrets."""
    out, token = drop_ins()
    assert understood(tmp_path, binary, token)[2:] == ["LoadCredential", "Environment"] and token.startswith(out)
    name, = re.findall(r"^LoadCredential=([\w-]+):/etc/account-linkd/\1$", token, re.M)
    assert f"\nEnvironment=LINKD_PAGE_ACCESS_TOKEN_FILE=%d/{name}\n" in token
