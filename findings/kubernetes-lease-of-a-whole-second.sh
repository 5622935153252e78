#!/usr/bin/env bash
# Versions: kubernetes 37.0.2 (PyPI); k8s.io/api and k8s.io/apimachinery v0.34.1.
#
# The Python client writes a Lease whose renewTime is a datetime. The types of the API server, in
# Go, read it.
#
# Expected: they read each time that the client writes.
#
# Seen: the client writes the fraction of a second only where there is one, and a MicroTime of the
# API wants six digits. So a Lease renewed at a whole second, as `replace(microsecond=0)` gives or
# as the clock gives once in a million times, is refused.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check kubernetes==37.0.2
cat >write.py <<'PY'
import json
from datetime import datetime, timezone

from kubernetes import client

for microsecond in (500000, 0):
    when = datetime(2024, 5, 1, 12, 0, 0, microsecond, tzinfo=timezone.utc)
    lease = client.V1Lease(spec=client.V1LeaseSpec(renew_time=when))
    print(json.dumps(client.ApiClient().sanitize_for_serialization(lease)))
PY
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	coordination "k8s.io/api/coordination/v1"
)

func main() {
	for in := json.NewDecoder(os.Stdin); in.More(); {
		var text json.RawMessage
		if err := in.Decode(&text); err != nil {
			panic(err)
		}
		var lease coordination.Lease
		fmt.Printf("%s: %v\n", text, json.Unmarshal(text, &lease))
	}
}
GO
go mod init example.com/lease 2>/dev/null
go get k8s.io/api/coordination/v1@v0.34.1 k8s.io/apimachinery@v0.34.1 2>/dev/null
venv/bin/python write.py | go run . | tee seen
diff - seen <<'SEEN'
{"spec": {"renewTime": "2024-05-01T12:00:00.500000+00:00"}}: <nil>
{"spec": {"renewTime": "2024-05-01T12:00:00+00:00"}}: parsing time "2024-05-01T12:00:00+00:00" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "+00:00" as ".000000"
SEEN
