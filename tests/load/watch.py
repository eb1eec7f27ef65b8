"""What a running service looks like from outside, sample by sample, and whether it grows."""
import os
import statistics
import threading
import time

from harness import metrics

BARS = "▁▂▃▄▅▆▇█"
AT_REST = {"linkd_http_requests_in_flight": 1, "linkd_http_connections": 1,  # the reader's own
           "linkd_http_body_bytes": 0, "linkd_offload_queued": 0, "linkd_hash_queue_places": 0,
           "linkd_store_queued": 40}  # an unlink of nobody is looked up again for five minutes


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def over(before, after, name, seconds):
    """Observations of a histogram above `seconds` between two readings, and all of them."""
    def of(samples):
        below = [n for key, n in samples.items() if key.startswith(name + '_bucket{le="')
                 and key.split('"')[1] != "+Inf" and float(key.split('"')[1]) <= seconds]
        return samples.get(name + "_count", 0) - max(below, default=0), samples.get(name + "_count", 0)
    (bad0, all0), (bad1, all1) = of(before), of(after)
    return bad1 - bad0, all1 - all0


class Watch:
    """Samples in the background."""
    def __init__(self, service, each_s):
        self.service, self.each_s = service, each_s
        self.samples, self.missed, self.end = [], 0, threading.Event()
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        pid, before = self.service.process.pid, metrics.read(self.service)[0]
        while not self.end.wait(self.each_s):
            try:
                now = metrics.read(self.service)[0]
            except OSError:  # not in 15 s
                self.missed += 1
                continue
            slow, turns = over(before, now, "linkd_loop_lag_seconds", 0.02)
            self.samples.append({
                "at": time.monotonic() - self.began, "rss": self.service.rss_kib() / 1024, "fds": descriptors(pid),
                "threads": threads(pid), "lag": 100 * slow / turns if turns else 0,
                "dropped": now.get("linkd_log_dropped_total", 0)})
            before = now

    def stop(self):
        self.end.set()
        self.thread.join(30)
        return self.samples


def thirds(values):
    """Medians of the first and the last third."""
    n = max(1, len(values) // 3)
    return statistics.median(values[:n]), statistics.median(values[-n:])


def slope(points):
    """Of the straight line nearest to (minute, value)."""
    if len(points) < 2:
        return 0.0
    xs, ys = zip(*points)
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return sum((x - mx) * (y - my) for x, y in points) / (sum((x - mx) ** 2 for x in xs) or 1)


def plot(values, width=60):
    """One line of bars, from the least to the greatest."""
    step = max(1, len(values) / width)
    picked = [values[int(i * step)] for i in range(min(width, len(values)))]
    low, high = min(picked), max(picked)
    return "".join(BARS[int((v - low) / ((high - low) or 1) * (len(BARS) - 1))] for v in picked) + f"  {low:.4g} to {high:.4g}"
