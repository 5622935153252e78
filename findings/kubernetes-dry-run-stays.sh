#!/usr/bin/env bash
# Version: kubernetes 37.0.2 (PyPI), its dynamic client.
#
# A program keeps a list of query parameters for its calls. It first creates an object with
# dry_run="All", and then creates it for good, with the same list and without dry_run.
#
# Expected: a call leaves the caller's list alone, so the second request has no dryRun.
#
# Seen: the client appends the parameters of a call to the list that it was handed. The second
# request is a dry run too: it succeeds, and nothing is created.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check kubernetes==37.0.2
cat >calls.py <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kubernetes import client, dynamic

KIND = {"name": "configmaps", "singularName": "configmap", "namespaced": True, "kind": "ConfigMap",
        "verbs": ["create", "get"]}
ANSWERS = {
    "/version": {"major": "1", "minor": "34"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [KIND]},
}


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "POST":
            print(self.command, self.path)
        path = self.path.split("?")[0]
        body = json.dumps(ANSWERS.get(path, {"apiVersion": "v1", "kind": "ConfigMap"})).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
where = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
maps = dynamic.DynamicClient(client.ApiClient(where)).resources.get(
    api_version="v1", kind="ConfigMap"
)
wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "kafka"}}
strict = [("fieldValidation", "Strict")]
maps.create(wanted, query_params=strict, dry_run="All")
maps.create(wanted, query_params=strict)
print(strict)
PY
venv/bin/python calls.py | tee seen
diff - seen <<'SEEN'
POST /api/v1/namespaces/kafka/configmaps?fieldValidation=Strict&dryRun=All
POST /api/v1/namespaces/kafka/configmaps?fieldValidation=Strict&dryRun=All
[('fieldValidation', 'Strict'), ('dryRun', 'All')]
SEEN
