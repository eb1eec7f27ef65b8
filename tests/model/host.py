"""A running service that sequences share: killed and started again by any of them, its store seen and changed from beside."""
import concurrent.futures
import contextlib
import sqlite3
import threading
import time

from harness import database
from harness.service import Service

from . import trail

SETTINGS = {"LINKD_CODE_TTL": "30", "LINKD_SEAL_KEY": trail.SEAL_KEY}
TTL_S = 30
SETTLES_S = 0.1  # after a kill, until a stand-in has executed what it was sent


class Quiet(Service):
    """Keeps no line that tells of a request: there are millions.  Audit lines are counted."""
    def _read(self, stream, keep, watch):
        audit = self.__dict__.setdefault("audit_lines", trail.Lines())

        class Few(list):
            def append(self, line):
                if line.endswith('"audit":true}\n'):
                    audit.take(line)
                elif '"level":"info"' not in line or '"listening"' in line:
                    super().append(line)
        few = Few()
        self.__dict__["lines" if watch else "errors"] = few
        super()._read(stream, few, watch)


class Host:
    """One process under test.  `up`: it may be asked."""
    lags = False

    def __init__(self, directory, store=None, **settings):
        self.service = Quiet(directory, **{**SETTINGS, **settings})
        if store is not None:
            self.service.database = store
        self.up, self.lock = threading.Event(), threading.Lock()
        self.over = False  # sequences under way end
        self.kills = self.unsettled = 0
        self.killed = []  # when
        self.pool = concurrent.futures.ThreadPoolExecutor(96)
        self.service.start()
        self.up.set()

    def crash(self, wait_s):
        """kill -9 after this time, and start again."""
        time.sleep(wait_s)
        with self.lock:
            self.up.clear()
            self.killed.append(time.time())
            self.service.kill()
            self.kills += 1
            time.sleep(SETTLES_S if self.lags else 0)
            self.service.start()
            self.up.set()

    def stop(self):
        self.pool.shutdown()
        self.service.stop()

    def judge_trail(self):
        """-> (changes, lost by a kill, what is wrong); of a service that was stopped."""
        return 0, 0, []


class OnSqlite(Host):
    def __init__(self, directory, **settings):
        super().__init__(directory, **settings)
        self.local = threading.local()
        trail.watch(self.connection())

    def connection(self):
        if not hasattr(self.local, "at"):
            self.local.at = sqlite3.connect(self.service.database, timeout=20, isolation_level=None)
            self.local.at.row_factory = sqlite3.Row
        return self.local.at

    def rows(self, ids):
        found = self.connection().execute(f"SELECT * FROM customers WHERE customer_id IN ({','.join('?' * len(ids))})", ids)
        return {one["customer_id"]: dict(one) for one in found.fetchall()}

    def add(self, customer, email, hashed):
        self.connection().execute("INSERT OR IGNORE INTO customers (customer_id, email, password) VALUES (?, ?, ?)",
                                  (customer, email, hashed))

    def remove(self, customer, email):
        self.connection().execute("DELETE FROM customers WHERE customer_id = ?", (customer,))

    def change(self, customer, email, code, values):
        names = ", ".join(f"{name} = ?" for name in values)
        self.connection().execute(f"UPDATE customers SET {names} WHERE customer_id = ? AND authorization_code = ?",
                                  (*values.values(), customer, code))

    def check(self):
        assert database.check(self.service.database) == ["ok"]

    def judge_trail(self):
        return trail.judge(self.connection().execute("SELECT * FROM model_changes").fetchall(), self.service.audit_lines, self.killed)


class OnDynamodb(Host):
    lags = True

    def __init__(self, directory, table, **settings):
        super().__init__(directory, table, **settings)

    @property
    def table(self):
        return self.service.database

    def rows(self, ids):
        keys = [self.key(one, f"{one}@example.com") for one in ids]
        got = self.table.client.batch_get_item(RequestItems={self.table.name: {"Keys": keys, "ConsistentRead": True}})
        return {one["customer_id"]["S"]: plain(one) for one in got["Responses"][self.table.name]}

    @staticmethod
    def key(customer, email):
        return {"customer_id": {"S": customer}, "email": {"S": email}}

    def add(self, customer, email, hashed):
        with contextlib.suppress(self.table.client.exceptions.ConditionalCheckFailedException):
            self.table.client.put_item(TableName=self.table.name, Item={**self.key(customer, email), "password": {"S": hashed}},
                                       ConditionExpression="attribute_not_exists(customer_id)")

    def remove(self, customer, email):
        self.table.client.delete_item(TableName=self.table.name, Key=self.key(customer, email))

    def change(self, customer, email, code, values):
        sets = ", ".join(f"{name} = :{n}" for n, (name, value) in enumerate(values.items()) if value is not None)
        gone = ", ".join(name for name, value in values.items() if value is None)
        typed = {f":{n}": {"N": str(value)} if isinstance(value, int) else {"S": value}
                 for n, value in enumerate(values.values()) if value is not None}
        with contextlib.suppress(self.table.client.exceptions.ConditionalCheckFailedException):
            self.table.client.update_item(
                TableName=self.table.name, Key=self.key(customer, email), ConditionExpression="authorization_code = :code",
                UpdateExpression=" ".join(part for part in (sets and "SET " + sets, gone and "REMOVE " + gone) if part),
                ExpressionAttributeValues={":code": {"S": code}, **typed})

    def check(self):
        pass


COLUMNS = ("authorization_code", "authorization_code_expires_at", "authorization_code_psid", "authorization_code_replaces",
           "fb_psid", "fb_page_id", "fb_linked_at", "fb_link_code")


def plain(item):
    """Attributes of an item as a row has them."""
    values = {name: int(value["N"]) if "N" in value else value["S"] for name, value in item.items()}
    return {**dict.fromkeys(COLUMNS), **values}
