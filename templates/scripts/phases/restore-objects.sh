# shellcheck shell=bash
# Restores claims, certificate authorities, users, topics, node pools, the Kafka and its clients, in this order, so
# that each exists when the operator needs it. The Kafka is paused.
. ./common.sh
. ./backup-labels.sh
. ./saved-objects.sh
. ./volume-claims.sh

# error_reason SECRET ANSWER: the answer about a Secret may contain a value of it
error_reason() {
  if [[ $1 == *-backup-$BACKUP-[12]-* ]]; then echo 'the API server refuses one of its Secrets'; else echo "${2##*$'\n'}"; fi
}

# restore_object SECRET: creates missing objects and replaces existing ones
restore_object() {
  local answer
  # create fails for objects that exist. replace updates them.
  answer=$(secret_content "$1" | kubectl create -n "$NAMESPACE" -f - 2>&1 >/dev/null || true)
  secret_content "$1" | kubectl replace -n "$NAMESPACE" -f - >/dev/null 2>&1 || die "$1: $(error_reason "$1" "$answer")"
}

unbound_claims() {
  local rows name phase
  rows=$(existing_claims "$claims")
  while read -r name phase; do
    [[ -z $phase || $phase == Bound ]] || printf 'claim %s is %s; ' "$name" "$phase"
  done < <(printf '%s\n' "$rows")
}

remaining_claims() {
  local rows
  rows=$(existing_claims "$claims" | cut -d ' ' -f 1)
  [[ -z $rows ]] || printf 'claims still there: %s' "$(first_names "$rows")"
}

# derived_certificates: Secrets with certificates that the operator has created from the authorities of a new Kafka,
# by the keys in the Secrets. It renews them only if the generation of the authority differs, and both may be 0.
# Certificates of users, and passwords such as that of JMX, stay.
derived_certificates() {
  local rows name data
  rows=$(kubectl_retry get secrets -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/kind=Kafka,strimzi.io/component-type!=certificate-authority" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.data}{"\n"}{end}')
  while IFS='|' read -r name data; do
    case $name in "$CLUSTER-cluster-ca" | "$CLUSTER-cluster-ca-cert" | "$CLUSTER-clients-ca" | "$CLUSTER-clients-ca-cert") continue ;; esac
    [[ $data != *'.crt":'* ]] || printf '%s\n' "$name"
  done < <(printf '%s\n' "$rows")
}

begin_step 'verifying that no other restore has begun'
assert_own_run restoring
claims=$(saved_claims)
[[ -n $claims ]] || die "backup $BACKUP has no claims"
claim_rows=$(sized_claims) # read everything before the deletion
begin_step "replacing claims: $(first_names "$claims")"
delete_claims "$claims"
wait_until_empty "$CLAIMS_TIMEOUT" remaining_claims
assert_own_run restoring # of the objects of two restores, none may be created between those of the other
printf '%s\n' "$claim_rows" | cut -d '|' -f 2- | kubectl create -f - >/dev/null

certificates=$(derived_certificates)
if [[ -n $certificates ]]; then
  begin_step "deleting certificates, which the operator creates again from the restored authorities: $(first_names "$certificates")"
  mapfile -t names < <(printf '%s\n' "$certificates")
  for ((start = 0; start < ${#names[@]}; start += 50)); do
    kubectl_retry delete secrets "${names[@]:start:50}" -n "$NAMESPACE" --ignore-not-found --wait=false
  done
fi

parts=$(saved_secrets) # a loop over $() would ignore its failure
for secret in $parts; do
  [[ ! $secret =~ -backup-$BACKUP-0-[0-9]+$ ]] || continue
  begin_step "restoring $secret"
  assert_own_run restoring
  restore_object "$secret"
done
facts=$(saved_facts | grep -E '^(clusterId|kafkaVersion|nodeIds\.[^=]+)=')
while IFS='=' read -r key value; do set_state "$key=$value"; done < <(printf '%s\n' "$facts")
begin_step 'waiting for claims'
# A class may bind a claim only when its pod exists. Then the restart shows an error.
BINDING_DEADLINE=$(($(date +%s) + 30))
unbound_claims_in_time() {
  local missing
  missing=$(unbound_claims)
  [[ -z $missing ]] || (($(date +%s) > BINDING_DEADLINE)) || printf %s "$missing"
}
wait_until_empty "$CLAIMS_TIMEOUT" unbound_claims_in_time
log "all objects of backup $BACKUP are restored"
