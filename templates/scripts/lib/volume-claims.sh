# shellcheck shell=bash
# Existing claims, and the sizes that claims need for their snapshots. There may be thousands: they are read as a
# list, and deleted in batches.

# first_names NAMES: the first of them and the number of the others
first_names() {
  local names
  mapfile -t names < <(printf '%s\n' "$1")
  printf %s "${names[*]:0:20}"
  ((${#names[@]} <= 20)) || printf ' and %d more' "$((${#names[@]} - 20))"
}

# list_claims: NAME PHASE of every claim of the namespace
list_claims() {
  kubectl_retry get persistentvolumeclaims -n "$NAMESPACE" -o 'jsonpath={range .items[*]}{.metadata.name} {.status.phase}{"\n"}{end}'
}

# existing_claims NAMES: NAME PHASE of those that exist
existing_claims() {
  local rows
  rows=$(list_claims)
  [[ -z $rows ]] || awk 'NR == FNR { wanted[$1]; next } $1 in wanted' <(printf '%s\n' "$1") <(printf '%s\n' "$rows")
}

# delete_claims NAMES
delete_claims() {
  local names start
  mapfile -t names < <(printf '%s\n' "$1")
  for ((start = 0; start < ${#names[@]}; start += 50)); do
    kubectl_retry delete persistentvolumeclaims "${names[@]:start:50}" -n "$NAMESPACE" --ignore-not-found --wait=false
  done
}

# list_snapshots: NAME|READY|SIZE|SOURCE CLAIM of each snapshot of the backup
list_snapshots() {
  kubectl_retry get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$BACKUP_LABEL=$BACKUP,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.status.readyToUse}|{.status.restoreSize}|{.spec.source.persistentVolumeClaimName}{"\n"}{end}'
}

# read_snapshots: sets snapshot_of, ready_of and size_of by claim. The name of a snapshot is CLAIM-BACKUP, unless it is
# a member of a VolumeGroupSnapshot: its name is generated, and its source names the claim.
read_snapshots() {
  local rows name is_ready size claim
  declare -gA snapshot_of=() ready_of=() size_of=()
  rows=$(list_snapshots)
  while IFS='|' read -r name is_ready size claim; do
    [[ $name != *"-$BACKUP" ]] || claim=${name%"-$BACKUP"}
    [[ -n $claim ]] || continue
    snapshot_of[$claim]=$name ready_of[$claim]=$is_ready size_of[$claim]=$size
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
}

# unusable_snapshots CLAIMS: names of the snapshots of these claims that are missing or not ready to use
unusable_snapshots() {
  local claim
  for claim in $1; do
    [[ ${ready_of[$claim]-} == true ]] || printf '%s\n' "${snapshot_of[$claim]-$claim-$BACKUP}"
  done
}

# smaller_requests: reads NAME|REQUEST|SIZE, and prints those with a smaller request. It fails if one is not a
# quantity of Kubernetes. It compares them exactly, as integers of 10^-9.
smaller_requests() {
  awk -F '|' '
    function times_1024(n,   i, digit, carry, out) {
      out = ""; carry = 0
      for (i = length(n); i > 0; i--) {
        digit = substr(n, i, 1) * 1024 + carry
        out = (digit % 10) out
        carry = int(digit / 10)
      }
      for (; carry > 0; carry = int(carry / 10)) out = (carry % 10) out
      return out
    }
    function nano(q,   number, suffix, point, exponent, power) {
      if (q !~ /^[0-9]+([.][0-9]*)?([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$/) {
        print q " is not a quantity" > "/dev/stderr"
        exit 1
      }
      number = q; sub(/[A-Za-z].*$/, "", number)
      suffix = substr(q, length(number) + 1)
      exponent = 9; power = 0
      if (suffix ~ /^[eE][-+]?[0-9]+$/) exponent += substr(suffix, 2) + 0
      else if (suffix ~ /i$/) power = index("KMGTPE", substr(suffix, 1, 1))
      else if (suffix != "") exponent += 3 * (index("num kMGTPE", suffix) - 4)
      if (exponent > 60) exponent = 60 # larger than any volume
      point = index(number, ".")
      if (point) {
        exponent -= length(number) - point
        sub(/[.]/, "", number)
      }
      for (; exponent > 0; exponent--) number = number "0"
      if (exponent < 0) number = substr(number, 1, length(number) + exponent)
      for (; power > 0; power--) number = times_1024(number)
      sub(/^0+/, "", number)
      return number
    }
    { a = nano($2); b = nano($3) }
    length(a) < length(b) || (length(a) == length(b) && ("x" a) < ("x" b))
  '
}

# sized_claims: NAME|OBJECT of each claim of the backup. A driver may have created a larger volume than requested,
# and cannot restore its snapshot into a smaller one. Then the request is increased and logged. A claim was saved
# before its snapshot was made: the name of a member of a group replaces CLAIM-BACKUP.
sized_claims() {
  local row names secret restore_size name object sizes claims='' size saved named
  local -A small=()
  read_snapshots
  names=$(claim_secrets)
  for secret in $names; do
    row=$(secret_content "$secret" | kubectl patch --local -f - --type merge -p '{}' -o 'jsonpath={.metadata.name}|{.spec.resources.requests.storage}|{@}{"\n"}')
    claims+=$row$'\n'
  done
  sizes=$(while IFS='|' read -r name size _; do
    [[ -z ${size_of[$name]-} ]] || printf '%s|%s|%s\n' "$name" "$size" "${size_of[$name]}"
  done < <(printf %s "$claims") | smaller_requests)
  while IFS='|' read -r name _; do small[$name]=yes; done < <([[ -z $sizes ]] || printf '%s\n' "$sizes")
  while IFS='|' read -r name size object; do
    if [[ -n ${small[$name]-} ]]; then
      restore_size=${size_of[$name]}
      log "claim $name requests $size, and its snapshot needs $restore_size: it is restored with $restore_size" >&2
      object=${object/"\"requests\":{\"storage\":\"$size\"}"/"\"requests\":{\"storage\":\"$restore_size\"}"}
    fi
    if [[ ${snapshot_of[$name]-$name-$BACKUP} != "$name-$BACKUP" ]]; then
      saved="\"kind\":\"VolumeSnapshot\",\"name\":\"$name-$BACKUP\"" named="\"kind\":\"VolumeSnapshot\",\"name\":\"${snapshot_of[$name]}\""
      [[ $object == *"$saved"* ]] || die "claim $name of backup $BACKUP does not name VolumeSnapshot $name-$BACKUP as its source"
      object=${object/"$saved"/"$named"}
    fi
    printf '%s|%s\n' "$name" "$object"
  done < <(printf %s "$claims")
}
