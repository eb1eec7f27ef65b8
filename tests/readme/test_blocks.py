"""Every fenced block of a README is run, checked by another test, or listed in NOT_RUN with the reason.

A block is run as it stands there.  What is put in place of a word is said in the test; `moved` puts /etc, /run and /var below a
private folder."""
import json
import os
import re
import signal
import time
import urllib.request

import botocore.session
import pytest

from deploy.template import load
from dynamodb.servers import ENVIRONMENT, Server, ask
from harness import canary, client, database
from simulator import events
from simulator.server import Simulator, Wiring

from .blocks import ROOT, Shell, blocks_of, every_block, moved

BLOCKS = every_block()
SECRETS = {"LINKD_APP_SECRET": "a" * 32, "LINKD_VERIFY_TOKEN": "v" * 32, "LINKD_ADMIN_TOKEN": "t" * 32}
FREE_PORTS = {"LINKD_LISTEN": "127.0.0.1:0", "LINKD_ADMIN_LISTEN": "127.0.0.1:0"}  # the environment wins over the file
CHEAP = {"LINKD_ARGON2_MEMORY_KIB": "64", "LINKD_ARGON2_PASSES": "1"}
NOT_RUN = {
    ("README.md", "account-linkd", 1): "a picture",
    ("docker/README.md", "In a container", 1): "needs a Docker engine; `make image-check` builds the Dockerfile with buildah",
}
ELSEWHERE = {  # the test that runs it, and a word of that test
    ("deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 3): ("deploy/test_proxies.py", 'snippet("nginx")'),
    ("deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 4): ("deploy/test_proxies.py", 'snippet("haproxy")'),
    ("deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 5): ("deploy/test_systemd.py", "drop_in_for_dynamodb"),
    ("deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 6): ("deploy/test_systemd.py", "drop_in_for_a_page_token"),
}
RUN = set()


def block(path, heading, number=1):
    """The test gets the text of this block."""
    RUN.add((path, heading, number))
    return pytest.mark.parametrize("text", [BLOCKS.get((path, heading, number))], ids=[f"{path}:{heading}:{number}"])


def unknown(blocks):
    return set(blocks) - RUN - set(ELSEWHERE) - set(NOT_RUN)


@pytest.fixture
def shell(tmp_path, binary):
    return Shell(tmp_path, binary)


@pytest.fixture(scope="module")
def local():
    one = Server("local")
    yield one
    one.stop()


@pytest.fixture
def server(local):
    """DynamoDB Local, without the table that the README makes."""
    yield local
    ask(local.url, "UpdateTable", {"TableName": "customers", "DeletionProtectionEnabled": False})
    ask(local.url, "DeleteTable", {"TableName": "customers"})


def record(name):
    """A stand-in that writes down its arguments."""
    return f"#!/usr/bin/python3\nimport json, os, sys\nwith open(os.environ['AT'] + '/{name}', 'a') as f:\n    f.write(json.dumps(sys.argv[1:]) + '\\n')\n"


def recorded(shell, name):
    return [json.loads(line) for line in (shell.at / name).read_text().splitlines()]


def value(words, name):
    return words[words.index(name) + 1]


# --- README.md

def flags():
    """The compiler and the warnings of the build that is there, so that make finds it up to date."""
    how = (ROOT / "build/how").read_text()
    return {"CC": how.partition(" -std=")[0], "WERROR": "1" if " -Werror " in how else ""}


CLONE = """#!/bin/sh
/usr/bin/git "$@"
[ "$1" = clone ] || exit
mkdir account-linkd/build
cp -a "$TREE"/build/obj "$TREE"/build/gen "$TREE"/build/how "$TREE"/build/sources "$TREE"/build/*.a "$TREE"/build/account-linkd account-linkd/build
find account-linkd -path account-linkd/build -prune -o -exec touch -d 2000-01-01 {} +
"""


@block("README.md", "Try it")
def test_a_clone_runs(text, shell):
    """A copy of the working tree in place of a repository at some address.  The clone gets what is built here: that a machine with
    nothing builds it is looked at by fresh.sh."""
    repository = shell.at / "repository"
    shell.run(f"git init -q --bare {repository}; export GIT_DIR={repository} GIT_WORK_TREE=.; git add -A; "
              "git -c user.name=test -c user.email=test@example.com commit -q -m tree")
    shell.stand_in("git", CLONE)
    place = "<this repository>"
    assert place in text
    running = shell.start(text.replace(place, str(repository)), shell.at, TREE=str(ROOT), **flags())
    said = ""
    while "Ctrl-C" not in said:
        line = running.stdout.readline()
        assert line, f"ended early: {said}"
        said += line
    page = re.search(r"browser:\s+(\S+)", said)[1]
    assert b"Log In" in urllib.request.urlopen(page, timeout=10).read()
    assert "  CC " not in said
    os.killpg(running.pid, signal.SIGINT)
    assert "Stopping" in running.communicate(timeout=30)[0]


def wait_for(path, running):
    ends = time.monotonic() + 20
    while not path.exists():
        assert running.poll() is None and time.monotonic() < ends, running.communicate()[0]
        time.sleep(0.05)


@block("README.md", "Use it", 1)
def test_a_service_and_its_first_customer(text, shell):
    """The first line does not return: it runs while the second does.  The file is that of deploy/."""
    folder, data = shell.at / "etc/account-linkd", shell.at / "var/lib/account-linkd"
    folder.mkdir(parents=True), data.mkdir(parents=True)
    (folder / "account-linkd.ini").write_text(moved((ROOT / "deploy/account-linkd.ini").read_text(), shell.at))
    (shell.at / "password.txt").write_text("correct horse\n")
    settings = {**SECRETS, **FREE_PORTS, **CHEAP}
    serve, add = moved(text, shell.at).splitlines()
    running = shell.start("exec " + serve, shell.at, **settings)
    wait_for(data / "linkd.db", running)
    shell.run(add, cwd=shell.at, **settings)
    running.terminate()
    log = running.communicate(timeout=20)[0]
    assert running.returncode == 0, log
    assert "alex@example.com" in shell.run("account-linkd customer show --id C-1001", LINKD_STORE=f"sqlite:{data}/linkd.db")


@block("README.md", "Connect it to Facebook", 1)
def test_the_button_opens_a_page_of_ours(text, service):
    payload = json.loads(text)["message"]["attachment"]["payload"]
    button, = payload["buttons"]
    assert payload["template_type"] == "button" and button["type"] == "account_link" and "title" not in button
    path = button["url"].removeprefix("https://link.example.com")
    assert client.get(service.url + path).status == 400 != client.get(service.url + "/nothing").status  # it lacks Facebook's parameters


@block("README.md", "On DynamoDB")
def test_a_table_is_made_and_looked_at(text, shell, server):
    said = shell.run(text, AWS_ENDPOINT_URL_DYNAMODB=server.url, AWS_ACCESS_KEY_ID=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
                     AWS_SECRET_ACCESS_KEY=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], AWS_EC2_METADATA_DISABLED="true")
    assert "fb_psid-index" in said


# --- config/README.md

@block("config/README.md", "The settings file")
def test_the_settings_file_holds(text, shell):
    (shell.at / "account-linkd.ini").write_text(text)
    shell.run("account-linkd check-config --config $AT/account-linkd.ini")


# --- deploy/README.md

@pytest.fixture
def installed(shell):
    """What the first block of deploy/README.md makes.  DESTDIR is the private folder; useradd and systemctl change files below it only."""
    text = BLOCKS["deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 1]
    (shell.at / "etc/systemd/system").mkdir(parents=True)
    for name in ("passwd", "group"):
        (shell.at / "etc" / name).touch()
    shell.stand_in("useradd", '#!/bin/sh\nexec /usr/sbin/useradd --prefix "$AT" "$@"\n')
    shell.stand_in("systemctl", '#!/bin/sh\n[ "$*" = daemon-reload ] && exit\n[ "$1 $2" = "enable --now" ] && exec /bin/systemctl --root="$AT" enable "$3"\nexit 2\n')
    shell.run(moved(text, shell.at), DESTDIR=str(shell.at), **flags())
    (shell.at / "etc/account-linkd/app-secret").write_text("s" * 32)
    return shell


@block("deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 1)
def test_the_unit_is_installed_with_its_user_and_its_secrets(text, installed):
    etc = installed.at / "etc"
    assert "account-linkd:" in (etc / "passwd").read_text()
    assert (etc / "systemd/system/multi-user.target.wants/account-linkd.service").is_symlink()
    assert (installed.at / "usr/local/sbin/account-linkd").exists()
    unit = (etc / "systemd/system/account-linkd.service").read_text()
    settings = {name: f"{etc}/account-linkd/{file}" for name, file in re.findall(r"^Environment=(LINKD_\w+)=%d/(\S+)$", unit, re.M)}
    assert len(settings) == 3 and all((os.stat(path).st_mode & 0o777) == 0o600 for path in settings.values())
    installed.run("account-linkd check-config --config $AT/etc/account-linkd/account-linkd.ini", **settings)


@block("deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 2)
def test_commands_run_beside_the_service(text, installed, make_service):
    store = f"sqlite:{installed.at}/linkd.db"
    make_service(LINKD_STORE=store)
    assert "alex@example.com" in installed.run(
        moved(text, installed.at) + "\naccount-linkd customer show --id C-1001", "correct horse\n", LINKD_STORE=store, **CHEAP)


@block("deploy/README.md", "One machine, SQLite, behind nginx or HAProxy", 7)
def test_the_page_token_is_checked_beside_the_service(text, installed, make_service):
    store, token = f"sqlite:{installed.at}/linkd.db", canary.secret("EAAGreadme0page0token", "page token")
    make_service(LINKD_STORE=store)
    (installed.at / "etc/account-linkd/page-token").write_text(token)
    simulator = Simulator(Wiring("s" * 32, webhook_url="http://127.0.0.1:8080/webhook"), graph_tokens={token: events.PAGE_ID}).start()
    try:
        said = installed.run(moved(text, installed.at), LINKD_STORE=store, LINKD_GRAPH_URL=simulator.url, LINKD_PUBLIC_URL="http://127.0.0.1:8080")
    finally:
        simulator.stop()
    assert f"valid, of page {events.PAGE_ID}" in said and "faults: 0" in said


@block("deploy/README.md", "On AWS")
def test_the_stack_gets_what_its_template_asks_for(text, shell):
    """Without AWS: the calls exist, and so do their options, the keys of the secret and the parameters of the template."""
    shell.stand_in("aws", record("aws"))
    shell.run(text, APP_SECRET="a" * 32, PAGE_TOKEN="p" * 32)
    secret, deploy = recorded(shell, "aws")
    model = botocore.session.get_session().get_service_model(secret[0])
    shape = model.operation_model("".join(part.title() for part in secret[1].split("-"))).input_shape
    assert {"".join(part.title() for part in word[2:].split("-")) for word in secret[2:] if word.startswith("--")} <= set(shape.members)
    assert all(json.loads(value(secret, "--secret-string")).values())
    assert deploy[:2] == ["cloudformation", "deploy"] and (ROOT / value(deploy, "--template-file")).exists()
    given = {word.partition("=")[0] for word in deploy[deploy.index("--parameter-overrides") + 1:]}
    wanted = load()["Parameters"]
    assert given <= set(wanted) and given >= {name for name, one in wanted.items() if "Default" not in one}


@block("deploy/README.md", "Follow a complaint")
def test_a_digest_leads_to_the_log(text, shell, make_service):
    """The log of a service in place of the journal, and the digest that was printed in place of the one in the text."""
    service = make_service()
    shell.stand_in("journalctl", '#!/bin/sh\n[ "$*" = "-u account-linkd" ] && cat "$AT/log"\n')
    assert client.get(service.admin + "/v1/customers/C-1001/links", {"Authorization": f"Bearer {service.admin_token}"}).status == 404
    assert service.logged(lambda line: line.get("customer_digest"))
    (shell.at / "log").write_text("".join(service.lines))
    ask, search = text.splitlines()
    digest = re.search(r"^digest: (\w+)", shell.run(ask, **{name: str(one) for name, one in service.settings.items()}), re.M)[1]
    assert "6c1f..." in search
    assert digest in shell.run(search.replace("6c1f", digest[:4]))


@block("deploy/README.md", "Backup")
def test_a_backup_holds_the_customers_and_the_key(text, shell, make_service):
    data, copies = shell.at / "var/lib/account-linkd", shell.at / "var/backups"
    data.mkdir(parents=True), copies.mkdir()
    service = make_service(LINKD_STORE=f"sqlite:{data}/linkd.db")
    service.add_customer("C-1001", "alex@example.com", "correct horse")
    shell.run(moved(text, shell.at))
    copy, = copies.glob("linkd-????-??-??.db")
    assert (copies / "linkd.db.key").read_bytes() == (data / "linkd.db.key").read_bytes()
    with database.opened(copy) as db:
        assert db.execute("SELECT count(*) FROM customers").fetchone() == (1,)


# --- docker/README.md

@block("docker/README.md", "Run it")
def test_the_settings_of_the_container_hold(text, shell):
    """Without a Docker engine: its settings, with the mounted secrets."""
    shell.stand_in("docker", record("docker"))
    shell.run(text)
    words, = recorded(shell, "docker")
    assert words[0] == "run" and words[-1] == "account-linkd"
    settings = dict(words[n + 1].split("=", 1) for n, word in enumerate(words) if word == "-e")
    folder = shell.at / "run/secrets"
    folder.mkdir(parents=True)
    for name in ("app-secret", "verify-token", "admin-token"):
        (folder / name).write_text("s" * 32)
    assert "./secrets:/run/secrets:ro" in words
    shell.run("account-linkd check-config", **{name: moved(one, shell.at) for name, one in settings.items()})


COMPOSE = """#!/usr/bin/python3
import os, sys, yaml
with open("compose.yaml") as f:
    services = yaml.safe_load(f)["services"]
words = [one for one in sys.argv[1:] if one not in ("-d", "--rm", "-T")]
assert words[0] == "compose", words
if words[1] == "run":
    env = {**os.environ, **services[words[2]]["environment"], "AWS_ENDPOINT_URL_DYNAMODB": os.environ["SERVER"]}
    os.execvpe("account-linkd", ["account-linkd", *words[3:]], env)
assert words[1] == "up" and all(one in services for one in words[2:]), words
"""


@block("docker/README.md", "Try it, on DynamoDB Local")
def test_the_commands_of_the_composition_run(text, shell, server):
    """Without a Docker engine: its commands run here, with the settings of compose.yaml, on a DynamoDB Local of ours."""
    shell.stand_in("docker", COMPOSE)
    show = "\ndocker compose run --rm account-linkd customer show --id demo-1"
    assert "demo@example.com" in shell.run(text + show, SERVER=server.url)


# --- the list

def test_every_block_is_run_or_listed():
    assert len(BLOCKS) > 15
    assert unknown(BLOCKS) == set(), "a block that no test runs: add a test, or the reason to NOT_RUN"
    assert RUN | set(ELSEWHERE) | set(NOT_RUN) == set(BLOCKS), "a block that is no longer there"
    assert all(reason for reason in NOT_RUN.values())
    for file, word in ELSEWHERE.values():
        assert word in (ROOT / "tests" / file).read_text()


@pytest.mark.parametrize("new", ["```sh\ntrue\n```\n", "  ```\ntrue\n  ```\n", "~~~\ntrue\n~~~\n"])
def test_a_new_block_is_seen(new):
    text = (ROOT / "README.md").read_text()
    assert unknown(blocks_of("README.md", text)) == set()
    assert len(unknown(blocks_of("README.md", text + new))) == 1
