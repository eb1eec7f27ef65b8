"""Where credentials come from: the same choice as botocore."""
import itertools
import sys

from aws import boto, services
from conftest import FULL
from aws.world import World

PARTS = {  # what a part of the world adds: environment, config file, credentials file
    "env": ({"AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "s"}, "", ""),
    "role": ({}, "[default]\nrole_arn = arn:aws:iam::123456789012:role/outer\nsource_profile = base\n"
             "[profile base]\naws_access_key_id = BASEKEY\naws_secret_access_key = s\n", ""),
    "web": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "TOKENFILE", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web"}, "", ""),
    "shared": ({}, "", "[default]\naws_access_key_id = SHAREDKEY\naws_secret_access_key = s\naws_session_token = t\n"),
    "process": ({}, "[default]\ncredential_process = PROCESS\n", ""),
    "config": ({}, "[default]\naws_access_key_id = CONFIGKEY\naws_secret_access_key = s\n", ""),
    "container": ({}, "", ""),
    "imds": ({}, "", ""),
}


def merge_ini(texts):
    """One section of each name."""
    sections = {}
    for line in "".join(texts).splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line, [])
        elif line not in lines:
            lines.append(line)
    return "".join(f"{name}\n" + "".join(f"{text}\n" for text in lines) for name, lines in sections.items())


def build(world, parts, sts, container, imds):
    world.env["AWS_ENDPOINT_URL_STS"] = sts.url
    token = world.file("token", "web-token")
    script = world.file("process.py", "import json\nprint(json.dumps({'Version': 1, 'AccessKeyId': 'PROCESSKEY', 'SecretAccessKey': 's'}))\n")
    for part in parts:
        world.env.update(PARTS[part][0])
    if "web" in parts:
        world.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = token
    if "container" in parts:
        world.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url + "/creds"
    if "imds" in parts:
        world.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = imds.url
        del world.env["AWS_EC2_METADATA_DISABLED"]
    world.config(merge_ini(PARTS[p][1] for p in parts).replace("PROCESS\n", f"{sys.executable} -S {script}\n"))
    world.credentials(merge_ini(PARTS[p][2] for p in parts))


MOST = len(PARTS) if FULL else 2  # two at once tell which one goes first
COMBINATIONS = [c for n in range(MOST + 1) for c in itertools.combinations(PARTS, n)]


def test_same_choice_as_botocore_in_every_combination(tmp_path):
    different = []
    there = [services.Service(a) for a in (services.sts, services.container, services.Imds())]
    with boto.Reference() as reference:
        for i, parts in enumerate(COMBINATIONS):
            folder = tmp_path / str(i)
            folder.mkdir()
            world = World(folder)
            build(world, parts, *there)
            want, got = reference.ask(world.env), world.get()
            if (want.get("provider"), want.get("access_key")) != (got.get("provider"), got.get("access_key")):
                different.append((parts, want, got))
    for s in there:
        s.close()
    print(f"{len(COMBINATIONS)} combinations of {len(PARTS)} sources, {len(different)} differences")
    assert not different, different[:5]


ROLE = "role_arn = arn:aws:iam::123456789012:role"
KEYS = "aws_access_key_id = {}\naws_secret_access_key = s\n"
CASES = {  # name: (environment, config, credentials); what botocore chooses, or that it refuses, is what we do
    "profile by name": ({"AWS_PROFILE": "p"}, "[profile p]\n" + KEYS.format("P"), ""),
    "profile by the old name wins": ({"AWS_PROFILE": "p", "AWS_DEFAULT_PROFILE": "q"}, "[profile p]\n" + KEYS.format("P") + "[profile q]\n" + KEYS.format("Q"), ""),
    "profile in quotes": ({"AWS_PROFILE": "my p"}, "[profile 'my p']\n" + KEYS.format("P"), ""),
    "profile only in credentials": ({"AWS_PROFILE": "p"}, "", "[p]\n" + KEYS.format("P")),
    "profile in both": ({"AWS_PROFILE": "p"}, "[profile p]\n" + KEYS.format("C"), "[p]\n" + KEYS.format("K")),
    "profile missing": ({"AWS_PROFILE": "p"}, "", "[q]\n" + KEYS.format("Q")),
    "profile without the word in config": ({"AWS_PROFILE": "p"}, "[p]\n" + KEYS.format("P"), ""),
    "keys and a profile": ({"AWS_PROFILE": "p", "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "s"}, "[profile p]\n" + KEYS.format("P"), ""),
    "keys and a profile that is missing": ({"AWS_PROFILE": "p", "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "s"}, "", "[q]\n" + KEYS.format("Q")),
    "empty key variable": ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "", "[default]\n" + KEYS.format("K")),
    "secret alone": ({"AWS_SECRET_ACCESS_KEY": "s"}, "", "[default]\n" + KEYS.format("K")),
    "key alone": ({"AWS_ACCESS_KEY_ID": "E"}, "", "[default]\n" + KEYS.format("K")),
    "key alone in credentials": ({}, "[default]\n" + KEYS.format("C"), "[default]\naws_access_key_id = K\n"),
    "token by its old name": ({"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SECURITY_TOKEN": "old", "AWS_SESSION_TOKEN": "new"}, "", ""),
    "colon, comment, case, space": ({}, "", "# c\n[default]\n ; c\nAWS_Access_Key_ID : K\naws_secret_access_key=a=b:c#d\n"),
    "indented first key": ({}, "", "[default]\n  aws_access_key_id = K\n  aws_secret_access_key = s\n"),
    "nested block": ({}, "[default]\ns3 =\n  a = b\n" + KEYS.format("C"), ""),
    "nested block that is none": ({}, "[default]\ns3 =\n  nothing\n" + KEYS.format("C"), ""),
    "no section": ({}, "", "aws_access_key_id = K\n"),
    "no value": ({}, "", "[default]\naws_access_key_id\n"),
    "section twice": ({}, "", "[default]\n" + KEYS.format("K") + "[default]\n"),
    "key twice": ({}, "", "[default]\naws_access_key_id = A\naws_access_key_id = B\naws_secret_access_key = s\n"),
    "broken config beside good keys": ({"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "s"}, "nonsense\n", ""),
    "role": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\n" + KEYS.format("B"), ""),
    "role, source in credentials": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n", "[b]\n" + KEYS.format("B")),
    "role of itself with keys": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = a\n" + KEYS.format("A"), ""),
    "role of itself without keys": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = a\n", ""),
    "role in a circle": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\n{ROLE}/b\nsource_profile = a\n", ""),
    "role in a circle behind": ({"AWS_PROFILE": "a"}, "".join(f"[profile {p}]\n{ROLE}/{p}\nsource_profile = {q}\n" for p, q in ("ab", "bc", "cb")), ""),
    "roles in a chain": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\n{ROLE}/b\nsource_profile = c\n[profile c]\n" + KEYS.format("C"), ""),
    "chain that stops at keys": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\n{ROLE}/b\nsource_profile = c\n" + KEYS.format("B"), ""),
    "source does not exist": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n", ""),
    "source without keys": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\nregion = x\n", ""),
    "source is not the environment": ({"AWS_PROFILE": "a", "AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\nregion = x\n", ""),
    "role without source": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\n", ""),
    "role with both sources": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = a\ncredential_source = Environment\n" + KEYS.format("A"), ""),
    "role by the environment": ({"AWS_PROFILE": "a", "AWS_ACCESS_KEY_ID": "", "X": "1"}, f"[profile a]\n{ROLE}/a\ncredential_source = Environment\n", ""),
    "role by a wrong source": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\ncredential_source = environment\n", ""),
    "role by the instance": ({"AWS_PROFILE": "a", "IMDS": "1"}, f"[profile a]\n{ROLE}/a\ncredential_source = Ec2InstanceMetadata\n", ""),
    "role by the container": ({"AWS_PROFILE": "a", "CONTAINER": "1"}, f"[profile a]\n{ROLE}/a\ncredential_source = EcsContainer\n", ""),
    "role by no container": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\ncredential_source = EcsContainer\n", ""),
    "web identity in the profile": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nweb_identity_token_file = TOKEN\n", ""),
    "web identity mixed": ({"AWS_PROFILE": "a", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env"}, f"[profile a]\n{ROLE}/a\nweb_identity_token_file = TOKEN\n", ""),
    "web identity as the source": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\n{ROLE}/b\nweb_identity_token_file = TOKEN\n", ""),
    "web identity without a role": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN"}, "", "[default]\n" + KEYS.format("K")),
    "process as the source": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}/a\nsource_profile = b\n[profile b]\ncredential_process = PROCESS\n", ""),
    "process in credentials": ({}, "", "[default]\ncredential_process = PROCESS\n"),
    "keys in config before the container": ({"CONTAINER": "1"}, "[default]\n" + KEYS.format("C"), ""),
    "metadata switched off": ({"IMDS": "1", "AWS_EC2_METADATA_DISABLED": "TRUE"}, "", ""),
    "nothing": ({}, "", ""),
}


def case_world(folder, env, config, credentials):
    world = World(folder)
    world.sts()
    script = world.file("p.py", "import json\nprint(json.dumps({'Version': 1, 'AccessKeyId': 'PROC', 'SecretAccessKey': 's', 'SessionToken': 't'}))\n")
    fill = {"TOKEN": world.file("token", "web-token"), "PROCESS": f"{sys.executable} -S '{script}'"}
    if env.get("IMDS"):
        world.imds()
    if env.get("CONTAINER"):
        world.container()
    world.env.update({k: fill.get(v, v) for k, v in env.items()})
    for text, write in ((config, world.config), (credentials, world.credentials)):
        for word, value in fill.items():
            text = text.replace(word, value)
        write(text)
    return world


def test_same_choice_as_botocore_in_single_cases(tmp_path):
    different, keys = [], ("provider", "access_key", "secret_key", "token")
    with boto.Reference() as reference:
        for i, (name, case) in enumerate(CASES.items()):
            folder = tmp_path / str(i)
            folder.mkdir()
            world = case_world(folder, *case)
            want, got = reference.ask(world.env), world.get()
            if [want.get(k) for k in keys] != [got.get(k) for k in keys] or ("error" in got) != (not want.get("access_key")):
                different.append((name, want, got))
            world.close()
    print(f"{len(CASES)} cases, {len(different)} differences")
    assert not different, different
