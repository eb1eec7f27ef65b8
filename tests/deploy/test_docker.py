"""docker/: a small lint of the Dockerfile, and the compose file.  That they work is looked at in tests/image."""
import fnmatch
import re
import subprocess

import pytest
import yaml

from .template import ROOT

DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
COMPOSE = ROOT / "docker/compose.yaml"


def instructions(text):
    """-> (word, rest) of each instruction, continued lines joined."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ").splitlines()
    return [tuple(line.strip().split(None, 1)) for line in lines if line.strip()]


def faults(text):
    """What is wrong with a Dockerfile, in words."""
    all_ = instructions(text)
    last = next(n for n in range(len(all_) - 1, -1, -1) if all_[n][0] == "FROM")
    runtime = {word: rest for word, rest in all_[last:]}
    found = []
    if not re.fullmatch(r"scratch AS runtime", runtime["FROM"]):
        found.append("the last stage is not scratch")
    if not re.fullmatch(r"[1-9]\d+:[1-9]\d+", runtime.get("USER", "")):
        found.append("no user by number, which an orchestrator needs to see that it is not root")
    for word in ("ENTRYPOINT", "CMD"):
        if not runtime.get(word, "").startswith("["):
            found.append(f"{word} needs a shell")
    if not re.search(r'CMD \["/usr/sbin/account-linkd", "healthcheck"\]$', runtime.get("HEALTHCHECK", "")):
        found.append("no HEALTHCHECK of ours")
    if runtime.get("STOPSIGNAL") != "SIGTERM":
        found.append("no STOPSIGNAL")
    for word, rest in all_:
        if word == "ADD":
            found.append("ADD: COPY says what it does")
        if word == "RUN" and "apt-get install" in rest and not all(one in rest for one in (
                "apt-get update", "-y", "--no-install-recommends", "rm -rf /var/lib/apt/lists")):
            found.append("apt-get install without update, -y, --no-install-recommends or the clean-up")
        if word in ("ENV", "ARG") and re.search(r"SECRET|TOKEN|PASSWORD|KEY", rest):
            found.append(f"{word} with a secret stays in the image")
        if word == "COPY" and rest.startswith(". "):
            found.append("COPY of everything")
    return found


def test_dockerfile_is_clean():
    assert faults(DOCKERFILE) == []


@pytest.mark.parametrize("right,wrong", [
    ("USER 10001:10001\n", ""), ("USER 10001:10001", "USER account-linkd"), ("STOPSIGNAL SIGTERM\n", ""), ("FROM scratch", "FROM debian"),
    ('ENTRYPOINT ["/usr/sbin/account-linkd"]', "ENTRYPOINT /usr/sbin/account-linkd"), ("COPY src/ src/", "ADD src/ src/"),
    (" --no-install-recommends", ""), ("COPY src/ src/", "COPY . ."), ("ENV LINKD_STORE", "ENV LINKD_APP_SECRET=x LINKD_STORE"),
    ('"healthcheck"]', '"version"]'), ('CMD ["serve"]', "CMD serve"),
])
def test_lint_sees_what_is_wrong(right, wrong):
    assert right in DOCKERFILE
    assert faults(DOCKERFILE.replace(right, wrong)) != []


def test_what_is_copied_exists_and_may_be_seen():
    """What the ignore file shuts out, no build can copy."""
    allowed = [line[1:] for line in (ROOT / "docker/Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [one for word, rest in instructions(DOCKERFILE) if word == "COPY" and "--from" not in rest for one in rest.split()[:-1]]
    assert len(copied) > 4
    for one in copied:
        assert (ROOT / one).exists(), one
        assert any(fnmatch.fnmatch(one.rstrip("/"), pattern) for pattern in allowed), one


# --- compose

def config(path):
    return subprocess.run(["docker-compose", "-f", str(path), "config"], capture_output=True, text=True, timeout=60)


def test_compose_file_is_understood(tmp_path):
    done = config(COMPOSE)
    assert done.returncode == 0, done.stderr
    assert sorted(yaml.safe_load(done.stdout)["services"]) == ["account-linkd", "dynamodb", "simulator"]
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text().replace("cap_drop:", "cap_dorp:"))
    assert config(wrong).returncode != 0


def test_compose_opens_ports_on_this_machine_only():
    for name, service in yaml.safe_load(COMPOSE.read_text())["services"].items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_compose_wires_the_simulator_to_the_service():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ours, simulator = services["account-linkd"], services["simulator"]
    words = simulator["command"]
    hosts = {f"http://127.0.0.1:{words[words.index(one) + 1]}" for one in ("--port", "--return-port")}
    assert set(ours["environment"]["LINKD_REDIRECT_HOSTS"].split(",")) == hosts
    assert {f"127.0.0.1:{p}:{p}" for p in (host.rsplit(":", 1)[1] for host in hosts)} <= set(ours["ports"])
    assert simulator["environment"]["LINKD_APP_SECRET"] == ours["environment"]["LINKD_APP_SECRET"]
    assert simulator["network_mode"] == "service:account-linkd"
    source = simulator["volumes"][0].split(":")[0]
    assert (COMPOSE.parent / source / "simulator.py").exists()
    assert words[words.index("--service-url") + 1] == ours["environment"]["LINKD_PUBLIC_URL"]


def test_compose_confines_what_is_ours():
    ours = yaml.safe_load(COMPOSE.read_text())["services"]["account-linkd"]
    assert ours["read_only"] is True and ours["cap_drop"] == ["ALL"] and ours["security_opt"] == ["no-new-privileges:true"]
    assert ours["mem_limit"] and ours["pids_limit"]
