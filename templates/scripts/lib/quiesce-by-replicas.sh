# shellcheck shell=bash
# Quiesces clients by their replica count. The operator continues to reconcile them.

# quiesce_client RESOURCE NAMESPACE NAME WORKLOAD KIND
quiesce_client() { scale_to_zero "$1" "$3" "$2" "replicas.$5.$2.$3"; }
