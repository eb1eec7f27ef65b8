"""Command lines split as shlex does, moments read as datetime does."""
import datetime
import json
import random
import shlex
import subprocess

from aws import driver

ROUNDS = 3000


def lines(mode, rows):
    p = subprocess.run([driver.path("creds_driver"), mode], input="".join(r + "\n" for r in rows).encode(), capture_output=True, timeout=60)
    assert p.returncode == 0, p.stderr
    answers = [json.loads(line) for line in p.stdout.decode().splitlines()]
    assert len(answers) == len(rows)
    return answers


def split(text):
    try:
        return shlex.split(text)
    except ValueError:
        return None


def test_words_as_shlex():
    rng = random.Random(11)
    texts = ["".join(rng.choice("ab \t\n\r'\"\\$#;|é") for _ in range(rng.randint(0, 14))) for _ in range(ROUNDS)]
    answers = lines("words", [json.dumps(t) for t in texts])
    different = [(t, split(t), a) for t, a in zip(texts, answers) if a.get("words") != split(t)]
    print(f"{ROUNDS} command lines, {len(different)} differences")
    assert not different, different[:5]
    assert "more than 128" in lines("words", [json.dumps("a " * 129)])[0]["message"]


def test_moments_as_datetime():
    rng = random.Random(12)
    rows, want = [], []
    for _ in range(ROUNDS):
        moment = datetime.datetime(1970, 1, 2, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=rng.randint(0, 250000000000))
        zone = datetime.timezone(datetime.timedelta(minutes=rng.randint(-1439, 1439)))
        shown = rng.choice([moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%dT%H:%M:%S.123456Z"),
                            moment.astimezone(zone).isoformat() if 1971 < moment.year < 9999 else moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                            moment.strftime("%Y-%m-%dT%H:%M:%S+0000")])
        rows.append(shown)
        want.append(int(moment.timestamp()))
    got = [a["expires"] for a in lines("expiry", rows)]
    different = [(r, w, g) for r, w, g in zip(rows, want, got) if w != g]
    print(f"{ROUNDS} moments, {len(different)} differences")
    assert not different, different[:5]


def test_what_is_no_moment():
    rows = ["", "now", "2026-01-31", "2026-01-31T23:59:59", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T23:60:00Z", "2026-01-31T23:59:61Z", "2026-01-31 23:59:59Z", "1969-12-31T00:00:00Z",
            "2026-01-31T23:59:59Zx", "2026-01-31T23:59:59.Z", "2026-01-31T23:59:59+24:00", "2026-01-31T23:59:59+1", "2026-01-31T23:59:59+01:", "2026/01/31T23:59:59Z",
            "+026-01-31T23:59:59Z", "2026-01-31T23:59:59+01:0x", "1970-01-01T00:00:00Z", "2100-02-29T00:00:00Z"]
    assert [a["expires"] for a in lines("expiry", rows)] == [-1] * len(rows)
