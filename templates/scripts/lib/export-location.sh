# shellcheck shell=bash
# The location of a Profile as restic names it.

# without_slashes TEXT: none at its ends
without_slashes() {
  local text=$1
  while [[ $text == */ ]]; do text=${text%/}; done
  while [[ $text == /* ]]; do text=${text#/}; done
  printf %s "$text"
}

# find_repository: sets repository to the location in the environment. It has no credentials: Kanister has them in the Profile, which
# no template here reads.
find_repository() {
  local endpoint bucket prefix
  [[ $LOCATION_TYPE ]] || die "the ActionSet names no Profile: name Profile $EXPORT_PROFILE, as \`kanister-kafka backups export\` does"
  [[ $LOCATION_TYPE == s3Compliant ]] || die "Profile $EXPORT_PROFILE has a location of type $LOCATION_TYPE: only s3Compliant is supported"
  endpoint=$(without_slashes "${LOCATION_ENDPOINT:-s3.amazonaws.com}")
  bucket=$(without_slashes "$LOCATION_BUCKET")
  prefix=$(without_slashes "$LOCATION_PREFIX")
  [[ $endpoint =~ ^(https?://)?[A-Za-z0-9._:/-]+$ || $endpoint =~ ^https?://\[[0-9A-Fa-f:]+\](:[0-9]+)?$ ]] || die "Profile $EXPORT_PROFILE has an endpoint that is not a URL of http or https"
  [[ $bucket =~ ^[A-Za-z0-9._-]+$ ]] || die "Profile $EXPORT_PROFILE has no valid name of a bucket"
  [[ -z $prefix || $prefix =~ ^[A-Za-z0-9._/-]+$ ]] || die "Profile $EXPORT_PROFILE has a prefix with other characters than letters, digits and ._/-"
  # shellcheck disable=SC2034 # for callers
  repository=s3:$endpoint/$bucket/${prefix:+$prefix/}kanister-kafka
}
