"""The commands: customers and links from the shell."""

import json
import subprocess

import pytest

from harness import database
from harness.phone import Customer, Phone

COMMANDS = ["serve", "check-config", "print-config", "customer", "link", "healthcheck", "version"]


def as_lines(text):
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def test_version_and_help(service):
    done = service.command("version")
    assert done.returncode == 0 and done.stdout.strip()
    done = service.command("--help")
    assert done.returncode == 0 and all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("words", [["help", "customer", "add"], ["customer", "add", "--help"], ["help", "serve"], ["help"]])
def test_help_is_on_stdout(service, words):
    done = service.command(*words)
    assert done.returncode == 0 and done.stdout.startswith("usage: account-linkd") and not done.stderr
    assert ("--force" in done.stdout) == ("add" in words)


ADD_X = ["customer", "add", "--id", "x", "--email", "x@example.com", "--password-stdin"]
WRONG_STORES = {"sqlite:/nonexistent/x.db": "make it, or name another file", "sqlite:/tmp": "name another in LINKD_STORE",
                "sqlite:/proc/x.db": "name another file"}


@pytest.mark.parametrize("store", WRONG_STORES)
@pytest.mark.parametrize("words", [ADD_X, ["serve"]], ids=lambda words: words[0])
def test_a_wrong_path_of_the_database_is_told_with_what_to_do(service, words, store):
    """With a seal key, so that no key file is made beside the database first."""
    done = service.command(*words, settings={"LINKD_STORE": store, "LINKD_SEAL_KEY": "0123456789abcdef" * 4}, stdin="password")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and WRONG_STORES[store] in said and store.split(":")[1] in said, said


def test_a_key_file_that_cannot_be_made_is_told_with_what_to_do(service):
    done = service.command(*ADD_X, settings={"LINKD_STORE": "sqlite:/nonexistent/x.db"}, stdin="password")
    assert done.returncode == 1 and "make its directory" in done.stderr and "/nonexistent/x.db.key" in done.stderr


@pytest.mark.parametrize("words", [["customer", "show", "--id", "x"], ["customer", "show", "--email", "x@example.com"],
                                   ["customer", "remove", "--id", "x"], ["link", "show", "--psid", "7"],
                                   ["link", "show", "--customer", "x"], ["link", "remove", "--psid", "7"], ["doctor"]], ids=" ".join)
def test_a_mistyped_path_does_not_become_an_empty_database(service, words, tmp_path):
    path = tmp_path / "new" / "mistyped.db"
    path.parent.mkdir()
    done = service.command(*words, settings={"LINKD_STORE": f"sqlite:{path}"})
    assert done.returncode == 1 and f"there is no database at {path}" in done.stdout + done.stderr
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("words", [[], ["nonsense"], ["customer"], ["customer", "nonsense"],
                                   ["customer", "add"], ["serve", "--nonsense"],
                                   ["customer", "add", "--id"], ["customer", "show"], ["link", "show"],
                                   ["version", "extra"],
                                   ["customer", "add", "--id", "x", "--email", "e@x", "--password-stdin",
                                    "extra"]])
def test_wrong_usage_is_2(service, words):
    done = service.command(*words)
    assert done.returncode == 2 and done.stderr.strip() and not done.stdout.strip()


def test_add_show_remove(service):
    one = Customer(service, add=False)
    service.add_customer(one.id, one.email.upper(), one.password)
    shown = service.command("customer", "show", "--id", one.id)
    assert shown.returncode == 0
    assert one.email in shown.stdout, "stored in lower case"
    assert one.password not in shown.stdout and "$argon2" not in shown.stdout
    assert service.command("customer", "remove", "--id", one.id).returncode == 0
    for verb in ("show", "remove"):
        done = service.command("customer", verb, "--id", one.id)
        assert done.returncode == 1 and done.stderr.strip()


def test_json_output(service, customer):
    value = json.loads(service.command("customer", "show", "--id", customer.id, "--json").stdout)
    assert value["customer_id"] == customer.id and value["email"] == customer.email


def test_an_existing_id_is_an_error(service, customer):
    with database.unchanged(service):
        done = service.command("customer", "add", "--id", customer.id, "--email", "x@example.com",
                               "--password-stdin", stdin="p")
    assert done.returncode == 1 and done.stderr.strip()


def test_an_email_of_another_customer_is_refused(service, customer):
    """Both could log in before, and the first can after; --force is for who means it."""
    words = ["customer", "add", "--id", customer.id + "-2", "--email", customer.email.upper(), "--password-stdin"]
    with database.unchanged(service):
        done = service.command(*words, stdin="another-password")
    assert done.returncode == 1 and "another customer has this e-mail" in done.stderr and "--force" in done.stderr
    phone = Phone(service)
    phone.open()
    assert phone.login(customer.email, customer.password).status == 200
    done = service.command(*words, "--force", stdin="another-password")
    assert done.returncode == 0 and "warning" in done.stderr
    phone = Phone(service)
    phone.open()
    assert phone.login(customer.email, customer.password).status == 401
    assert service.command("customer", "remove", "--id", customer.id + "-2").returncode == 0


@pytest.mark.parametrize("given,counts", [("secret-word\n", "secret-word"),
                                          ("secret-word\n\n", "secret-word\n"),
                                          ("secret\nword", "secret\nword")])
def test_one_final_newline_is_dropped(service, given, counts):
    one = Customer(service, add=False)
    service.add_customer(one.id, one.email, given)
    phone = Phone(service)
    phone.open()
    assert phone.login(one.email, counts).status == 200


BAD = {"no at": {"email": "nobody"}, "two at": {"email": "a@b@c"},
       "long mail": {"email": "a" * 250 + "@e.com"}, "empty id": {"id": ""},
       "long id": {"id": "x" * 400}, "empty mail": {"email": ""}, "empty password": {"password": ""},
       "long password": {"password": "p" * 1025},
       "control in id": {"id": "a\nb"}}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_work_is_refused(service, name):
    one = Customer(service, add=False)
    given = {"id": one.id, "email": one.email, "password": "pw-long-enough", **BAD[name]}
    with database.unchanged(service):
        done = service.command("customer", "add", "--id", given["id"], "--email", given["email"],
                               "--password-stdin", stdin=given["password"])
    assert done.returncode in (1, 2) and done.stderr.strip()


def test_link_show_and_remove(service, customer, phone):
    phone.link(customer)
    shown = service.command("link", "show", "--psid", phone.psid)
    assert shown.returncode == 0 and customer.id in shown.stdout
    value = json.loads(service.command("link", "show", "--psid", phone.psid, "--json").stdout)
    assert value["customer_id"] == customer.id and value["psid"] == phone.psid
    assert service.command("link", "remove", "--psid", phone.psid).returncode == 0
    assert database.holders(service.database, phone.psid) == []
    assert service.command("link", "show", "--psid", phone.psid).returncode == 1


def test_a_removal_that_meets_a_lock_fails_and_changes_nothing(service, customer, phone):
    """Its time ends before the lock does: the write that still waits must not outlive the command's loop."""
    phone.link(customer)
    with database.locked(service.database):
        done = service.command("link", "remove", "--psid", phone.psid)
    assert done.returncode == 1 and done.stderr.strip() and not done.stdout
    assert database.holders(service.database, phone.psid) == [customer.id]


STORE_COMMANDS = [["customer", "add", "--id", "c1", "--email", "c1@example.com", "--password-stdin"],
                  ["customer", "show", "--id", "c1"], ["customer", "show", "--email", "c1@example.com"],
                  ["link", "show", "--customer", "c1"], ["link", "show", "--psid", "7"], ["link", "remove", "--psid", "7"],
                  ["doctor"], ["customer", "remove", "--id", "c1"]]


@pytest.mark.parametrize("wrong", [{}, {"LINKD_APP_SECRET": "'x'", "LINKD_LISTEN": "x", "LINKD_PUBLIC_URL": "x",
                                        "LINKD_VERIFY_TOKEN_FILE": "/nonexistent", "LINKD_WORKERS": "many"}],
                         ids=["nothing else is set", "all else is wrong"])
def test_commands_of_the_store_need_its_settings_only(binary, tmp_path, wrong):
    """...; the ones that find nothing say that, not what is wrong with Facebook's settings."""
    env = {"LINKD_STORE": f"sqlite:{tmp_path}/x.db", "LINKD_ARGON2_MEMORY_KIB": "64", "LINKD_ARGON2_PASSES": "1", **wrong}
    for words in STORE_COMMANDS:
        done = subprocess.run([binary, *words], env=env, input="password", capture_output=True, text=True, timeout=30)
        nobody = words[0] == "link"
        faulty = words == ["doctor"] and wrong  # it says so, and still looks at the store
        assert done.returncode == (1 if nobody or faulty else 0), (words, done.stderr)
        assert not faulty or ("check-config" in done.stdout and "faults: 1" in done.stdout)
        said = [line for line in done.stderr.splitlines() if not line.endswith(" audit=true")]
        assert "not linked" in done.stderr if nobody else not said, (words, done.stderr)


def test_settings_are_shown_before_all_are_there(binary):
    done = subprocess.run([binary, "print-config"], env={}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "code_ttl: 300" in done.stdout, done.stderr


def test_commands_work_beside_a_busy_service(service):
    with database.opened(service.database) as other:
        other.execute("BEGIN IMMEDIATE")
        one = Customer(service, add=False)
        other.execute("ROLLBACK")
    service.add_customer(one.id, one.email, one.password)
    assert as_lines(service.command("customer", "show", "--id", one.id).stdout)


def test_commands_leave_no_root_owned_surprises(make_service):
    """customer add before the first start makes the database the service then uses."""
    service = make_service(start=False)
    one = Customer(service)
    service.start()
    Phone(service).link(one)
    assert database.check(service.database) == ["ok"]
