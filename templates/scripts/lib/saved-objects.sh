# shellcheck shell=bash
# Reading what a backup has kept.

# parts: names of its Secrets with objects, in the order in which they are put back
saved_secrets() {
  local names
  names=$(kubectl_retry get secrets -n "$NAMESPACE" -l "$BACKUP_LABEL=$BACKUP,kanister-kafka.io/cluster=$CLUSTER" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
  printf '%s\n' "$names" | grep -v -e '-facts$' -e '-topics$' -e '-offsets$' | sort -V
}

# contents SECRET: the key `objects` is of facts, and of every part of a backup before format 2.
secret_content() {
  local content
  content=$(kubectl_retry get secret "$1" -n "$NAMESPACE" -o 'jsonpath={.data.objects}|{.data.objects\.json\.gz}') || return 1 # also where errexit is off
  case $content in
    *'|'?*) printf %s "${content#*|}" | base64 -d | gzip -dc ;;
    *) printf %s "${content%'|'}" | base64 -d ;;
  esac
}

# rows SECRET: APIVERSION|KIND|NAME|OBJECT of each, one a line
secret_rows() {
  secret_content "$1" | kubectl patch --local -f - --type merge -p '{}' -o 'jsonpath={.apiVersion}|{.kind}|{.metadata.name}|{@}{"\n"}'
}

saved_facts() { secret_content "$CLUSTER-backup-$BACKUP-facts"; }

# fact KEY
saved_fact() { saved_facts | sed -n "s/^${1//./\\.}=//p"; }

# claim_parts: names of the Secrets with claims
claim_secrets() {
  local names
  names=$(saved_secrets)
  printf '%s\n' "$names" | grep -E -- "-backup-$BACKUP-0-[0-9]+$"
}

# claims: names of those that are kept. To be called as `$(claims)`: what a loop reads would lose a failure.
saved_claims() {
  local names secret content
  names=$(claim_secrets)
  for secret in $names; do
    content=$(secret_rows "$secret")
    printf '%s\n' "$content" | cut -d '|' -f 3
  done
}
