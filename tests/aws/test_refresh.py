"""Keys are renewed ahead of their expiry while callers go on, and others are fetched when AWS refuses them."""
import json
import subprocess
import time

import pytest

from aws import driver, services


@pytest.fixture
def watch(world):
    """Start the driver for some seconds; -> its process.  Ended at the end of the test."""
    running = []

    def start(seconds):
        running.append(subprocess.Popen([driver.path("creds_driver"), "watch", str(seconds)], env={**world.env, **driver.SANITIZE},
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]
    yield start
    for p in running:
        p.kill()
        p.communicate()


def finish(p):
    """-> what it printed, what it logged."""
    out, err = p.communicate(timeout=40)
    assert p.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()], err


def numbered(life_s):
    """Keys with a number that grows, living so long."""
    count = []

    def answer(r):
        count.append(time.monotonic())
        return 200, services.keys_json(f"KEY{len(count)}", expires=services.later(life_s))
    answer.times = count
    return answer


def test_renewed_in_the_background(world, watch):
    """In the middle of a short life (its last 10 s do not count), up to a fifth earlier; never without keys."""
    answer = numbered(18)
    world.container(answer)
    seen, _ = finish(watch(5))
    assert [s.get("access_key") for s in seen] == ["KEY1", "KEY2"], seen
    assert 2.1 <= answer.times[1] - answer.times[0] <= 4.2


def test_failed_renewal_keeps_the_keys_and_is_tried_again(world, watch):
    first = numbered(20)
    world.container(lambda r: first(r) if not first.times or fails(r) else (404, ""))
    fails.count = 0
    seen, log = finish(watch(9))
    assert [s.get("access_key") for s in seen] == ["KEY1", "KEY2"], seen
    assert fails.count >= 3 and "404" in log and "the keys before" in log


def fails(_):
    """True from the third time on."""
    fails.count += 1
    return fails.count >= 3


def test_expired_keys_are_not_given_out(world, watch):
    answer = numbered(14)
    world.container(lambda r: answer(r) if not answer.times else (403, ""))
    seen, _ = finish(watch(5))
    assert [s.get("access_key") or s["error"] for s in seen] == ["KEY1", "STORE"] and "403" in seen[-1]["message"]


def test_instance_keys_are_given_out_longer(world, watch):
    """The metadata service goes away: its keys stay."""
    imds = services.Imds()
    world.imds(imds)
    p = watch(3)
    time.sleep(1)
    imds.changed["latest"] = (500, "")
    seen, _ = finish(p)
    assert [s.get("access_key") for s in seen] == ["IMDSKEY"]


def ask(p, seconds=0.5):
    p.stdin.write("refuse\n")
    p.stdin.flush()
    time.sleep(seconds)


def test_refused_keys_are_replaced_once_a_minute(world, watch):
    answer = numbered(3600)
    world.container(answer)
    p = watch(4)
    time.sleep(1)
    ask(p)
    ask(p)
    seen, _ = finish(p)
    assert [s.get("access_key", s.get("refused")) for s in seen] == ["KEY1", 1, "KEY2", 0]
    assert len(answer.times) == 2


def test_new_keys_in_a_file_are_found_when_the_old_are_refused(world, watch):
    world.credentials("[default]\naws_access_key_id = ONE\naws_secret_access_key = s\n")
    p = watch(3)
    time.sleep(0.7)
    world.credentials("[default]\naws_access_key_id = TWO\naws_secret_access_key = s\n")
    ask(p)
    seen, _ = finish(p)
    assert [s["access_key"] for s in seen if "access_key" in s] == ["ONE", "TWO"]


def test_another_provider_is_another_identity(world, watch):
    """The file is emptied for a moment: the role of the container is not taken instead."""
    s = world.container()
    world.credentials("[default]\naws_access_key_id = ONE\naws_secret_access_key = s\n")
    p = watch(3)
    time.sleep(0.7)
    world.credentials("")
    ask(p)
    seen, log = finish(p)
    assert [k["access_key"] for k in seen if "access_key" in k] == ["ONE"]
    assert "shared-credentials-file" in log and "restart" in log and s.asked


def test_token_file_is_read_for_each_renewal(world, watch):
    sts = world.sts(lambda r: (200, services.sts_xml(r.form["Action"], "K", expires=services.later(16))))
    path = world.file("token", "first")
    world.env.update(AWS_WEB_IDENTITY_TOKEN_FILE=path, AWS_ROLE_ARN="arn:aws:iam::123456789012:role/app")
    p = watch(4)
    time.sleep(1)
    world.file("token", "second")
    finish(p)
    assert [r.form["WebIdentityToken"] for r in sts.asked] == ["first", "second"]


def test_first_fetch_is_tried_again(world, watch):
    """The service is not there at first; the error names it, then the keys come."""
    imds = services.Imds()
    imds.changed["latest"] = (404, "")
    world.imds(imds)
    p = watch(4)
    time.sleep(1.2)
    imds.changed.clear()
    seen, log = finish(p)
    assert [s.get("access_key") for s in seen] == ["IMDSKEY"] and "404" in log and "none" in log


def test_stop_ends_a_process_and_a_call_at_once(world, watch):
    world.config("[default]\ncredential_process = sleep 30\n")
    start = time.monotonic()
    finish(watch(1))
    world.config("")
    world.imds(lambda r: None)
    finish(watch(1))
    assert time.monotonic() - start < 4.5
