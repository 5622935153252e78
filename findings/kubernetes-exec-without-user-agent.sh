#!/usr/bin/env bash
# Version: kubernetes 37.0.2 (PyPI).
#
# A program sets ApiClient.user_agent, so that the audit log of the cluster shows who asked. It
# reads a pod, and it runs a command in the pod with kubernetes.stream.stream.
#
# Expected: both requests have that User-Agent, and the header that set_default_header has set.
#
# Seen: the request of an exec has neither. Of all headers, only authorization and the subprotocol
# are handed to the websocket.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check kubernetes==37.0.2
cat >calls.py <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from kubernetes import client
from kubernetes.stream import stream


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path.split("?")[0], self.headers["User-Agent"], self.headers["X-Run"])
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
api = client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}"))
api.user_agent = "backup/1.0"
api.set_default_header("X-Run", "7")
core = client.CoreV1Api(api)
for call in (
    lambda: core.read_namespaced_pod("kafka-0", "kafka"),
    lambda: stream(
        core.connect_get_namespaced_pod_exec, "kafka-0", "kafka", command=["date"], stdout=True
    ),
):
    try:
        call()
    except client.ApiException:  # the server has no such pod: what was asked is enough
        pass
PY
venv/bin/python calls.py | tee seen
diff - seen <<'SEEN'
/api/v1/namespaces/kafka/pods/kafka-0 backup/1.0 7
/api/v1/namespaces/kafka/pods/kafka-0/exec None None
SEEN
