#!/usr/bin/env bash
# Makes the environment of this folder on the cluster of kubectl's current context, or removes it.
#
#   lab-env.sh up [OVERLAY]   apply an overlay (overlays/kraft-small) and wait until all of it is Ready
#   lab-env.sh down           remove what `up` made, with its volumes
#
# LAB_IMAGE  another image for the producers
# LAB_WAIT   seconds: `up` waits so long in all (900), `down` for each kind to be gone (120)
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$HERE/../../build/lab-env
LABEL=kanister-kafka.io/lab
# Strimzi gives the labels of its resources on to what it makes.
OWN=$LABEL,!strimzi.io/cluster
GROUP=kafka.strimzi.io

say() { echo "lab-env: $*"; }
fail() {
  echo "lab-env: $*" >&2
  exit 1
}

# Everything of a kind that `up` made, as NAMESPACE/NAME.
made() {
  kubectl get "$1" -A -l "${2:-$LABEL}" \
    -o 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}'
}

# The overlay with a label for all that `up` makes, and with the image that was asked for.
build() {
  local overlay=$1
  [ -d "$overlay" ] || fail "$overlay: no such folder; LAB_ENV names an overlay"
  rm -rf "$BUILD" && mkdir -p "$BUILD"
  ln -s "$(cd "$overlay" && pwd)" "$BUILD/overlay"
  cat >"$BUILD/kustomization.yaml" <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [overlay]
labels: [{pairs: {$LABEL: "true"}}]
END
  [ -z "${LAB_IMAGE:-}" ] || cat >>"$BUILD/kustomization.yaml" <<END
patches:
  - target: {kind: Deployment, labelSelector: app.kubernetes.io/name=producer}
    patch: |
      - {op: replace, path: /spec/template/spec/containers/0/image, value: "$LAB_IMAGE"}
END
  kubectl kustomize "$BUILD" >"$BUILD/lab.yaml"
}

# The versions of Strimzi's API that the cluster serves, in one line.
served() {
  local versions
  versions=$(kubectl api-versions) || fail "the cluster of the current context cannot be reached"
  { grep "^$GROUP/" <<<"$versions" || true; } | tr '\n' ' '
}

# One line and no more where the cluster is not fit for it.
look() {
  local served wanted foreign
  served=$(served)
  [ -n "$served" ] ||
    fail "no Strimzi on this cluster: install its operator first, for namespaces kafka and kafka-mirror"
  wanted=$(sed -n "s|^apiVersion: \($GROUP/.*\)|\1|p" "$BUILD/lab.yaml" | sort -u)
  [[ " $served" == *" $wanted "* ]] ||
    fail "this Strimzi serves ${served% }, the overlay is written in ${wanted}: take another (LAB_ENV)"
  foreign=$(made "kafka.$GROUP" "!$LABEL")
  foreign=$(grep -Ex '(kafka|kafka-mirror)/my-cluster' <<<"$foreign" | tr '\n' ' ') || return 0
  fail "Kafka ${foreign% } is there, and not of the lab: it is left alone"
}

# Ask again until the command is through or the time is over; say every 15 seconds what runs so far.
until_done() {
  local what=$1 namespace=$2 asked pods
  shift 2
  asked=$SECONDS
  until kubectl -n "$namespace" "$@" --timeout=15s >/dev/null 2>&1; do
    ((SECONDS < UNTIL)) || fail "$what is not Ready after ${WAIT} s: kubectl -n $namespace get pods"
    pods=$(kubectl -n "$namespace" get pods --no-headers 2>/dev/null |
      awk '{split($2, of, "/"); ready += of[1] == of[2]} END {print ready + 0 " of " NR}') || pods=unknown
    say "waits for $what, $((SECONDS - STARTED)) s; pods Ready in $namespace: $pods"
    ((SECONDS - asked > 10)) || sleep 5 # it was refused, and did not wait
    asked=$SECONDS
  done
  say "$what is Ready"
}

up() {
  local kind one found
  build "$1"
  look
  STARTED=$SECONDS WAIT=${LAB_WAIT:-900}
  UNTIL=$((STARTED + WAIT))
  say "applies $1 to context $(kubectl config current-context)"
  kubectl apply --server-side --force-conflicts --field-manager=kanister-kafka-lab -f "$BUILD/lab.yaml"
  for kind in kafka kafkatopic kafkamirrormaker2; do
    found=$(made "$kind.$GROUP")
    for one in $found; do
      until_done "$kind $one" "${one%/*}" wait "$kind.$GROUP/${one#*/}" --for=condition=Ready
    done
  done
  found=$(made deployment "$OWN")
  for one in $found; do
    until_done "deployment $one" "${one%/*}" rollout status "deployment/${one#*/}"
  done
  say "up after $((SECONDS - STARTED)) s: kafka/my-cluster is mirrored into kafka-mirror/my-cluster"
}

# Wait until nothing that the arguments name is left: what an owner leaves is collected later.
until_gone() {
  local left until=$((SECONDS + ${LAB_WAIT:-120}))
  until left=$(kubectl get "$@" -o name) && [ -z "$left" ]; do
    ((SECONDS < until)) || fail "there is still: $(tr '\n' ' ' <<<"${left:-no answer}")"
    sleep 2
  done
}

# What is waited for differs from kind to kind.
remove() {
  local kind=$1 one found
  shift
  found=$(made "$kind" "$@")
  for one in $found; do
    say "removes $kind $one"
    kubectl -n "${one%/*}" delete "$kind/${one#*/}" --ignore-not-found --wait=false >/dev/null
  done
}

# A topic goes while its operator runs. Where that is stopped or gone, nothing takes the finalizer
# away, and the data goes with the volumes.
remove_topics() {
  local one found until=$((SECONDS + ${LAB_WAIT:-120}))
  remove "kafkatopic.$GROUP"
  until found=$(made "kafkatopic.$GROUP") && [ -z "$found" ] || ((SECONDS >= until)); do sleep 2; done
  found=$(made "kafkatopic.$GROUP")
  for one in $found; do
    say "no operator takes the finalizer from kafkatopic $one: it is removed"
    kubectl -n "${one%/*}" patch "kafkatopic.$GROUP/${one#*/}" --type=merge \
      -p '{"metadata":{"finalizers":null}}' >/dev/null
  done
}

# Another Kafka of this name has volumes of its own.
remove_volumes() {
  local namespace=$1 others selector=strimzi.io/cluster=my-cluster
  if [ -n "$served" ]; then
    others=$(made "kafka.$GROUP" "!$LABEL")
    ! grep -qx "$namespace/my-cluster" <<<"$others" || return 0
  fi
  until_gone pods -n "$namespace" -l "$selector"
  kubectl -n "$namespace" delete pvc -l "$selector" --timeout="${LAB_WAIT:-120}s"
}

# What is in a namespace beside what every namespace has. It fails where it cannot tell.
rest() {
  local kinds found
  kinds=$(kubectl api-resources --namespaced --verbs=list,delete -o name) || return 1
  kinds=$(grep -Ev '^(events|endpoint)' <<<"$kinds" | paste -sd, -)
  found=$(kubectl -n "$1" get "$kinds" -o name --ignore-not-found) || return 1
  grep -Ev \
    -e '^$|^configmap/(kube-root-ca|openshift-service-ca)\.crt$' \
    -e '^serviceaccount/(default|builder|deployer)$' \
    -e '^secret/(default|builder|deployer)-' \
    -e '^rolebinding\.[^/]*/system:' <<<"$found" || true
}

remove_namespace() {
  local left until=$((SECONDS + ${LAB_WAIT:-120}))
  while true; do
    left=$(rest "$1") || fail "namespace $1 stays: what is in it cannot be told"
    [ -n "$left" ] || break
    if ((SECONDS > until)); then
      say "namespace $1 stays, for it still has: $(tr '\n' ' ' <<<"$left")"
      return 0
    fi
    sleep 2
  done
  kubectl delete namespace "$1" --timeout=120s
}

down() {
  local namespace namespaces served
  namespaces=$(kubectl get namespace -l "$LABEL" -o 'jsonpath={.items[*].metadata.name}')
  if [ -z "$namespaces" ]; then
    say "nothing to remove: no namespace has the label $LABEL"
    return 0
  fi
  say "removes what it made from context $(kubectl config current-context), in: $namespaces"
  served=$(served)
  remove deployment "$OWN"
  if [ -n "$served" ]; then
    remove "kafkamirrormaker2.$GROUP"
    until_gone pods -A -l "$LABEL,strimzi.io/kind=KafkaMirrorMaker2"
    remove_topics
    remove "kafka.$GROUP"
    remove "kafkanodepool.$GROUP"
  fi
  remove configmap "$OWN"
  for namespace in $namespaces; do
    remove_volumes "$namespace"
    remove_namespace "$namespace"
  done
}

case "${1:-}" in
  up) up "${2:-$HERE/overlays/kraft-small}" ;;
  down) down ;;
  *) sed -n 's/^# \{0,1\}//p;/^set/q' "$0" | sed 1d >&2 && exit 2 ;;
esac
