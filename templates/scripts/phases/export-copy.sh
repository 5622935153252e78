# shellcheck shell=bash
# Copies the volumes of a backup to a repository of restic, several at a time, and then its objects. For each volume
# a Job mounts a claim that Kubernetes makes from the snapshot and deletes with the pod. A repeated copy sends what is
# missing: restic stores equal data once.
. ./common.sh
LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the run that stops Kafka, and a copy stops nothing
. ./backup-labels.sh
. ./export-jobs.sh

TRIES=3 # of a volume whose pod was killed
PROGRESS_SECONDS=15

# volume_job CLAIM CLASS CAPACITY SNAPSHOT
volume_job() {
  create_job copy \
    ", {\"name\": \"data\", \"ephemeral\": {\"volumeClaimTemplate\": {\"metadata\": {\"labels\": {\"$EXPORT_LABEL\": \"$BACKUP\"}}, \"spec\": {\"accessModes\": [\"ReadWriteOnce\"]${2:+, \"storageClassName\": \"$2\"}, \"resources\": {\"requests\": {\"storage\": \"$3\"}}, \"dataSource\": {\"apiGroup\": \"snapshot.storage.k8s.io\", \"kind\": \"VolumeSnapshot\", \"name\": \"$4\"}}}}}" \
    ", {\"name\": \"data\", \"mountPath\": \"/volumes/$1\", \"readOnly\": true}" \
    ", $(env_json EXPORT_KIND volume EXPORT_CLAIM "$1" EXPORT_PATH "/volumes/$1" CLUSTER_ID "$CLUSTER_ID")"
}

# objects_job ROWS: an init container writes the objects into memory as the account that may read Secrets. restic has
# no token.
objects_job() {
  local script volumes
  script=$(<./export-objects.sh)
  volumes=$(printf '%s\n' "$1" | gzip -c | base64 | tr -d '\n')
  create_job copy \
    ', {"name": "objects", "emptyDir": {"medium": "Memory"}}, {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}, {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}, {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}}]}}' \
    ', {"name": "objects", "mountPath": "/objects", "readOnly": true}' \
    ", $(env_json EXPORT_KIND objects EXPORT_PATH /objects CLUSTER_ID "$CLUSTER_ID")" \
    "\"serviceAccountName\": \"$OBJECTS_ACCOUNT\", \"initContainers\": [{\"name\": \"objects\", \"image\": \"$STEP_IMAGE\", \"command\": [\"bash\", \"-c\", $(json_text "$script"), \"objects\", \"/objects\"],
      \"env\": [$(env_json NAMESPACE "$NAMESPACE" CLUSTER "$CLUSTER" BACKUP "$BACKUP" VOLUMES "$volumes")], \"resources\": $EXPORT_RESOURCES, $CONTAINER_SECURITY,
      \"volumeMounts\": [{\"name\": \"objects\", \"mountPath\": \"/objects\"}, {\"name\": \"token\", \"mountPath\": \"/var/run/secrets/kubernetes.io/serviceaccount\", \"readOnly\": true}, {\"name\": \"tmp\", \"mountPath\": \"/tmp\"}]}],"
}

# summary_of LOG: SNAPSHOT|SIZE|ADDED of the copy; it fails if restic has not logged its end
summary_of() {
  local line
  line=$(printf '%s\n' "$1" | grep '"message_type":"summary"' | tail -n 1) || return 1
  [[ $line =~ \"snapshot_id\":\"([0-9a-f]{64})\" ]] || return 1
  printf '%s|' "${BASH_REMATCH[1]}"
  [[ $line =~ \"total_bytes_processed\":([0-9]+) ]] || return 1
  printf '%s|' "${BASH_REMATCH[1]}"
  [[ $line =~ \"data_added_packed\":([0-9]+) ]] || return 1
  printf '%s' "${BASH_REMATCH[1]}"
}

# log_progress: how much of each volume is copied
log_progress() {
  local job line
  for job in "${!claim_of[@]}"; do
    line=$(job_log "$job" | grep '"message_type":"status"' | tail -n 1) || continue
    [[ $line =~ \"total_bytes\":([0-9]+) ]] || continue
    local total=${BASH_REMATCH[1]} bytes=0
    [[ ! $line =~ \"bytes_done\":([0-9]+) ]] || bytes=${BASH_REMATCH[1]}
    log "${claim_of[$job]}: $((bytes / 1000000)) of $((total / 1000000)) MB"
  done
}

# finish JOB SUCCEEDED REASON: takes the result of a Job that has ended
finish() {
  local claim=${claim_of[$1]} lines result
  lines=$(job_log "$1")
  if [[ -n $2 && $2 != 0 ]] && result=$(summary_of "$lines"); then
    row_of[$claim]+="|${result%|*}"
    added=$((added + ${result##*|}))
    done_count=$((done_count + 1))
    log "$claim is copied, $done_count of ${#order[@]}: ${result##*|} bytes sent"
  elif [[ $lines != *'FAILED: '* && $3 != DeadlineExceeded ]] && ((tries[$claim] < TRIES)); then
    log "the pod of $claim has ended without a result ($3): it is started again"
    queue+=("$claim")
  else
    failures+="$claim: $(failure_of "$1" "${3:-without the summary of restic}"); "
  fi
  unset "claim_of[$1]"
  delete_job "$1"
}

begin_jobs
begin_step "opening the repository $REPOSITORY"
job=$(create_job open '' '' '')
wait_for_job "$job"
log "$job_lines"
delete_job "$job"
if [[ $job_lines == *'EXISTS '* ]]; then
  log "backup $BACKUP is in the repository already"
  kanister_output added 0
  exit 0
fi

begin_step "copying the volumes of backup $BACKUP"
declare -A row_of=() snapshot_of=() claim_of=() tries=()
order=() queue=() failures='' added=0 done_count=0
rows=$(printf %s "$CLAIMS" | base64 -d | gzip -dc)
while IFS='|' read -r claim class mode capacity snapshot; do
  order+=("$claim") queue+=("$claim")
  row_of[$claim]="$claim|$class|$mode|$capacity" snapshot_of[$claim]=$snapshot tries[$claim]=0
done < <(printf '%s\n' "$rows")
next_progress=$((SECONDS + PROGRESS_SECONDS)) end_of_copy=$((SECONDS + EXPORT_TIMEOUT))
while ((${#queue[@]} || ${#claim_of[@]})); do
  # After a failure the others end: what they have sent is not sent again.
  while ((${#queue[@]} && ${#claim_of[@]} < EXPORT_PARALLEL)) && [[ -z $failures ]]; do
    claim=${queue[0]} queue=("${queue[@]:1}")
    tries[$claim]=$((tries[$claim] + 1))
    IFS='|' read -r _ class _ capacity _ < <(printf '%s\n' "${row_of[$claim]}")
    job=$(volume_job "$claim" "$class" "$capacity" "${snapshot_of[$claim]}")
    claim_of[$job]=$claim
    log "copying $claim by Job $job"
  done
  [[ -z $failures ]] || queue=()
  sleep "${POLL_INTERVAL:-2}"
  rows=$(job_states)
  for job in "${!claim_of[@]}"; do
    state=$(printf '%s\n' "$rows" | grep "^$job|") || state="$job||it was deleted"
    IFS='|' read -r _ succeeded reason < <(printf '%s\n' "$state")
    [[ -z ${succeeded#0}$reason ]] || finish "$job" "$succeeded" "$reason"
  done
  if ((SECONDS >= end_of_copy)); then
    failures+="the volumes are not copied after $EXPORT_TIMEOUT s; "
    break
  fi
  if ((SECONDS >= next_progress)); then
    log_progress
    for job in "${!claim_of[@]}"; do
      problem=$(pod_problem "$job")
      [[ -z ${problem// } ]] || log "${claim_of[$job]} waits: $problem"
      if starts_too_late "$job" "$problem"; then
        failures+="${claim_of[$job]}: its pod does not start: $problem; "
        unset "claim_of[$job]"
        delete_job "$job"
      fi
    done
    next_progress=$((SECONDS + PROGRESS_SECONDS))
  fi
done
[[ -z $failures ]] || die "${failures%; }. The backup in the namespace is complete. Repeat the copy with: kanister-kafka backups export $BACKUP -n $NAMESPACE"

begin_step "copying the objects of backup $BACKUP"
volumes=
for claim in "${order[@]}"; do volumes+=${volumes:+$'\n'}${row_of[$claim]}; done
job=$(objects_job "$volumes")
wait_for_job "$job"
summary=$(summary_of "$job_lines") || die "Job $job has ended without the summary of restic"
delete_job "$job"
added=$((added + ${summary##*|}))
kanister_output added "$added"
log "backup $BACKUP is copied: ${#order[@]} volumes, $added bytes sent"
