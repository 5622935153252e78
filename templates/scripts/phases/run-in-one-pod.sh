# shellcheck shell=bash
# Runs several scripts one after the other in one pod, because clients wait for the start and the end of each pod.
# Each has a process of its own and the name of its phase, as in a pod of its own.
# shellcheck disable=SC2153 # it is in the environment
for part in $PARTS; do
  bash -c ". './${part#*:}.sh'" "${part%%:*}" || exit
done
