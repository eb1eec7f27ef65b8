"""Stand-ins on loopback for the services credentials come from: instance metadata, container and pod, STS."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

FUTURE = "2099-01-01T00:00:00Z"


def later(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def sts_xml(action, key, token="sts/token+=", expires=FUTURE):
    return (f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><AssumedRoleUser>'
            f"<Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-of-{key}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration></Credentials></{action}Result>"
            f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>")


def sts_error(code, text="no"):
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error><RequestId>1</RequestId></ErrorResponse>"


def keys_json(key, expires=FUTURE, **more):
    return json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": f"secret-of-{key}", "Token": "a/token",
                       "Expiration": expires, **more})


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.form = {k: v[0] for k, v in parse_qs(body.decode("latin-1"), keep_blank_values=True).items()}


class Service:
    """A server that answers by `answer(request)` -> (status, text) and keeps what was asked; None: never answers."""
    def __init__(self, answer):
        self.answer, self.asked, self.hold = answer, [], threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(self.command, self.path, self.headers, body)
                service.asked.append(request)
                given = service.answer(request)
                if given is None:
                    service.hold.wait(20)
                    self.close_connection = True
                    return
                status, text = given
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = handle_any

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


class Imds:
    """Version 2 alone: without a token 401."""
    def __init__(self, key="IMDSKEY", token="imds-token", role="the-role"):
        self.key, self.token, self.role = key, token, role
        self.changed = {}  # path part: answer

    def __call__(self, r):
        for part, answer in self.changed.items():
            if part in r.path:
                return answer
        if r.path == "/latest/api/token":
            if r.method != "PUT" or not r.headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
                return 400, ""
            return 200, self.token
        if r.headers.get("X-aws-ec2-metadata-token") != self.token:
            return 401, ""
        if r.path == "/latest/meta-data/iam/security-credentials/":
            return 200, self.role
        if r.path == f"/latest/meta-data/iam/security-credentials/{self.role}":
            return 200, keys_json(self.key)
        if r.path == "/latest/meta-data/placement/region":
            return 200, "eu-west-3"
        return 404, ""


def sts(r):
    """The key id names the role and who asked, so a chain can be read off it."""
    action, role = r.form.get("Action"), r.form.get("RoleArn", "").rsplit("/", 1)[-1].upper()
    if action == "AssumeRoleWithWebIdentity":
        return 200, sts_xml(action, f"WEB{role}")
    signer = r.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
    return 200, sts_xml(action, f"{role}BY{signer}")


def container(r):
    return 200, keys_json("CONTAINERKEY")
