# Runs one of the scripts in the mounted ConfigMap, if all of them are those that are named here.
export LC_ALL=C SCRIPT="$1" "${@:2}"
if cd -P "$SCRIPTS_DIR/..data" && [[ $(sha256sum ./*.sh | sha256sum) == "$SCRIPTS_SHA256 "* ]]; then
  . "./$SCRIPT.sh"
  exit
fi
[[ -z $WATCHDOG || ! $SCRIPT =~ ^(pause|flush.*|stop|run-in-one-pod|restart|recover-backup)$ ]] || kubectl patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" \
  --type merge -p "{\"data\":{\"restartRequested\":\"${RECOVER_RUN_ID:-${RUN_ID:-any}}\"}}"
echo "$0: FAILED: the scripts in $SCRIPTS_DIR are missing or not those of this Blueprint: apply their ConfigMap again" >&2
exit 1
