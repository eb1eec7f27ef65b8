"""The image of docker/Dockerfile: what is in it, and one account linked through it on each store, confined."""
import os
import pathlib
import stat

import pytest

from harness import client
from harness.phone import Customer, Phone
from simulator import events

from .container import IMAGE, podman

SIZE_MAX = 40_000_000
SETUP = ("etc", "lib", "lib64", "tmp", "usr", "var")


@pytest.fixture
def tree(image):
    """The image's files."""
    folder = pathlib.Path(podman("image", "mount", IMAGE).stdout.strip())
    yield folder
    podman("image", "unmount", IMAGE)


def test_image_is_small(image, capsys):
    with capsys.disabled():
        print(f"\n      image: {image['Size'] / 1e6:.1f} MB in {len(image['RootFS']['Layers'])} layers")
    assert 10_000_000 < image["Size"] < SIZE_MAX


def test_image_says_how_to_run_it(image):
    config = image["Config"]
    assert config["User"] == "10001:10001" and config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ["/usr/sbin/account-linkd"] and config["Cmd"] == ["serve"]
    assert image["Healthcheck"]["Test"] == ["CMD", "/usr/sbin/account-linkd", "healthcheck"]
    assert list(config["Volumes"]) == ["/var/lib/account-linkd"]


def test_image_holds_nothing_to_run_but_the_service(tree):
    assert sorted(p.name for p in tree.iterdir() if p.name not in ("dev", "proc", "sys", "run")) == sorted(SETUP)
    programs = [p for p in tree.rglob("*") if p.is_file() and p.stat().st_mode & 0o111 and ".so" not in p.name]
    assert [str(p.relative_to(tree)) for p in programs] == ["usr/sbin/account-linkd"]


def test_image_leaves_nothing_to_its_user(tree):
    """One folder is the user's, closed to others; nothing else can be written but /tmp, nothing changes users."""
    state = tree / "var/lib/account-linkd"
    for path in [tree, *tree.rglob("*")]:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            continue
        assert not found.st_mode & (stat.S_ISUID | stat.S_ISGID), path
        assert path == tree / "tmp" or not found.st_mode & 0o022, path
        assert (found.st_uid == 10001) == (path == state), path
    assert state.stat().st_mode & 0o777 == 0o700 and not os.listdir(state)


def test_image_knows_its_packages_and_their_licences(tree):
    """What a scanner reads, and what must go along with a copy of a library."""
    names = {p.name for p in (tree / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libsqlite3-0", "ca-certificates"} < names
    for name in names:
        assert "\nVersion: " in (tree / "var/lib/dpkg/status.d" / name).read_text()
        assert (tree / "usr/share/doc" / name / "copyright").stat().st_size > 0
    assert (tree / "etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 50


def test_container_is_confined(make_container):
    one = make_container({}).start()
    status = one.process("status")
    assert status["Uid"].split() == ["10001"] * 4 and status["NoNewPrivs"].strip() == "1"
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    pid = one.state()["Pid"]
    mounts = [line.split() for line in pathlib.Path(f"/proc/{pid}/mounts").read_text().splitlines()]
    assert "ro" in next(fields[3] for fields in mounts if fields[1] == "/").split(",")
    groups = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
    assert "/libpod" in groups, groups
    one.terminate()
    assert one.ended() == 0


def test_one_account_is_linked(one):
    one.start()
    who, phone = Customer(one), Phone(one)
    phone.link(who)
    assert one.holder(phone.psid) == who.id
    first = phone.code
    phone.link(who)  # the same person once more, with a new code; the old one is of no use
    assert phone.code != first and phone.tell(events.linked(phone.psid, first)).status == 200
    assert one.holder(phone.psid) == who.id
    assert client.get(one.url + "/readyz").status == 200
    one.terminate()
    assert one.ended() == 0


def test_link_is_there_after_a_restart(one):
    """Another container goes on with what the volume or the table holds, also with a code in somebody's hand."""
    one.start()
    who, other, phone, late = Customer(one), Customer(one), Phone(one), Phone(one)
    phone.link(who)
    late.get_code(other)
    one.terminate()
    assert one.ended() == 0
    one.start()
    assert one.holder(phone.psid) == who.id
    assert late.tell().status == 200 and one.holder(late.psid) == other.id
    assert phone.tell(events.unlinked(phone.psid)).status == 200 and one.holder(phone.psid) is None
    one.terminate()
    assert one.ended() == 0


def test_health_says_when_it_stops(make_container):
    one = make_container({"LINKD_DRAIN_DELAY": "5"}).start()
    assert one.healthcheck() == 0
    one.terminate()
    while client.get(one.url + "/healthz").status == 200:
        pass
    assert one.healthcheck() == 1 and client.get(one.url + "/livez").status == 200
    one.terminate()  # a second one ends the delay
    assert one.ended() == 0


def test_wrong_settings_end_it_with_the_reason(make_container):
    one = make_container({"LINKD_APP_SECRET": ""})
    done = one.command("serve", check=False)
    assert done.returncode == 1 and "LINKD_APP_SECRET" in done.stderr
