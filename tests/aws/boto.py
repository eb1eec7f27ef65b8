"""What botocore of Debian chooses, asked of a process that stays, since starting one takes long.

Debian's botocore does not know AWS_ENDPOINT_URL_STS, and waits between tries: both are put right here."""
import json
import os
import subprocess
import sys

import botocore.loaders
import botocore.session
import botocore.utils

MODELS = botocore.loaders.create_loader()  # its files are read once


def choose(env):
    """-> provider and keys as botocore finds them in this environment, or its error."""
    os.environ.clear()
    os.environ.update(env)
    botocore.utils.ContainerMetadataFetcher.SLEEP_TIME = 0

    class Session(botocore.session.Session):
        def create_client(self, service_name, *args, **kwargs):
            if service_name == "sts":
                kwargs["endpoint_url"] = env.get("AWS_ENDPOINT_URL_STS")
            return super().create_client(service_name, *args, **kwargs)

    try:
        session = Session()
        session.register_component("data_loader", MODELS)
        found = session.get_credentials()
        if found is None:
            return {}
        keys = found.get_frozen_credentials()
        return {"provider": found.method, "access_key": keys.access_key, "secret_key": keys.secret_key, "token": keys.token}
    except Exception as e:  # whatever it says: it refuses
        return {"error": f"{type(e).__name__}: {e}"}


class Reference:
    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def ask(self, env):
        self.process.stdin.write(json.dumps(env) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(choose(json.loads(line))), flush=True)
