#!/usr/bin/env python3
"""Messenger simulator: a phone to try account linking with, without Facebook.

    tests/simulator/simulator.py --service-url http://127.0.0.1:8080 --app-secret-file FILE

Prints one JSON line with its addresses when ready; ends on Ctrl-C or SIGTERM.
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from simulator import events  # noqa: E402
from simulator.server import Simulator, Wiring  # noqa: E402


def arguments(words):
    parser = argparse.ArgumentParser(description="A stand-in for Facebook Messenger, for this machine only.")
    parser.add_argument("--bind", default="127.0.0.1", help="in a container 0.0.0.0, its ports published on 127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="chat and return address; 0 takes a free one")
    parser.add_argument("--return-port", type=int, default=0, help="the origin the return address hops on to")
    parser.add_argument("--service-url", default="http://127.0.0.1:8080", help="where account-linkd answers")
    parser.add_argument("--webhook", default="", help="webhook address (default: SERVICE_URL/webhook)")
    parser.add_argument("--link", default="", help="address of the Log In button (default: SERVICE_URL/link)")
    parser.add_argument("--app-secret-file", type=pathlib.Path, help="unset: LINKD_APP_SECRET in the environment")
    parser.add_argument("--page-id", default=events.PAGE_ID)
    parser.add_argument("--graph-token", default="", help="page access token the Graph stand-in accepts")
    asked = parser.parse_args(words)
    asked.secret = (asked.app_secret_file.read_text().rstrip("\n") if asked.app_secret_file
                    else os.environ.get("LINKD_APP_SECRET"))
    if not asked.secret:
        parser.error("name the app secret with --app-secret-file")
    return asked


def main(words=None):
    asked = arguments(words)
    wiring = Wiring(asked.secret, asked.service_url.rstrip("/"), asked.webhook, asked.link, asked.page_id)
    tokens = {asked.graph_token: asked.page_id} if asked.graph_token else {}
    simulator = Simulator(wiring, asked.port, asked.return_port, tokens, asked.bind).start()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *unused: ended.set())
    print(json.dumps({"url": simulator.url, "hop": simulator.hop.url,
                      "redirect_hosts": simulator.redirect_hosts}),
          flush=True)
    ended.wait()
    simulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
