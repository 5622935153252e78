# shellcheck shell=bash
# Reads the Secrets of a backup.

# saved_secrets: names of the Secrets with objects, in the order of their restore
saved_secrets() {
  local names
  names=$(kubectl_retry get secrets -n "$NAMESPACE" -l "$BACKUP_LABEL=$BACKUP,kanister-kafka.io/cluster=$CLUSTER" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
  printf '%s\n' "$names" | grep -v -e '-facts$' -e '-topics$' -e '-offsets$' | sort -V
}

# secret_content SECRET: facts, and all objects before format 2, have the key `objects`
secret_content() {
  local content
  content=$(kubectl_retry get secret "$1" -n "$NAMESPACE" -o 'jsonpath={.data.objects}|{.data.objects\.json\.gz}') || return 1 # also if errexit is off
  case $content in
    *'|'?*) printf %s "${content#*|}" | base64 -d | gzip -dc ;;
    *) printf %s "${content%'|'}" | base64 -d ;;
  esac
}

# secret_rows SECRET: APIVERSION|KIND|NAME|OBJECT of each, one in each line
secret_rows() {
  secret_content "$1" | kubectl patch --local -f - --type merge -p '{}' -o 'jsonpath={.apiVersion}|{.kind}|{.metadata.name}|{@}{"\n"}'
}

saved_facts() { secret_content "$CLUSTER-backup-$BACKUP-facts"; }

# saved_fact KEY
saved_fact() { saved_facts | sed -n "s/^${1//./\\.}=//p"; }

# claim_secrets: names of the Secrets with claims
claim_secrets() {
  local names
  names=$(saved_secrets)
  printf '%s\n' "$names" | grep -E -- "-backup-$BACKUP-0-[0-9]+$"
}

# saved_claims: names of the saved claims. Call it as `$(saved_claims)`, because a loop would ignore its failure.
saved_claims() {
  local names secret content
  names=$(claim_secrets)
  for secret in $names; do
    content=$(secret_rows "$secret")
    printf '%s\n' "$content" | cut -d '|' -f 3
  done
}
