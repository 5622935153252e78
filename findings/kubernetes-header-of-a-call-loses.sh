#!/usr/bin/env bash
# Version: kubernetes 37.0.2 (PyPI).
#
# One call of an API class names a User-Agent in _headers, so that the audit log of the cluster
# tells which part of a program asked.
#
# Expected: what one call says wins over a default.
#
# Seen: the client's own User-Agent is sent. Each header that set_default_header has set wins over
# the same header of a call too; only a header without a default is sent as the call says.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check kubernetes==37.0.2
cat >call.py <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from kubernetes import client


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        print("sent:", self.headers["User-Agent"], self.headers["X-Run"], self.headers["X-Step"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
api = client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}"))
api.set_default_header("X-Run", "default")
headers = {"User-Agent": "backup/1.0", "X-Run": "call", "X-Step": "call"}
client.VersionApi(api).get_code(_preload_content=False, _headers=headers)
PY
venv/bin/python call.py | tee seen
diff - seen <<'SEEN'
sent: OpenAPI-Generator/37.0.2/python default call
SEEN
