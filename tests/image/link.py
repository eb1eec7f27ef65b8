"""Link one account at a service on this network:  python3 tests/image/link.py URL ADMIN_URL ORIGIN, and as JSON on stdin
secret, admin_token, email and password.  Prints the customer who then holds the profile.  Run inside a container's network."""
import json
import pathlib
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import client  # noqa: E402
from harness.phone import Phone  # noqa: E402


def main():
    url, admin, origin = sys.argv[1:]
    given = types.SimpleNamespace(url=url, admin=admin, **json.load(sys.stdin))
    phone = Phone(given, https_origin=origin).link(given)
    print(client.admin(given, "GET", f"/v1/links/{phone.psid}").json["customer_id"])


main()
