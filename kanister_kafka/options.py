"""What a site may choose, with the defaults and where they come from."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kanister_kafka.marks import PREFIX
from kanister_kafka.problem import Location, Problem, error
from kanister_kafka.strimzi.fields import is_name

DEFAULT_IMAGE = "docker.io/alpine/k8s:1.34.11"
"""bash and kubectl; docs/design.md says why this image."""
DEFAULT_KASTEN_NAMESPACE = "kasten-io"
DEFAULT_RUN_AS_USER = 65534
PLATFORM = "platform"
"""Word for a user that is left to the platform."""
NEVER = "never"
"""Word for no switch."""
IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]*")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
LABEL_KEY = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
FREQUENCIES = ("@onDemand", "@hourly", "@daily", "@weekly", "@monthly", "@yearly")


class Strategy(enum.Enum):
    """How consistent the snapshot is to be."""

    COLD = "cold"
    """Every broker stopped: the volumes hold one moment of the whole cluster."""
    HOT = "hot"
    """Flushed only: each volume holds a moment of its own."""


class Engine(enum.Enum):
    """Who takes the snapshots."""

    KASTEN = "kasten"
    """Kasten, between the hooks of the Blueprint."""
    KANISTER = "kanister"
    """The Blueprint itself, with actions that back up, restore and delete; Kanister runs them."""


class QuiesceBy(enum.Enum):
    """How writers are stopped."""

    REPLICAS = "replicas"
    """By `spec.replicas: 0`; the operator stays in charge."""
    PAUSE = "pause"
    """By a pause and by deleting the workload; nothing that GitOps compares is changed."""


class KastenForm(enum.Enum):
    """How Kasten is told to run the Blueprint."""

    POLICY = "policy"
    """A Policy with action hooks, which bracket the whole namespace."""
    BINDING = "binding"
    """A BlueprintBinding to the object that owns the volumes."""
    ANNOTATION = "annotation"
    """An annotation on that object, set by hand."""
    RESTORE = "restore"
    """A RestoreAction with its TransformSet, and the actions that it calls."""


class GitOps(enum.Enum):
    """What brings the objects from Git to the cluster, and may want to be told about them."""

    ARGOCD = "argocd"
    FLUX = "flux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """For how long each step waits at most, in seconds."""

    check: int = 60
    """For the cluster to be Ready and its pods as well."""
    quiesce: int = 120
    """For the pods of writers to be gone."""
    flush: int = 60
    """For one node to write its page cache to its volumes."""
    pause: int = 360
    """For the operator to acknowledge: a running reconciliation may hold it for 300 s
    (`STRIMZI_OPERATION_TIMEOUT_MS`)."""
    components: int = 60
    """For the pods of entity operator, Cruise Control and exporter to be gone."""
    stop: int = 30
    """For the pods of nodes to be gone, beyond their grace period."""
    restart: int = 900
    """For every node to be Ready again."""
    switch: int = 60
    """For the pod of the dead man's switch to run before the first broker is stopped."""
    snapshot: int = 300
    """For every VolumeSnapshot to be cut."""
    ready: int = 3600
    """For every VolumeSnapshot to be ready to use; Kafka serves again by then."""
    claims: int = 300
    """For restored claims to be bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All choices of one rendering."""

    strategy: Strategy = Strategy.COLD
    engine: Engine = Engine.KASTEN
    quiesce_by: QuiesceBy = QuiesceBy.REPLICAS
    kasten: tuple[KastenForm, ...] = ()
    kasten_namespace: str = DEFAULT_KASTEN_NAMESPACE
    """Namespace of Kasten, or of the Kanister controller."""
    frequency: str = "@onDemand"
    """Of the Policy; a schedule is an outage on schedule, so none is assumed."""
    profile: str = ""
    """Location profile that the Policy names; none by default."""
    name: str = ""
    """Name of the Blueprint; made of namespace and cluster by default."""
    image: str = DEFAULT_IMAGE
    service_account: str = ""
    """Name of the service account of the steps; made of the cluster's by default."""
    run_as_user: int | None = DEFAULT_RUN_AS_USER
    """User id of the steps; None leaves it to the platform, as OpenShift wants."""
    gitops: GitOps | None = None
    """Who applies it all from Git; None for anybody else."""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    limits: Limits = field(default_factory=Limits)
    restart_after: int = 3600
    """When the dead man's switch brings Kafka back that nobody has brought back, in seconds after
    the start of the stop; 0 for no switch."""
    snapshot_class: str = ""
    """VolumeSnapshotClass of the engine's snapshots; the default of the driver where empty."""
    restore_point: str = ""
    """Name of Kasten's RestorePoint that a RestoreAction restores."""
    hook_timeout: int = 1200
    """Time that Kasten gives an action, in seconds (Helm value `timeout.blueprintHooks`, 20
    minutes by default)."""

    def words(self) -> tuple[str, ...]:
        """Return the words of the command line for all that is not the default."""
        usual = Options()
        return tuple(
            word
            for chosen in dataclasses.fields(self)
            if (value := getattr(self, chosen.name)) != getattr(usual, chosen.name)
            for word in _words(chosen.name, value)
        )

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the choices themselves."""
        return tuple(
            error("option", Location("<options>"), path, f'Invalid value: "{value}": {must}')
            for path, value, must in self._wrong()
        )

    def _wrong(self) -> Iterator[tuple[str, object, str]]:
        subdomain = "must be a lowercase RFC 1123 subdomain"
        named = {
            "name": self.name,
            "kasten-namespace": self.kasten_namespace,
            "service-account": self.service_account,
            "profile": self.profile,
            "snapshot-class": self.snapshot_class,
            "restore-point": self.restore_point,
        }
        for path, value in named.items():
            if (value or path == "kasten-namespace") and not is_name(value):
                yield path, value, subdomain
        if self.strategy is Strategy.HOT and self.engine is Engine.KANISTER:
            yield "engine", self.engine.value, "takes cold snapshots only"
        if self.restore_point and KastenForm.RESTORE not in self.kasten:
            yield "restore-point", self.restore_point, "is for --kasten restore"
        if self.snapshot_class and self.engine is not Engine.KANISTER:
            yield "snapshot-class", self.snapshot_class, "is for --engine kanister"
        if 0 < self.restart_after < 60:
            yield "restart-after", self.restart_after, "must be 0 or at least 60 seconds"
        if not IMAGE.fullmatch(self.image):
            yield "image", self.image, "must be an image reference"
        if self.frequency not in FREQUENCIES:
            yield "frequency", self.frequency, f"must be one of {', '.join(FREQUENCIES)}"
        for key, _value in (*self.labels, *self.annotations):
            if not LABEL_KEY.fullmatch(key) or len(key) > 317:
                yield "label, annotation", key, "must be a qualified name"
        for key, value in self.annotations:
            if key.startswith(PREFIX):
                yield "annotation", f"{key}={value}", f"{PREFIX} is for this tool's own"
        for _key, value in self.labels:
            if not LABEL_VALUE.fullmatch(value) or len(value) > 63:
                yield "label", value, "must be a label value"


def _words(name: str, value: object) -> Iterator[str]:
    """Spell one choice; a repeatable one is several times there."""
    if isinstance(value, Limits):
        usual = Limits()
        for limit in dataclasses.fields(value):
            if (seconds := getattr(value, limit.name)) != getattr(usual, limit.name):
                yield from ("--timeout", f"{limit.name}={duration(seconds)}")
    elif isinstance(value, tuple):
        for one in value:
            pair = isinstance(one, tuple)
            yield from (f"--{name.rstrip('s')}", "=".join(one) if pair else one.value)
    else:
        yield from (f"--{name.replace('_', '-')}", _word(name, value))


def _word(name: str, value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if value is None:
        return PLATFORM
    if isinstance(value, int) and name in ("restart_after", "hook_timeout"):
        return duration(value) if value or name == "hook_timeout" else NEVER
    return str(value)


def duration(seconds: int) -> str:
    """Return seconds as Go and kubectl spell a duration: `1m30s`."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{value}{unit}" for value, unit in parts if value) or "0s"
