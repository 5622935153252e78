# shellcheck shell=bash
# Starts what was restored, and ends when the operators can work on it.
. ./bring-back.sh
. ./restored.sh

bring_back
