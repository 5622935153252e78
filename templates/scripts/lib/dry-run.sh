# shellcheck shell=bash
# Dry run of a restore: the API server checks each object with admission, quotas and rights, and stores nothing.
# All problems are collected.
problems=()

# add_problem TEXT
add_problem() {
  problems+=("$1")
  log "PROBLEM: $1"
}

# list_names KIND: names of existing objects, one in each line
list_names() {
  local resource=${1,,}s
  [[ $1 == Secret ]] || resource+=.$API
  case $1 in
    Kafka) kubectl_retry get "$resource" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o 'jsonpath={.metadata.name}{"\n"}' ;;
    *) kubectl_retry get "$resource" -n "$NAMESPACE" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' ;;
  esac
}

# format_refusals ANSWER: one line for each object. kubectl prints the causes in lines below an object.
format_refusals() {
  printf '%s\n' "$1" | sed -n -e '/^Warning:/d' -e '/^$/d' -e 's/error when [a-z]* "STDIN": //' -e 's/ *$//' -e p |
    awk '/^\* / && line != "" { line = line " " substr($0, 3); next } { if (line != "") print line; line = $0 } END { if (line != "") print line }'
}

# refusal_reason ANSWER: in one word, because the answer about a Secret may contain a value of it
refusal_reason() {
  case $1 in
    *'exceeded quota'*) echo 'exceeded quota' ;;
    *'Error from server ('*) [[ $1 =~ Error\ from\ server\ \(([A-Za-z]+)\) ]] && echo "${BASH_REMATCH[1]}" ;;
    *' is invalid'*) echo Invalid ;;
    *) echo 'the answer may contain a secret value' ;;
  esac
}

# dry_run VERB KIND ROWS: rows are NAME|OBJECT.
dry_run() {
  local answer line name object
  [[ -n $3 ]] || return 0
  answer=$(printf '%s\n' "$3" | cut -d '|' -f 2- | timeout 600 kubectl "$1" --dry-run=server -n "$NAMESPACE" -f - 2>&1 >/dev/null) && return 0
  if [[ $2 == Secret ]]; then # one after the other, to name the one that is refused
    while IFS='|' read -r name object; do
      answer=$(printf '%s\n' "$object" | timeout 600 kubectl "$1" --dry-run=server -n "$NAMESPACE" -f - 2>&1 >/dev/null) ||
        add_problem "Secret $name cannot be restored: $(refusal_reason "$answer")"
    done < <(printf '%s\n' "$3")
    return 0
  fi
  while read -r line; do
    # The restore deletes claims first, so the quota has room.
    [[ $2 == *replaces* && $line == *'exceeded quota'* ]] || add_problem "$2 cannot be restored: $line"
  done < <(format_refusals "${answer:-no answer}")
}

# dry_run_objects SECRETS: all objects except claims. It creates missing objects and replaces existing ones.
dry_run_objects() {
  local secret rows part_kind group kind name object absent present names line versions
  local -A known=() existing=()
  versions=$(kubectl_retry get --raw /apis/kafka.strimzi.io)
  for secret in $1; do
    rows=$(secret_rows "$secret")
    absent='' present='' part_kind=''
    while IFS='|' read -r group kind name object; do
      if [[ $group == kafka.strimzi.io/* && ! $versions =~ \"version\":\ *\"${group#*/}\" ]]; then
        [[ -n ${known[$group/$kind]-} ]] ||
          add_problem "$kind $name has apiVersion $group in the backup, which this cluster does not serve: install a Strimzi that serves it"
        known[$group/$kind]=yes
        continue
      fi
      part_kind=$kind # a Secret has objects of one kind; the last read empties the other variables
      if [[ -z ${known[$kind]-} ]]; then
        names=$(list_names "$kind")
        while read -r line; do [[ -z $line ]] || existing[$kind/$line]=yes; done < <(printf '%s\n' "$names")
        known[$kind]=yes
      fi
      if [[ -n ${existing[$kind/$name]-} ]]; then present+=$name'|'$object$'\n'; else absent+=$name'|'$object$'\n'; fi
    done < <(printf '%s\n' "$rows")
    dry_run create "$part_kind" "${absent%$'\n'}"
    dry_run replace "$part_kind" "${present%$'\n'}"
  done
}

# dry_run_claims ROWS NAMES: rows are NAME|OBJECT. Claims with these NAMES exist and are deleted before, so the
# dry run uses another name for them.
dry_run_claims() {
  local name object absent='' present='' renamed
  local -A existing=()
  while read -r name; do [[ -z $name ]] || existing[$name]=yes; done < <(printf '%s\n' "$2")
  while IFS='|' read -r name object; do
    if [[ -n ${existing[$name]-} ]]; then
      renamed="\"generateName\":\"$name-\",\"namespace\":"
      present+=$name'|'${object/"\"name\":\"$name\",\"namespace\":"/$renamed}$'\n'
    else
      absent+=$name'|'$object$'\n'
    fi
  done < <(printf '%s\n' "$1")
  dry_run create PersistentVolumeClaim "${absent%$'\n'}"
  dry_run create 'PersistentVolumeClaim that replaces one' "${present%$'\n'}"
}
