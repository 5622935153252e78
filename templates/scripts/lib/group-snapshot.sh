# shellcheck shell=bash
# One VolumeGroupSnapshot of all claims: the driver cuts its members at one moment. The snapshot controller creates a
# VolumeSnapshot for each member, with a generated name, without labels and owned by the group.
# The Secret with the facts owns the group, so the deletion of the backup deletes the group, and its members follow.
# A member cannot be deleted alone: the controller keeps it until its group is gone.
GROUP_API=groupsnapshot.storage.k8s.io

# find_group_api: sets GROUP_RESOURCE and GROUP_VERSION. The content of a group in v1beta1 has other fields, and its
# controllers are older than the ones that this was tested with.
find_group_api() {
  local served version
  served=$(kubectl_retry get --raw "/apis/$GROUP_API") ||
    die "the API server does not serve $GROUP_API: install the CustomResourceDefinitions of group snapshots, or render without --group-snapshot-class"
  GROUP_VERSION=
  for version in v1beta2 v1; do
    [[ ! $served =~ \"version\":\ *\"$version\" ]] || GROUP_VERSION=$version
  done
  [[ -n $GROUP_VERSION ]] ||
    die "the API server serves neither v1 nor v1beta2 of $GROUP_API: update the CustomResourceDefinitions of group snapshots, or render without --group-snapshot-class"
  GROUP_RESOURCE=volumegroupsnapshots.$GROUP_VERSION.$GROUP_API
}

# create_group NAME BACKUP: sets GROUP_UID. It selects as claims_by_label. The controller ignores matchExpressions.
create_group() {
  local owner=$CLUSTER-backup-$2-facts owner_uid
  owner_uid=$(kubectl_retry get secret "$owner" -n "$NAMESPACE" -o 'jsonpath={.metadata.uid}')
  [[ -n $owner_uid ]] || die "Secret $owner has no uid"
  GROUP_UID=$(printf '{"apiVersion": "%s", "kind": "VolumeGroupSnapshot", "metadata": {"name": "%s", "namespace": "%s", %s, "ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "%s", "uid": "%s"}]}, "spec": {"volumeGroupSnapshotClassName": "%s", "source": {"selector": {"matchLabels": {"strimzi.io/cluster": "%s", "strimzi.io/kind": "Kafka"}}}}}\n' \
    "$GROUP_API/$GROUP_VERSION" "$1" "$NAMESPACE" "$(labels_json "$2")" "$owner" "$owner_uid" "$GROUP_SNAPSHOT_CLASS" "$CLUSTER" |
    kubectl create -f - -o 'jsonpath={.metadata.uid}')
  [[ -n $GROUP_UID ]] || die "VolumeGroupSnapshot $1 has no uid"
}

# group_not_cut NAME: for wait_until_empty. The controller tries again after an error, so only the error about a
# missing class is final: the account may not read classes, which have no namespace.
group_not_cut() {
  local fields cut error
  fields=$(kubectl_retry get "$GROUP_RESOURCE" "$1" -n "$NAMESPACE" -o 'jsonpath={.status.creationTime}|{.status.error.message}')
  cut=${fields%%|*} error=${fields#*|}
  if [[ $error == *volumegroupsnapshotclass*"$GROUP_SNAPSHOT_CLASS"*'not found'* ]]; then
    printf '!VolumeGroupSnapshotClass %s does not exist' "$GROUP_SNAPSHOT_CLASS"
  elif [[ -z $cut ]]; then
    printf 'VolumeGroupSnapshot %s is not cut yet%s; ' "$1" "${error:+ ($error)}"
  fi
}

# list_members UID: NAME|CLAIM|CUT|ERROR of each VolumeSnapshot that the group with this uid owns
list_members() {
  local rows name owners rest
  rows=$(kubectl_retry get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.metadata.ownerReferences[*].uid}|{.spec.source.persistentVolumeClaimName}|{.status.creationTime}|{.status.error.message}{"\n"}{end}')
  while IFS='|' read -r name owners rest; do
    [[ " $owners " != *" $1 "* ]] || printf '%s|%s\n' "$name" "$rest"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
}

# members_not_cut UID COUNT: for wait_until_empty
members_not_cut() {
  local rows name claim cut error count=0
  rows=$(list_members "$1")
  while IFS='|' read -r name claim cut error; do
    count=$((count + 1))
    [[ -n $cut ]] || printf '%s of claim %s is not cut yet%s; ' "$name" "$claim" "${error:+ ($error)}"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
  ((count >= $2)) || printf 'there are %d of %d members; ' "$count" "$2"
}

# group_not_complete NAME UID COUNT: for wait_until_empty, one limit for the group and its members
group_not_complete() {
  local missing
  missing=$(group_not_cut "$1")
  [[ -n $missing ]] || missing=$(members_not_cut "$2" "$3")
  printf %s "$missing"
}

# claims_of_members UID: names of the claims, a word for each member. A member whose volume the controller did not find
# has no claim.
claims_of_members() {
  local rows
  rows=$(list_members "$1")
  sort_words "$(awk -F '|' '{ printf "%s ", ($2 == "" ? "without-claim:" $1 : $2) }' <(printf '%s\n' "$rows"))"
}

# label_members UID BACKUP: with the labels by which every other step finds the snapshots of a backup
label_members() {
  local rows names start
  rows=$(list_members "$1")
  mapfile -t names < <(cut -d '|' -f 1 <(printf '%s\n' "$rows"))
  for ((start = 0; start < ${#names[@]}; start += 50)); do
    kubectl_retry patch volumesnapshots.snapshot.storage.k8s.io "${names[@]:start:50}" -n "$NAMESPACE" --type merge -p "{\"metadata\": {$(labels_json "$2")}}" >/dev/null
  done
}

# snapshot_claims BACKUP CHECK...: all claims in one group. CHECK fails if they do not make a backup any more: it runs before
# the group is created, and after its last member is cut and labelled.
snapshot_claims() {
  local backup=$1 group=$CLUSTER-backup-$1 claims before expected members
  shift
  begin_step 'reading the API versions of group snapshots'
  find_group_api
  "$@"
  begin_step "reading the claims of Kafka $CLUSTER"
  claims=$(claims_by_label)
  [[ -n $claims ]] || die "Kafka $CLUSTER has no claims"
  before=$(get_state claims)
  [[ -n $before && $(printf %s "$claims" | digest) == "$before" ]] ||
    die "Kafka $CLUSTER has other claims than at the start of the backup: this is not a backup"
  expected=$(wc -w < <(printf '%s\n' "$claims"))
  begin_step "snapshotting every claim of Kafka $CLUSTER in VolumeGroupSnapshot $group"
  create_group "$group" "$backup"
  wait_until_empty "$SNAPSHOT_TIMEOUT" group_not_complete "$group" "$GROUP_UID" "$expected"
  begin_step "comparing the members of VolumeGroupSnapshot $group with the claims of Kafka $CLUSTER"
  members=$(claims_of_members "$GROUP_UID")
  [[ $members == "$claims" ]] || die "VolumeGroupSnapshot $group is of the claims $members, not of the claims $claims of Kafka $CLUSTER: this is not a backup"
  label_members "$GROUP_UID" "$backup"
  "$@"
  kanister_output backup "$backup"
  kanister_output snapshots "$expected"
  log "backup $backup: every snapshot is cut, all in VolumeGroupSnapshot $group"
}
