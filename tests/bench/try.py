"""The thinnest way to a figure: KIND DELAY_MS SECONDS BODIES [ROUNDS], run from tests/ with PYTHONPATH=."""
import json, subprocess, sys
from bench import servers
KIND = sys.argv[1]; DELAY = float(sys.argv[2]); SECONDS = int(sys.argv[3]); N = int(sys.argv[4])
db = servers.standin(DELAY)
s = servers.service(servers.on_dynamodb(db))
with servers.bodies(KIND, N) as f:
    for _ in range(int(sys.argv[5]) if len(sys.argv) > 5 else 3):
        c0, n0 = servers.cpu_s(s.pid), servers.calls(db)
        out = subprocess.run(servers.pinned(servers.LOAD_CORE, ["wrk", "-t1", "-c64", f"-d{SECONDS}", "-s", servers.ROOT / "tests/bench/replay.lua", s.url, "--", f, "/webhook", "application/json"]), capture_output=True, text=True)
        c1, n1 = servers.cpu_s(s.pid), servers.calls(db)
        got = json.loads(out.stdout.splitlines()[-1])
        print(f"{(c1 - c0) / got['requests'] * 1e6:.2f} us", got, {k: n1[k] - n0[k] for k in n1 if n1[k] > n0[k]}, servers.rss_kib(s.pid), "KiB", flush=True)
s.stop(); db.stop()
