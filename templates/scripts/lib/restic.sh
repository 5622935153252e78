# shellcheck shell=dash
# Runs in the image of restic, whose shell is that of busybox, as `sh -c TEXT restic ACTION`. Values are in the environment,
# credentials come from a Secret. The last line of a failure begins with FAILED and names what to do.
set -u
cd "$TMPDIR" || exit # its only volume that may be written

# trim TEXT: without white space around it. A value from a file can end in a line break. restic trims a password that it
# reads from a file, and no variable.
trim() {
  text=${1#"${1%%[![:space:]]*}"}
  printf %s "${text%"${text##*[![:space:]]}"}"
}
AWS_ACCESS_KEY_ID=$(trim "${AWS_ACCESS_KEY_ID-}")
AWS_SECRET_ACCESS_KEY=$(trim "${AWS_SECRET_ACCESS_KEY-}")
RESTIC_PASSWORD=$(trim "${RESTIC_PASSWORD-}")
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY RESTIC_PASSWORD
# The Secret may have the certificate of the authority that has signed the store's. The file is empty or missing otherwise.
[ ! -s "${CA_FILE-}" ] || export RESTIC_CACERT="$CA_FILE"
cache=--no-cache
lock=
# Errors of a file that is damaged or not there, and not of the network (exports/restic.py has the same).
DAMAGE='verification failed|no such file or directory|specified key does not exist|NoSuchKey|'
DAMAGE=$DAMAGE'(pack|blob|id) [^ ]+ not found|not found in snapshot|should be a (dir|file), but is|'
DAMAGE=$DAMAGE'invalid data returned|hash mismatch|Unexpected content|too short|range is not satisfiable'

# run_restic WORDS...: its errors are in a file too
run_restic() {
  restic ${INSECURE_TLS:+--insecure-tls} "$cache" --retry-lock 10m "$@" 2>errors && return 0
  code=$?
  cat errors >&2
  return "$code"
}

# fail CODE: explains the exit code of restic, or the answer of the store
fail() {
  # restic repeats a request for a quarter of an hour, and logs each answer
  answer=$(sed -n 's/.*retrying after [^:]*: //p' errors | tail -n 1)
  [ -n "$answer" ] || answer=$(tail -n 3 errors | tr '\n"' '  ')
  case $1 in
    3) reason="not every file could be read: is another user or group the owner of the files of Kafka?" ;;
    10) reason="there is no repository: has it been deleted during the copy?" ;;
    11) reason="the repository is locked: wait for the other export or deletion, or run \`restic unlock\` if none runs" ;;
    12) reason="the key repository_password of Secret $EXPORT_SECRET does not open the repository" ;;
    *)
      case $answer in
        *"bucket does not exist"* | *NoSuchBucket*) reason="the bucket does not exist: create it" ;;
        *"Access Denied"* | *AccessDenied* | *"ccess key"* | *"ccess Key"* | *InvalidAccessKeyId* | *ignature*)
          reason="the store refuses the keys of Secret $EXPORT_SECRET, or they may not write" ;;
        *"x509:"*) reason="the certificate of the store is not trusted: add its authority to Secret $EXPORT_SECRET as ca.crt" ;;
        *"o such host"* | *"connection refused"* | *"i/o timeout"* | *"no route"* | *"imeout"* | *"context deadline"*)
          reason="the store does not answer: check endpoint and network" ;;
        *"o space"* | *uota* | *"torage full"* | *StorageFull* | *InsufficientStorage*)
          reason="the store is full: free space, or run \`backups delete --copy\` for older copies" ;;
        *"broken pipe"* | *"connection reset"* | *": EOF"*) reason="the store ends connections: it may be full" ;;
        *"read-only"* | *"eadOnly"* | *MethodNotAllowed* | *"not allowed"*) reason="the store may not be written" ;;
        *"ciphertext verification failed"* | *"invalid data"* | *"hash mismatch"* | *"repair"*)
          reason="the repository is damaged: run \`restic check\`" ;;
        *) reason="restic ended with exit code $1" ;;
      esac ;;
  esac
  printf 'FAILED: %s: %s (%s)\n' "$RESTIC_REPOSITORY" "$reason" "${answer% }"
  exit "$1"
}

# read_config: sets code. restic repeats a request for a quarter of an hour, so the first answers have to be enough.
read_config() {
  code=0
  timeout 30 restic ${INSECURE_TLS:+--insecure-tls} --no-cache --no-lock cat config >/dev/null 2>errors || code=$?
}

# check_bucket: of a location without a repository. A bucket that does not exist has no repository either. Without a region
# restic looks for the bucket first.
check_bucket() {
  region=${AWS_DEFAULT_REGION-}
  export AWS_DEFAULT_REGION=
  read_config
  [ "$code" = 10 ] || fail "$code"
  export AWS_DEFAULT_REGION="$region"
}

# nothing_found: a copy that the backup names must be there. It may be in another location.
nothing_found() {
  if [ -n "${EXPECTED-}" ]; then
    printf 'FAILED: %s: the copy of backup %s is not there, although the backup names it\n' "$RESTIC_REPOSITORY" "$BACKUP"
    exit 1
  fi
  echo "there is no copy in $RESTIC_REPOSITORY: DELETED $BACKUP"
  exit 0
}

# open_repository new|delete: only restic's exit code 10 means that there is none, and not a store that does not answer or
# a bucket that does not exist. Removes locks that have not been renewed for half an hour, and no other.
open_repository() {
  read_config
  if [ "$code" = 10 ] && [ "${1-}" = new ]; then
    check_bucket # restic would make it
    echo "creating the repository $RESTIC_REPOSITORY"
    run_restic init || fail "$?"
  elif [ "$code" = 10 ] && [ "${1-}" = delete ]; then
    nothing_found
  elif [ "$code" != 0 ]; then
    fail "$code"
  fi
  run_restic unlock || fail "$?"
}

# snapshot_ids TAGS: of this backup. Another cluster can have a backup of the same name and Kafka in this repository: the
# uid distinguishes them.
snapshot_ids() {
  run_restic snapshots --json --no-lock --host "$EXPORT_HOST" --tag "kanister-kafka,backup=$BACKUP${BACKUP_UID:+,uid=$BACKUP_UID}${1:+,$1}" >list.json || fail "$?"
  grep -o '"id":"[0-9a-f]*"' list.json | cut -d '"' -f 4
}

# is_whole OBJECTS VOLUMES: whether all objects can be read, and all volumes that they name are among the snapshots. The
# objects are never in a file, because they have passwords. The names of the volumes come first, so damage may follow. An
# error of the network shows nothing about a copy: it ends the script.
is_whole() {
  named=$({ run_restic dump $lock "$1" /objects/backup.json || printf '\n"snapshot": "failed%s"' "$?"; } |
    grep -o '"snapshot": "[0-9a-z]*"' | cut -d '"' -f 4)
  failure=${named##*failed}
  if [ "$failure" != "$named" ]; then
    # An answer after which restic has tried again is not the last one.
    [ "$failure" = 1 ] && grep -v 'retrying after' errors | grep -Eiq "$DAMAGE" && return 1
    fail "$failure"
  fi
  [ -n "$named" ] || return 1
  for volume in $named; do
    case " $2 " in *"$volume"*) ;; *) return 1 ;; esac
  done
}

# snapshot_rows: KIND BACKUP UID CLUSTER_ID ID of each snapshot in list.json. A tag that is missing or has another form is -
snapshot_rows() {
  grep -oE '"tags":\[[^]]*\]|"id":"[0-9a-f]{64}"' list.json | awk -F '"' '
    $2 == "tags" {
      tagged = 1
      kind = backup = uid = cluster = "-"
      for (i = 4; i <= NF; i += 2) {
        if ($i ~ /^kind=(objects|volume)$/) kind = substr($i, 6)
        if ($i ~ /^backup=[0-9]+$/ && length($i) == 21) backup = substr($i, 8)
        if ($i ~ /^uid=[0-9a-f-]+$/ && length($i) == 40) uid = substr($i, 5)
        if ($i ~ /^cluster-id=[A-Za-z0-9_-]+$/) cluster = substr($i, 12)
      }
    }
    $2 == "id" {
      if (tagged) print kind, backup, uid, cluster, $4
      tagged = 0
    }'
}

# ids_of KIND BACKUP UID CLUSTER_ID: ids of these rows
ids_of() { awk -v of="$*" '$1 " " $2 " " $3 " " $4 == of { print $5 }' rows; }

# list_copies: prints COPY BACKUP UID CLUSTER_ID yes|no for each copy of EXPORT_HOST, with yes if it is whole, and then their
# number. It writes nothing to the repository and locks nothing. A copy of which a file is damaged is not whole, but a
# store that does not answer any more is an error.
list_copies() {
  read_config
  if [ "$code" = 10 ]; then
    check_bucket
    echo "LISTED 0"
    exit 0
  fi
  [ "$code" = 0 ] || fail "$code"
  lock=--no-lock
  cache=--cache-dir=$TMPDIR/cache # each dump reads the index of the repository
  run_restic snapshots --json --no-lock --host "$EXPORT_HOST" --tag kanister-kafka >list.json || fail "$?"
  snapshot_rows >rows
  if [ "$(grep -c . rows)" != "$(grep -o '"short_id":' list.json | grep -c .)" ]; then
    printf 'FAILED: %s: restic lists its snapshots in an unknown form\n' "$RESTIC_REPOSITORY"
    exit 1
  fi
  awk '$1 != "-" && $2 != "-" { print $2, $3, $4 }' rows | sort -u >copies
  while read -r name uid cluster <&3; do
    whole=no
    volumes=$(ids_of volume "$name" "$uid" "$cluster")
    for id in $(ids_of objects "$name" "$uid" "$cluster"); do
      ! is_whole "$id" "$volumes" || whole=yes
    done
    if [ "$whole" = no ]; then
      read_config
      [ "$code" = 0 ] || fail "$code"
    fi
    echo "COPY $name $uid $cluster $whole"
  done 3<copies
  echo "LISTED $(grep -c . copies)"
}

case $1 in
  list) list_copies ;;
  open)
    open_repository new
    ids=$(snapshot_ids kind=objects) || { echo "$ids"; exit 1; }
    volumes=$(snapshot_ids kind=volume) || { echo "$volumes"; exit 1; }
    for id in $ids; do
      if is_whole "$id" "$volumes"; then
        echo "EXISTS $id"
      else
        read_config # a store that does not answer any more shows nothing about the copy
        [ "$code" = 0 ] || fail "$code"
        echo "the copy $id is not whole: it is made again"
        run_restic forget "$id" || fail "$?"
      fi
    done
    ;;
  copy)
    run_restic backup --json --host "$EXPORT_HOST" --tag kanister-kafka --tag "backup=$BACKUP" --tag "kind=$EXPORT_KIND" \
      ${EXPORT_CLAIM:+--tag "claim=$EXPORT_CLAIM"} ${CLUSTER_ID:+--tag "cluster-id=$CLUSTER_ID"} ${BACKUP_UID:+--tag "uid=$BACKUP_UID"} \
      --exclude "$EXPORT_PATH/lost+found" "$EXPORT_PATH" || fail "$?"
    ;;
  delete)
    open_repository delete
    ids=$(snapshot_ids '') || { echo "$ids"; exit 1; }
    [ -n "$ids" ] || nothing_found
    if [ -z "$BACKUP_UID" ] && [ "$(grep -o '"uid=[^"]*"' list.json | sort -u | wc -l)" -gt 1 ]; then
      printf 'FAILED: %s: several clusters have a backup %s of Kafka %s here: delete the copy by restic\n' "$RESTIC_REPOSITORY" "$BACKUP" "$EXPORT_HOST"
      exit 1
    fi
    # The objects first: without them an interrupted deletion is an incomplete copy.
    for kind in kind=objects ''; do
      ids=$(snapshot_ids "$kind") || { echo "$ids"; exit 1; }
      [ -n "$ids" ] || continue
      # shellcheck disable=SC2086 # a word for each id
      run_restic forget $ids || fail "$?"
    done
    run_restic prune --max-repack-size "$MAX_REPACK_SIZE" || fail "$?"
    echo "DELETED $BACKUP"
    ;;
esac
