# shellcheck shell=bash
# Writers are quiesced by their replica count. The operator stays in charge of them.

# quiesce_writer RESOURCE NAMESPACE NAME WORKLOAD KIND
quiesce_client() { scale_to_zero "$1" "$3" "$2" "replicas.$5.$2.$3"; }
