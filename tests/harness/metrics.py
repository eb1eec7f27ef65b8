"""Read Prometheus text strictly."""

import re

from . import client

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^{}]*\})? (-?(?:[0-9.]+(?:e[+-]?\d+)?|\+?Inf|NaN))', re.I)
LABELS = re.compile(r'\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"(?:,|(?=\})))+\}')


def parse(text):
    """-> ({name+labels: value}, {family: type}); raises on anything a scraper would refuse."""
    assert text.endswith("\n"), "the last line has no end"
    samples, kinds, helped, closed, family = {}, {}, set(), set(), None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert NAME.fullmatch(name) and kind in ("counter", "gauge",
                                                     "histogram") and name not in kinds, line
            kinds[name], family = kind, name
        elif line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in helped, f"second HELP: {line}"
            helped.add(name)
        elif line and not line.startswith("#"):
            found = SAMPLE.fullmatch(line)
            assert found, f"no sample: {line}"
            name, labels, value = found.groups()
            assert not labels or LABELS.fullmatch(labels), line
            base = _family(name, kinds)
            assert base == family and base not in closed, f"outside its family: {line}"
            assert name + (labels or "") not in samples, f"twice: {line}"
            samples[name + (labels or "")] = float(value)
    assert helped == set(kinds), f"HELP and TYPE differ: {helped ^ set(kinds)}"
    return samples, kinds


def _family(name, kinds):
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if kinds.get(stem) == "histogram" else name


def read(service):
    answer = client.get(service.admin + "/metrics")
    assert answer.status == 200 and answer.header("content-type").startswith("text/plain")
    return parse(answer.text)


def value(service, name):
    return read(service)[0].get(name, 0.0)
