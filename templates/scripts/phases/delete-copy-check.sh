# shellcheck shell=bash
# Reads from a backup where its copy is, before that is deleted, and marks it: an interrupted deletion leaves an
# incomplete copy. If nothing of the backup is in the namespace, its name alone selects the copy, or its name and
# COPY_UID, the uid of the copy that a keep rule removes.
. ./common.sh
LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the run that stops Kafka, and this stops nothing
. ./backup-labels.sh
. ./export-location.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact has the backup '$BACKUP', which is not a name of a backup"
[[ -z ${COPY_UID-} || $COPY_UID =~ ^[0-9a-f-]{36}$ ]] || die "the option uid of the ActionSet is '$COPY_UID', which is not a uid"
facts=$CLUSTER-backup-$BACKUP-facts
expected=''
begin_step "reading where the copy of backup $BACKUP is"
fields=$(kubectl_retry get secret "$facts" -n "$NAMESPACE" --ignore-not-found -o "jsonpath={.metadata.uid}|{.metadata.annotations.${EXPORTED_ANNOTATION//./\\.}}")
IFS='|' read -r uid mark < <(printf '%s\n' "$fields")
[[ -z ${COPY_UID-} || -z $uid || $uid == "$COPY_UID" ]] ||
  die "the copy with uid $COPY_UID is not that of backup $BACKUP in the namespace, which has uid $uid"
uid=${COPY_UID:-$uid}
if [[ -n $mark && ${COPY-} != keep ]]; then
  find_repository
  # shellcheck disable=SC2154 # find_repository sets it
  [[ ${mark#* } == "$repository" ]] ||
    die "the copy of backup $BACKUP is in ${mark#* }, and Profile $EXPORT_PROFILE names $repository: correct the Profile"
  [[ $mark == "$DELETING "* ]] || expected=yes
  kubectl_retry annotate secret "$facts" -n "$NAMESPACE" --overwrite "$EXPORTED_ANNOTATION=$DELETING $repository" >/dev/null
fi
kanister_output uid "$uid"
kanister_output expected "$expected"
log "the copy of backup $BACKUP: ${mark:-none is known}"
