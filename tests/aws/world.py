"""A home folder, an environment and the services, for one run of the driver."""
import json
import subprocess

from aws import driver, services


class World:
    def __init__(self, folder):
        self.folder, self.open = folder, []
        self.env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-central-1",
                    "AWS_DEFAULT_REGION": "eu-central-1"}
        (folder / ".aws").mkdir()

    def service(self, answer):
        self.open.append(services.Service(answer))
        return self.open[-1]

    def config(self, text):
        (self.folder / ".aws/config").write_text(text)

    def credentials(self, text):
        (self.folder / ".aws/credentials").write_text(text)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def imds(self, answer=None):
        s = self.service(answer or services.Imds())
        self.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = s.url
        del self.env["AWS_EC2_METADATA_DISABLED"]
        return s

    def sts(self, answer=services.sts):
        s = self.service(answer)
        self.env["AWS_ENDPOINT_URL_STS"] = s.url
        return s

    def container(self, answer=services.container):
        s = self.service(answer)
        self.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = s.url + "/creds"
        return s

    def close(self):
        for s in self.open:
            s.close()

    def run(self, *words, timeout=30):
        p = subprocess.run([driver.path("creds_driver"), *words], env={**self.env, **driver.SANITIZE}, capture_output=True,
                           timeout=timeout, text=True)
        assert p.returncode == 0, p.stderr
        self.log = p.stderr
        return json.loads(p.stdout.splitlines()[-1])

    def get(self, *words, **options):
        return self.run("get", *words, **options)

    def refused(self, *parts, **options):
        """The error names each of these."""
        got = self.get(**options)
        assert "error" in got, got
        for part in parts:
            assert part in got["message"], got
        assert len(got["message"]) < 767, "the message was cut"
        return got
