"""The figures as tables; a whole long run writes them into tests/FIGURES.md."""
import pathlib

import figures
from hostile.bystander import p99

README = pathlib.Path(__file__).resolve().parents[1] / "FIGURES.md"
CLIENTS = ["| clients | connections, at once | oldest | second client served | healthz p99 | webhook p99 | memory |",
           "|---|---|---|---|---|---|---|"]
DEPENDENCIES = ["| what fails | webhook | login | Connect | loop turns over 20 ms | works again after |", "|---|---|---|---|---|---|"]
clients, dependencies = [], []


def client(what, opened, watch, bystander):
    asked = sum(len(one) for one in bystander.times.values())
    times = [f"{p99(bystander.times[name]) * 1000:.0f} ms" for name in ("healthz", "webhook")]
    grown = (watch.peak["rss_kib"] - watch.start_level["rss_kib"]) / 1024
    clients.append(f"| {what} | {opened}, {watch.most} | {watch.oldest():.1f} s | {asked - len(bystander.bad)} of {asked} |"
                   f" {times[0]} | {times[1]} | +{grown:.1f} MiB |")


def dependency(what, found):
    told = [f"{found.told[who][0].status}, {found.told[who][1]:.1f} s" if who in found.told else ""
            for who in ("webhook", "login", "connect")]
    dependencies.append(f"| {what} | {' | '.join(told)} | {found.late:.0f} of {found.turns:.0f} | {found.recovery_s:.1f} s |")


def write():
    figures.write(README, "hostile clients", CLIENTS + clients)
    figures.write(README, "failing dependencies", DEPENDENCIES + dependencies)
