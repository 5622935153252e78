#!/usr/bin/env bash
# Version: sigs.k8s.io/kustomize/kustomize/v5 v5.4.3.
#
# A Kanister Blueprint names an image twice: as args.image of a phase, and for a sidecar in
# args.podOverride. The `images` field of a kustomization sets another tag.
#
# Expected: a custom resource has no images that kustomize knows, so none is changed (as spec.image
# of a Strimzi KafkaConnect is not); or else all are.
#
# Seen: kustomize changes what stands below a list named `containers`, in any kind and at any depth.
# The sidecar gets the new tag, the phase keeps the old one. No warning.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

GOBIN=$dir go install sigs.k8s.io/kustomize/kustomize/v5@v5.4.3
cat >kustomization.yaml <<'YAML'
resources: [objects.yaml]
images:
- name: registry.example/kafka
  newTag: "2"
YAML
cat >objects.yaml <<'YAML'
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata: {name: kafka}
actions:
  backup:
    phases:
    - func: KubeTask
      name: describe
      args:
        image: registry.example/kafka:1
        podOverride:
          containers:
          - {name: sidecar, image: "registry.example/kafka:1"}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata: {name: connect}
spec: {image: "registry.example/kafka:1"}
YAML
./kustomize build . 2>&1 | grep image: | tee seen
diff - seen <<'SEEN'
        image: registry.example/kafka:1
          - image: registry.example/kafka:2
  image: registry.example/kafka:1
SEEN
