#!/usr/bin/env bash
# Version: restic 0.18.1.
#
# A backup has one file. `restic restore latest --include /data/other` asks for a file that it has not.
#
# Expected: an error, as from `restic dump latest /data/other`, which exits with 1.
#
# Seen: restic restores nothing, prints a summary and exits with 0. `--include` is a filter. So a
# script that restores one volume by its path believes that it has it. With the path behind the id
# (`restic restore latest:/data/other`) it is an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOBIN=$dir PATH=$dir:$PATH CGO_ENABLED=0
go install github.com/restic/restic/cmd/restic@v0.18.1 2>/dev/null
export RESTIC_REPOSITORY=$dir/repository
export RESTIC_PASSWORD=example
mkdir data
echo record >data/one
restic --no-cache -q init
restic --no-cache -q backup data
{
  code=0
  restic --no-cache restore latest --target out --include "$dir/data/other" >/dev/null 2>&1 || code=$?
  echo "restore --include: exit code $code, $(find out -type f 2>/dev/null | wc -l) files"
  code=0
  restic --no-cache restore "latest:$dir/data/other" --target out >/dev/null 2>&1 || code=$?
  echo "restore latest:PATH: exit code $code"
  code=0
  restic --no-cache dump latest "$dir/data/other" >/dev/null 2>&1 || code=$?
  echo "dump: exit code $code"
} | tee seen
diff - seen <<'SEEN'
restore --include: exit code 0, 0 files
restore latest:PATH: exit code 1
dump: exit code 1
SEEN
