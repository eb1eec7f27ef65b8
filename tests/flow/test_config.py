"""Settings: where they come from, every problem at once, secrets masked."""

import json
import os
import socket

import pytest

from harness import client
from harness.phone import deliver
from harness.service import Service


@pytest.fixture
def program(binary, tmp_path):
    """A service that is never started: only its commands run."""
    return Service(tmp_path)


def check(program, *words, **settings):
    done = program.command("check-config", *words, settings=settings)
    return done.returncode, done.stdout + done.stderr


def shown(program, name, *words, **settings):
    done = program.command("print-config", *words, settings=settings)
    assert done.returncode == 0, done.stderr
    values = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    found = next(value for key, value in values.items() if key.strip().upper().removeprefix("LINKD_") == name)
    return found.strip()


def test_a_good_configuration(program):
    code, text = check(program)
    assert code == 0, text


def test_every_problem_is_named_at_once(program):
    bad = {"LINKD_WORKERS": "many", "LINKD_CODE_TTL": "5", "LINKD_LEGACY_SHA1": "maybe",
           "LINKD_STORE": "mysql:x",
           "LINKD_LISTEN": "nowhere", "LINKD_APP_SECRET": None, "LINKD_LOG_LEVEL": "loud",
           "LINKD_SEAL_KEY": "short",
           "LINKD_PUBLIC_URL": "ftp://x", "LINKD_TRUSTED_PROXIES": "10.0.0.0/99",
           "LINKD_REDIRECT_HOSTS": "https://a/b"}
    code, text = check(program, **bad)
    assert code == 1
    missing = [name for name in bad if name not in text]
    assert not missing, f"{missing} not named in: {text}"
    assert program.command("serve", settings=bad).returncode == 1


def test_json_names_every_problem_too(program):
    """One object, whether the settings hold or not; the problems stand on stderr as well."""
    done = program.command("check-config", "--json", settings={"LINKD_WORKERS": "many", "LINKD_CODE_TTL": "5",
                                                               "LINKD_CODE_TLL": "77"})
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["status"] == "failed" and done.stdout.count("\n") == 1
    assert sorted(one["text"].split(":")[0] for one in told["errors"]) == ["LINKD_CODE_TTL", "LINKD_WORKERS"]
    assert any("LINKD_CODE_TLL" in one["text"] for one in told["warnings"])
    assert all(one["text"] in done.stderr for one in told["errors"])
    done = program.command("check-config", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["status"] == "ok" and told["warnings"] and "errors" not in told


NUMBERS = ["", " ", "1.5", "0x10", "-1", "99999999999999999999", "1 2", "1e3"]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_numbers(program, value):
    code, text = check(program, LINKD_CODE_TTL=value)
    assert code == 1 and "LINKD_CODE_TTL" in text


def test_public_url_is_required_off_loopback(program):
    code, text = check(program, LINKD_LISTEN="0.0.0.0:0")
    assert code == 1 and "LINKD_PUBLIC_URL" in text
    assert check(program, LINKD_LISTEN="0.0.0.0:0", LINKD_PUBLIC_URL="https://link.example.com")[0] == 0


def test_a_loopback_return_address_needs_a_loopback_service(program):
    hosts = "facebook.com,http://127.0.0.1:8090"
    assert check(program, LINKD_REDIRECT_HOSTS=hosts)[0] == 0
    code, text = check(program, LINKD_REDIRECT_HOSTS=hosts, LINKD_PUBLIC_URL="https://link.example.com")
    assert code == 1 and "LINKD_REDIRECT_HOSTS" in text
    assert check(program, LINKD_REDIRECT_HOSTS="http://evil.example:80")[0] == 1


def test_from_a_file(program, tmp_path):
    file = tmp_path / "linkd.ini"
    file.write_text("; a comment\n[service]\ncode_ttl = 77\nbrand_name = From the file\n")
    assert shown(program, "CODE_TTL", "--config", str(file)) == "77"
    assert shown(program, "BRAND_NAME", "--config", str(file)) == "From the file"
    assert shown(program, "CODE_TTL", "--config", str(file),
                 LINKD_CODE_TTL="99") == "99", "the environment wins"
    file.write_text("code_ttl=78\n")
    assert shown(program, "CODE_TTL", "--config", str(file)) == "78", "a section is not needed"


def test_an_unknown_key_in_the_file_is_an_error(program, tmp_path):
    file = tmp_path / "linkd.ini"
    file.write_text("code_tll = 77\n")
    code, text = check(program, "--config", str(file))
    assert code == 1 and "code_tll" in text
    assert check(program, "--config", str(tmp_path / "none.ini"))[0] == 1


def test_a_file_that_cannot_be_read_is_the_only_problem(program, tmp_path):
    """What would stand in it is not called missing."""
    for name in ("none.ini", "."):
        code, text = check(program, "--config", str(tmp_path / name), LINKD_APP_SECRET=None, LINKD_LISTEN="0.0.0.0:0")
        assert code == 1 and "cannot be read" in text and "1 problem in the settings" in text, text
        assert "must be set" not in text


def test_without_a_file_and_settings_both_are_said(program):
    code, text = check(program, LINKD_APP_SECRET=None)
    assert code == 1 and "LINKD_APP_SECRET: must be set" in text and "no settings file was named with --config" in text


def test_what_the_machine_decides_is_shown_as_it_is(program):
    """As many event loops and hash threads as serve would start."""
    cpus = len(os.sched_getaffinity(0))
    for name in ("WORKERS", "HASH_THREADS"):
        assert 1 <= int(shown(program, name, **{"LINKD_" + name: "0"})) <= cpus
        assert shown(program, name, **{"LINKD_" + name: "3"}) == "3"


def test_an_unknown_variable_is_a_warning(program):
    code, text = check(program, LINKD_CODE_TLL="77")
    assert code == 0 and "LINKD_CODE_TLL" in text


def test_secrets_from_files(make_service, tmp_path):
    secret = tmp_path / "secret"
    service = make_service(start=False, LINKD_APP_SECRET=None, LINKD_APP_SECRET_FILE=str(secret))
    secret.write_text(service.secret + "\n")
    service.start()
    assert deliver(service, b"{}").status == 200


def test_name_and_file_together_is_an_error(program, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x" * 40)
    code, text = check(program, LINKD_APP_SECRET_FILE=str(secret))
    assert code == 1 and "LINKD_APP_SECRET" in text
    code, text = check(program, LINKD_APP_SECRET=None, LINKD_APP_SECRET_FILE=str(tmp_path / "none"))
    assert code == 1 and "LINKD_APP_SECRET_FILE" in text


def test_print_config_masks_secrets(program):
    for extra in ((), ("--json",)):
        done = program.command("print-config", *extra, settings={"LINKD_SEAL_KEY": "seal-" + "k" * 40})
        assert done.returncode == 0
        for secret in (program.secret, program.admin_token, program.verify_token, "seal-" + "k" * 40):
            assert secret not in done.stdout + done.stderr
    assert json.loads(done.stdout)
    assert "*" in shown(program, "APP_SECRET")
    assert shown(program, "ARGON2_MEMORY_KIB") == "64"


def test_several_listeners(make_service):
    service = make_service(LINKD_LISTEN="127.0.0.1:0,[::1]:0")
    assert client.get(service.url + "/healthz").status == 200


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def healths(port):
    """What both families answer at a port."""
    return [client.get(f"http://{host}:{port}/healthz").status for host in ("127.0.0.1", "[::1]")]


def test_the_address_of_all_serves_both_families(make_service):
    """[::] alone; a client is the same one by either socket, so its tries are counted together."""
    service = make_service(LINKD_LISTEN="[::]:0", LINKD_PUBLIC_URL="http://127.0.0.1:1", LINKD_LOG_LEVEL="debug")
    port = int(service.url.rsplit(":", 1)[1])
    assert healths(port) == [200, 200]
    assert service.command("healthcheck", settings={"LINKD_LISTEN": f"[::]:{port}"}).returncode == 0
    assert service.command("healthcheck", "--url", f"http://127.0.0.1:{port}/healthz").returncode == 0
    peers = {one.get("client") for one in service.log() if one.get("route")}
    assert not any(str(one).startswith("::ffff:") for one in peers), peers


@pytest.mark.parametrize("order", ["[::]:{0},0.0.0.0:{0}", "0.0.0.0:{0},[::]:{0}", "127.0.0.1:{0},[::]:{0}"])
def test_both_addresses_of_all_may_be_given(make_service, order):
    port = free_port()
    service = make_service(LINKD_LISTEN=order.format(port), LINKD_PUBLIC_URL="http://127.0.0.1:1")
    assert healths(port) == [200, 200]
    assert service.command("healthcheck").returncode == 0


def test_healthcheck_asks_every_address_that_is_configured(make_service):
    service = make_service()
    port = int(service.url.rsplit(":", 1)[1])
    assert service.command("healthcheck", settings={"LINKD_LISTEN": f"127.0.0.1:{port}"}).returncode == 0
    for listen in (f"127.0.0.1:{port},[::1]:{port}", f"[::1]:{port},127.0.0.1:{port}"):
        done = service.command("healthcheck", settings={"LINKD_LISTEN": listen})
        assert done.returncode == 1 and f"http://[::1]:{port}/healthz" in done.stderr, done.stderr
    done = service.command("healthcheck", settings={"LINKD_LISTEN": f"127.0.0.1:{port},127.0.0.1:0"})
    assert done.returncode == 1 and "--url" in done.stderr


def test_a_second_service_on_a_port_says_what_to_do(make_service):
    service = make_service()
    other = make_service(start=False, LINKD_LISTEN=service.url.removeprefix("http://"))
    done = other.command("serve")
    assert done.returncode == 1 and "cannot listen on" in done.stderr
    assert "end the program that uses it" in done.stderr and "another port" in done.stderr


def test_a_short_app_secret_is_a_warning(make_service):
    service = make_service(LINKD_APP_SECRET="short")
    assert service.logged(lambda one: one["level"] == "warn" and "LINKD_APP_SECRET" in str(one))


def test_dangers_are_named_by_check_config_and_at_start(make_service):
    """One of each kind; none of them stops the service."""
    service = make_service(start=False, LINKD_TRUSTED_PROXIES="127.0.0.1,0.0.0.0/0", LINKD_SEAL_KEY="k" * 40,
                           LINKD_REDIRECT_HOSTS="www.facebook.com,shop.example")
    service.settings["LINKD_VERIFY_TOKEN"] = service.secret
    words = ["0.0.0.0/0 trusts", "weaker than OWASP", "few characters", "shop.example is not Facebook's",
             "are the same secret"]
    done = service.command("check-config", "--json")
    told = [one["text"] for one in json.loads(done.stdout)["warnings"]]
    service.start()
    assert service.logged(lambda one: one["msg"] == "started")
    logged = [one["warning"] for one in service.log("setting")]
    assert done.returncode == 0
    for which in words:
        assert any(which in one for one in told), which
        assert any(which in one for one in logged), which


def test_the_seal_key_is_generated_and_kept(make_service):
    service = make_service()
    keys = [one for one in service.directory.iterdir() if one.name not in ("linkd.db", "linkd.db-wal",
                                                                           "linkd.db-shm")]
    assert len(keys) == 1 and keys[0].stat().st_mode & 0o077 == 0, "readable by its owner only"
    before = keys[0].read_bytes()
    service.stop()
    service.start()
    assert keys[0].read_bytes() == before
