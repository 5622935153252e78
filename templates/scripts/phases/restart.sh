# shellcheck shell=bash
# Brings everything back: after a snapshot, after a stop that failed, or for a person.
. ./bring-back.sh

bring_back
