#!/usr/bin/env bash
# Version: restic 0.18.1.
#
# The password of a repository is in a Secret of Kubernetes that was made from a file, so it ends with
# a newline. One pod has the Secret as a file, another one as a variable of its environment.
#
# Expected: both read the same password.
#
# Seen: restic trims what it reads from RESTIC_PASSWORD_FILE or RESTIC_PASSWORD_COMMAND, and takes
# RESTIC_PASSWORD as it is. The second pod has a wrong password, exit code 12, in the repository that
# the first one has made.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOBIN=$dir PATH=$dir:$PATH CGO_ENABLED=0
go install github.com/restic/restic/cmd/restic@v0.18.1 2>/dev/null
export RESTIC_REPOSITORY=$dir/repository
printf 'example\n' >password
RESTIC_PASSWORD_FILE=password restic --no-cache -q init
look() {
  code=0
  env "$@" restic --no-cache cat config >/dev/null 2>&1 || code=$?
  echo "exit code $code"
}
{
  echo "file: $(look RESTIC_PASSWORD_FILE=password)"
  echo "command: $(look 'RESTIC_PASSWORD_COMMAND=cat password')"
  echo "variable with the newline: $(look RESTIC_PASSWORD=$'example\n')"
  echo "variable without it: $(look RESTIC_PASSWORD=example)"
} | tee seen
diff - seen <<'SEEN'
file: exit code 0
command: exit code 0
variable with the newline: exit code 12
variable without it: exit code 0
SEEN
