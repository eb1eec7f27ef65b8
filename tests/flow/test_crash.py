"""kill -9 at random moments: what was acknowledged is there after the restart."""

import http.client
import random
import secrets
import threading
import time

from conftest import count
from harness import database
from harness.phone import Customer, Phone

LINKS = 200
CLIENTS = 4


def link_all(service, phones, acknowledged):
    """Each phone without a 200 tells the webhook, from several clients, until the service is dead."""
    todo = [one for one in phones if one.psid not in acknowledged]

    def run(mine):
        for phone in mine:
            try:
                if phone.tell().status == 200:
                    acknowledged.add(phone.psid)
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=run, args=(todo[n::CLIENTS],)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    return threads


def prepare(service):
    """LINKS customers, each with a code in hand."""
    model = Customer(service)
    names = [f"crash-{secrets.token_hex(4)}-{n}" for n in range(LINKS)]
    database.copy_customers(service.database, model.id, names)
    phones = {}
    for name in names:
        phones[name] = Phone(service)
        phones[name].get_code(Customer(service, model.password, f"{name}@example.com", add=False))
    return phones


def test_every_acknowledged_link_survives(make_service):
    rounds = count("LINKD_KILL_ROUNDS", 1, 20)
    dice = random.Random(count("LINKD_SEED", 1, 1))
    kills = 0
    for _ in range(rounds):
        service = make_service()
        phones = prepare(service)
        acknowledged = set()
        while len(acknowledged) < LINKS:
            threads = link_all(service, list(phones.values()), acknowledged)
            time.sleep(dice.uniform(0.005, 0.12))
            service.kill()
            kills += 1
            for thread in threads:
                thread.join(20)
            assert database.check(service.database) == ["ok"]
            held = {one["fb_psid"] for one in database.rows(service.database)}
            assert acknowledged <= held, f"{len(acknowledged - held)} links are gone (kill {kills})"
            service.start()
            for phone in phones.values():
                phone.origin = service.url
        for name, phone in phones.items():
            assert database.holders(service.database, phone.psid) == [name]
        service.stop()
    print(f"\n{rounds} x {LINKS} links, {kills} kills: no acknowledged link lost")
