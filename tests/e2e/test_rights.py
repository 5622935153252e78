"""The emitted Roles suffice, nothing in them is unused, and our pods are confined.

A small Kafka of our own, in a namespace that enforces the Pod Security Standard `restricted`, with
a mirror beside it and a bridge in another namespace. The scripts check their rights before anything
else; that check is silenced here, so that it is the step that fails.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from . import lab
from .lab import Kafka, is_ready, kubectl, run_action, wait_until
from .phase_pods import Grant, Run, Task, grants, tasks, without
from .small_kafka import FAR, KAFKA, WRITERS, ensure

pytestmark = pytest.mark.e2e

RESTART_BY = "kanister-kafka.io/restart-by"
PAUSE_BEFORE = "kanister-kafka.io/pause-before"
BEFORE_RESTORE = "kanister-kafka.io/before-restore"
FAILED_BACKUP = "20000101000000"
"""A backup of which something is left over for `recover` to remove."""
CYCLE = (
    ("backup", "backupQuiesce"),
    ("backup", "backupKeep"),
    ("backup", "backupRecover"),
    ("backup", "backupFlush"),
    ("refused", "backupFlush"),
    ("backup", "backupStop"),
    ("backup", "backupSnapshot"),
    ("held", "switch"),
    ("", "switch"),
    ("backup", "backupReady"),
    ("stopped", "backupRecover"),
    ("resume", "resume"),
    ("restore", "restoreCheck"),
    ("restore", "restoreStop"),
    ("restore", "restoreSnapshot"),
    ("restore", "restoreObjects"),
    ("restore", "restoreIdentity"),
    ("restore", "restoreRestart"),
    ("delete", "deleteBackup"),
)
"""Every phase that does something of its own; the others repeat one of these under another name."""
HELD = ("held", "switch")
"""The operator is kept from making the nodes, so that whoever waits for them asks for their pools;
what is tried then is that alone."""
REFUSED = ("refused", "backupFlush")
"""A flush that fails, so that it says why."""
NOBODY = "delete:namespaces:::"
"""A right that no account has."""
PARTS = {
    ("backup", "backupStop"): "backupStop:stop",
    ("backup", "backupSnapshot"): "backupSnapshot:snapshot",
}
"""Scripts that one pod runs one after the other, each tried by itself."""
STOPPED = ("stopped", "backupRecover")
"""A recovery that brings back what was stopped."""
RESUMED = ("resume", "resume")
"""The same by the account of the steps."""
QUOTA = "hold-the-nodes"
EVENT = "the event could not be created"
WATCH = "the watch of the pods has ended"
TOLD = {
    ("backupQuiesce", "events", "create"): EVENT,
    ("backupRecover", "volumesnapshots", "delete"): "cannot delete resource",
    ("backupRecover", "volumesnapshots", "list"): "cannot list resource",
    ("backupRecover", "secrets", "delete"): "cannot delete resource",
    ("restoreStop", "events", "create"): EVENT,
    ("backupRecover", "events", "create"): EVENT,
    ("backupRecover", "configmaps", "patch"): "going on without it",
    ("switch", "configmaps", "get"): "cannot get resource",
    ("switch", "configmaps", "patch"): "going on without it",
    ("switch", "events", "create"): EVENT,
    ("switch", "pods", "list"): "cannot list resource",
    ("switch", "pods", "watch"): WATCH,
    ("backupRecover", "pods", "list"): WATCH,
    ("backupRecover", "pods", "watch"): WATCH,
    ("resume", "pods", "watch"): WATCH,
    ("restoreRestart", "pods", "watch"): WATCH,
}
"""What ends no step for want of a right, since Kafka has to come back, is said in its log."""
NEEDS_NODES = {("backupStop", "pods", "watch")}
"""What is asked for only while there are nodes to stop; the first try has stopped them all."""
WAITS = {("switch", "kafkas", "get")}
"""A watchdog that cannot see whether a stop is under way waits until it can."""
EVERYBODY = "create:selfsubjectaccessreviews.authorization.k8s.io:::"
"""The one right that the check is left with, which Kubernetes gives to all."""
WEBSOCKET = "pods/exec"
"""kubectl asks for it with GET first, and with POST where that is refused: `create` suffices."""


@dataclass
class Site:
    """What is on the cluster for these tests."""

    kafka: Kafka
    blueprint: str
    tasks: dict[tuple[str, str], Task]
    roles: list[dict]
    """As they were rendered."""
    run: str = ""
    """Time that names the current run."""
    proven: dict[tuple[str, Grant], str] = field(default_factory=dict)

    @property
    def backup(self) -> str:
        return "".join(c for c in self.run if c.isdigit())[:14]

    def roles_of(self, account: str) -> list[dict]:
        return [r for r in self.roles if r["metadata"]["name"].endswith(account)]

    def execute(self, key: tuple[str, str], limit: int = 0) -> Run:
        self.prepare(key)
        values = {
            "RUN_ID": self.run,
            "RECOVER_RUN_ID": self.run,
            "BACKUP": self.backup,
            "OVERWRITE": "true",
            "RETENTION": "",
            "DISCARD_REPLACED": "",
            "SNAPSHOT_COUNT": str(len(self.kafka.claims())),
            "PERMISSIONS": EVERYBODY,
            "RESTART_AFTER": "5" if key[1] == "switch" else "3600",
        }
        if key == ("backup", "backupRecover"):
            values["RECOVER_RUN_ID"] = FAILED_BACKUP
        if key == REFUSED:
            values["PERMISSIONS"] = NOBODY
        if key in PARTS:
            values["PARTS"] = PARTS[key]
        if key == HELD:
            values["READY_TIMEOUT"] = "3"
        return self.tasks[key].run(self.kafka.namespace, values, limit)

    def prepare(self, key: tuple[str, str]) -> None:
        """Bring about, as an administrator, what a phase expects to find when it runs again."""
        where, phase = ("-n", self.kafka.namespace), key[1]
        of_backup = f"kanister-kafka.io/backup={self.backup}"
        if phase in ("backupQuiesce", "restoreStop"):
            self._writers(replicas=1, before=None)
        elif phase == "backupStop":
            self.mark({"state": "quiescing", "run": self.run})
            if not self.kafka.pods():  # which an earlier try has stopped
                self.mark({"podClaims": hashlib.sha256(b"").hexdigest()})
        elif phase == "backupFlush":
            self.mark({"state": "quiescing", "run": self.run})
        elif phase == "backupKeep":
            self.mark({"state": "quiescing", "run": self.run})
            kubectl("delete", "secrets", *where, "-l", of_backup)
        elif phase == "backupSnapshot":
            kubectl("delete", "volumesnapshots", *where, "-l", of_backup)
        elif key in (STOPPED, RESUMED):
            self._writers(replicas=0, before="1")
            mine = {"run": self.run, "backup": self.backup, "endedBy": ""}
            self.mark({"state": "stopped", **mine})
        elif phase == "backupRecover":
            self._leave_over(FAILED_BACKUP)
        elif phase == "deleteBackup":  # a former try may have deleted one kind already
            self._leave_over(self.backup)
        elif phase == "restoreSnapshot":
            self.mark({"state": "restoring", "before": self.backup})
            kubectl("delete", "volumesnapshots", *where, "-l", BEFORE_RESTORE)
        elif phase == "restoreObjects":
            self._lose()
        elif phase == "switch":
            self._hold(hold=key == HELD)
            self._writers(replicas=0, before="1")
            self.mark({"state": "stopped", "run": self.run})
            name = f"{self.kafka.name}-kanister-kafka-switch"
            kubectl("scale", "deployment", name, *where, "--replicas=0")
            past = f"{RESTART_BY}=2026-01-01T00:00:00Z"
            kubectl("annotate", "kafka", self.kafka.name, *where, "--overwrite", past)

    def delete_nodes(self) -> None:
        """Delete the pods of the nodes, so that the next phase has to wait for them."""
        label = f"strimzi.io/name={self.kafka.name}-kafka"
        kubectl("delete", "pods", "-n", self.kafka.namespace, "-l", label)

    def _writers(self, *, replicas: int, before: str | None) -> None:
        memo = {"annotations": {"kanister-kafka.io/replicas-before": before}}
        change = json.dumps({"metadata": memo, "spec": {"replicas": replicas}})
        for kind, name, namespace in WRITERS:
            resource = lab.versioned(f"{kind}s")
            kubectl("patch", resource, name, "-n", namespace, "--type", "merge", "-p", change)

    def _hold(self, *, hold: bool) -> None:
        where = ("-n", self.kafka.namespace)
        kubectl("delete", "resourcequota", QUOTA, *where, "--ignore-not-found")
        if hold:
            none = "--hard=count/strimzipodsets.core.strimzi.io=0"
            kubectl("create", "quota", QUOTA, *where, none)

    def _lose(self) -> None:
        """Delete every object of the Kafka, which is stopped."""
        where = ("-n", self.kafka.namespace)
        unheld = json.dumps({"metadata": {"finalizers": None}})
        for topic in lab.get("kafkatopics", *where)["items"]:
            name = topic["metadata"]["name"]
            kubectl("patch", "kafkatopic", name, *where, "--type", "merge", "-p", unheld)
        kinds = (
            "kafkas,kafkanodepools,kafkatopics,kafkausers,"
            "kafkamirrormaker2s,kafkaconnects,kafkaconnectors,kafkabridges"
        )
        kubectl("delete", kinds, "--all", *where)
        kubectl("delete", "secrets", *where, "-l", "strimzi.io/kind in (Kafka,KafkaUser)")

    def mark(self, data: dict[str, str]) -> None:
        record = f"{self.kafka.name}-kanister-kafka"
        change = json.dumps({"data": data})
        kubectl("patch", "configmap", record, "-n", self.kafka.namespace, "-p", change)

    def _leave_over(self, backup: str) -> None:
        labels = {
            "kanister-kafka.io/backup": backup,
            "kanister-kafka.io/run": backup,
            "kanister-kafka.io/cluster": self.kafka.name,
        }
        name = f"left-of-{backup}-{secrets.token_hex(2)}"  # one of before may be on its way out
        metadata = {"name": name, "labels": labels}
        claim = lab.get("pvc", "-n", self.kafka.namespace)["items"][0]["metadata"]["name"]
        source = {"persistentVolumeClaimName": claim}
        group = "snapshot.storage.k8s.io/v1"
        for one in (
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata},
            {
                "apiVersion": group,
                "kind": "VolumeSnapshot",
                "metadata": metadata,
                "spec": {"source": source},
            },
        ):
            kubectl("apply", "-n", self.kafka.namespace, "-f", "-", stdin=json.dumps(one))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    ensure()
    there = KAFKA
    kubectl("delete", "resourcequota", QUOTA, "-n", there.namespace, "--ignore-not-found")
    command = [sys.executable, "-m", "kanister_kafka", "render", "--from-cluster", there.name]
    done = subprocess.run(
        [*command, "-n", there.namespace, "--engine", "kanister"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=done.stdout)
    name = f"{there.namespace}.{there.name}"
    blueprint = lab.get("blueprint", name, "-n", lab.KANISTER_NAMESPACE)
    switch = lab.get("deployment", f"{there.name}-kanister-kafka-switch", "-n", there.namespace)
    found = {(action, task.name): task for action, task in tasks(blueprint)}
    template = switch["spec"]["template"]["spec"]
    found["", "switch"] = Task("switch", template["serviceAccountName"], template)
    found[HELD] = found["", "switch"]
    found[REFUSED] = found["backup", "backupFlush"]
    found[STOPPED] = found["backup", "backupRecover"]
    found["backup", "backupStop"] = found["backup", "backupSnapshot"]
    mine = "app.kubernetes.io/managed-by=kanister-kafka"
    roles = [
        role
        for namespace in (there.namespace, FAR)
        for role in lab.get("roles", "-n", namespace, "-l", mine)["items"]
    ]
    yield Site(there, name, found, roles)
    for role in roles:
        set_rules(role, role["rules"])


def set_rules(role: dict, rules: list[dict]) -> None:
    change = json.dumps({"rules": rules})
    metadata = role["metadata"]
    where = ("-n", metadata["namespace"], "--type", "merge", "-p", change)
    kubectl("patch", "role", metadata["name"], *where)


@contextlib.contextmanager
def lacking(role: dict, number: int, verb: str) -> Iterator[None]:
    set_rules(role, without(role, number, verb))
    try:
        yield
    finally:
        set_rules(role, role["rules"])


def settle(site: Site, *, started: bool) -> None:
    """Wait until the operator is done with what a phase began: each try is to meet the same."""
    if started:
        wait_until("Kafka is Ready", lambda: is_ready(site.kafka.resource()))


def begin(site: Site) -> None:
    """Forget what an earlier run has left, and give this one a name."""
    settle(site, started=True)
    where = ("-n", site.kafka.namespace)
    kubectl("annotate", "kafka", site.kafka.name, *where, f"{RESTART_BY}-", f"{PAUSE_BEFORE}-")
    switch = f"{site.kafka.name}-kanister-kafka-switch"
    kubectl("scale", "deployment", switch, *where, "--replicas=0")
    site.mark({"state": "running", "run": "", "failure": "", "endedBy": ""})
    site.run = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


STARTING = (STOPPED, RESUMED, ("", "switch"), ("restore", "restoreRestart"))


def as_expected(key: tuple[str, str], run: Run) -> None:
    """See how a phase ends that has all its rights."""
    assert run.exit_code == (key in (HELD, REFUSED)), f"{key}: {run.log[-3000:]}"
    assert key != HELD or "does not exist yet" in run.log


@pytest.fixture(scope="module")
def used(site: Site) -> dict[tuple[str, str], Run]:
    """Run the whole cycle with all rights, once, and see what each phase asks for."""
    begin(site)
    runs = {}
    for key in CYCLE:
        runs[key] = site.execute(key)
        sys.stdout.write(f"{key}\n{runs[key].log}\n")
        as_expected(key, runs[key])
        settle(site, started=key in STARTING)
    return runs


def test_roles_suffice(used: dict[tuple[str, str], Run]) -> None:
    refused = {
        f"{key[1]}: {request}"
        for key, run in used.items()
        for request in run.refused()
        if request.resource != WEBSOCKET
    }
    assert not refused


def test_every_verb_of_every_rule_is_used(site: Site, used: dict[tuple[str, str], Run]) -> None:
    asked: dict[str, set[Grant]] = {}
    for key, run in used.items():
        asked.setdefault(site.tasks[key].account, set()).update(run.requests())
    unused = []
    for account, requests in asked.items():
        for role in site.roles_of(account):
            for _, grant in grants(role):
                for name in grant.names or ("",):
                    one = Grant(
                        grant.namespace,
                        grant.group,
                        grant.resource,
                        grant.verb,
                        (name,) if name else (),
                    )
                    if not any(one.covers(request) for request in requests):
                        unused.append(f"{account}: {one}")
    assert not unused, "\n".join(unused)


@pytest.mark.parametrize("of", ["", "-flush", "-keep", "-switch", "-restore"])
def test_without_any_verb_a_step_fails(
    site: Site, used: dict[tuple[str, str], Run], of: str
) -> None:
    """Take each verb of an account from it, in each phase that asks for it, until one fails."""
    wanted = f"{site.kafka.name}-kanister-kafka{of}"
    begin(site)
    for key in CYCLE:
        account = site.tasks[key].account
        for role in site.roles_of(account) if account == wanted else ():
            for number, grant in grants(role):
                if (account, grant) in site.proven:
                    continue
                if key == HELD and grant.resource != "kafkanodepools":
                    continue
                if not any(grant.covers(request) for request in used[key].requests()):
                    continue
                if (key[1], grant.resource, grant.verb) in NEEDS_NODES:
                    site.proven[account, grant] = "asked for by the first try"
                    continue
                if key in STARTING and grant.resource == "pods":
                    site.delete_nodes()  # nothing watches nodes that are Ready
                waits = (key[1], grant.resource, grant.verb) in WAITS
                with lacking(role, number, grant.verb):
                    run = site.execute(key, 30 if waits else 0)
                why = failure(key[1], grant, run)
                sys.stdout.write(f"{account} without {grant}: {key[1]}: {why or 'NOTHING'}\n")
                if why:
                    site.proven[account, grant] = why
        run = site.execute(key)
        as_expected(key, run)
        settle(site, started=key in STARTING)
    every = {grant for role in site.roles_of(wanted) for _, grant in grants(role)}
    missed = sorted(str(grant) for grant in every if (wanted, grant) not in site.proven)
    assert every
    assert not missed, f"{wanted}: nothing failed without it"


def failure(phase: str, grant: Grant, run: Run) -> str:
    """Say how a phase showed that it lacks a right, or nothing."""
    if run.exit_code:
        refused = [request for request in run.refused() if grant.covers(request)]
        assert refused, f"{phase} without {grant} fails by something else: {run.log[-3000:]}"
        return run.log.splitlines()[-1]
    text = TOLD.get((phase, grant.resource, grant.verb), "")
    return next((line for line in run.log.splitlines() if text and text in line), "")


@pytest.mark.parametrize(
    "key",
    [
        ("backupPrehook", "quiesce"),
        ("backupPrehook", "flush"),
        ("backup", "backupKeep"),
        ("restore", "restoreCheck"),
    ],
)
def test_the_check_names_all_that_is_missing(site: Site, key: tuple[str, str]) -> None:
    task = site.tasks[key]
    began = "2000-01-01T00:00:00Z"
    values = {"RUN_ID": began, "BACKUP": FAILED_BACKUP, "OVERWRITE": "", "RETENTION": ""}
    roles = site.roles_of(task.account)
    for role in roles:
        set_rules(role, [])
    try:
        run = task.run(site.kafka.namespace, values)
    finally:
        for role in roles:
            set_rules(role, role["rules"])
    assert run.exit_code == 1
    for role in roles:
        for _, grant in grants(role):
            resource, _, below = grant.resource.partition("/")
            kind = f"{resource}.{grant.group}" if grant.group else resource
            for name in grant.names or ("",):
                said = f"{grant.verb} {kind}{'/' if below else ''}{below}{name and ' ' + name}"
                assert f"{said} in {grant.namespace}; " in run.log


def test_pods_are_confined_where_restricted_is_enforced(site: Site) -> None:
    namespace = lab.get("namespace", site.kafka.namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    begin(site)
    pods: dict[str, dict] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.3):
            for label in ("createdBy=kanister", "kanister-kafka.io/switch"):
                found = lab.get("pods", "-n", site.kafka.namespace, "-l", label)["items"]
                pods.update({pod["metadata"]["name"]: pod for pod in found})

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        stopped = run_action("backupPrehook", site.blueprint, site.kafka.namespace)
        started = run_action("backupPosthook", site.blueprint, site.kafka.namespace)
    finally:
        over.set()
        watcher.join()
    assert stopped.done(), stopped.error
    assert started.done(), started.error
    accounts = {pod["spec"]["serviceAccountName"] for pod in pods.values()}
    own = f"{site.kafka.name}-kanister-kafka"
    assert accounts == {own, f"{own}-flush", f"{own}-switch"}
    assert len(pods) >= 5, "quiesce, flush, stop, restart and the watchdog, at least"
    for pod in pods.values():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["spec"]["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}


def test_what_a_pod_sees_of_its_confinement(used: dict[tuple[str, str], Run]) -> None:
    for run in used.values():
        assert "root read-only" in run.seen
        assert "user 0" not in run.seen
        assert "NoNewPrivs 1" in run.seen
        assert "Seccomp 2" in run.seen, "a filter"
        assert "CapEff 0000000000000000" in run.seen
