"""Look into and change the service's database from beside, as another program would.

`path` is the file of SQLite, or a table of tests/dynamodb, which answers for itself."""

import contextlib
import sqlite3

OURS = ("authorization_code", "authorization_code_expires_at", "authorization_code_psid",
        "authorization_code_replaces", "fb_psid", "fb_page_id", "fb_linked_at", "fb_link_code",
        "login_failures", "login_window_ends")


@contextlib.contextmanager
def opened(path, timeout=5):
    with contextlib.closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection:
        yield connection


def rows(path):
    """Every customer as a dict, in order of id."""
    if hasattr(path, "rows"):
        return path.rows()
    with opened(path) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute("SELECT * FROM customers ORDER BY customer_id, email").fetchall()
    return [dict(one) for one in found]


def customer(path, customer_id):
    if hasattr(path, "customer"):
        return path.customer(customer_id)
    found = [one for one in rows(path) if one["customer_id"] == customer_id]
    assert len(found) == 1, f"{len(found)} customers of that id"
    return found[0]


def holders(path, psid):
    return [one["customer_id"] for one in rows(path) if one["fb_psid"] == psid]


def change(path, customer_id, **values):
    """Set columns of one customer from outside."""
    if hasattr(path, "change"):
        path.change(customer_id, **values)
        return
    names = ", ".join(f"{name} = ?" for name in values)
    with opened(path) as connection:
        done = connection.execute(f"UPDATE customers SET {names} WHERE customer_id = ?",
                                  (*values.values(), customer_id))
        assert done.rowcount == 1


def put(path, **values):
    """A customer as another program may have made it."""
    if hasattr(path, "put"):
        path.put(**values)
        return
    with opened(path) as connection:
        connection.execute(f"INSERT INTO customers ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
                           tuple(values.values()))


def copy_customers(path, model, ids):
    """Customers with the password of `model`, each with the e-mail ID@example.com; one transaction."""
    if hasattr(path, "copy_customers"):
        path.copy_customers(model, ids)
        return
    hashed = customer(path, model)["password"]
    with opened(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO customers (customer_id, email, password) VALUES (?, ?, ?)",
                               [(one, f"{one}@example.com", hashed) for one in ids])
        connection.execute("COMMIT")


@contextlib.contextmanager
def locked(path):
    """Hold the write lock; readers go on (WAL)."""
    with opened(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def unchanged(service):
    """The body of the `with` must not change the database."""
    before = rows(service.database)
    yield
    after = rows(service.database)
    assert after == before, f"changed: {[one['customer_id'] for one in after if one not in before]}"


def check(path):
    with opened(path) as connection:
        return [one[0] for one in connection.execute("PRAGMA integrity_check")]
