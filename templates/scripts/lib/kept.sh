# shellcheck shell=bash
# Reading what a backup has kept.

# parts: names of its Secrets with objects, in the order in which they are put back
parts() {
  local names
  names=$(api get secrets -n "$NAMESPACE" -l "$OF_BACKUP=$BACKUP,kanister-kafka.io/cluster=$CLUSTER" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
  printf '%s\n' "$names" | grep -v -e '-facts$' -e '-topics$' -e '-offsets$' | sort -V
}

# contents SECRET: the key `objects` is of facts, and of every part of a backup before format 2.
contents() {
  local found
  found=$(api get secret "$1" -n "$NAMESPACE" -o 'jsonpath={.data.objects}|{.data.objects\.json\.gz}') || return 1 # also where errexit is off
  case $found in
    *'|'?*) printf %s "${found#*|}" | base64 -d | gzip -dc ;;
    *) printf %s "${found%'|'}" | base64 -d ;;
  esac
}

# rows SECRET: APIVERSION|KIND|NAME|OBJECT of each, one a line
rows() {
  contents "$1" | kubectl patch --local -f - --type merge -p '{}' -o 'jsonpath={.apiVersion}|{.kind}|{.metadata.name}|{@}{"\n"}'
}

facts() { contents "$CLUSTER-backup-$BACKUP-facts"; }

# fact KEY
fact() { facts | sed -n "s/^${1//./\\.}=//p"; }

# claim_parts: names of the Secrets with claims
claim_parts() {
  local names
  names=$(parts)
  printf '%s\n' "$names" | grep -E -- "-backup-$BACKUP-0-[0-9]+$"
}

# claims: names of those that are kept. To be called as `$(claims)`: what a loop reads would lose a failure.
claims() {
  local names part found
  names=$(claim_parts)
  for part in $names; do
    found=$(rows "$part")
    printf '%s\n' "$found" | cut -d '|' -f 3
  done
}
