# shellcheck shell=bash
# Reading what a backup has kept.

# parts: names of its Secrets with objects, in the order in which they are put back
parts() {
  local names
  names=$(api get secrets -n "$NAMESPACE" -l "$OF_BACKUP=$BACKUP,kanister-kafka.io/cluster=$CLUSTER" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
  printf '%s\n' "$names" | grep -v -e '-facts$' -e '-topics$' | sort -V
}

# contents SECRET
contents() { api get secret "$1" -n "$NAMESPACE" -o 'jsonpath={.data.objects}' | base64 -d; }

facts() { contents "$CLUSTER-backup-$BACKUP-facts"; }

# fact KEY
fact() { facts | sed -n "s/^${1//./\\.}=//p"; }

# claims: names of those that are kept
claims() { contents "$CLUSTER-backup-$BACKUP-0-000" | sed -n 's/^{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "\([^"]*\)".*/\1/p'; }
