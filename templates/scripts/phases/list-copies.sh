# shellcheck shell=bash
# Lists the copies of this Kafka in the repository, for keep rules. It changes nothing on the cluster and in the store, so an
# export or a deletion of a copy may run meanwhile: its Jobs have a label of their own.
. ./common.sh
LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the run that stops Kafka, and this stops nothing
. ./export-location.sh
. ./backup-labels.sh
. ./export-jobs.sh
STEP_LABEL=kanister-kafka.io/list-step
BACKUP= # of all backups

# An output is in the status of the ActionSet, and etcd accepts objects up to 1.5 MiB. This is the list of more than 10,000 copies.
MAX_LIST_BYTES=700000

begin_step "checking the location of Profile $EXPORT_PROFILE"
find_repository
REPOSITORY=$repository
own_jobs
begin_step "listing the copies of Kafka $CLUSTER in $REPOSITORY"
job=$(create_job list '' '' '')
wait_for_job "$job"
lines=$(kubectl_retry logs "job/$job" -n "$NAMESPACE") # all of it, not its end
rows=$(printf '%s\n' "$lines" | sed -n 's/^COPY //p')
count=$(printf '%s' "$rows" | grep -c '^') || true
[[ $'\n'$lines$'\n' == *$'\n'"LISTED $count"$'\n'* ]] || die "the list of Job $job is not complete"
packed=$(printf '%s\n' "$rows" | gzip -c | base64 | tr -d '\n')
((${#packed} <= MAX_LIST_BYTES)) ||
  die "the list of $count copies does not fit into an ActionSet: delete copies by name, or with restic forget"
kanister_output repository "$REPOSITORY"
kanister_output count "$count"
kanister_output copies "$packed"
log "$REPOSITORY has $count copies of Kafka $CLUSTER"
