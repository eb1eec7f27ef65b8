"""Region and address: the rules of the SDKs, AWS's own rule set as botocore ships it, and what is refused."""
import json
import subprocess

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import create_loader

from aws import driver, services

REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-4", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "us-iso-east-1",
           "us-isob-east-1", "xx-nowhere-9"]


def lines(mode, words, rows):
    p = subprocess.run([driver.path("creds_driver"), mode, *words], input="".join(f"{r}\n" for r in rows), capture_output=True, text=True,
                       timeout=30)
    assert p.returncode == 0, p.stderr
    return [json.loads(line) for line in p.stdout.splitlines()]


def rules(service):
    loader = create_loader()
    return EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), loader.load_data("partitions"))


@pytest.mark.parametrize("service", ["dynamodb", "sts"])
def test_addresses_as_in_the_rule_set(service):
    provider, different = rules(service), []
    asked = [(r, f, d) for r in REGIONS for f in (0, 1) for d in (0, 1)]
    for (region, fips, dual), got in zip(asked, lines("compute", [service], [f"{r} {f} {d}" for r, f, d in asked])):
        parameters = {"Region": region, "UseFIPS": bool(fips), "UseDualStack": bool(dual)}
        if service == "sts":
            parameters["UseGlobalEndpoint"] = False
        try:
            want = provider.resolve_endpoint(**parameters).url + "/"
        except Exception:  # it refuses
            want = None
        if got.get("url") != want and (region, fips) not in NEWER:
            different.append((region, fips, dual, want, got))
    print(f"{service}: {len(asked)} addresses, {len(different)} differences")
    assert not different, different


NEWER = set()


def test_partitions_the_old_rule_set_does_not_know():
    got = lines("compute", ["dynamodb"], ["eusc-de-east-1 0 0", "eusc-de-east-1 0 1", "eu-isoe-west-1 0 0", "us-isof-south-1 1 0"])
    assert [g["url"] for g in got] == ["https://dynamodb.eusc-de-east-1.amazonaws.eu/", "https://dynamodb.eusc-de-east-1.api.amazonwebservices.eu/",
                                       "https://dynamodb.eu-isoe-west-1.cloud.adc-e.uk/", "https://dynamodb-fips.us-isof-south-1.csp.hci.ic.gov/"]


def test_local():
    dynamodb, = lines("compute", ["dynamodb"], ["local 0 0"])
    assert (dynamodb["url"], dynamodb["region"], dynamodb["sign_region"]) == ("http://localhost:8000/", "local", "us-east-1")
    assert "STS" in lines("compute", ["sts"], ["local 0 0"])[0]["message"]


@pytest.mark.parametrize("region", ["", "EU", "eu.central", "eu/1", "a@b", "-a", "a-", "r" * 64, "eu central", "é", "a:1", "a#"])
def test_region_that_is_none(region, world):
    assert lines("compute", ["dynamodb"], [f"{region.replace(' ', '_')} 0 0"])[0]["error"] == "INVALID"
    if region:
        world.env["AWS_REGION"] = region
        assert "AWS_REGION" in world.run("endpoint", "dynamodb")["message"]


def ask(world, service="dynamodb"):
    return world.run("endpoint", service)


ORDER = [  # added one after another, weakest first: environment, config file, region, where from
    ({}, "[default]\nregion = ap-south-1\n", "ap-south-1", "region of the profile"),
    ({"AWS_DEFAULT_REGION": "us-west-1"}, None, "us-west-1", "AWS_DEFAULT_REGION"),
    ({"AWS_REGION": "us-west-2"}, None, "us-west-2", "AWS_REGION"),
]


def test_order_of_regions(world):
    del world.env["AWS_REGION"], world.env["AWS_DEFAULT_REGION"]
    for env, config, region, where in ORDER:
        world.env.update(env)
        if config:
            world.config(config)
        got = ask(world)
        assert (got["region"], got["sign_region"], got["region_from"], got["url"]) == (region, region, where, f"https://dynamodb.{region}.amazonaws.com/")


def test_region_of_the_instance(world):
    del world.env["AWS_REGION"], world.env["AWS_DEFAULT_REGION"]
    assert "AWS_REGION" in ask(world)["message"]
    imds = services.Imds()
    world.imds(imds)
    got = ask(world)
    assert (got["region"], got["region_from"], got["host"]) == ("eu-west-3", "instance metadata", "dynamodb.eu-west-3.amazonaws.com")
    for answer in ((404, ""), (200, ""), (200, "<html>"), (200, "a/b"), None):
        imds.changed["placement"] = answer
        got = ask(world)
        assert got["error"] == "INVALID" and "AWS_REGION" in got["message"], got


ADDRESSES = [  # weakest first
    ({}, "[default]\nendpoint_url = http://profile:1\n", "http://profile:1/", "endpoint_url of the profile"),
    ({}, "[default]\nendpoint_url = http://profile:1\nservices = s\n[services s]\nsts =\n  endpoint_url = http://other:2\n"
     "dynamodb =\n  endpoint_url = http://service:2\n", "http://service:2/", "endpoint_url of the profile's services"),
    ({"AWS_ENDPOINT_URL": "http://all:3"}, None, "http://all:3/", "AWS_ENDPOINT_URL"),
    ({"AWS_ENDPOINT_URL_DYNAMODB": "https://one:4/"}, None, "https://one:4/", "AWS_ENDPOINT_URL_DYNAMODB"),
    ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, None, "https://dynamodb.eu-central-1.amazonaws.com/", "the region"),
]


def test_order_of_addresses(world):
    for env, config, url, where in ADDRESSES:
        world.env.update(env)
        if config:
            world.config(config)
        got = ask(world)
        assert (got["url"], got["url_from"], got["sign_region"]) == (url, where, "eu-central-1")
    world.env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false"
    assert ask(world)["url"] == "https://one:4/"
    assert ask(world, "sts")["url"] == "http://all:3/"
    world.env["AWS_ENDPOINT_URL_STS"] = "http://sts:5"
    assert ask(world, "sts")["url"] == "http://sts:5/"


@pytest.mark.parametrize("url, host", [("http://localhost:8000", "localhost:8000"), ("http://h:80/", "h"), ("https://h:443", "h"), ("https://h:80", "h:80"),
                                       ("http://[::1]:8000", "[::1]:8000"), ("http://[::1]", "[::1]"), ("https://a-b.c_d.e", "a-b.c_d.e")])
def test_address_taken(world, url, host):
    world.env["AWS_ENDPOINT_URL_DYNAMODB"] = url
    got = ask(world)
    assert (got["host"], got["url"]) == (host, f"{url.partition(':')[0]}://{host}/")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://h", "http://", "http://h/path", "http://h?x", "http://h#x", "http://u:p@h", "http://h:0",
                                 "http://h:65536", "http://h:", "http://h:8x", "http://h h", "http://[::1", "http://[::1]x", "http://[h]",
                                 "http://[::1]:", "http://h\r\nX: y", "HTTP://h", "http://" + "h" * 300])
def test_address_refused(world, url):
    world.env["AWS_ENDPOINT_URL_DYNAMODB"] = url
    got = ask(world)
    assert got["error"] == "INVALID" and "AWS_ENDPOINT_URL_DYNAMODB" in got["message"]


@pytest.mark.parametrize("flag", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_fips_and_dual_stack(world, flag):
    world.env[flag] = "TRUE"
    want = {"AWS_USE_FIPS_ENDPOINT": "dynamodb-fips.eu-central-1.amazonaws.com", "AWS_USE_DUALSTACK_ENDPOINT": "dynamodb.eu-central-1.api.aws"}[flag]
    assert ask(world)["host"] == want
    del world.env[flag]
    world.config(f"[default]\n{flag[4:].lower()} = true\n")
    assert ask(world)["host"] == want
    world.env["AWS_ENDPOINT_URL"] = "http://h"
    got = ask(world)
    assert flag in got["message"] and "AWS_ENDPOINT_URL" in got["message"]
    world.env[flag] = "yes"
    assert "true or false" in ask(world)["message"]


def test_broken_config_file(world):
    world.config("nonsense\n")
    assert ".aws/config, line 1" in ask(world)["message"]
