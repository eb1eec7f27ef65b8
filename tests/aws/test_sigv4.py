"""The signer against AWS's own suite, against botocore on random requests, and on what must not be signed."""
import calendar
import datetime
import json
import random
import subprocess
import time
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aws import driver, npm

TIME = calendar.timegm((2015, 8, 30, 12, 36, 0))
RANDOM_REQUESTS = 1000


def sign(jobs):
    text = "".join(json.dumps(j) + "\n" for j in jobs)
    p = subprocess.run([driver.path("sigv4_driver")], input=text.encode(), capture_output=True, timeout=60)
    assert p.returncode == 0, p.stderr.decode()
    answers = [json.loads(line) for line in p.stdout.decode().splitlines()]
    assert len(answers) == len(jobs)
    return answers


def suite():
    """The suite as shipped: a JavaScript module, turned to JSON by node."""
    module = npm.package("@smithy/signature-v4", "2.0.0") / "dist-cjs/suite.fixture.js"
    p = subprocess.run(["node", "-e", f"console.log(JSON.stringify(require({json.dumps(str(module))})))"],
                       capture_output=True, check=True, timeout=60)
    return json.loads(p.stdout)


def test_suite_of_aws():
    fixture = suite()
    jobs = []
    for case in fixture["requests"]:
        r = case["request"]
        query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in r["query"].items())
        jobs.append({"kind": "request", "method": r["method"], "path": r["path"], "query": query, "body": r.get("body", ""),
                     "headers": list(r["headers"].items()), "time": TIME, "region": fixture["region"],
                     "service": fixture["service"], "access_key": fixture["credentials"]["accessKeyId"],
                     "secret_key": fixture["credentials"]["secretAccessKey"]})
    wrong = [c["name"] for c, a in zip(fixture["requests"], sign(jobs)) if a.get("authorization") != c["authorization"]]
    print(f"{len(jobs) - len(wrong)} of {len(jobs)} cases of the suite")
    assert not wrong and len(jobs) == 24


class Boto(SigV4Auth):
    """botocore's signer with a time of our own."""
    def __init__(self, job):
        self.job = job
        super().__init__(Credentials(job["access_key"], job["secret_key"], job.get("token")), job["service"], job["region"])

    def sign(self):
        j = self.job
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(j["time"]))
        url = f"https://{j['host']}{j['path']}" + (f"?{j['query']}" if j["query"] else "")
        r = AWSRequest(method=j["method"], url=url, data=j["body"].encode())
        for name, value in j["headers"]:
            r.headers.add_header(name, value)
        if j.get("token"):
            r.headers["X-Amz-Security-Token"] = j["token"]
        r.headers["X-Amz-Date"] = stamp
        r.context["timestamp"] = stamp
        canonical = self.canonical_request(r)
        self._inject_signature_to_request(r, self.signature(self.string_to_sign(r, canonical), r))
        return canonical, r.headers["Authorization"], list(r.headers.items())


def words(rng, alphabet, low, high):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(low, high)))


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
TEXT = LETTERS + " -_.~!*'();:@&=+$,/[]%\"<>\\^`{|}äé€漢😀"


def random_keys(rng):
    job = {"access_key": words(rng, LETTERS + "_", 1, 40), "secret_key": words(rng, LETTERS + "/+=", 1, 64),
           "time": rng.randint(0, 4102444800), "region": words(rng, "abcxyz019-", 1, 20),
           "service": rng.choice(["dynamodb", "sts", "service", "a-b"])}
    if rng.random() < 0.5:
        job["token"] = words(rng, LETTERS + "/+=", 1, 1500)
    return job


def random_path(rng):
    parts = [rng.choice(["", ".", "..", "...", "a%20b", quote(words(rng, TEXT, 0, 9), safe="~")]) for _ in range(rng.randint(0, 6))]
    return "/" + "/".join(parts)


def random_request(rng):
    job = random_keys(rng)
    pairs = [(quote(words(rng, TEXT, 0, 6), safe="-_.~"), quote(words(rng, TEXT, 0, 6), safe="-_.~")) for _ in range(rng.randint(0, 8))]
    names = [words(rng, LETTERS + "-_", 1, 12).strip("-_") or "x" for _ in range(rng.randint(0, 8))]
    names += [rng.choice(names).upper() for _ in range(rng.randint(0, 2)) if names]
    headers = [[n, words(rng, LETTERS + "   ,;=\"", 0, 30)] for n in names if n.lower() not in ("host", "expect", "date")]
    job.update(kind="request", method=rng.choice(["GET", "POST", "PUT", "DELETE", "HEAD"]), path=random_path(rng),
               query="&".join(k if rng.random() < 0.1 else f"{k}={v}" for k, v in pairs),
               host=words(rng, "abc.123", 1, 30).strip(".") or "h", body=words(rng, TEXT + "\n", 0, 900))
    job["headers"] = headers + [["Host", job["host"]]]
    return job


def test_random_requests_as_botocore():
    rng = random.Random(20240229)
    jobs = [random_request(rng) for _ in range(RANDOM_REQUESTS)]
    want = [Boto(j).sign() for j in jobs]
    sent = [{**j, "headers": [h for h in w[2] if h[0] != "Authorization"]} for j, w in zip(jobs, want)]
    different = [(j, w[0], a) for j, w, a in zip(jobs, want, sign(sent)) if (w[0], w[1]) != (a.get("canonical"), a.get("authorization"))]
    print(f"{len(jobs)} random requests, {len(different)} differences")
    assert not different, different[0]


def random_call(rng):
    job = random_keys(rng)
    job.update(kind="call", host=rng.choice(["dynamodb.eu-central-1.amazonaws.com", "localhost:8000", "[::1]:4566"]),
               content_type="application/x-amz-json-1.0", target=rng.choice(["", "DynamoDB_20120810." + words(rng, LETTERS, 3, 20)]),
               body=words(rng, TEXT, 0, 2000))
    return job


def test_random_calls_as_botocore():
    """The program's signer, with and without a target; several calls share region, day and secret, so the cached key is used and replaced."""
    rng = random.Random(7)
    jobs, last = [], None
    for _ in range(RANDOM_REQUESTS):
        job = random_call(rng)
        if last and rng.random() < 0.7:
            job.update({k: last[k] for k in ("time", "region", "service", "secret_key")})
            part = rng.choice(["none", "time", "region", "service", "secret_key"])
            job.update({"time": {"time": last["time"] + 86400}, "region": {"region": last["region"][:-1] + "q"},
                        "service": {"service": "other"}, "secret_key": {"secret_key": last["secret_key"][:-1] + "#"}}.get(part, {}))
        jobs.append(job)
        last = job
    different = []
    for job, answer in zip(jobs, sign(jobs)):
        headers = [["Content-Type", job["content_type"]], ["Host", job["host"]]]
        headers += [["X-Amz-Target", job["target"]]] if job["target"] else []
        _, want, _ = Boto({**job, "method": "POST", "path": "/", "query": "", "headers": headers}).sign()
        stamp = datetime.datetime.utcfromtimestamp(job["time"]).strftime("X-Amz-Date: %Y%m%dT%H%M%SZ")
        if (answer.get("authorization"), answer.get("date")) != (f"Authorization: {want}", stamp):
            different.append((job, want, answer))
    print(f"{len(jobs)} random calls, {len(different)} differences")
    assert not different, different[0]


GOOD = {"access_key": "AKID", "secret_key": "s", "time": TIME, "region": "eu-central-1", "service": "dynamodb", "host": "h"}
CALL = {**GOOD, "kind": "call", "content_type": "application/x-amz-json-1.0", "target": "T.Op", "body": "{}"}
REQUEST = {**GOOD, "kind": "request", "method": "GET", "path": "/", "query": "", "body": "", "headers": [["Host", "h"]]}
BAD = {
    "access_key": ["", "A\r\nX: y", "A B", "A/B", "A,B", "A" * 129], "secret_key": ["", "a\nb", "a\rb", "s" * 257],
    "token": ["a\r\nX: y", "a\nb"], "region": ["", "EU", "eu.central", "eu/1", "a\n", "r" * 64, "eu_1"],
    "service": ["", "dynamodb\n", "s" * 64], "time": [-1, 253402300800],
}
BAD_CALL = {"host": ["", "h\r\nX: y", " h", "h ", "a  b"], "content_type": ["", "a\nb"], "target": ["a\nb", "ä"]}
BAD_REQUEST = {"method": ["", "GET\n", "G T"], "path": ["", "x", "/a\nb"], "query": ["a\r\nb", "&" * 64],
               "headers": [[], [["Host", "h\r\nX: y"]], [["", "v"]], [["a b", "v"]], [["Host", "h"]] * 65]}


def test_what_cannot_be_signed():
    jobs = [{**CALL, k: v} for k, values in {**BAD, **BAD_CALL}.items() for v in values]
    jobs += [{**REQUEST, k: v} for k, values in {**BAD, **BAD_REQUEST}.items() for v in values]
    assert all("authorization" in a for a in sign([CALL, {**CALL, "target": ""}, REQUEST]))
    for job, answer in zip(jobs, sign(jobs)):
        assert answer.get("error") == "INVALID" and answer["message"], (job, answer)


def test_secret_never_in_a_message():
    for answer in sign([{**CALL, "secret_key": "sesame\n"}, {**CALL, "token": "sesame\n"}, {**REQUEST, "secret_key": "sesame\r"}]):
        assert "sesame" not in json.dumps(answer)
