"""A proxy in front of a DynamoDB stand-in: recomputes every signature with botocore, counts operations and consumed
capacity, and does what a network and a large service do: throttle, fail, lose answers, lag."""
import calendar
import collections
import email.utils
import http.client
import json
import random
import socket
import struct
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .servers import ENVIRONMENT

SIGNED = {"content-type", "host", "x-amz-date", "x-amz-target"}
CLOCK_S = 300
PREFIX = "com.amazonaws.dynamodb.v20120810#"
CAPACITY = ("GetItem", "Query", "Scan", "UpdateItem", "PutItem", "DeleteItem")
FAULTS = ("500", "503", "throttle", "drop_before", "lost_after", "slow", "half", "crc", "html", "reset", "reset_after", "hang",
          "drip", "json")
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: the close is an RST


class FixedDate(SigV4Auth):
    """The signature for the date the request came with."""
    def __init__(self, credentials, region, date):
        super().__init__(credentials, "dynamodb", region)
        self.date = date

    def of(self, request):
        request.context["timestamp"] = self.date
        return self.signature(self.string_to_sign(request, self.canonical_request(request)), request)


class Proxy:
    def __init__(self, server, seed=None):
        self.server = server
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.local = threading.local()
        self.keys = {ENVIRONMENT["AWS_ACCESS_KEY_ID"]: (ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], None)}
        self.refuse_keys = {}        # access key -> error name
        self.refuse_operations = {}  # operation -> error name
        self.describe = None         # changes what DescribeTable says: function of the table
        self.faults = {}             # fault -> probability, or a list of faults to come in turn
        self.script = collections.deque()  # faults of the next requests; None: no fault
        self.only = None             # operations that faults meet; None: all but DescribeTable
        self.throttle_all = False
        self.lag_s = 0.0             # queries on indexes show what was this long ago
        self.writes = collections.deque()
        self.clock_s = 0             # our clock less the real one
        self.slow_s = 1.5
        self.hang_s = 20
        self.json = b'{"Attributes": [[]], "Item": "none", "Items": 7}'  # what no DynamoDB says
        self.hold = threading.Event()  # set: nothing hangs any more
        self.late_s = 1.5            # a request whose connection died is executed this much later
        self.wrong = []              # signatures and shapes that are not right
        self.reset()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                proxy.handle(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, *words):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, address):
                pass

        self.http = Server(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.hold.set()
        self.http.shutdown()
        self.http.server_close()

    def reset(self):
        """Counts from zero."""
        with self.lock:
            self.operations = collections.Counter()  # sent, each attempt
            self.executed = collections.Counter()
            self.made = collections.Counter()        # faults
            self.units = collections.Counter()       # read, write
            self.log = []                            # (operation, body) in order, when keep is set
        self.keep = False

    # --- one request

    def handle(self, h, body):
        operation = (h.headers.get("X-Amz-Target") or "").partition(".")[2]
        with self.lock:
            self.operations[operation] += 1
            if self.keep:
                self.log.append((operation, body))
        refused = self.check(h, body)
        if refused:
            return self.error(h, 400, refused, "refused by the proxy")
        if operation in self.refuse_operations:
            return self.error(h, 400, self.refuse_operations[operation], "User: arn:aws:iam::1:user/x is not authorized")
        fault = self.fault(operation)
        if fault:
            with self.lock:
                self.made[fault] += 1
        if fault == "late":
            threading.Timer(self.late_s, self.forward, (operation, body)).start()
        if fault == "hang":
            self.hold.wait(self.hang_s)
        if fault == "reset":
            return self.reset_connection(h)
        if fault in ("late", "drop_before", "hang"):
            return self.close(h)
        if fault == "json":
            return self.send(h, 200, self.json, {})
        if fault in ("500", "503", "throttle", "html"):
            return self.refuse(h, fault)
        status, answer, headers = self.forward(operation, body)
        self.spoil(h, fault, status, answer, headers)

    def fault(self, operation):
        if operation in ("DescribeTable", "CreateTable") and self.only is None:
            return None
        if self.only is not None and operation not in self.only:
            return None
        with self.lock:
            if self.throttle_all:
                return "throttle"
            if self.script:
                return self.script.popleft()
            dice = self.random.random()
        for name, share in self.faults.items():
            if dice < share:
                return name
            dice -= share
        return None

    def spoil(self, h, fault, status, answer, headers):
        if fault == "lost_after":
            return self.close(h)
        if fault == "reset_after":
            return self.reset_connection(h)
        if fault == "drip":
            return self.send(h, status, answer, headers, drip=True)
        if fault == "slow":
            time.sleep(self.slow_s)
        if fault == "crc":
            headers["x-amz-crc32"] = str(zlib.crc32(answer) ^ 1)
        if fault == "half":
            self.send(h, status, answer, headers, half=True)
            return self.close(h)
        return self.send(h, status, answer, headers)

    def refuse(self, h, fault):
        if fault == "html":
            return self.send(h, 502, b"<html><body>502 Bad Gateway</body></html>", {"Content-Type": "text/html"})
        if fault == "throttle":
            return self.error(h, 400, "ProvisionedThroughputExceededException", "too fast")
        return self.error(h, int(fault), "InternalServerError" if fault == "500" else "ServiceUnavailable", "no")

    def error(self, h, status, name, text):
        self.send(h, status, json.dumps({"__type": PREFIX + name, "message": text}).encode(), {})

    def send(self, h, status, body, headers, half=False, drip=False):
        try:
            h.send_response_only(status)
            h.send_header("Date", email.utils.formatdate(time.time() + self.clock_s, usegmt=True))
            for name, value in {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "R" * 20, **headers}.items():
                h.send_header(name, value)
            h.send_header("Content-Length", str(len(body)))
            h.end_headers()
            for at in range(len(body) if drip else 0):  # for as long as anybody listens
                h.wfile.write(body[at:at + 1])
                self.hold.wait(1)
            h.wfile.write(body[:len(body) // 2] if half else b"" if drip else body)
            h.wfile.flush()
        except OSError:
            h.close_connection = True

    @staticmethod
    def close(h):
        h.close_connection = True

    @staticmethod
    def reset_connection(h):
        h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        h.connection.close()
        h.close_connection = True

    # --- the signature

    def check(self, h, body):
        """'' or the error a real service would give."""
        names = [name.lower() for name, _ in h.headers.items()]
        authorization = h.headers.get("Authorization") or ""
        date = h.headers.get("X-Amz-Date") or ""
        try:
            fields = dict(one.strip().split("=", 1) for one in authorization.split(" ", 1)[1].split(","))
            key, day, region, service, _ = fields["Credential"].split("/")
            signed = set(fields["SignedHeaders"].split(";"))
        except (IndexError, KeyError, ValueError):
            return self.note("IncompleteSignatureException", f"no signature: {authorization[:40]}")
        if key in self.refuse_keys:
            return self.refuse_keys[key]
        if key not in self.keys:
            return "UnrecognizedClientException"
        wanted = SIGNED | {name for name in names if name.startswith("x-amz-")}
        if signed != wanted or len(set(names)) != len(names) or service != "dynamodb" or day != date[:8]:
            return self.note("InvalidSignatureException", f"signed {signed}, wanted {wanted}")
        if abs(time.time() + self.clock_s - stamp(date)) > CLOCK_S:
            return "InvalidSignatureException"
        if self.signature(h, body, key, region, date, signed) != fields["Signature"]:
            return self.note("InvalidSignatureException", "another signature than botocore's")
        return ""

    def note(self, name, why):
        with self.lock:
            self.wrong.append(why)
        return name

    def signature(self, h, body, key, region, date, signed):
        secret, token = self.keys[key]
        request = AWSRequest("POST", self.url + "/", data=body)
        for name, value in h.headers.items():
            if name.lower() in signed:
                request.headers[name] = value
        return FixedDate(Credentials(key, secret, token), region, date).of(request)

    # --- the server behind

    def connection(self):
        if not hasattr(self.local, "to"):
            self.local.to = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        return self.local.to

    def ask(self, operation, body):
        headers = {"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0",
                   "X-Amz-Date": "20260101T000000Z",
                   "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDTEST/20260101/eu-central-1/dynamodb/aws4_request,"
                                    " SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64}
        connection = self.connection()
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def forward(self, operation, body):
        asked = json.loads(body)
        if operation in CAPACITY:
            asked["ReturnConsumedCapacity"] = "TOTAL"
        lagging = operation == "Query" and "IndexName" in asked and self.lag_s > 0
        writes = operation in ("UpdateItem", "PutItem", "DeleteItem") and self.lag_s > 0
        before = self.item(asked) if writes else None
        status, answer = self.ask(operation, json.dumps(asked).encode())
        if writes and status == 200:
            self.remember(asked, before)
        if lagging and status == 200:
            answer = self.as_it_was(asked, answer)
        if operation == "DescribeTable" and status == 200 and self.describe:
            value = json.loads(answer)
            self.describe(value["Table"])
            answer = json.dumps(value).encode()
        with self.lock:
            self.executed[operation] += 1
        answer = self.count(operation, status, answer)
        return status, answer, {"x-amz-crc32": str(zlib.crc32(answer))}

    def count(self, operation, status, answer):
        if status != 200 or operation not in CAPACITY:
            return answer
        value = json.loads(answer)
        used = value.pop("ConsumedCapacity", {}).get("CapacityUnits", 0)
        with self.lock:
            self.units["read" if operation in ("GetItem", "Query", "Scan") else "write"] += used
        return json.dumps(value).encode()

    # --- an index that lags

    def item(self, asked):
        key = asked.get("Key") or {name: asked["Item"][name] for name in ("customer_id", "email")}
        got = self.ask("GetItem", json.dumps({"TableName": asked["TableName"], "Key": key, "ConsistentRead": True}).encode())[1]
        return json.loads(got).get("Item")

    def remember(self, asked, before):
        """Each index sees this write a random time later."""
        now = time.monotonic()
        key = asked.get("Key") or {name: asked["Item"][name] for name in ("customer_id", "email")}
        with self.lock:
            self.writes.append((now + self.random.random() * self.lag_s, asked["TableName"], json.dumps(key, sort_keys=True),
                                before))
            while self.writes and self.writes[0][0] < now - 60:
                self.writes.popleft()

    def as_it_was(self, asked, answer):
        """The answer with every item as it was before the first write the index has not seen."""
        now, value = time.monotonic(), json.loads(answer)
        attribute = asked["KeyConditionExpression"].split("=")[0].strip()
        wanted = next(iter(asked["ExpressionAttributeValues"].values()))
        old = {}
        with self.lock:
            for until, table, key, before in self.writes:
                if table == asked["TableName"] and until > now:
                    old.setdefault(key, before)
        def key_of(item):
            return json.dumps({name: item[name] for name in ("customer_id", "email") if name in item}, sort_keys=True)
        items = [one for one in value["Items"] if key_of(one) not in old]
        items += [one for one in old.values() if one and one.get(attribute) == wanted]
        value["Items"], value["Count"] = items, len(items)
        return json.dumps(value).encode()


def stamp(date):
    try:
        return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return 0

