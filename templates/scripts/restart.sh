# shellcheck shell=bash
# Brings back what was stopped, in the reverse order, and nothing else. It relies on what is kept on
# the objects themselves, so that it works when the record is gone, and after the Blueprint was
# rendered again with other choices.
# Arguments: RESOURCE/NAMESPACE/NAME/KIND/WORKLOAD of each writer.

# note KEY=VALUE...: no reason not to go on
note() { record "$@" || say "could not write to ConfigMap $RECORD: going on without it"; }

unread=
seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}') || unread=yes
state=${seen%%|*}
if [[ -n $UNLESS_STOPPED_BY && $seen == "stopped|$UNLESS_STOPPED_BY" ]]; then
  say "Kafka $CLUSTER was stopped as planned and stays stopped for the snapshot"
  exit 0
fi

step "looking at what was stopped"
paused_before=$(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
if [[ -n $paused_before || $state == stopp* || $state == restarting ]]; then
  note state=restarting "since=$(now)"
  end=$((SECONDS + READY_LIMIT))
  if [[ -n $ZOOKEEPER ]]; then
    step "starting ZooKeeper ($ZOOKEEPER)"
    start_nodes "$ZOOKEEPER" "$((end - SECONDS))"
  fi
  step "starting the nodes of Kafka $CLUSTER ($KAFKA_NODES)"
  start_nodes "$KAFKA_NODES" "$((end - SECONDS))"
  let_reconcile "$KAFKA" "$CLUSTER" "$NAMESPACE"
  wait_for "$((end - SECONDS))" unready "$KAFKA_NODES"
  restore_pause "$KAFKA" "$CLUSTER" "$NAMESPACE"
  say "every node of Kafka $CLUSTER serves"
else
  say "Kafka $CLUSTER was not stopped"
fi

for writer in "$@"; do
  IFS=/ read -r resource home name kind _ < <(printf '%s\n' "$writer")
  step "releasing $kind $home/$name"
  restore_replicas "$resource" "$name" "$home"
  restore_pause "$resource" "$name" "$home"
done
note state=running "since=$(now)"
# The stop may have gone well. A snapshot that is taken now must not pass for a consistent one.
[[ -z $UNLESS_STOPPED_BY || -z $unread ]] ||
  fail "ConfigMap $RECORD cannot be read, so the cluster was brought back: this is no backup"
say "Kafka $CLUSTER runs and everything is as it was found"
