# shellcheck shell=bash
# Trying to put a backup back: the API server takes or refuses each object as it would in earnest, with
# admission, quotas and rights, and stores nothing. All problems are collected.
problems=()

# problem TEXT
problem() {
  problems+=("$1")
  say "PROBLEM: $1"
}

# existing KIND: names of those that there are, one a line
existing() {
  local resource=${1,,}s
  [[ $1 == Secret ]] || resource+=.$API
  case $1 in
    Kafka) api get "$resource" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o 'jsonpath={.metadata.name}{"\n"}' ;;
    *) api get "$resource" -n "$NAMESPACE" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' ;;
  esac
}

# refusals ANSWER: what kubectl says of each object, one a line. It puts the causes below an object.
refusals() {
  printf '%s\n' "$1" | sed -n -e '/^Warning:/d' -e '/^$/d' -e 's/error when [a-z]* "STDIN": //' -e 's/ *$//' -e p |
    awk '/^\* / && line != "" { line = line " " substr($0, 3); next } { if (line != "") print line; line = $0 } END { if (line != "") print line }'
}

# reason ANSWER: in one word, as what the API server says of a Secret may quote a value
reason() {
  case $1 in
    *'exceeded quota'*) echo 'exceeded quota' ;;
    *'Error from server ('*) [[ $1 =~ Error\ from\ server\ \(([A-Za-z]+)\) ]] && echo "${BASH_REMATCH[1]}" ;;
    *' is invalid'*) echo Invalid ;;
    *) echo 'no answer that can be shown' ;;
  esac
}

# try VERB KIND ROWS: rows are NAME|OBJECT.
try() {
  local answer line name object
  [[ -n $3 ]] || return 0
  answer=$(printf '%s\n' "$3" | cut -d '|' -f 2- | timeout 600 kubectl "$1" --dry-run=server -n "$NAMESPACE" -f - 2>&1 >/dev/null) && return 0
  if [[ $2 == Secret ]]; then # one after the other, so that it can be said which
    while IFS='|' read -r name object; do
      answer=$(printf '%s\n' "$object" | timeout 600 kubectl "$1" --dry-run=server -n "$NAMESPACE" -f - 2>&1 >/dev/null) ||
        problem "Secret $name cannot be put back: $(reason "$answer")"
    done < <(printf '%s\n' "$3")
    return 0
  fi
  while read -r line; do
    # The claims that count against the quota go before the others come.
    [[ $2 == *replaces* && $line == *'exceeded quota'* ]] || problem "$2 cannot be put back: $line"
  done < <(refusals "${answer:-no answer}")
}

# try_objects PARTS: all but claims, each made where it is missing, replaced where it is there
try_objects() {
  local part found of group kind name object absent present names line versions
  local -A known=() there=()
  versions=$(api get --raw /apis/kafka.strimzi.io)
  for part in $1; do
    found=$(rows "$part")
    absent='' present='' of=''
    while IFS='|' read -r group kind name object; do
      if [[ $group == kafka.strimzi.io/* && ! $versions =~ \"version\":\ *\"${group#*/}\" ]]; then
        [[ -n ${known[$group/$kind]-} ]] ||
          problem "$kind $name is kept as $group, which this cluster does not serve: restore it beside an operator of a Strimzi that does"
        known[$group/$kind]=yes
        continue
      fi
      of=$kind # all of a part are of one; the last read empties the others
      if [[ -z ${known[$kind]-} ]]; then
        names=$(existing "$kind")
        while read -r line; do [[ -z $line ]] || there[$kind/$line]=yes; done < <(printf '%s\n' "$names")
        known[$kind]=yes
      fi
      if [[ -n ${there[$kind/$name]-} ]]; then present+=$name'|'$object$'\n'; else absent+=$name'|'$object$'\n'; fi
    done < <(printf '%s\n' "$found")
    try create "$of" "${absent%$'\n'}"
    try replace "$of" "${present%$'\n'}"
  done
}

# try_claims ROWS NAMES: rows are NAME|OBJECT; those of the names are there, and go before: they are
# tried under another name.
try_claims() {
  local name object absent='' present='' other
  local -A there=()
  while read -r name; do [[ -z $name ]] || there[$name]=yes; done < <(printf '%s\n' "$2")
  while IFS='|' read -r name object; do
    if [[ -n ${there[$name]-} ]]; then
      other="\"generateName\":\"$name-\",\"namespace\":"
      present+=$name'|'${object/"\"name\":\"$name\",\"namespace\":"/$other}$'\n'
    else
      absent+=$name'|'$object$'\n'
    fi
  done < <(printf '%s\n' "$1")
  try create PersistentVolumeClaim "${absent%$'\n'}"
  try create 'PersistentVolumeClaim that replaces one' "${present%$'\n'}"
}
