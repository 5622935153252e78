#!/bin/sh
# Render the backup of each stage into the chart, from what the chart itself makes of its values.
# With --check as the argument nothing is written: exit 1 where a file is stale.
set -eu
cd "$(dirname "$0")"
helm=${HELM:-helm}

backup() {
  stage=$1
  shift
  "$helm" template kafka chart --namespace kafka --values "chart/values-$stage.yaml" \
    --show-only templates/kafka.yaml |
    kanister-kafka render -f - --scripts own --output-dir "chart/files/$stage" "$@"
}

backup stage --strategy hot "$@"
backup production --timeout restart=40m --hook-timeout 45m --restart-after 2h --kasten policy \
  --frequency @weekly "$@"
