# shellcheck shell=bash
# Puts back claims, certificate authorities, users, topics, node pools, the Kafka and its writers, in
# this order: each is there when the operator looks for it. The Kafka comes paused.

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
  rows=$(api get persistentvolumeclaims "${claims[@]}" -n "$NAMESPACE" -o 'jsonpath={range .items[*]}{.metadata.name} {.status.phase}{"\n"}{end}{.metadata.name} {.status.phase}')
  while read -r name phase; do
    [[ -z $phase || $phase == Bound ]] || printf 'claim %s is %s; ' "$name" "$phase"
  done < <(printf '%s\n' "$rows")
}

gone() {
  local names
  names=$(api get persistentvolumeclaims "${claims[@]}" -n "$NAMESPACE" --ignore-not-found -o name)
  [[ -z $names ]] || printf 'still there: %s' "${names//$'\n'/ }"
}

state=$(recorded state)
[[ $state == restoring ]] || fail "ConfigMap $RECORD says $state, not restoring"
mapfile -t claims < <(claims)
((${#claims[@]} > 0)) || fail "backup $BACKUP has no claims"
step "replacing claims: ${claims[*]}"
api delete persistentvolumeclaims "${claims[@]}" -n "$NAMESPACE" --ignore-not-found --wait=false
wait_for "$CLAIMS_LIMIT" gone
contents "$CLUSTER-backup-$BACKUP-0-000" | kubectl create -f - >/dev/null

parts=$(parts) # in the words of a loop, a failure of it would go unnoticed
for part in $parts; do
  [[ $part == *-backup-$BACKUP-0-000 ]] && continue
  step "putting back $part"
  put_back "$part"
done
for key in clusterId kafkaVersion ${POOLS//,/ }; do
  [[ ,$POOLS, != *",$key,"* ]] || key=nodeIds.$key
  value=$(fact "$key")
  record "$key=$value"
done
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
