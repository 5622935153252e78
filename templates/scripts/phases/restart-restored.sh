# shellcheck shell=bash
# Starts what was restored, and ends when the operators can work on it.
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
. ./restored.sh
. ./bring-back.sh

bring_back
