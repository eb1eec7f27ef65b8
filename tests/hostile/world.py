"""The world around one service: its own resolver and its own trusted certificates, in a mount namespace (root)."""
import datetime
import pathlib
import shlex
import socket
import ssl
import struct
import subprocess
import threading

from harness.service import BINARY

RESOLVER = "127.77.0.1"
RESOLV_CONF, TRUSTED = "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"


def wrapper(folder, binds):
    """A program that is the service with these files in the place of others: {place: file}."""
    path = pathlib.Path(folder) / "in-its-own-world"
    mounts = " && ".join(f"mount --bind {shlex.quote(str(file))} {place}" for place, file in binds.items())
    path.write_text(f"#!/bin/sh\nexec unshare -m sh -c '{mounts} && exec \"$0\" \"$@\"' {shlex.quote(BINARY)} \"$@\"\n")
    path.chmod(0o755)
    return str(path)


class Resolver(threading.Thread):
    """Says 127.0.0.1 to every name, `answers` times; then it is silent, until `speak`."""

    def __init__(self, answers):
        super().__init__(daemon=True)
        self.left, self.asked = answers, 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((RESOLVER, 53))
        self.start()

    def run(self):
        while True:
            try:
                question, sender = self.sock.recvfrom(512)
                self.asked += 1
                if self.left > 0:
                    self.left -= 1
                    self.sock.sendto(self.answer(question), sender)
            except OSError:  # closed
                return

    @staticmethod
    def answer(question):
        end = question.index(b"\0", 12) + 5
        v4 = question[end - 4:end - 2] == b"\0\1"
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if v4 else 0, 0, 0)
        return head + question[12:end] + (b"\xc0\x0c" + struct.pack("!HHIH4s", 1, 1, 5, 4, b"\x7f\0\0\1") if v4 else b"")

    def speak(self):
        self.left = 1 << 30

    def stop(self):
        self.sock.close()


def openssl(folder, *words):
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


class Certificates:
    """Of an authority of our own and of one nobody trusts; {mode of the gate: TLS context}."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.trusted = self.authority("ours")
        self.authority("foreign")
        self.contexts = {"pass": self.made("good", "ours", "localhost", 2),
                         "another name": self.made("other", "ours", "elsewhere.example", 2),
                         "expired": self.made("old", "ours", "localhost", -1),
                         "untrusted": self.made("foreigner", "foreign", "localhost", 2)}

    def authority(self, name):
        openssl(self.folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
        return self.folder / f"{name}.crt"

    def made(self, name, by, host, days):
        openssl(self.folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
        (self.folder / f"{name}.index").write_text("")
        (self.folder / f"{name}.conf").write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={name}.index\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nrand_serial=yes\n"
            f"unique_subject=no\n[p]\ncommonName=supplied\n")
        now = datetime.datetime.now(datetime.timezone.utc)
        begins, ends = (f"{now + datetime.timedelta(days=one):%y%m%d%H%M%SZ}" for one in (min(days, 0) - 1, days))
        openssl(self.folder, "ca", "-batch", "-notext", "-config", f"{name}.conf", "-cert", f"{by}.crt", "-keyfile", f"{by}.key",
                "-startdate", begins, "-enddate", ends, "-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.crt")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        return context
