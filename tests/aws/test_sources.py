"""Each source of credentials on its own: what is sent, what is taken, and what is said when it is wrong."""
import json
import sys
import time
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aws import services

ROLE = "arn:aws:iam::123456789012:role/app"


# ---- environment and files ----

def test_environment(world):
    world.env.update(AWS_ACCESS_KEY_ID="AK", AWS_SECRET_ACCESS_KEY="s/+=", AWS_SESSION_TOKEN="t" * 2000, AWS_ACCOUNT_ID="123456789012",
                     AWS_CREDENTIAL_EXPIRATION="2099-01-01T00:00:00Z")
    got = world.get()
    assert got == {"provider": "env", "access_key": "AK", "secret_key": "s/+=", "token": "t" * 2000, "account": "123456789012",
                   "token_header": "X-Amz-Security-Token: " + "t" * 2000, "source": "AWS_ACCESS_KEY_ID", "expires": 4070908800}


@pytest.mark.parametrize("change, parts", [
    ({"AWS_SECRET_ACCESS_KEY": ""}, ["AWS_SECRET_ACCESS_KEY"]),
    ({"AWS_CREDENTIAL_EXPIRATION": "tomorrow"}, ["AWS_CREDENTIAL_EXPIRATION", "2026-01-31T23:59:59Z"]),
    ({"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}, ["expired", "clock"]),
    ({"AWS_SESSION_TOKEN": "a\nb"}, ["AWS_SESSION_TOKEN", "session token"]),
    ({"AWS_ACCESS_KEY_ID": "A K"}, ["access key id"]),
    ({"AWS_SECRET_ACCESS_KEY": "s\r\nX: y"}, ["secret access key"]),
])
def test_environment_wrong(world, change, parts):
    world.env.update({"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "sesame", **change})
    got = world.refused(*parts)
    assert "sesame" not in got["message"] + world.log


def test_files_by_their_variables(world):
    world.env["AWS_SHARED_CREDENTIALS_FILE"] = world.file("keys", "[default]\naws_access_key_id=K\naws_secret_access_key=s\naws_session_token=" + "t" * 3000 + "\n")
    world.env["AWS_CONFIG_FILE"] = "~/nowhere"
    got = world.get()
    assert (got["access_key"], got["token"]) == ("K", "t" * 3000) and world.env["AWS_SHARED_CREDENTIALS_FILE"] in got["source"]


@pytest.mark.parametrize("text, parts", [
    ("", ["no AWS credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"]),
    ("[default]\naws_access_key_id = K\n", ["aws_access_key_id has no aws_secret_access_key", ".aws/credentials"]),
    ("[default]\naws_access_key_id = K\naws_secret_acc", [".aws/credentials", "line 3"]),
    ("[default\n", ["line 1", "[section]"]),
    ("[default]\naws_access_key_id =\naws_secret_access_key = s\n", ["access key id", "empty"]),
    ("[default]\naws_access_key_id = K\naws_secret_access_key =\n", ["secret access key", "empty"]),
    ("[default]\naws_access_key_id = K\naws_secret_access_key = a\n b\n", ["secret access key"]),
    ("[default]\n\0", ["NUL"]),
    ("[default]\n[default]\n", ["line 2", "before"]),
    ("[default]\na = 1\nA = 2\n", ["line 3", "before"]),
    ("[default]\nsso_account_id = 1\nsso_role_name = r\n", ["single sign-on"]),
    ("#" * (1 << 20) + "\n#", ["larger than"]),
])
def test_credentials_file_wrong(world, text, parts):
    world.credentials(text)
    world.refused(*parts)


def test_profile_missing_names_variable_and_files(world):
    world.env["AWS_PROFILE"] = "prod"
    world.credentials("[dev]\n")
    world.refused("AWS_PROFILE", "prod", ".aws/config", ".aws/credentials")


# ---- STS: roles and web identity ----

def verify(request, secret, host, token=None):
    """The signature of a request to STS, recomputed by botocore."""
    auth = request.headers["Authorization"]
    key, _, region, service, _ = auth.partition("Credential=")[2].partition(",")[0].split("/")
    names = auth.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    r = AWSRequest(method=request.method, url=f"http://{host}{request.path}", data=request.body,
                   headers={n: request.headers[n] for n in names})
    r.context["timestamp"] = request.headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials(key, secret, token), service, region)
    want = signer.signature(signer.string_to_sign(r, signer.canonical_request(r)), r)
    assert auth.endswith(f"Signature={want}") and service == "sts" and region == "eu-central-1"
    assert {n.lower() for n in request.headers if n.lower().startswith("x-amz-")} | {"host", "content-type"} == set(names)
    return key


ROLES = f"""[default]
role_arn = {ROLE}
source_profile = middle
external_id = an id+&=
duration_seconds = 3600
role_session_name = a.name@x
[profile middle]
role_arn = {ROLE}-middle
source_profile = base
[profile base]
aws_access_key_id = BASE
aws_secret_access_key = base-secret
"""


def test_chain_of_roles_signed_and_in_order(world):
    sts = world.sts()
    world.config(ROLES)
    got = world.get()
    assert got["provider"] == "assume-role" and got["token"] == "sts/token+=" and got["expires"] == 4070908800
    first, second = sts.asked
    host = urlsplit(sts.url).netloc
    assert verify(first, "base-secret", host) == "BASE"
    assert verify(second, "secret-of-APP-MIDDLEBYBASE", host, "sts/token+=") == "APP-MIDDLEBYBASE"
    assert second.headers["X-Amz-Security-Token"] == "sts/token+="
    assert second.form == {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ROLE, "RoleSessionName": "a.name@x",
                           "ExternalId": "an id+&=", "DurationSeconds": "3600"}
    assert set(first.form) == {"Action", "Version", "RoleArn", "RoleSessionName"}
    assert first.form["RoleSessionName"].startswith("account-linkd-")


@pytest.mark.parametrize("line, parts", [
    ("mfa_serial = x", ["mfa_serial"]), ("duration_seconds = 5", ["duration_seconds", "900"]),
    ("duration_seconds = long", ["duration_seconds"]), ("role_session_name = a b", ["role_session_name"]),
    ("credential_source = Environment", ["credential_source"]),
])
def test_role_profile_wrong(world, line, parts):
    world.sts()
    world.config(ROLES.replace("external_id = an id+&=\nduration_seconds = 3600\nrole_session_name = a.name@x", line))
    world.refused("profile default", *parts)


def test_too_many_roles(world):
    world.config("".join(f"[profile p{i}]\n{'role_arn = ' + ROLE}\nsource_profile = p{i + 1}\n" for i in range(12)) +
                 "[profile p12]\naws_access_key_id = K\naws_secret_access_key = s\n")
    world.env["AWS_PROFILE"] = "p0"
    world.refused("p0", "more than 8 roles")


def test_role_that_refers_to_itself(world):
    world.config(f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n")
    world.refused("default", "source_profile", "itself")


def test_roles_in_a_circle(world):
    world.config(f"[default]\nrole_arn = {ROLE}\nsource_profile = b\n" +
                 "".join(f"[profile {p}]\nrole_arn = {ROLE}\nsource_profile = {q}\n" for p, q in ("bc", "cb")))
    world.refused("profile c", "source_profile b", "circle")


def web(world):
    world.env.update(AWS_WEB_IDENTITY_TOKEN_FILE=world.file("token", "web-token\n"), AWS_ROLE_ARN=ROLE)


def test_web_identity_is_not_signed(world):
    sts = world.sts()
    web(world)
    got = world.get()
    assert (got["provider"], got["access_key"]) == ("assume-role-with-web-identity", "WEBAPP")
    assert "Authorization" not in sts.asked[0].headers
    assert sts.asked[0].form["WebIdentityToken"] == "web-token" and sts.asked[0].form["RoleArn"] == ROLE


@pytest.mark.parametrize("token, parts", [(None, ["No such file"]), ("", ["is empty"]), (" \n", ["is empty"]), ("a\nb", ["no token"]),
                                          ("x" * 30000, ["larger than"])])
def test_token_file_wrong(world, token, parts):
    sts = world.sts()
    web(world)
    if token is None:
        world.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(world.folder / "gone")
    else:
        world.file("token", token)
    world.refused("AWS_WEB_IDENTITY_TOKEN_FILE", *parts)
    assert not sts.asked


def as_json(action, expires):
    return json.dumps({f"{action}Response": {f"{action}Result": {"Credentials": {
        "AccessKeyId": "JSONKEY", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": expires}}}})


@pytest.mark.parametrize("expires", [4070908800, 4.0709088e9, "2099-01-01T00:00:00Z"])
def test_sts_in_json(world, expires):
    world.sts(lambda r: (200, as_json("AssumeRoleWithWebIdentity", expires)))
    web(world)
    got = world.get()
    assert (got["access_key"], got["expires"]) == ("JSONKEY", 4070908800)


GOOD_XML = services.sts_xml("AssumeRoleWithWebIdentity", "K")
WRONG_ANSWERS = {
    "refused": (403, services.sts_error("AccessDenied", "not you"), ["403", "AccessDenied", "not you", "trust policy"]),
    "error in a 200": (200, services.sts_error("InternalFailure"), ["InternalFailure"]),
    "JSON error": (400, '{"Error": {"Code": "InvalidIdentityToken", "Message": "old"}}', ["InvalidIdentityToken", "token file"]),
    "empty": (200, "", ["not XML"]), "HTML": (200, "<html><body>hi<br></body></html>", ["not XML"]),
    "cut": (200, GOOD_XML[:-20], ["not XML"]), "something behind": (200, GOOD_XML + "<x/>", ["not XML"]),
    "tags in text": (200, "<R><AccessKeyId>&lt;/AccessKeyId&gt;</AccessKeyId></R>", ["Expiration"]),
    "keys elsewhere": (200, "<X>" + GOOD_XML + "</X>", ["Expiration"]),
    "keys of another action": (200, services.sts_xml("AssumeRole", "K"), ["Expiration"]),
    "key twice": (200, GOOD_XML.replace("<SecretAccessKey>", "<AccessKeyId>L</AccessKeyId><SecretAccessKey>"), ["not XML"]),
    "DOCTYPE": (200, "<!DOCTYPE x>" + GOOD_XML, ["not XML"]), "CDATA": (200, GOOD_XML.replace(">K<", "><![CDATA[K]]><"), ["not XML"]),
    "no secret": (200, GOOD_XML.replace("secret-of-K", ""), ["secret access key"]),
    "no token": (200, services.sts_xml("AssumeRoleWithWebIdentity", "K", token=""), ["SessionToken"]),
    "wrong time": (200, services.sts_xml("AssumeRoleWithWebIdentity", "K", expires="soon"), ["Expiration"]),
    "line break in a value": (200, GOOD_XML.replace(">K<", ">K&#10;X: y<"), ["access key id"]),
    "expired": (200, services.sts_xml("AssumeRoleWithWebIdentity", "K", expires="2020-01-01T00:00:00Z"), ["expired", "clock"]),
    "too large": (200, GOOD_XML + " " * 70000, []),
}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_answer_of_sts_wrong(world, name):
    status, text, parts = WRONG_ANSWERS[name]
    world.sts(lambda r: (status, text))
    web(world)
    got = world.refused(*parts)
    assert "secret-of" not in got["message"] + world.log and "web-token" not in world.log


@pytest.mark.parametrize("status, text", [(500, ""), (503, "busy"), (429, ""), (400, services.sts_error("IDPCommunicationError")),
                                          (400, services.sts_error("Throttling"))])
def test_sts_is_asked_again(world, status, text):
    sts = world.sts(lambda r: (status, text) if len(sts.asked) < 3 else services.sts(r))
    web(world)
    assert world.get()["access_key"] == "WEBAPP" and len(sts.asked) == 3


def test_sts_needs_a_region_and_an_address(world):
    web(world)
    world.env["AWS_ENDPOINT_URL_STS"] = "ftp://x"
    world.refused("AWS_ENDPOINT_URL_STS")
    del world.env["AWS_REGION"], world.env["AWS_DEFAULT_REGION"]
    world.refused("AWS_REGION")


# ---- credential_process ----

def process(world, text, *words):
    script = world.file("p.py", text)
    world.config("[default]\ncredential_process = " + " ".join([sys.executable, "-S", f"'{script}'", *words]) + "\n")


def test_process_gets_its_words_and_no_descriptor(world):
    process(world, "import json, os, sys\n"
            "open(os.environ['HOME'] + '/seen', 'w').write(json.dumps([sys.argv[1:], sorted(os.listdir('/proc/self/fd')), sys.stdin.read()]))\n"
            "print(json.dumps({'Version': 1, 'AccessKeyId': 'P', 'SecretAccessKey': 's', 'Expiration': '2099-01-01T00:00:00Z', 'AccountId': '1'}))\n",
            '"a b"', "$HOME", "';touch", "x'", "c\\ d", '""')
    got = world.get()
    assert (got["access_key"], got["token"], got["expires"], got["account"]) == ("P", None, 4070908800, "1")
    seen = json.loads((world.folder / "seen").read_text())
    assert seen[0] == ["a b", "$HOME", ";touch x", "c d", ""] and seen[2] == "" and seen[1] == list("01234")  # the last two are its own


def test_process_gets_the_environment_without_our_settings(world):
    """Whatever helps it to find its keys, and nothing of the service."""
    theirs = {"AWS_PROFILE": "default", "AWS_CA_BUNDLE": "/x", "LANG": "C", "VAULT_ADDR": "http://127.0.0.1:1", "EMPTY": ""}
    world.env.update(theirs)
    world.env.update({"LINKD_APP_SECRET": "sesame", "LINKD_ADMIN_TOKEN_FILE": "/sesame", "LINKD_WORKERS": "1", "LINKD_UNKNOWN": "sesame"})
    process(world, "import json, os\nopen(os.environ['HOME'] + '/seen', 'w').write(json.dumps(dict(os.environ)))\n"
            "print(json.dumps({'Version': 1, 'AccessKeyId': 'P', 'SecretAccessKey': 's'}))\n")
    assert world.get()["access_key"] == "P"
    seen = json.loads((world.folder / "seen").read_text())
    wanted = {name: value for name, value in world.env.items() if not name.startswith("LINKD_")}
    assert wanted.items() <= seen.items() and not [name for name in seen if name.startswith("LINKD_")], seen


PROCESSES = {
    "print('{}')": ["Version"], "print('')": ["JSON"], "print('{\"Version\": 2, \"AccessKeyId\": \"K\", \"SecretAccessKey\": \"s\"}')": ["Version"],
    "print('{\"Version\": 1}')": ["no keys"], "import sys; sys.exit('ask your admin')": ["exit status 1", "ask your admin"],
    "import os; os.kill(os.getpid(), 9)": ["signal 9"], "print('x' * 100000)": ["more than 65536"],
    "print('{\"Version\": 1, \"AccessKeyId\": \"K\", \"SecretAccessKey\": \"sesame\"')": ["JSON"],
    "print('{\"Version\": 1, \"AccessKeyId\": \"K\", \"SecretAccessKey\": \"sesame\", \"Expiration\": \"never\"}')": ["Expiration"],
}


@pytest.mark.parametrize("text", PROCESSES)
def test_process_wrong(world, text):
    process(world, text)
    got = world.refused("profile default", "credential_process", *PROCESSES[text])
    assert "sesame" not in got["message"] + world.log


@pytest.mark.parametrize("line, part", [("", "empty"), ("'", "no end"), ("/no/such/program", "cannot start /no/such/program")])
def test_process_that_cannot_start(world, line, part):
    world.config(f"[default]\ncredential_process = {line}\n")
    world.refused("credential_process", part)


def test_process_that_hangs_is_ended_with_its_children(world):
    process(world, "import os, subprocess, time\np = subprocess.Popen(['sleep', '60'])\n"
            "open(os.environ['HOME'] + '/pid', 'w').write(str(p.pid))\ntime.sleep(60)\n")
    start = time.monotonic()
    world.refused("credential_process", "10 s")
    assert 9 < time.monotonic() - start < 15
    pid = int((world.folder / "pid").read_text())
    for _ in range(50):  # its new parent collects it
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                if f.read().split()[2] == "Z":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.1)
    raise AssertionError("the child still runs")


# ---- container and Pod Identity ----

def test_container_by_relative_address(world):
    s = world.service(services.container)
    world.env.update(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/v2/credentials/id?x=1", AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:1/",
                     AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic x")
    got = world.get(s.url)
    assert (got["provider"], got["access_key"], got["token"]) == ("container-role", "CONTAINERKEY", "a/token")
    assert (s.asked[0].path, s.asked[0].headers["Authorization"]) == ("/v2/credentials/id?x=1", "Basic x")


def test_pod_identity_reads_its_token_file(world):
    s = world.container()
    world.env.update(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=world.file("eks", "eks-token"), AWS_CONTAINER_AUTHORIZATION_TOKEN="other")
    assert world.get()["access_key"] == "CONTAINERKEY" and s.asked[0].headers["Authorization"] == "eks-token"


HOSTS_REFUSED = ["http://127.evil.example/", "http://169.254.170.2.evil.example/", "http://169.254.169.254/", "http://10.0.0.1/", "http://example.com/",
                 "http://user@127.0.0.1/", "https://user@example.com/", "http://127.0.0.1@evil.example/", "http://127.1/", "http://0x7f.0.0.1/", "http://2130706433/", "http://[::2]/",
                 "http://[fd00:ec2::254]/", "http://[::ffff:127.0.0.1]/", "http://localhost.evil.example/", "ftp://127.0.0.1/", "127.0.0.1",
                 "http:///", "http://127.0.0.1\\@evil.example/", "http://evil.example#@127.0.0.1/", "http://evil.example?@127.0.0.1/",
                 "http://127.0.0.1 /", "http://[::1/", "http://127.0.0.1\r\nX: y/", "http://0127.0.0.1/", "HTTP://127.0.0.1/"]


@pytest.mark.parametrize("url", HOSTS_REFUSED)
def test_container_host_refused(world, url):
    world.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url
    world.refused("AWS_CONTAINER_CREDENTIALS_FULL_URI", "loopback")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.8.7", "LOCALHOST"])
def test_container_host_taken(world, host):
    s = world.service(services.container)
    world.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://{host}:{s.port}/c"
    got = world.get()
    assert got.get("access_key") == "CONTAINERKEY" or "no answer" in got["message"]  # 127.9.8.7 is not listened to
    assert host == "127.9.8.7" or s.asked


CONTAINER_WRONG = {
    "no role": (404, "", ["404", "role"]), "token refused": (401, "", ["401", "authorization token"]),
    "error in a 200": (200, '{"code": "ClientError", "message": "no such task"}', ["ClientError", "no such task"]),
    "no token": (200, services.keys_json("K", Token=""), ["Token"]), "no expiry": (200, '{"AccessKeyId": "K", "SecretAccessKey": "s", "Token": "t"}', ["Expiration"]),
    "list": (200, "[]", ["JSON object"]), "something behind": (200, services.keys_json("K") + "x", ["JSON object"]),
    "key twice": (200, '{"AccessKeyId": "A", "AccessKeyId": "B"}', ["JSON object"]), "number": (200, services.keys_json("K", SecretAccessKey=5), ["no keys"]),
    "line break": (200, services.keys_json("K", Token="a\r\nX: y"), ["session token"]), "NUL": (200, services.keys_json("K\0L"), ["access key id"]),
    "redirect": (302, "", ["302"]), "too large": (200, " " * 70000, ["no answer"]),
}


@pytest.mark.parametrize("name", CONTAINER_WRONG)
def test_container_wrong(world, name):
    status, text, parts = CONTAINER_WRONG[name]
    world.container(lambda r: (status, text))
    world.refused(*parts)


def test_container_token_wrong(world):
    s = world.container()
    world.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "a\r\nX: y"
    world.refused("AWS_CONTAINER_AUTHORIZATION_TOKEN", "line break")
    world.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(world.folder / "gone")
    world.refused("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "No such file")
    world.file("gone", "")
    world.refused("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "empty")
    world.file("gone", "token\n")
    world.refused("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "line break")
    assert not s.asked


def test_container_that_fails_is_no_reason_for_the_instance(world):
    world.container(lambda r: (404, ""))
    imds = world.imds()
    world.refused("404")
    assert not imds.asked


def test_relative_address_wrong(world):
    for value in ("credentials", "@evil.example/", "/a b"):
        world.env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = value
        world.refused("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")


# ---- instance metadata ----

def test_instance_role(world):
    s = world.imds()
    got = world.get()
    assert (got["provider"], got["access_key"], got["source"]) == ("iam-role", "IMDSKEY", "instance role the-role")
    assert [(r.method, r.path) for r in s.asked] == [("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/iam/security-credentials/"),
                                                     ("GET", "/latest/meta-data/iam/security-credentials/the-role")]


def test_instance_role_by_the_profile(world):
    s = world.imds()
    world.config(f"[default]\nec2_metadata_service_endpoint = {s.url}/\n")
    del world.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    assert world.get()["access_key"] == "IMDSKEY"


IMDS_WRONG = {
    "version 1 only": ("api/token", (404, ""), ["version 2"]), "forbidden": ("api/token", (403, ""), ["403", "version 2"]),
    "empty token": ("api/token", (200, ""), ["token"]), "token with a line break": ("api/token", (200, "a\nb"), ["token"]),
    "no role": ("credentials/", (404, ""), ["no role"]), "role with a slash": ("credentials/", (200, "../x"), ["role name"]),
    "HTML": ("credentials/", (200, "<html>"), ["role name"]), "no keys": ("credentials/the-role", (404, ""), ["404", "the-role"]),
    "error in a 200": ("credentials/the-role", (200, '{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}'),
                       ["AssumeRoleUnauthorizedAccess", "EC2 cannot assume the role"]),
    "half an answer": ("credentials/the-role", (200, services.keys_json("K")[:-9]), ["JSON object"]),
    "down": ("api/token", (500, ""), ["500"]),
}


@pytest.mark.parametrize("name", IMDS_WRONG)
def test_instance_metadata_wrong(world, name):
    part, answer, parts = IMDS_WRONG[name]
    imds = services.Imds()
    imds.changed[part] = answer
    world.imds(imds)
    world.refused("metadata" if name != "no role" else "instance", *parts)


def test_all_sources_that_were_looked_at_are_named_in_order(world):
    """Also where only the last of them was asked over the network."""
    sources = ["environment (AWS_ACCESS_KEY_ID is not set)", "profile", "role_arn", "AWS_WEB_IDENTITY_TOKEN_FILE",
               "credentials (does not exist)", "credential_process", "config (does not exist)",
               "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "instance metadata ("]
    imds = services.Imds()
    imds.changed["credentials/"] = (404, "")
    for last in ("switched off by AWS_EC2_METADATA_DISABLED", "the instance has no role"):
        message = world.refused(*sources, last)["message"]
        places = [message.index(one) for one in [*sources, last]]
        assert places == sorted(places), message
        if "AWS_EC2_METADATA_DISABLED" in world.env:
            world.imds(imds)
    world.config("[default]\nregion = eu-central-1\n")
    world.refused("config (no keys for profile default)")


def test_instance_metadata_that_hangs(world):
    world.imds(lambda r: None)
    start = time.monotonic()
    world.refused("no answer", "hop limit")
    assert 1.9 < time.monotonic() - start < 4


def test_old_keys_of_instance_metadata_are_kept(world):
    imds = services.Imds()
    imds.changed["credentials/the-role"] = (200, services.keys_json("OLD", expires="2020-01-01T00:00:00Z"))
    world.imds(imds)
    got = world.get()
    assert got["access_key"] == "OLD" and 17 * 60 - 5 <= got["expires"] - time.time() <= 25 * 60 + 5


@pytest.mark.parametrize("change, parts", [({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "x"}, ["AWS_EC2_METADATA_SERVICE_ENDPOINT"]),
                                           ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"}, ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"])])
def test_instance_metadata_settings_wrong(world, change, parts):
    world.imds()
    world.env.update(change)
    world.refused(*parts)
