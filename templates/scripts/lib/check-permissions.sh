# shellcheck shell=bash
# A missing right must fail the phase before brokers stop. One process creates all reviews, which the API server
# does not store.
check_permissions() {
  local permission verb resource subresource name namespace answer answers permissions reviews='' missing=''
  # shellcheck disable=SC2153 # it is in the environment
  read -ra permissions < <(printf '%s\n' "$PERMISSIONS")
  for permission in "${permissions[@]}"; do
    IFS=: read -r verb resource subresource name namespace < <(printf '%s\n' "$permission")
    reviews+='{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {'
    reviews+="\"verb\": \"$verb\", \"resource\": \"${resource%%.*}\", \"group\": \"$([[ $resource != *.* ]] || printf %s "${resource#*.}")\", "
    reviews+="\"subresource\": \"$subresource\", \"name\": \"$name\", \"namespace\": \"$namespace\"}}}"$'\n'
  done
  answers=$(printf %s "$reviews" | timeout 60 kubectl create --validate=false -f - -o 'jsonpath={.status.allowed}{"\n"}') ||
    die 'the API server did not answer which rights the service account has'
  while read -r permission answer; do
    IFS=: read -r verb resource subresource name namespace < <(printf '%s\n' "$permission")
    [[ $answer == true ]] || missing+="$verb $resource${subresource:+/$subresource}${name:+ $name} in $namespace; "
  done < <(paste -d ' ' <(printf '%s\n' "${permissions[@]}") <(printf '%s\n' "$answers"))
  [[ -z $missing ]] || die "the service account lacks rights: $missing"
}
