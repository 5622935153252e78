# shellcheck shell=bash
# Trying to put a backup back: the API server takes or refuses each object as it would in earnest, with
# admission, quotas and rights, and stores nothing. All problems are collected.
problems=()

# problem TEXT
add_problem() {
  problems+=("$1")
  log "PROBLEM: $1"
}

# existing KIND: names of those that there are, one a line
list_names() {
  local resource=${1,,}s
  [[ $1 == Secret ]] || resource+=.$API
  case $1 in
    Kafka) kubectl_retry get "$resource" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o 'jsonpath={.metadata.name}{"\n"}' ;;
    *) kubectl_retry get "$resource" -n "$NAMESPACE" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' ;;
  esac
}

# refusals ANSWER: what kubectl says of each object, one a line. It puts the causes below an object.
format_refusals() {
  printf '%s\n' "$1" | sed -n -e '/^Warning:/d' -e '/^$/d' -e 's/error when [a-z]* "STDIN": //' -e 's/ *$//' -e p |
    awk '/^\* / && line != "" { line = line " " substr($0, 3); next } { if (line != "") print line; line = $0 } END { if (line != "") print line }'
}

# reason ANSWER: in one word, as what the API server says of a Secret may quote a value
refusal_reason() {
  case $1 in
    *'exceeded quota'*) echo 'exceeded quota' ;;
    *'Error from server ('*) [[ $1 =~ Error\ from\ server\ \(([A-Za-z]+)\) ]] && echo "${BASH_REMATCH[1]}" ;;
    *' is invalid'*) echo Invalid ;;
    *) echo 'no answer that can be shown' ;;
  esac
}

# try VERB KIND ROWS: rows are NAME|OBJECT.
dry_run() {
  local answer line name object
  [[ -n $3 ]] || return 0
  answer=$(printf '%s\n' "$3" | cut -d '|' -f 2- | timeout 600 kubectl "$1" --dry-run=server -n "$NAMESPACE" -f - 2>&1 >/dev/null) && return 0
  if [[ $2 == Secret ]]; then # one after the other, so that it can be said which
    while IFS='|' read -r name object; do
      answer=$(printf '%s\n' "$object" | timeout 600 kubectl "$1" --dry-run=server -n "$NAMESPACE" -f - 2>&1 >/dev/null) ||
        add_problem "Secret $name cannot be put back: $(refusal_reason "$answer")"
    done < <(printf '%s\n' "$3")
    return 0
  fi
  while read -r line; do
    # The claims that count against the quota go before the others come.
    [[ $2 == *replaces* && $line == *'exceeded quota'* ]] || add_problem "$2 cannot be put back: $line"
  done < <(format_refusals "${answer:-no answer}")
}

# try_objects PARTS: all but claims, each made where it is missing, replaced where it is there
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
          add_problem "$kind $name is kept as $group, which this cluster does not serve: restore it beside an operator of a Strimzi that does"
        known[$group/$kind]=yes
        continue
      fi
      part_kind=$kind # all of a part are of one; the last read empties the others
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

# try_claims ROWS NAMES: rows are NAME|OBJECT; those of the names are there, and go before: they are
# tried under another name.
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
