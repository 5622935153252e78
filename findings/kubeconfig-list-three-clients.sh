#!/usr/bin/env bash
# Versions: kubernetes 37.0.2, kr8s 0.20.15, lightkube 1.0.1 (PyPI).
#
# KUBECONFIG lists two files. Each has its own cluster, context and current-context. For kubectl,
# the first file to set a value wins, so it talks to the cluster of the first file.
#
# Expected: the Python clients that follow KUBECONFIG pick that cluster as well.
#
# Seen: kr8s asks the first cluster. kubernetes asks the second one: the last current-context wins,
# though for clusters, users and contexts of one name the first wins. lightkube takes the whole list
# as the name of one file and raises ConfigError.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
    kubernetes==37.0.2 kr8s==0.20.15 lightkube==1.0.1
cat >ask.py <<'PY'
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

asked = set()


def cluster(name):
    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.add(name)
            body = json.dumps({"major": "1", "minor": "34", "gitVersion": "v1.34.0"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(name, "w") as out:
        json.dump({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [
                {"name": name, "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
            ],
            "users": [{"name": name, "user": {"token": name}}],
        }, out)
    return name


os.environ["KUBECONFIG"] = os.pathsep.join([cluster("first"), cluster("second")])

import kr8s
import lightkube
from kubernetes import client, config

kr8s.api().version()
print("kr8s:", *asked)
asked.clear()
config.load_kube_config()
client.VersionApi().get_code(_preload_content=False)
print("kubernetes:", *asked)
try:
    print("lightkube:", lightkube.KubeConfig.from_env().current_context)
except lightkube.core.exceptions.ConfigError as error:
    print("lightkube:", error)
PY
venv/bin/python ask.py | tee seen
diff - seen <<'SEEN'
kr8s: first
kubernetes: second
lightkube: Configuration file first:second not found
SEEN
