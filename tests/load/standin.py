"""A DynamoDB that takes a while: every customer exists, every write is done after `delay_s`, some calls go wrong.

A process of its own, told on stdin, one JSON object a line: {"delay_s": 0.05, "spread": 0.5, "faults": {"reset": 0.01}, "hash": "..."}
sets, {"tell": true} asks.  It prints its port, then an answer to each line: what it counted, and the PSIDs written."""
import asyncio
import json
import random
import re
import sys

FAULTS = ("reset", "lost", "slow", "throttle", "500")  # lost: done, and the connection dies
SLOW_S = (0.5, 2.5)
NOBODY = "!"  # no customer was added yet; then every e-mail has that one's password
KEY = [{"AttributeName": "customer_id", "KeyType": "HASH"}, {"AttributeName": "email", "KeyType": "RANGE"}]
LOGIN = ["password", "login_failures", "login_window_ends"]


def index(name, attribute, **projection):
    return {"IndexName": name, "IndexStatus": "ACTIVE", "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
            "Projection": projection}


TABLE = {"Table": {
    "TableStatus": "ACTIVE", "KeySchema": KEY, "TableSizeBytes": 1, "ItemCount": 1,
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"}
                             for name in ("customer_id", "email", "fb_psid", "authorization_code")],
    "GlobalSecondaryIndexes": [index("email-index", "email", ProjectionType="INCLUDE", NonKeyAttributes=LOGIN),
                               index("fb_psid-index", "fb_psid", ProjectionType="KEYS_ONLY")]}}


class Standin:
    def __init__(self):
        self.delay_s, self.spread, self.faults, self.hash = 0.0, 0.0, {}, NOBODY
        self.written, self.counts = set(), {}
        self.running = self.most = 0

    def count(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1

    def tell(self):
        told = {"counts": self.counts, "written": sorted(self.written), "most": self.most}
        self.written, self.counts, self.most = set(), {}, self.running
        return told

    def answer(self, operation, body):
        self.count(operation)
        if operation == "DescribeTable":
            return TABLE
        if operation == "Query":
            return {"Items": self.found(json.loads(body)["ExpressionAttributeValues"])}
        if operation == "GetItem":
            return {"Item": item} if (item := self.item(json.loads(body)["Key"]["email"]["S"])) else {}
        if operation == "PutItem":
            self.hash = json.loads(body)["Item"]["password"]["S"]
        if operation == "UpdateItem":
            return self.update(json.loads(body))
        return {}

    def item(self, email):
        if not email or self.hash == NOBODY:
            return None
        return {"customer_id": {"S": "id-" + email}, "email": {"S": email}, "password": {"S": self.hash}}

    def found(self, values):
        item = self.item(values.get(":l", {}).get("S"))
        return [item] if item else []

    def update(self, request):
        values = request["ExpressionAttributeValues"]
        if ":p" not in values or "fb_link_code=:d" not in request.get("UpdateExpression", ""):
            return {}
        self.written.add(values[":p"]["S"])
        return {"Attributes": {**request["Key"], "authorization_code": values[":d"], "authorization_code_psid": values[":p"]}}


class Connection(asyncio.Protocol):
    HEAD = re.compile(rb"^X-Amz-Target: DynamoDB_20120810\.(\w+)\r$.*^Content-Length: (\d+)\r$"
                      rb"|^Content-Length: (\d+)\r$.*^X-Amz-Target: DynamoDB_20120810\.(\w+)\r$", re.M | re.S | re.I)

    def __init__(self, standin):
        self.standin, self.buffer = standin, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        head, ended, rest = self.buffer.partition(b"\r\n\r\n")
        if not ended:
            return
        a, n, m, b = self.HEAD.search(head + b"\r\n").groups()
        length = int(n or m)
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        self.call((a or b).decode(), rest[:length])

    def call(self, operation, body):
        s = self.standin
        dice, fault = random.random(), None
        for name, chance in s.faults.items():
            dice -= chance
            if dice < 0 and fault is None:
                fault = name
        if fault:
            s.count("fault " + fault)
        s.running += 1
        s.most = max(s.most, s.running)
        delay = s.delay_s * random.uniform(1 - s.spread, 1 + s.spread) + (random.uniform(*SLOW_S) if fault == "slow" else 0)
        asyncio.get_running_loop().call_later(delay, self.end, operation, body, fault)

    def end(self, operation, body, fault):
        self.standin.running -= 1
        if fault == "throttle":
            self.send(400, {"__type": "#ProvisionedThroughputExceededException", "message": "too fast"})
        elif fault == "500":
            self.send(500, {"__type": "#InternalServerError", "message": "wrong"})
        elif fault == "reset":
            self.transport.abort()
        else:
            value = self.standin.answer(operation, body)
            if fault == "lost":
                self.transport.abort()
            else:
                self.send(200, value)

    def send(self, status, value):
        raw = json.dumps(value).encode()
        self.transport.write(b"HTTP/1.1 %d X\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
                             % (status, len(raw)) + raw)


async def main():
    standin, loop = Standin(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(standin), "127.0.0.1", 0, backlog=1024)
    lines = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await lines.readline():
        asked = json.loads(line)
        told = standin.tell() if asked.pop("tell", False) else {}
        for name, value in asked.items():
            setattr(standin, name, value)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
