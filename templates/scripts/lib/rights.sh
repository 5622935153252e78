# shellcheck shell=bash
# A right that is missing must show now, not when the brokers are down. All are asked for by one
# process: each is a review that nothing stores.
check_rights() {
  local right verb resource subresource name home answer answers rights reviews='' missing=''
  # shellcheck disable=SC2153 # it is in the environment
  read -ra rights < <(printf '%s\n' "$RIGHTS")
  for right in "${rights[@]}"; do
    IFS=: read -r verb resource subresource name home < <(printf '%s\n' "$right")
    reviews+='{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {'
    reviews+="\"verb\": \"$verb\", \"resource\": \"${resource%%.*}\", \"group\": \"$([[ $resource != *.* ]] || printf %s "${resource#*.}")\", "
    reviews+="\"subresource\": \"$subresource\", \"name\": \"$name\", \"namespace\": \"$home\"}}}"$'\n'
  done
  answers=$(printf %s "$reviews" | timeout 60 kubectl create --validate=false -f - -o 'jsonpath={.status.allowed}{"\n"}') ||
    fail 'the API server does not say what the service account may do'
  while read -r right answer; do
    IFS=: read -r verb resource subresource name home < <(printf '%s\n' "$right")
    [[ $answer == true ]] || missing+="$verb $resource${subresource:+/$subresource}${name:+ $name} in $home; "
  done < <(paste -d ' ' <(printf '%s\n' "${rights[@]}") <(printf '%s\n' "$answers"))
  [[ -z $missing ]] || fail "the service account lacks rights: $missing"
}
