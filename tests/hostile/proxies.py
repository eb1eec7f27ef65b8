"""nginx and HAProxy before a service, each on a free port with a directory of its own."""
import socket
import subprocess
import time
import urllib.parse

PORT_TRIES, WAIT_S = 100, 0.1

NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_max_body_size 4m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream linkd {{ server {to}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://linkd; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_request_buffering {buffering};
    }}
  }}
}}
"""

HAPROXY = """
global
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option forwardfor
  http-reuse always
frontend public
  bind 127.0.0.1:{port}
  {buffering}
  default_backend linkd
backend linkd
  server one {to}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proxy:
    """Has the service's secret, so that it can be asked in its place."""

    def __init__(self, service, folder, text, words):
        self.secret, self.port = service.secret, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "config"
        config.write_text(text.format(folder=folder, port=self.port, to=urllib.parse.urlsplit(service.url).netloc))
        self.process = subprocess.Popen([*words, str(config)], stdin=subprocess.DEVNULL)
        for _ in range(PORT_TRIES):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(WAIT_S)
        raise AssertionError(f"{words[0]} does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def nginx(service, folder, buffering):
    return Proxy(service, folder, NGINX.replace("{buffering}", "on" if buffering else "off"), ["/usr/sbin/nginx", "-c"])


def haproxy(service, folder, buffering):
    return Proxy(service, folder, HAPROXY.replace("{buffering}", "option http-buffer-request" if buffering else ""), ["/usr/sbin/haproxy", "-f"])
