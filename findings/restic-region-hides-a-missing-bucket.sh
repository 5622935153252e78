#!/usr/bin/env bash
# Version: restic 0.18.1, versitygw 1.0.14 as the S3 store.
#
# A script opens a repository in a bucket that does not exist, as after a typo. It has the exit codes
# of restic's documentation: 10 is "no repository", after which scripts run `restic init`.
#
# Expected: an error about the bucket, with or without a region, and other than for an empty bucket.
#
# Seen: without a region restic looks for the location of the bucket first, gets NoSuchBucket, and
# tries again for minutes. With `-o s3.region=…` it does not look: the exit code is 10 at once, as for
# an empty bucket, and `restic init` creates the bucket and a new repository in it. So a script that
# initialises on 10 begins a second, empty history of backups, and succeeds.
set -euo pipefail
dir=$(mktemp -d)
store=
trap '[[ -z $store ]] || kill "$store" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
export GOBIN=$dir PATH=$dir:$PATH CGO_ENABLED=0
go install github.com/restic/restic/cmd/restic@v0.18.1 2>/dev/null
go install github.com/versity/versitygw/cmd/versitygw@v1.0.14 2>/dev/null
mkdir -p store/backups
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export ROOT_ACCESS_KEY=example ROOT_SECRET_KEY=examplesecret
export AWS_ACCESS_KEY_ID=$ROOT_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$ROOT_SECRET_KEY RESTIC_PASSWORD=example
versitygw --port "127.0.0.1:$port" posix --nometa "$dir/store" >gateway.log 2>&1 &
store=$!
for _ in $(seq 50); do
  if curl -s -o gateway.html "http://127.0.0.1:$port/"; then break; fi
  sleep 0.2
done
{
  for bucket in backups bakcups; do
    for region in '' us-east-1; do
      code=0
      timeout 20 restic --no-cache -r "s3:http://127.0.0.1:$port/$bucket/kafka" ${region:+-o "s3.region=$region"} cat config >/dev/null 2>&1 || code=$?
      echo "$bucket, region ${region:-not given}: exit code ${code/124/none after 20 s}"
    done
  done
  code=0
  restic --no-cache -q -r "s3:http://127.0.0.1:$port/bakcups/kafka" -o s3.region=us-east-1 init >/dev/null 2>&1 || code=$?
  echo "init: exit code $code"
  ls store
} | tee seen
diff - seen <<'SEEN'
backups, region not given: exit code 10
backups, region us-east-1: exit code 10
bakcups, region not given: exit code none after 20 s
bakcups, region us-east-1: exit code 10
init: exit code 0
backups
bakcups
SEEN
