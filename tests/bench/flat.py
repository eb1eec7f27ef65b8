"""Whether a link costs the same however many customers there are: processor time and latency of a linked webhook and of a
login at 100, 10,000 and 1,000,000 customers on DynamoDB Local, beside a scan for the code, as the cloud functions that
came before did it.
    cd tests && python3 -m bench.flat [--write] [CUSTOMERS...]"""
import argparse
import base64
import concurrent.futures
import contextlib
import dataclasses
import hashlib
import http.client
import importlib
import json
import pathlib
import random
import secrets
import statistics
import sys
import tempfile
import threading
import time

import botocore.exceptions

import figures as readme
from bench import load, servers
from dynamodb.servers import ENVIRONMENT
from dynamodb.servers import Server as Database
from dynamodb.table import Table
from harness import canary
from harness.phone import Phone
from harness.service import Service
from simulator import events

HERE = pathlib.Path(__file__).parent
SIZES = (100, 10_000, 1_000_000)
LINKS = 100  # measured at each size
SCANS = {100: 20, 10_000: 8}  # else SCANS_MORE
SCANS_MORE = 2
SCAN_S = 60  # a scan that takes longer is given up
WRITERS, BATCH = 6, 25
TRIES = 20
CHEAP_HASH = (64, 1)  # KiB, passes: the hash must not hide the rest of a login


@dataclasses.dataclass
class Cost:
    """Of one request: processor time of the process that does it, latency (medians; of scans the means), read units where counted."""
    cpu_us: float
    ms: float
    units: float = 0
    over: bool = False  # given up: it takes more than that


def name(i):
    return f"c-{i:08d}"


def mail(i):
    return f"{name(i)}@example.com"


# --- many customers

def index(attribute, projection):
    return {"IndexName": f"{attribute}-index", "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}], "Projection": projection}


def create(table):
    """As create-table makes it but without the sort key: DynamoDB Local reads the whole table for a Query on an index whose key
    is the table's sort key (12 µs an item); DynamoDB does not."""
    table.client.create_table(
        TableName=table.name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "customer_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("customer_id", "email", "fb_psid")],
        GlobalSecondaryIndexes=[index("email", {"ProjectionType": "ALL"}), index("fb_psid", {"ProjectionType": "KEYS_ONLY"})])


def item(i, hashed):
    return {"PutRequest": {"Item": {"customer_id": {"S": name(i)}, "email": {"S": mail(i)}, "password": {"S": hashed},
                                    "name": {"S": f"Customer number {i}"}, "address": {"S": f"{i} Long Street, Old Town"}}}}


class Writer(threading.local):
    """A connection for each thread; the calls are not signed, which DynamoDB Local does not mind."""
    link = None
    headers = {"X-Amz-Target": "DynamoDB_20120810.BatchWriteItem", "Content-Type": "application/x-amz-json-1.0",
               "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDTEST/20260101/eu-central-1/dynamodb/aws4_request,"
                                " SignedHeaders=host, Signature=" + "0" * 64, "X-Amz-Date": "20260101T000000Z"}

    def put(self, table, hashed, first, last):
        self.link = self.link or http.client.HTTPConnection("127.0.0.1", int(table.url.rsplit(":", 1)[1]), timeout=60)
        wanted = {table.name: [item(i, hashed) for i in range(first, last)]}
        while wanted:
            self.link.request("POST", "/", json.dumps({"RequestItems": wanted}), self.headers)
            answer = self.link.getresponse()
            raw = answer.read()
            assert answer.status == 200, raw
            wanted = json.loads(raw)["UnprocessedItems"]


def fill(table, have, want, hashed):
    """-> seconds"""
    began, writer = time.monotonic(), Writer()
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda at: writer.put(table, hashed, at, min(at + BATCH, want)), range(have, want, BATCH)))
    return time.monotonic() - began


# --- what is measured

def timed(pid, calls):
    """-> Cost of each call, a function that gives its answer; they run one after another.  Where DynamoDB Local took so long
    that the answer is 503 it is asked again: that one's time does not count."""
    cpu, each = [], []
    for call in calls:
        for _ in range(TRIES):
            spent, began = servers.cpu_s(pid), time.perf_counter()
            answer = call()
            if answer.status != 503:
                break
        assert answer.status == 200, answer
        cpu.append((servers.cpu_s(pid) - spent) * 1e6)
        each.append((time.perf_counter() - began) * 1000)
    return Cost(statistics.median(cpu), statistics.median(each))


def settled(call):
    for _ in range(TRIES):
        answer = call()
        if answer.status != 503:
            return answer
    raise AssertionError(answer)


class Person:
    def __init__(self, service, i):
        self.phone, self.i = Phone(service, events.new_psid()), i

    def open(self):
        assert self.phone.open().status == 200

    def login(self):
        return self.phone.login(mail(self.i), load.PASSWORD)

    def connect(self):
        consent = self.phone.last

        def press():
            self.phone.last = consent
            return self.phone.connect()
        assert settled(press).status == 303

    def tell(self):
        return self.phone.tell(events.linked(self.phone.psid, self.phone.code))


def ours(service, table, customers, n):
    """-> cost of a login, of a linked webhook.  Each is another customer, anywhere in the table."""
    people = [Person(service, i) for i in random.sample(range(customers), min(n, customers))]
    pid = service.process.pid
    for one in people:
        one.open()
    logins = timed(pid, [one.login for one in people])
    for one in people:
        one.connect()
    links = timed(pid, [one.tell for one in people])
    for one in people:
        assert table.customer(name(one.i))["fb_psid"] == one.phone.psid
    return logins, links


def scan(table, code):
    """The customer with a code, as a scan with a filter finds it; -> key or None when it takes too long, read units.  (The
    functions read only the first page, and so lost everybody beyond it.)"""
    more, units, until = {}, 0, time.monotonic() + SCAN_S
    while True:
        try:
            page = table.client.scan(TableName=table.name, FilterExpression="authorization_code = :c", ReturnConsumedCapacity="TOTAL",
                                     ExpressionAttributeValues={":c": {"S": code}}, **more)
        except botocore.exceptions.ReadTimeoutError:  # one page
            return None, units
        if time.monotonic() > until:
            return None, units
        units += page["ConsumedCapacity"]["CapacityUnits"]
        if page["Items"] or "LastEvaluatedKey" not in page:
            return page["Items"][0], units
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def link(table, key):
    table.client.update_item(TableName=table.name, Key=key, UpdateExpression="SET fb_psid = :p",
                             ExpressionAttributeValues={":p": {"S": events.new_psid()}})
    table.client.update_item(TableName=table.name, Key=key, UpdateExpression="REMOVE authorization_code")


def scanned(table, customers, n):
    """Mean cost of a link the old way: scan, set the profile, remove the code.  It depends on where in the table the customer is."""
    costs = []
    for i in random.sample(range(customers), n):
        code = base64.urlsafe_b64encode(hashlib.sha256(secrets.token_bytes(16)).digest()).decode()
        key = {"customer_id": {"S": name(i)}}
        table.client.update_item(TableName=table.name, Key=key, UpdateExpression="SET authorization_code = :c",
                                 ExpressionAttributeValues={":c": {"S": code}})
        began, spent = time.perf_counter(), time.process_time()
        found, units = scan(table, code)
        if found is not None:
            link(table, {k: found[k] for k in key})
        costs.append(Cost((time.process_time() - spent) * 1e6, (time.perf_counter() - began) * 1000, units, found is None))
        if found is None:
            break
    return Cost(*(statistics.mean(getattr(c, name) for c in costs) for name in ("cpu_us", "ms", "units")), any(c.over for c in costs))


@dataclasses.dataclass
class Point:
    customers: int
    fill_s: float
    login: Cost
    link: Cost
    scan: Cost


@contextlib.contextmanager
def stage():
    """-> service with one worker, its table on DynamoDB Local."""
    database = Database("local", long=True)
    try:
        table_name = "t-" + secrets.token_hex(6)
        store = {**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": database.url, "LINKD_STORE": f"dynamodb:{table_name}"}
        table = Table(database.url, table_name)
        create(table)
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            service = Service(home, **store, LINKD_WORKERS="1").start()
            try:
                yield service, table
            finally:
                service.stop()
    finally:
        database.stop()


def points(sizes, links=LINKS, say=print):
    canary.secret(load.PASSWORD, "password")
    made, have = [], 0
    hashed = load.argon2_hash(*CHEAP_HASH)
    with stage() as (service, table):
        for size in sizes:
            say(f"filling {size - have:,} customers")
            seconds = fill(table, have, size, hashed)
            if not made:
                ours(service, table, size, links)  # Java compiles what is called often
            login, link = ours(service, table, size, links)
            made.append(Point(size, seconds, login, link, scanned(table, size, SCANS.get(size, SCANS_MORE))))
            say(f"{size:,} customers, {size - have:,} filled in {seconds:.0f} s:")
            say("\n".join(lines(made)))
            have = size
    return made


# --- figures

def lines(made):
    rows = ["| customers | linked: CPU µs | ms | login: CPU µs | ms | scan: CPU ms | ms | read units |", "|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for p in made:
        over = "over " if p.scan.over else ""
        rows.append(f"| {p.customers:,} | {p.link.cpu_us:.0f} | {p.link.ms:.1f} | {p.login.cpu_us:.0f} | {p.login.ms:.1f} |"
                    f" {over}{p.scan.cpu_us / 1000:.1f} | {over}{p.scan.ms:,.0f} | {over}{p.scan.units:,.0f} |")
    return rows


def draw(made, path):
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    matplotlib.rcParams.update({"svg.hashsalt": "flat", "font.size": 9})
    picture, both = plt.subplots(1, 2, figsize=(9, 3.6))
    sizes = [p.customers for p in made]
    for kind, title, color in (("link", "linked webhook", "#1b6ca8"), ("login", "login", "#7fb2d6"), ("scan", "linked by a scan", "#b0483a")):
        costs = [getattr(p, kind) for p in made]
        both[0].loglog(sizes, [c.ms for c in costs], "o-", color=color, label=title)
        both[1].loglog(sizes, [c.cpu_us / 1000 for c in costs], "o-", color=color, label=title)
    for axes, what in zip(both, ("latency on DynamoDB Local, ms", "CPU time of the program that links, ms")):
        axes.set_xlabel("customers in the table")
        axes.set_title(what, fontsize=9)
        axes.grid(True, alpha=0.3)
    both[0].legend(frameon=False)
    picture.tight_layout()
    picture.savefig(path, metadata={"Date": None})
    plt.close(picture)


def main():
    p = argparse.ArgumentParser(prog="python3 -m bench.flat", description=__doc__)
    p.add_argument("sizes", nargs="*", type=int)
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    if a.write:
        importlib.import_module("matplotlib")  # or fail before the long work
    made = points(a.sizes or SIZES, say=lambda text: print(text, flush=True))
    if a.write:
        draw(made, HERE / "flat.svg")
        filled = ", ".join(f"{p.customers:,} in {p.fill_s:.0f} s" for p in made)
        readme.write(HERE / "README.md", "flat", [*lines(made), "", f"Filled by BatchWriteItem over {WRITERS} connections: {filled}."])


if __name__ == "__main__":
    sys.exit(main())
