#!/usr/bin/env bash
# Version: sigs.k8s.io/kustomize/kustomize/v5 v5.4.3.
#
# A nameReference configuration tells kustomize that a field of a custom resource holds the name of
# a Secret. The resource is in one namespace and names a Secret of another one; the reference has
# its own namespace field beside the name.
#
# Expected: with namePrefix, both references of the Policy get the prefix that their Secrets get.
#
# Seen: only the reference into the Policy's own namespace is changed. The other one keeps a name
# that no object of the output has. No error, no warning, exit code 0.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

GOBIN=$dir go install sigs.k8s.io/kustomize/kustomize/v5@v5.4.3
cat >kustomization.yaml <<'YAML'
namePrefix: prod-
resources: [objects.yaml]
configurations: [references.yaml]
YAML
cat >references.yaml <<'YAML'
nameReference:
- kind: Secret
  version: v1
  fieldSpecs:
  - {group: config.kio.kasten.io, kind: Policy, path: spec/same/name}
  - {group: config.kio.kasten.io, kind: Policy, path: spec/other/name}
YAML
cat >objects.yaml <<'YAML'
apiVersion: v1
kind: Secret
metadata: {name: near, namespace: backup}
---
apiVersion: v1
kind: Secret
metadata: {name: far, namespace: kafka}
---
apiVersion: config.kio.kasten.io/v1alpha1
kind: Policy
metadata: {name: daily, namespace: backup}
spec:
  same: {name: near, namespace: backup}
  other: {name: far, namespace: kafka}
YAML
./kustomize build . 2>&1 | grep -w -v apiVersion | tee seen
diff - seen <<'SEEN'
kind: Secret
metadata:
  name: prod-near
  namespace: backup
---
kind: Secret
metadata:
  name: prod-far
  namespace: kafka
---
kind: Policy
metadata:
  name: prod-daily
  namespace: backup
spec:
  other:
    name: far
    namespace: kafka
  same:
    name: prod-near
    namespace: backup
SEEN
