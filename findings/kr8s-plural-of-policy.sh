#!/usr/bin/env bash
# Version: kr8s 0.20.15 (PyPI).
#
# kr8s.objects.new_class makes a class for a custom resource from its kind and version. The plural
# may be left out.
#
# Expected: the plural follows English, as those of the CRDs do (policies, volumesnapshotclasses);
# or new_class asks for it.
#
# Seen: it adds an s to the kind and says nothing. For VolumeSnapshotClass and Kasten's Policy, each
# request then has a path that no cluster serves.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check kr8s==0.20.15
cat >plurals.py <<'PY'
from kr8s.objects import new_class

for kind, version in (
    ("Kafka", "kafka.strimzi.io/v1beta2"),
    ("Policy", "config.kio.kasten.io/v1alpha1"),
    ("VolumeSnapshotClass", "snapshot.storage.k8s.io/v1"),
):
    print(kind, new_class(kind=kind, version=version).endpoint)
PY
venv/bin/python plurals.py | tee seen
diff - seen <<'SEEN'
Kafka kafkas
Policy policys
VolumeSnapshotClass volumesnapshotclasss
SEEN
