# shellcheck shell=bash
# Puts back claims, certificate authorities, users, topics, node pools, the Kafka and its writers, in
# this order: each is there when the operator looks for it. The Kafka comes paused.
. ./prelude.sh
. ./backup.sh
. ./kept.sh
. ./claims.sh

# reason SECRET ANSWER: what the API server says of a Secret may quote a value.
reason() {
  if [[ $1 == *-backup-$BACKUP-[12]-* ]]; then echo 'the API server refuses one of its Secrets'; else echo "${2##*$'\n'}"; fi
}

# put_back SECRET: made where it is missing, replaced where it is there
put_back() {
  local answer
  # An object that exists is no failure of create: replace takes it.
  answer=$(contents "$1" | kubectl create -n "$NAMESPACE" -f - 2>&1 >/dev/null || true)
  contents "$1" | kubectl replace -n "$NAMESPACE" -f - >/dev/null 2>&1 || fail "$1: $(reason "$1" "$answer")"
}

bound() {
  local rows name phase
  rows=$(claims_among "$claims")
  while read -r name phase; do
    [[ -z $phase || $phase == Bound ]] || printf 'claim %s is %s; ' "$name" "$phase"
  done < <(printf '%s\n' "$rows")
}

gone() {
  local rows
  rows=$(claims_among "$claims" | cut -d ' ' -f 1)
  [[ -z $rows ]] || printf 'still there: %s' "$(some "$rows")"
}

# derived: certificates that an operator has made from the authorities of a Kafka that was made anew,
# by the keys in their Secrets. It renews them only where the number of the authority's generation
# differs, and the number of both may be 0. Those of users, and passwords such as that of JMX, stay.
derived() {
  local rows name data
  rows=$(api get secrets -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/kind=Kafka,strimzi.io/component-type!=certificate-authority" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.data}{"\n"}{end}')
  while IFS='|' read -r name data; do
    case $name in "$CLUSTER-cluster-ca" | "$CLUSTER-cluster-ca-cert" | "$CLUSTER-clients-ca" | "$CLUSTER-clients-ca-cert") continue ;; esac
    [[ $data != *'.crt":'* ]] || printf '%s\n' "$name"
  done < <(printf '%s\n' "$rows")
}

state=$(recorded state)
[[ $state == restoring ]] || fail "ConfigMap $RECORD says $state, not restoring"
claims=$(claims)
[[ -n $claims ]] || fail "backup $BACKUP has no claims"
claim_rows=$(sized) # whatever cannot be read comes before the deletion
step "replacing claims: $(some "$claims")"
delete_claims "$claims"
wait_for "$CLAIMS_LIMIT" gone
printf '%s\n' "$claim_rows" | cut -d '|' -f 2- | kubectl create -f - >/dev/null

certificates=$(derived)
if [[ -n $certificates ]]; then
  step "deleting certificates, which the operator makes again from the restored authorities: $(some "$certificates")"
  mapfile -t names < <(printf '%s\n' "$certificates")
  for ((at = 0; at < ${#names[@]}; at += 50)); do
    api delete secrets "${names[@]:at:50}" -n "$NAMESPACE" --ignore-not-found --wait=false
  done
fi

parts=$(parts) # in the words of a loop, a failure of it would go unnoticed
for part in $parts; do
  [[ ! $part =~ -backup-$BACKUP-0-[0-9]+$ ]] || continue
  step "putting back $part"
  put_back "$part"
done
facts=$(facts | grep -E '^(clusterId|kafkaVersion|nodeIds\.[^=]+)=')
while IFS='=' read -r key value; do record "$key=$value"; done < <(printf '%s\n' "$facts")
step 'waiting for claims'
# A class may bind a claim only when its pod is there; then the restart shows what is wrong.
BINDING=$(($(date +%s) + 30))
not_bound() {
  local missing
  missing=$(bound)
  [[ -z $missing ]] || (($(date +%s) > BINDING)) || printf %s "$missing"
}
wait_for "$CLAIMS_LIMIT" not_bound
say "everything of backup $BACKUP is put back"
