"""Probes, draining, start and idle costs."""

import signal
import threading
import time

from harness import client, database


def test_healthz_and_livez(service):
    for path in ("/healthz", "/livez"):
        answer = client.get(service.url + path)
        assert answer.status == 200 and answer.header("content-type").startswith("text/plain")
    assert client.get(service.url + "/healthz").text.strip() == "ok"


def ready(service):
    answer = client.get(service.url + "/readyz")
    return answer.status, answer.json


def wait_ready(service, status, seconds=15):
    ends = time.monotonic() + seconds
    while (found := ready(service))[0] != status and time.monotonic() < ends:
        time.sleep(0.1)
    return found


def test_readyz_names_the_store(service):
    status, value = wait_ready(service, 200)
    assert status == 200 and isinstance(value["status"], str)
    store = value["checks"]["store"]
    assert store["ok"] is True and store["age_ms"] >= 0


def test_health_never_touches_the_store(make_service):
    service = make_service()
    with database.locked(service.database):
        for _ in range(20):
            assert client.get(service.url + "/healthz").status == 200
            assert client.get(service.url + "/livez").status == 200


def test_draining_tells_the_load_balancer_first(make_service):
    service = make_service(LINKD_DRAIN_DELAY="2")
    began = time.monotonic()
    service.signal(signal.SIGTERM)
    time.sleep(0.3)
    assert client.get(service.url + "/healthz").status == 503
    assert client.get(service.url + "/livez").status == 200
    assert client.get(service.url + "/webhook").status == 403, "work goes on while draining"
    service.ended()
    assert 1.9 < time.monotonic() - began < 12


def test_a_second_sigterm_and_sigint(make_service):
    service = make_service(LINKD_DRAIN_DELAY="1")
    service.signal(signal.SIGTERM)
    service.signal(signal.SIGTERM)
    service.ended()
    service = make_service()
    service.signal(signal.SIGINT)
    service.ended()


def test_sighup_and_sigpipe_are_survived(make_service):
    service = make_service()
    service.signal(signal.SIGPIPE)
    time.sleep(0.1)
    assert client.get(service.url + "/healthz").status == 200


def test_start_is_quick_and_idle_is_small(make_service):
    service = make_service()
    began = time.monotonic()
    assert client.get(service.url + "/healthz").status == 200
    healthy = service.ready_s + time.monotonic() - began
    time.sleep(0.2)
    print(f"\nstart to healthy {healthy * 1000:.0f} ms, idle RSS {service.rss_kib() / 1024:.1f} MiB")
    assert healthy < 5


def test_idle_uses_no_processor_time(make_service):
    service = make_service()

    def ticks():
        with open(f"/proc/{service.process.pid}/stat", encoding="ascii") as file:
            return sum(int(one) for one in file.read().rsplit(")", 1)[1].split()[11:13])

    time.sleep(0.5)
    before = ticks()
    time.sleep(2)
    used = ticks() - before
    print(f"\nidle: {used * 5} ms of processor time a second")
    assert used <= 10, "more than 5 % of a core while idle"


def test_two_services_cannot_share_a_port(make_service):
    service = make_service()
    second = make_service(start=False, LINKD_LISTEN=service.url.removeprefix("http://"))
    done = second.command("serve")
    assert done.returncode == 1 and service.url.removeprefix("http://") in done.stderr + done.stdout


def test_healthcheck_command(make_service):
    service = make_service()
    address = {"LINKD_LISTEN": service.url.removeprefix("http://")}
    assert service.command("healthcheck", settings=address).returncode == 0
    service.stop()
    assert service.command("healthcheck", settings=address).returncode == 1


def test_many_starts_and_stops(make_service):
    service = make_service(start=False)
    for _ in range(5):
        service.start()
        stopper = threading.Timer(0.05, service.signal, [signal.SIGTERM])
        stopper.start()
        service.ended()
        stopper.join()
