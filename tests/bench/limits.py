"""What the figures must reach.  Each limit: a sentence, and a judgement of the figures by key; None: not measured."""


def ratio(key, most):
    def judge(f):
        return f[key].ratio <= most, f"{f[key].ratio:.2f}"
    return (key,), f"{{{key}}}: at most {most:g} floors", judge


def share(key, part):
    """Ours costs at most 1/part of a peer."""
    def judge(f):
        times = f[key].ratio / f["linked"].ratio
        return times >= part, f"1/{times:.1f}"
    return (key, "linked"), f"{{linked}}: at most 1/{part} of the CPU time of {{{key}}}", judge


def dearer(key, times):
    """A variant of the program costs at least so much more."""
    def judge(f):
        got = f[key].ratio / f["linked"].ratio
        return got >= times, f"{got:.2f}"
    return (key, "linked"), f"{{linked}}: libcurl costs at least {times:g} times as much as the own requests of net/poster", judge


def grouped(key, alone, times, disk):
    """Of links a second."""
    def judge(f):
        got = f[key].rate / f[alone].rate
        return got >= times, f"{got:.1f}"
    return (key, alone), f"SQLite, group commit at 64 connections{disk}: at least {times} times one transaction each", judge


def scaled(one, two, times):
    """What two cores answer when both are busy: twice a core's time, divided by what a link costs."""
    def judge(f):
        got = 2 * f[one].ratio / f[two].ratio
        return got >= times, f"{got:.2f}"
    return (one, two), f"two workers on two cores: at least {times} times the links of one, by the CPU time of a link", judge


LIMITS = [ratio("healthz", 1.25), ratio("message", 2.2), ratio("linked", 5), share("go", 6), share("express", 25),
          scaled("one", "two", 1.8), dearer("libcurl", 1.1),
          grouped("sqlite", "alone", 5, ""), grouped("sqlite_ms", "alone_ms", 5, ", a flush of 1 ms more")]
PACED_P50_MS, PACED_P99_MS = 0.5, 3.0


def judged(figures):
    """-> (holds, sentence, what was measured) for each limit whose rows are there."""
    by_key = {one.row.key: one for one in figures}
    titles = {key: one.row.title for key, one in by_key.items()}
    return [(*judge(by_key)[:1], text.format(**titles), judge(by_key)[1]) for keys, text, judge in LIMITS if set(keys) <= set(by_key)]


def judged_paced(links, store_ms):
    made = []
    for name, us, most in (("p50", links.p50_us, PACED_P50_MS), ("p99", links.p99_us, PACED_P99_MS)):
        over = us / 1000 - store_ms
        made.append((over < most, f"{name} over the stand-in's own {store_ms} ms at 1,000 links a second: under {most:g} ms",
                     f"{over:.2f} ms"))
    return made
