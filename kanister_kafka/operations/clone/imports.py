"""The volumes of a copy that are filled from the store: a Job of restic for each node of Kafka.

All claims of a node are in one pod, or a driver could put them into several zones, and no pod of
Kafka could ever use them together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain

from kanister_kafka import constants
from kanister_kafka.backup.options import DEFAULT_IMPORT_MEMORY, DEFAULT_RESTIC_IMAGE
from kanister_kafka.errors import ActionError, ForbiddenError, KanisterKafkaError
from kanister_kafka.kube.client import (
    JOBS,
    PODS,
    SECRETS,
    STORAGE_CLASSES,
    KubeClient,
    Object,
    Objects,
)
from kanister_kafka.kube.objects import (
    condition,
    delete_if_present,
    get_path,
    is_true,
    join_limited,
    label,
    name_of,
)
from kanister_kafka.kube.pod_options import PodOptions, quantity
from kanister_kafka.kube.pods import container_statuses, wait_reason
from kanister_kafka.kube.storage_classes import find_default_class
from kanister_kafka.kube.wait import Clock, Grace, poll, retry
from kanister_kafka.operations.apply.apply import PAUSES
from kanister_kafka.operations.exports.location import (
    CA_FILE,
    KEYS,
    OPTIONAL,
    Credentials,
    ExportedVolume,
    Repository,
)
from kanister_kafka.operations.exports.restic import (
    DAMAGE,
    NO_REPOSITORY,
    RESTIC_FAILED,
    WRONG_PASSWORD,
    message_of,
)
from kanister_kafka.strimzi.discovery import KafkaRef

IMPORT_S = 24 * 3600
RETRIES = 3
"""Further pods of a Job if one fails. restic keeps the files that are there already."""
START_S = 600
"""Seconds for which a pod may wait for its image, its volumes and a node."""
POOL_LABEL = "strimzi.io/pool-name"
JOB_LABEL = "job-name"
"""On the pods of a Job (kubernetes, batch/v1)."""
USERS = {"runAsUser": 1001, "runAsGroup": 0, "fsGroup": 0}
"""Of the pods of Kafka, except on OpenShift: the user of Strimzi's image, and the group that the
operator sets."""
PLACED = ("tolerations", "schedulerName", "imagePullSecrets")
"""Fields of the pods of Kafka that the pods which fill their volumes need too."""
REQUESTED_MEMORY = "256Mi"
HEAP_SHARE = Fraction(1700, 2048)
"""Share of the memory limit that the heap of restic may have. Its size depends on the index of the
repository."""
GONE_S = 120
"""Seconds in which the pods must have ended after their Jobs were deleted."""
ENDED = ("Succeeded", "Failed")
"""Phases of pods whose containers have ended."""
PROGRESS = "0.2"
"""Reports of restic in a second."""
LATE = "DeadlineExceeded"
"""Reason of a Job that has failed because its time is over. Its last pod is deleted by then."""


class NotRestorableError(ActionError):
    """The backup does not become a Kafka that is Ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeImports:
    """How the volumes of an exported backup are restored."""

    repository: Repository
    volumes: tuple[ExportedVolume, ...]
    credentials: Credentials
    secret: str = ""
    """Secret of the namespace with the credentials; empty if one is made for the Jobs."""
    image: str = DEFAULT_RESTIC_IMAGE
    parallel: int = 2
    """Nodes of Kafka whose volumes are filled at the same time."""
    memory: str = DEFAULT_IMPORT_MEMORY
    """Limit of memory of each container that fills a volume."""
    timeout: int = IMPORT_S
    """Seconds for all of them."""
    absent_classes: frozenset[str] = frozenset()
    """StorageClasses of the backup that the cluster does not have: its default is used."""
    assigns_users: bool = False
    """Whether the cluster assigns users to the pods of a namespace, as OpenShift does."""


def find_absent_classes(
    connection: KubeClient, volumes: Iterable[ExportedVolume], storage_class: str
) -> frozenset[str]:
    """Return the StorageClasses of a backup that are replaced by the default of the cluster.

    Raises ActionError if there is no default, or if `storage_class`, which replaces all, does not
    exist. Without the right to list StorageClasses all of them count as present.
    """
    try:
        live = connection.items(STORAGE_CLASSES)
    except ForbiddenError:
        return frozenset()
    names = {name_of(item) for item in live}
    found = ", ".join(sorted(names)) or "none"
    if storage_class:
        if storage_class not in names:
            raise ActionError(f"there is no StorageClass {storage_class}; the cluster has {found}")
        return frozenset()
    absent = {volume.storage_class for volume in volumes if volume.storage_class} - names
    if absent and find_default_class(live) is None:
        raise ActionError(
            f"there is no StorageClass {', '.join(sorted(absent))} and no default: name one by "
            f"--storage-class; the cluster has {found}"
        )
    return frozenset(absent)


def assigns_users(connection: KubeClient) -> bool:
    """Return whether the cluster is OpenShift, whose pods get users of a range of the namespace."""
    return "security.openshift.io" in connection.groups()


def import_secret(
    imports: VolumeImports, namespace: str, identity: str, owner: Mapping[str, str]
) -> Objects:
    """Return the Secret for the Jobs, unless the namespace has one; ActionError as Credentials."""
    if imports.secret:
        return ()
    metadata = {"name": import_name(identity), "namespace": namespace, "labels": {**owner}}
    data = imports.credentials.secret_data()
    return ({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data},)


def import_name(identity: str) -> str:
    """Return the name of the Secret for the Jobs, with which their names begin."""
    return f"kanister-kafka-import-{identity}"


def import_jobs(
    imports: VolumeImports,
    claims: Objects,
    kafka: Object,
    pools: Objects,
    identity: str,
    owner: Mapping[str, str],
) -> Objects:
    """Return a Job for each node of Kafka, which fills its claims; each is made by the runner."""
    volumes = {volume.claim: volume for volume in imports.volumes}
    nodes: dict[str, list[Object]] = {}
    for claim in claims:
        nodes.setdefault(node_of(name_of(claim), name_of(kafka)), []).append(claim)
    templates = {name_of(pool): get_path(pool, "spec", "template", "pod") for pool in pools}
    general = get_path(kafka, "spec", "kafka", "template", "pod")
    jobs = []
    for number, (_node, node_claims) in enumerate(sorted(nodes.items())):
        template = templates.get(label(node_claims[0], POOL_LABEL)) or general or {}
        metadata = {
            "name": f"{import_name(identity)}-{number}",
            "namespace": kafka["metadata"]["namespace"],
            "labels": {**owner},
        }
        options = PodOptions()
        pod = _pod(imports, template, [volumes[name_of(claim)] for claim in node_claims], identity)
        jobs.append(
            {
                "apiVersion": JOBS.api_version,
                "kind": JOBS.kind,
                "metadata": metadata,
                "spec": {
                    "backoffLimit": RETRIES,
                    "activeDeadlineSeconds": imports.timeout,
                    "template": {
                        "metadata": {
                            "labels": {**dict(options.labels), **owner},
                            "annotations": dict(options.annotations),
                        },
                        "spec": pod,
                    },
                },
            }
        )
    return tuple(jobs)


def node_of(claim: str, kafka: str) -> str:
    """Return the pod of a claim (Strimzi, VolumeUtils: `data-POD`, `data-VOLUME-POD`)."""
    match = re.fullmatch(rf"data-(?:[0-9]+-)?({re.escape(kafka)}-.+)", claim)
    return match[1] if match else claim


def _pod(
    imports: VolumeImports, template: Object, volumes: Iterable[ExportedVolume], identity: str
) -> Object:
    users = {} if imports.assigns_users else dict(USERS)
    extra = template.get("securityContext") or {}
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **users, **extra}
    if context.get("runAsUser") == 0:
        del context["runAsNonRoot"]
    zone = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {constants.CLONE: identity}},
    }
    pod: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": context,
        "topologySpreadConstraints": [zone],
        "containers": [],
        "volumes": [],
    }
    for key in PLACED:
        if template.get(key):
            pod[key] = template[key]
    if affinity := get_path(template, "affinity", "nodeAffinity"):
        pod["affinity"] = {"nodeAffinity": affinity}
    secret = imports.secret or import_name(identity)
    if imports.credentials.ca:
        items = [{"key": constants.EXPORT_CA, "path": constants.EXPORT_CA}]
        pod["volumes"].append({"name": "ca", "secret": {"secretName": secret, "items": items}})
    for number, volume in enumerate(volumes):
        name = f"volume-{number}"
        pod["containers"].append(_container(imports, volume, name, secret))
        claim = {"claimName": volume.claim}
        pod["volumes"].append({"name": name, "persistentVolumeClaim": claim})
    return pod


def _container(imports: VolumeImports, volume: ExportedVolume, name: str, secret: str) -> Object:
    folder = f"/volumes/{volume.claim}"
    env: list[Object] = [
        {"name": "RESTIC_PROGRESS_FPS", "value": PROGRESS},
        {"name": "GOMEMLIMIT", "value": heap_limit(imports.memory)},
    ]
    for variable, key in KEYS.items():
        reference: Object = {"name": secret, "key": key}
        if variable == OPTIONAL:
            reference["optional"] = True
        env.append({"name": variable, "valueFrom": {"secretKeyRef": reference}})
    mounts = [{"name": name, "mountPath": folder}]
    if imports.credentials.ca:
        env.append({"name": CA_FILE, "value": f"/ca/{constants.EXPORT_CA}"})
        mounts.append({"name": "ca", "mountPath": "/ca"})
    return {
        "name": name,
        "image": imports.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [
            "restic",
            *imports.repository.options,
            "--no-cache",
            "--json",
            "restore",
            f"{volume.snapshot}:{folder}",
            "--target",
            folder,
            # Kafka preallocates indexes, which take no room until they are written.
            "--sparse",
            "--verify",
        ],
        "env": env,
        "resources": _resources(imports.memory),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def heap_limit(memory: str) -> str:
    """Return the limit of the heap in a container with this limit of memory, as Go reads it."""
    return f"{int((quantity(memory) or 0) * HEAP_SHARE) // 2**20}MiB"


def _resources(memory: str) -> Object:
    limit = quantity(memory) or Fraction(0)
    requested = REQUESTED_MEMORY if limit >= (quantity(REQUESTED_MEMORY) or 0) else memory
    return {"requests": {"cpu": "100m", "memory": requested}, "limits": {"memory": memory}}


class JobRunner:
    """Runs the Jobs, some at a time."""

    def __init__(
        self,
        connection: KubeClient,
        imports: VolumeImports,
        jobs: Objects,
        target: KafkaRef,
        identity: str,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._imports = imports
        self._jobs = jobs
        self._kafka = target.name
        self._namespace = target.namespace
        self._identity = identity
        self._selector = f"{constants.CLONE}={identity}"
        self._clock = clock
        self._sizes = {volume.claim: volume.size for volume in imports.volumes}
        self._started: dict[str, Grace] = {}
        """Jobs that were made, each with the time for which its pods may wait."""
        self.filled_claims: tuple[str, ...] = ()
        """Those of the Jobs that had completed at the last look."""

    def missing(self) -> str:
        """Start Jobs, and return what is not yet filled; empty at the end.

        Raises NotRestorableError if the copy in the store is damaged, ActionError if a Job fails
        for another reason.
        """
        connection, namespace = self._connection, self._namespace
        live = {name_of(job): job for job in connection.items(JOBS, namespace, self._selector)}
        pods = connection.items(PODS, namespace, self._selector)
        complete = [job for job in self._jobs if is_true(live.get(name_of(job), {}), "Complete")]
        # Before any Job is judged: a failure of one does not make the others any less complete.
        self.filled_claims = tuple(chain.from_iterable(map(_claims, complete)))
        waiting, running = [], []
        for job in self._jobs:
            name, node = name_of(job), node_of(_claims(job)[0], self._kafka)
            if name not in live:
                if name in self._started:
                    raise ActionError(f"Job {namespace}/{name}, which fills {node}, was deleted")
                waiting.append(job)
            elif job not in complete:
                job_pods = tuple(pod for pod in pods if label(pod, JOB_LABEL) == name)
                self._check(node, live[name], job_pods)
                running.append(f"{node}: {self._progress(job, job_pods)}")
        for job in waiting[: self._imports.parallel - len(running)]:
            connection.create(job)
            self._started[name_of(job)] = Grace(START_S, self._clock)
        if len(complete) == len(self._jobs):
            return ""
        progress = f"; {join_limited(running)}" if running else ""
        return f"the volumes of {len(complete)} of {len(self._jobs)} nodes are restored{progress}"

    def finish(self) -> list[str]:
        """Delete the Jobs and their Secret; return those that could not be deleted.

        Raises ActionError if a pod can still write to a volume: no Kafka may start next to it.
        """
        targets = [(JOBS, name_of(job)) for job in self._jobs]
        if not self._imports.secret:
            targets.append((SECRETS, import_name(self._identity)))
        failures = []
        for resource, name in targets:
            delete = partial(delete_if_present, self._connection, resource, name, self._namespace)
            try:
                retry(delete, PAUSES, clock=self._clock)
            except KanisterKafkaError as failure:
                failures.append(f"{resource.kind} {self._namespace}/{name}: {failure}")
        self._wait_until_unused()
        return failures

    def _wait_until_unused(self) -> None:
        selector = f"{self._selector},{JOB_LABEL}"
        writers = ["unknown, as the API server did not answer"]

        def is_unused() -> bool:
            pods = self._connection.items(PODS, self._namespace, selector)
            # A pod that has ended stays if its Job cannot be deleted, and writes no more.
            writers[:] = [name_of(pod) for pod in pods if _phase(pod) not in ENDED]
            return not writers

        if not poll(is_unused, timeout=GONE_S, interval=2, clock=self._clock):
            raise ActionError(
                f"Kafka {self._namespace}/{self._kafka} is not started, as pods can still write to "
                f"the volumes: {', '.join(writers)}. Find out why they do not end, such as a node "
                f"that does not answer: kubectl get pods -n {self._namespace} -l {selector} -o "
                "wide. When they are gone, remove the copy and restore it again"
            )

    def _check(self, node: str, job: Object, pods: Objects) -> None:
        problem = f"the volumes of {node} cannot be restored"
        memory = self._imports.memory
        by_pod = [list(_failures(pod, memory)) for pod in sorted(pods, key=_creation)]
        reasons = list(chain.from_iterable(by_pod))
        for code, reason in reasons:
            if code == WRONG_PASSWORD:
                raise ActionError(f"{problem}: the password in the Secret of the pods is wrong")
            if code == NO_REPOSITORY:
                raise ActionError(
                    f"{problem}: pods do not find {self._imports.repository.url}: {reason}"
                )
        failed = condition(job, "Failed")
        if failed.get("status") != "True":
            return
        # A prune deletes files that the index of a running pod still names: only the last pod,
        # which has read the index after that, shows whether the copy is damaged.
        words = failed.get("message") or "its Job has failed"
        if reasons and failed.get("reason") != LATE:
            for code, reason in by_pod[-1]:
                if code == RESTIC_FAILED and DAMAGE.search(reason):
                    raise NotRestorableError(f"{problem}: the copy is damaged: {reason}")
            words = reasons[-1][1]
        raise ActionError(f"{problem}: {words}")

    def _progress(self, job: Object, pods: Objects) -> str:
        active = [pod for pod in pods if _phase(pod) in ("Pending", "Running")]
        waits = str(wait_reason(active[-1])) if active else "its pod is not created"
        is_late = self._started.setdefault(name_of(job), Grace(START_S, self._clock)).is_over(
            complains=bool(waits)
        )
        if is_late:
            raise ActionError(f"the pod that fills its volumes does not start: {waits}")
        if waits:
            return waits
        restored = total = 0
        for number, claim in enumerate(_claims(job)):
            total += self._sizes[claim]
            restored += self._restored(name_of(active[-1]), f"volume-{number}")
        return f"{restored * 20 // total * 5 if total else 0} %"

    def _restored(self, pod: str, container: str) -> int:
        """Return the bytes that restic has reported; 0 if the log cannot be read."""
        restored = 0
        with suppress(KanisterKafkaError):
            for line in self._connection.log(pod, self._namespace, container=container, last=5):
                restored = max(restored, _restored_bytes(line))
        return restored


def _creation(pod: Object) -> tuple[str, str]:
    return str(get_path(pod, "metadata", "creationTimestamp") or ""), name_of(pod)


def _phase(pod: Object) -> object:
    return get_path(pod, "status", "phase")


def _claims(job: Object) -> list[str]:
    volumes = job["spec"]["template"]["spec"]["volumes"]
    claims = [volume.get("persistentVolumeClaim") for volume in volumes]
    return [claim["claimName"] for claim in claims if claim]


def _restored_bytes(line: str) -> int:
    try:
        return int(json.loads(line).get("bytes_restored") or 0)
    except (AttributeError, TypeError, ValueError):
        return 0


def _failures(pod: Object, memory: str) -> Iterator[tuple[int, str]]:
    """Yield exit code and reason of each container of a pod that has failed."""
    for status in container_statuses(pod):
        ended = get_path(status, "state", "terminated")
        if not ended or ended.get("exitCode") == 0:
            continue
        reason = str(ended.get("reason") or "")
        if reason == "OOMKilled":
            yield 0, f"restic was killed, as it needs more than {memory}: raise --import-memory"
            continue
        lines = str(ended.get("message") or "").splitlines()  # the last ones, the first is cut
        messages = [message_of(line) for line in lines if line.startswith("{")]
        texts = [text for text in messages if text and not text.startswith("There were")]
        texts += [text for text in map(message_of, reversed(lines)) if text]
        yield int(ended.get("exitCode") or 0), texts[0] if texts else reason
