#!/usr/bin/env bash
# Version: restic 0.18.1.
#
# A repository has one snapshot. A script asks for another id: `restic snapshots --json ID`.
#
# Expected: an error, as `restic ls ID` gives, or `restic restore ID`.
#
# Seen: an empty list and exit code 0; only standard error says that the id is ignored. The answer is
# the same as from a repository without snapshots. `restic diff` does not know the id `latest`,
# which ls and restore accept.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOBIN=$dir PATH=$dir:$PATH CGO_ENABLED=0
go install github.com/restic/restic/cmd/restic@v0.18.1 2>/dev/null
export RESTIC_REPOSITORY=$dir/repository
export RESTIC_PASSWORD=example
echo record >one
restic --no-cache -q init
restic --no-cache -q backup one
for words in 'snapshots --json 00000000' 'ls 00000000' 'ls latest' 'diff latest latest'; do
  code=0
  # shellcheck disable=SC2086 # several words
  restic --no-cache $words >out 2>/dev/null || code=$?
  echo "$words: exit code $code$(grep -qx '\[\]' out && echo ', an empty list' || true)"
done | tee seen
diff - seen <<'SEEN'
snapshots --json 00000000: exit code 0, an empty list
ls 00000000: exit code 1
ls latest: exit code 0
diff latest latest: exit code 1
SEEN
