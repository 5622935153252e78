# shellcheck shell=bash
# Brings everything back: after a snapshot, after a stop that failed, or for a person.
# shellcheck disable=SC2034 # prelude.sh heeds it
RETRY_REFUSALS=yes
. ./prelude.sh
. ./pause.sh
. ./switch.sh
. ./replicas.sh
. ./nodes.sh
. ./retention.sh
. ./still-stopped.sh
. ./moment.sh
. ./changes.sh
. ./bring-back.sh

bring_back
