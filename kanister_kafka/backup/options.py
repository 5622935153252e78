"""Choices of a site, with the defaults and where they come from."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from kanister_kafka.backup.cron import schedule_error, time_zone_error
from kanister_kafka.constants import COMPONENT, MANAGED_BY, PREFIX
from kanister_kafka.diagnostics import Diagnostic, Location, error
from kanister_kafka.durations import format_duration, parse_age, parse_duration
from kanister_kafka.kasten.schemas import DAILY, FREQUENCIES, ON_DEMAND, RETENTION
from kanister_kafka.kube.names import LABEL, LABEL_VALUE, QUALIFIED, SUBDOMAIN
from kanister_kafka.kube.pod_options import (
    DEFAULT_IMAGE,
    DEFAULT_REQUESTS,
    NO_SIDECAR_ANNOTATIONS,
    NO_SIDECAR_LABELS,
    Pairs,
    PodOptions,
    merged,
    parse_toleration,
    pod_option_errors,
    quantity,
)
from kanister_kafka.strimzi.clients import CLIENTS

DEFAULT_KASTEN_NAMESPACE = "kasten-io"
DEFAULT_RUN_AS_USER = 65534
DEFAULT_RESTIC_IMAGE = "docker.io/restic/restic:0.18.1"
"""restic and a shell; docs/design.md explains why restic."""
DEFAULT_EXPORT_MEMORY = "512Mi"
DEFAULT_IMPORT_MEMORY = "2Gi"
DEFAULT_EXPORT_PARALLEL = 2
MAX_EXPORT_PARALLEL = 64
LEAST_EXPORT_MEMORY = 128 * 1024**2
"""Bytes that restic needs for any repository."""
PLATFORM = "platform"
"""Word for a user that is left to the platform."""
NEVER = "never"
"""Word for no watchdog."""
NONE = "none"
"""Word that removes the default labels or annotations of pods."""
IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]*")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
HOLD, NOW = "hold", "now"
"""Words for the retention of a restored Kafka; a duration is the third."""
POLICY_OPTIONS = frozenset(
    ("time", "retention", "export_frequency", "definitions", "storage_classes", "volumes_into")
)
"""Fields of `Options` that are for authors of Policies alone, who have commands of their own."""
KEEP_RULES = (
    "keep_last",
    "keep_hourly",
    "keep_daily",
    "keep_weekly",
    "keep_monthly",
    "keep_yearly",
    "keep_within",
)
"""Fields with the rules of `backups prune`."""
KEEP_COPIES_RULES = tuple(rule.replace("keep_", "keep_copies_") for rule in KEEP_RULES)
"""Fields with the rules of `backups prune --copies`."""
SINGULARS = {"not_writers": "not-a-writer"}
"""Option of the command for each item of a field, if it does not follow from its name."""
RESOURCES = {"requests": "requests", "pod_limits": "limits"}
"""Fields with resources of pods, and their options."""
ADDITIVE_OPTIONS = frozenset({"pod_labels", "pod_annotations"})
"""Fields with a default that is added to."""


def is_retention_choice(text: str) -> bool:
    """Return whether a text is a choice for the retention of a restored Kafka."""
    return text in (HOLD, NOW) or bool(parse_duration(text))


class Strategy(enum.Enum):
    """Required consistency of the snapshot."""

    COLD = "cold"
    """Every broker stopped: the volumes hold one moment of the whole cluster."""
    ONLINE = "online"
    """Clients stopped, brokers running: proven that nothing has moved while volumes were cut."""
    HOT = "hot"
    """Nothing stopped: flushed only, and each volume holds a moment of its own, unless one group of
    snapshots has all of them."""


class SnapshotProvider(enum.Enum):
    """Who takes the snapshots."""

    KASTEN = "kasten"
    """Kasten, between the hooks of the Blueprint."""
    KANISTER = "kanister"
    """The Blueprint itself, with actions that back up, restore and delete; Kanister runs them."""


class QuiesceMethod(enum.Enum):
    """How writers are stopped."""

    REPLICAS = "replicas"
    """By `spec.replicas: 0`; the operator stays in charge."""
    PAUSE = "pause"
    """By a pause and by deleting the workload; nothing that GitOps compares is changed."""


class UncleanStop(enum.Enum):
    """Outcome of a backup whose nodes did not all end cleanly."""

    FAIL = "fail"
    """It fails, and the cluster is brought back."""
    WARN = "warn"
    """It goes on; record, event and artifact show it."""


class KastenOutput(enum.Enum):
    """Objects by which Kasten runs the Blueprint."""

    POLICY = "policy"
    """A Policy with action hooks, which bracket the whole namespace."""
    BINDING = "binding"
    """A BlueprintBinding to the object that owns the volumes."""
    ANNOTATION = "annotation"
    """An annotation on that object, set by hand."""
    RESTORE = "restore"
    """A RestoreAction with its TransformSet, and the actions that it calls."""


class GitOps(enum.Enum):
    """Tool that brings the objects from Git to the cluster, and that may need annotations."""

    ARGOCD = "argocd"
    FLUX = "flux"


class ScriptSharing(enum.Enum):
    """Whose the ConfigMap with the scripts is."""

    SHARED = "shared"
    """Of all clusters in the namespace, under a name without the cluster."""
    OWN = "own"
    """Of one cluster: no one else applies or prunes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimeouts:
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
    """For the pod of the watchdog to run before the first broker is stopped."""
    snapshot: int = 300
    """For every VolumeSnapshot to be cut."""
    ready: int = 3600
    """For every VolumeSnapshot to be ready to use; Kafka serves again by then."""
    claims: int = 300
    """For restored claims to be bound."""
    export: int = 86400
    """For the volumes of a backup to be copied off the cluster; Kafka serves meanwhile."""


FORMER_STEPS = {"switch": "watchdog"}
"""Names of steps that work for one more release, and their present names."""
STEPS = {
    FORMER_STEPS.get(limit.name, limit.name): limit.name
    for limit in dataclasses.fields(StepTimeouts)
}
"""Fields of `StepTimeouts` by the names that the command and files have for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All choices of one rendering."""

    strategy: Strategy = Strategy.COLD
    engine: SnapshotProvider = SnapshotProvider.KASTEN
    quiesce_by: QuiesceMethod = QuiesceMethod.REPLICAS
    writers: tuple[str, ...] = ()
    """MirrorMakers, Connects and Bridges that are quiesced regardless of their address, each as
    KIND/NAMESPACE/NAME."""
    not_writers: tuple[str, ...] = ()
    """Those that are left alone regardless of their address."""
    unclean_stop: UncleanStop = UncleanStop.FAIL
    """Outcome for a node that was killed while it stopped."""
    require_quiet: bool = False
    """Whether a backup fails if topics still grow after all known writers have stopped."""
    kasten: tuple[KastenOutput, ...] = ()
    kasten_namespace: str = DEFAULT_KASTEN_NAMESPACE
    """Namespace of Kasten, or of the Kanister controller."""
    frequency: str = ON_DEMAND
    """Of the Policy; a schedule is an outage on schedule, so none is assumed."""
    time: str = ""
    """When on the day the Policy runs, as HH:MM; left to Kasten if empty."""
    retention: tuple[tuple[str, int], ...] = ()
    """How many restore points of which period are kept, instead of Kasten's own defaults."""
    profile: str = ""
    """Location profile that the Policy names; none by default."""
    export_profile: str = ""
    """Profile to whose location Kasten, or the engine, copies a backup; none by default."""
    export_frequency: str = ""
    """How often they are; as often as the Policy runs if empty."""
    definitions: tuple[str, ...] = ()
    """Namespaces whose custom resources a Policy of their own keeps, without volumes."""
    name: str = ""
    """Name of the Blueprint; made of namespace and cluster by default."""
    image: str = DEFAULT_IMAGE
    service_account: str = ""
    """Name of the service account of the steps; made of the cluster's by default."""
    admission_policy: bool = False
    """Whether a ValidatingAdmissionPolicy holds the accounts to what the steps change."""
    run_as_user: int | None = DEFAULT_RUN_AS_USER
    """User id of the steps; None leaves it to the platform, as OpenShift wants."""
    pod_labels: Pairs = NO_SIDECAR_LABELS
    """Of the pods of the steps and of the watchdog; by default no service mesh adds a container."""
    pod_annotations: Pairs = NO_SIDECAR_ANNOTATIONS
    image_pull_secrets: tuple[str, ...] = ()
    """Secrets in the namespace of the cluster with which the image is pulled."""
    tolerations: tuple[str, ...] = ()
    """As KEY[=VALUE][:EFFECT]."""
    node_selector: Pairs = ()
    priority_class: str = ""
    requests: Pairs = DEFAULT_REQUESTS
    pod_limits: Pairs = ()
    """Of resources: `limits` are those of time."""
    gitops: GitOps | None = None
    """Who applies it all from Git; None for anybody else."""
    scripts: ScriptSharing | None = None
    """Whose the ConfigMap with the scripts is; None for the cluster's own if `gitops` is set,
    whose tools let an object be of one application only, and else for a shared one."""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    limits: StepTimeouts = field(default_factory=StepTimeouts)
    restart_after: int = 3600
    """When the watchdog brings Kafka back that no one has brought back, in seconds after
    the start of the stop; 0 for no watchdog."""
    snapshot_class: str = ""
    """VolumeSnapshotClass of the engine's snapshots; the default of the driver if empty."""
    group_snapshot_class: str = ""
    """VolumeGroupSnapshotClass of one group of the engine's snapshots; empty for a snapshot of each
    claim by itself, which a hot backup cannot have. It has no default: a Blueprint must not depend
    on which classes there are."""
    restore_point: str = ""
    """Name of Kasten's RestorePoint that a RestoreAction restores."""
    storage_classes: tuple[tuple[str, str], ...] = ()
    """Storage classes that a restore replaces, each with the new one; empty for any."""
    restored_retention: str = HOLD
    """Retention of a Kafka that Kasten restores: `hold`, `now` or a duration for which each broker
    holds it after its start."""
    volumes_into: str = ""
    """Another namespace, into which the volumes alone are restored."""
    hook_timeout: int = 1200
    """Time that Kasten gives an action, in seconds (Helm value `timeout.blueprintHooks`, 20
    minutes by default)."""
    export_secret: str = ""
    """Secret with the credentials of that location; made of the cluster's name by default."""
    export_parallel: int = DEFAULT_EXPORT_PARALLEL
    """Volumes that the engine copies at a time."""
    export_image: str = DEFAULT_RESTIC_IMAGE
    """Image with restic."""
    export_memory: str = DEFAULT_EXPORT_MEMORY
    """Request and limit of memory of each pod that copies."""
    schedule: str = ""
    """When a CronJob makes a backup, as `spec.schedule` has it; no CronJob if empty."""
    time_zone: str = ""
    """Of the schedule, by its IANA name; that of the controller of CronJobs if empty."""
    verify_schedule: str = ""
    """When a CronJob verifies the newest backup; no CronJob if it is empty."""
    verify_into: str = ""
    """Namespace of the copy that it makes, which must exist."""
    verify_memory: str = ""
    """Memory of each node of that copy; that of the backup if it is empty."""
    schedule_image: str = ""
    """Image with this command for the CronJob; there is no published one."""
    keep_last: int = 0
    """How many backups stay after a scheduled one: the newest, and below the newest of each hour,
    day, week, month and year that has one."""
    keep_hourly: int = 0
    keep_daily: int = 0
    keep_weekly: int = 0
    keep_monthly: int = 0
    keep_yearly: int = 0
    keep_within: str = ""
    """Younger backups than this stay, such as `30d` or `72h`."""
    keep_copies_last: int = 0
    """The same for copies off the cluster, after a scheduled backup was copied. Without any of
    these, all copies stay."""
    keep_copies_hourly: int = 0
    keep_copies_daily: int = 0
    keep_copies_weekly: int = 0
    keep_copies_monthly: int = 0
    keep_copies_yearly: int = 0
    keep_copies_within: str = ""

    @property
    def pods(self) -> PodOptions:
        """Labels, annotations and resources of the pods of the steps and of the watchdog."""
        tolerations = map(parse_toleration, self.tolerations)
        return PodOptions(
            labels=self.pod_labels,
            annotations=self.pod_annotations,
            pull_secrets=self.image_pull_secrets,
            tolerations=tuple(toleration for toleration in tolerations if toleration is not None),
            node_selector=self.node_selector,
            priority_class=self.priority_class,
            requests=self.requests,
            limits=self.pod_limits,
        )

    @property
    def is_flush_only(self) -> bool:
        """Whether the Blueprint only flushes: a hot backup of which another takes the snapshots."""
        return self.strategy is Strategy.HOT and self.engine is not SnapshotProvider.KANISTER

    @property
    def uses_kasten(self) -> bool:
        """Whether Kasten calls actions of the Blueprint, and ends those that take too long."""
        return self.engine is not SnapshotProvider.KANISTER or bool(self.kasten)

    @property
    def keep_words(self) -> tuple[str, ...]:
        """The keep rules as words of the command line; none if nothing is kept."""
        return self._rule_words(KEEP_RULES)

    @property
    def keep_copies_words(self) -> tuple[str, ...]:
        """The keep rules of copies in the same form; none if all copies stay."""
        return self._rule_words(KEEP_COPIES_RULES)

    def _rule_words(self, rules: tuple[str, ...]) -> tuple[str, ...]:
        words = []
        for rule in rules:
            if value := getattr(self, rule):
                words.append(f"--{rule.replace('_', '-')}={value}")
        return tuple(words)

    @property
    def owns_scripts(self) -> bool:
        """Whether the ConfigMap with the scripts is of this cluster alone."""
        chosen = self.scripts or (ScriptSharing.OWN if self.gitops else ScriptSharing.SHARED)
        return chosen is ScriptSharing.OWN

    def words(self) -> tuple[str, ...]:
        """Return the words of the command line for all that is not the default."""
        usual = Options()
        words: list[str] = []
        for chosen in dataclasses.fields(self):
            value = getattr(self, chosen.name)
            if chosen.name not in POLICY_OPTIONS and value != getattr(usual, chosen.name):
                words += _words(chosen.name, value)
        return tuple(words)

    def problems(self) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the choices themselves."""
        return tuple(
            error("option", Location("<options>"), path, f'Invalid value: "{value}": {must}')
            for path, value, must in self._wrong()
        )

    def idle(self) -> tuple[Diagnostic, ...]:
        """Return choices that have no effect together with others.

        For choices that are all made at once: a default of a fleet need not be of use for each of
        its clusters.
        """
        return tuple(
            error("option", Location("<options>"), path, f'Invalid value: "{value}": {must}')
            for path, value, must in chain(self._wrong_hot(), self._wrong_limits())
        )

    def _wrong(self) -> Iterator[tuple[str, object, str]]:
        subdomain = "must be a lowercase RFC 1123 subdomain"
        named = {
            "name": self.name,
            "kasten-namespace": self.kasten_namespace,
            "service-account": self.service_account,
            "profile": self.profile,
            "export-profile": self.export_profile,
            "export-secret": self.export_secret,
            "snapshot-class": self.snapshot_class,
            "group-snapshot-class": self.group_snapshot_class,
            "restore-point": self.restore_point,
            "priority-class": self.priority_class,
        }
        for path, value in named.items():
            if (value or path == "kasten-namespace") and not SUBDOMAIN.allows(value):
                yield path, value, subdomain
        yield from self._wrong_hot_engine()
        if self.admission_policy and self.is_flush_only:
            yield "admission-policy", "true", "is for --strategy cold: a hot one changes nothing"
        if KastenOutput.RESTORE in self.kasten and self.is_flush_only:
            must = "must be with --strategy cold: only that Blueprint can stop and restore"
            yield "kasten", KastenOutput.RESTORE.value, must
        yield from self._wrong_forms()
        if self.restore_point and KastenOutput.RESTORE not in self.kasten:
            yield "restore-point", self.restore_point, "is for --kasten restore"
        yield from self._wrong_restore()
        yield from self._wrong_schedule()
        yield from self._wrong_export()
        yield from self._wrong_writers()
        if self.snapshot_class and self.engine is not SnapshotProvider.KANISTER:
            yield "snapshot-class", self.snapshot_class, "is for --engine kanister"
        by_engine = self.engine is SnapshotProvider.KANISTER
        if self.group_snapshot_class and (not by_engine or self.strategy is Strategy.COLD):
            must = "is for --engine kanister with --strategy online or hot"
            yield "group-snapshot-class", self.group_snapshot_class, must
        if 0 < self.restart_after < 60:
            yield "restart-after", self.restart_after, "must be 0 or at least 60 seconds"
        if not IMAGE.fullmatch(self.image):
            yield "image", self.image, "must be an image reference"
        if self.frequency not in FREQUENCIES:
            yield "frequency", self.frequency, f"must be one of {', '.join(FREQUENCIES)}"
        else:
            yield from self._wrong_policy()
        for name in self.image_pull_secrets:
            if not SUBDOMAIN.allows(name):
                yield "image-pull-secret", name, subdomain
        for text in self.tolerations:
            if parse_toleration(text) is None:
                yield "toleration", text, "must be KEY[=VALUE][:EFFECT]"
        yield from pod_option_errors(self.pods)
        for path, pairs in (("label", self.labels), ("annotation", self.annotations)):
            for key, _value in pairs:
                if not QUALIFIED.allows(key):
                    yield path, key, "must be a qualified name"
            for key, value in pairs:
                if key.startswith(PREFIX):
                    yield path, f"{key}={value}", f"{PREFIX} is for this tool's own"
        for key, value in self.labels:
            if key == MANAGED_BY:
                must = f"is {COMPONENT}: files and objects are found by it, to remove them"
                yield "label", f"{key}={value}", must
        for _key, value in self.labels:
            if not LABEL_VALUE.allows(value):
                yield "label", value, "must be a label value"

    def _wrong_hot_engine(self) -> Iterator[tuple[str, object, str]]:
        """Yield what a hot backup by the engine alone cannot be or have."""
        if self.strategy is not Strategy.HOT or self.engine is not SnapshotProvider.KANISTER:
            return
        if not self.group_snapshot_class:
            must = (
                "needs --group-snapshot-class with --strategy hot: without a group, volumes are "
                "copied one after the other while brokers write"
            )
            yield "engine", self.engine.value, must
        for form in self.kasten:
            must = (
                "is for --engine kasten: a hot backup of --engine kanister is one action, and has "
                "no hooks"
            )
            yield "kasten", form.value, must

    def _wrong_hot(self) -> Iterator[tuple[str, object, str]]:
        """Yield what does nothing in a backup whose brokers run; a hot one changes nothing.

        That of the engine has a restore, which stops clients.
        """
        if self.strategy is Strategy.COLD:
            return
        usual = Options()
        unclean_stop = self.unclean_stop is not usual.unclean_stop
        if self.strategy is Strategy.ONLINE:
            if self.require_quiet:
                yield "require-quiet", "true", "is for --strategy cold: an online one always does"
            if unclean_stop:
                must = "is for --strategy cold: an online one stops no broker"
                yield "unclean-stop", self.unclean_stop.value, must
            return
        by_pause = self.quiesce_by is not usual.quiesce_by
        named: tuple[tuple[str, object, bool], ...] = (
            ("require-quiet", "true", self.require_quiet),
            ("quiesce-by", self.quiesce_by.value, by_pause and self.is_flush_only),
            ("unclean-stop", self.unclean_stop.value, unclean_stop),
            (
                "restart-after",
                _word("restart_after", self.restart_after),
                self.restart_after != usual.restart_after,
            ),
            *(("writer", text, self.is_flush_only) for text in self.writers),
        )
        for path, value, is_set in named:
            if is_set:
                yield path, value, "is for --strategy cold: a hot backup changes and stops nothing"

    def _wrong_limits(self) -> Iterator[tuple[str, object, str]]:
        """Yield the time-outs of steps that there are not."""
        usual = StepTimeouts()
        for step, needed in self._needs():
            seconds = getattr(self.limits, STEPS[step])
            if needed and seconds != getattr(usual, STEPS[step]):
                yield "timeout", f"{step}={format_duration(seconds)}", f"is for {needed}"

    def _needs(self) -> Iterator[tuple[str, str]]:
        """Yield for each step what it would take to have it; nothing if it is there."""
        hot = self.strategy is Strategy.HOT
        has_watchdog = not hot and self.restart_after
        for step in STEPS:
            if self.is_flush_only:
                yield step, "" if step == "flush" else "--strategy cold"
            elif (
                step in ("snapshot", "ready", "claims")
                and self.engine is not SnapshotProvider.KANISTER
            ):
                yield step, "--engine kanister"
            elif step == "export" and not (
                self.export_profile and self.engine is SnapshotProvider.KANISTER
            ):
                yield step, "--export-profile with --engine kanister"
            elif step == "watchdog" and not has_watchdog:
                reason = "a hot backup has none" if hot else "--restart-after is never"
                yield step, f"a watchdog: {reason}"

    def _wrong_forms(self) -> Iterator[tuple[str, object, str]]:
        if KastenOutput.POLICY not in self.kasten:
            if self.frequency != ON_DEMAND and self.frequency in FREQUENCIES:
                yield "frequency", self.frequency, "is for --kasten policy"
            if self.profile:
                yield "profile", self.profile, "is for --kasten policy"
            return
        for form in (KastenOutput.BINDING, KastenOutput.ANNOTATION):
            if form in self.kasten:
                # Both would run: the hooks of the one within those of the other.
                must = "must not be used with --kasten policy: Kafka would be started too early"
                yield "kasten", form.value, must

    def _wrong_policy(self) -> Iterator[tuple[str, object, str]]:
        often = FREQUENCIES.index(self.frequency)
        if self.time and not TIME.fullmatch(self.time):
            yield "at", self.time, "must be HH:MM, from 00:00 to 23:59"
        elif self.time and self.frequency != DAILY:
            # The effect in Kasten of hours alone in a longer period is not documented.
            yield "at", self.time, f"is for --frequency {DAILY}; it runs {self.frequency}"
        for period, count in self.retention:
            longer = [name for name, _count, _frequency in RETENTION[max(often - 1, 0) :]]
            if not often:
                yield "retention", f"{period}={count}", "is for a Policy with a schedule"
            elif period not in longer:
                must = f"must be one of {', '.join(longer)}, as it runs {self.frequency}"
                yield "retention", f"{period}={count}", must
        if self.export_frequency:
            if not self.export_profile:
                yield "export-frequency", self.export_frequency, "is for --export-profile"
            elif self.export_frequency not in FREQUENCIES[often:] or not often:
                must = f"must not be more often than the Policy runs, {self.frequency}"
                yield "export-frequency", self.export_frequency, must
        for namespace in self.definitions:
            if not LABEL.allows(namespace):
                yield "definitions", namespace, "must be a lowercase RFC 1123 label"

    def _wrong_schedule(self) -> Iterator[tuple[str, object, str]]:
        every = KEEP_RULES + KEEP_COPIES_RULES
        rules = {rule.replace("_", "-"): getattr(self, rule) for rule in every}
        for path, value in rules.items():
            if isinstance(value, int) and value < 0:
                yield path, value, "must not be negative"
        for path in ("keep-within", "keep-copies-within"):
            if rules[path] and not parse_age(str(rules[path])):
                yield path, rules[path], "must be a duration such as 30d or 72h"
        yield from self._wrong_verification()
        if not self.schedule:
            settings: dict[str, object] = dict(rules)
            if not self.verify_schedule:
                settings |= {"time-zone": self.time_zone, "schedule-image": self.schedule_image}
            for path, value in settings.items():
                if value:
                    yield path, value, "is for --schedule"
            return
        if self.engine is not SnapshotProvider.KANISTER:
            must = "is for --engine kanister: Kasten has a schedule of its own, --frequency"
            yield "schedule", self.schedule, must
        if must := schedule_error(self.schedule):
            yield "schedule", self.schedule, must
        if self.time_zone and (must := time_zone_error(self.time_zone)):
            yield "time-zone", self.time_zone, must
        if not self.schedule_image:
            must = "needs --schedule-image, an image with this command"
            yield "schedule", self.schedule, must
        elif not IMAGE.fullmatch(self.schedule_image):
            yield "schedule-image", self.schedule_image, "must be an image reference"
        if not self.keep_words:
            must = "needs a rule that keeps backups, such as --keep-daily 7"
            yield "schedule", self.schedule, must
        for path, value in rules.items():
            if value and path.startswith("keep-copies") and not self.export_profile:
                yield path, value, "is for --export-profile: without it there are no copies"

    def _wrong_export(self) -> Iterator[tuple[str, object, str]]:
        engine = self.engine is SnapshotProvider.KANISTER
        if not engine or not self.export_profile:
            usual = Options()
            for name in ("export_secret", "export_parallel", "export_image", "export_memory"):
                value = getattr(self, name)
                if value != getattr(usual, name):
                    must = "is for --export-profile with --engine kanister"
                    yield name.replace("_", "-"), value, must
            if self.export_profile and KastenOutput.POLICY not in self.kasten and not engine:
                yield "export-profile", self.export_profile, "is for --engine kanister"
            return
        if not 1 <= self.export_parallel <= MAX_EXPORT_PARALLEL:
            must = f"must be from 1 to {MAX_EXPORT_PARALLEL}"
            yield "export-parallel", self.export_parallel, must
        if not IMAGE.fullmatch(self.export_image):
            yield "export-image", self.export_image, "must be an image reference"
        memory = quantity(self.export_memory)
        if not memory or memory < LEAST_EXPORT_MEMORY:
            must = "must be a quantity of at least 128Mi, such as 1Gi"
            yield "export-memory", self.export_memory, must

    def _wrong_verification(self) -> Iterator[tuple[str, object, str]]:
        schedule = self.verify_schedule
        if not schedule:
            for path in ("verify-into", "verify-memory"):
                if value := getattr(self, path.replace("-", "_")):
                    yield path, value, "is for --verify-schedule"
            return
        if self.engine is not SnapshotProvider.KANISTER:
            yield "verify-schedule", schedule, "is for --engine kanister"
        if must := schedule_error(schedule):
            yield "verify-schedule", schedule, must
        if not self.schedule_image:
            yield "verify-schedule", schedule, "needs --schedule-image, an image with this command"
        elif not self.schedule and not IMAGE.fullmatch(self.schedule_image):
            yield "schedule-image", self.schedule_image, "must be an image reference"
        if not self.schedule and self.time_zone and (must := time_zone_error(self.time_zone)):
            yield "time-zone", self.time_zone, must
        if not LABEL.allows(self.verify_into):
            must = "needs --verify-into, an existing namespace for the copy"
            yield "verify-schedule", schedule, must
        if self.verify_memory and not quantity(self.verify_memory):
            yield "verify-memory", self.verify_memory, "must be a quantity such as 1Gi"

    def _wrong_writers(self) -> Iterator[tuple[str, object, str]]:
        for path, named in (("writer", self.writers), ("not-a-writer", self.not_writers)):
            for text in named:
                kind, namespace, name = (*text.split("/"), "", "")[:3]
                if text.count("/") != 2 or kind not in CLIENTS:
                    yield path, text, f"must be KIND/NAMESPACE/NAME of a {', '.join(CLIENTS)}"
                elif not LABEL.allows(namespace) or not SUBDOMAIN.allows(name):
                    yield path, text, "must be KIND/NAMESPACE/NAME with names of Kubernetes"
        for text in self.writers:
            if text in self.not_writers:
                yield "writer", text, "must not be named by --not-a-writer as well"

    def _wrong_restore(self) -> Iterator[tuple[str, object, str]]:
        if not is_retention_choice(self.restored_retention):
            must = "must be hold, now, or a duration such as 72h or 1h30m"
            yield "restored-retention", self.restored_retention, must
        elif self.restored_retention != HOLD and KastenOutput.RESTORE not in self.kasten:
            must = "is for --kasten restore; with --engine kanister set it when the restore runs"
            yield "restored-retention", self.restored_retention, must
        if self.volumes_into and not LABEL.allows(self.volumes_into):
            yield "volumes-into", self.volumes_into, "must be a lowercase RFC 1123 label"
        replaced = [old for old, _new in self.storage_classes]
        for old, new in self.storage_classes:
            shown = f"{old}={new}" if old else new
            if not SUBDOMAIN.allows(new) or (old and not SUBDOMAIN.allows(old)):
                yield "storage-class", shown, "must be a lowercase RFC 1123 subdomain"
            elif replaced.count(old) > 1 or ("" in replaced and len(replaced) > 1):
                yield "storage-class", shown, "must be the only one for these claims"
            elif new in replaced:
                # One transform after the other sees what the one before has made.
                yield "storage-class", shown, f"must not be replaced in turn, as {new} is"


def _words(name: str, value: Any) -> Iterator[str]:
    """Format one choice; a repeatable one is several times there."""
    if isinstance(value, StepTimeouts):
        usual = StepTimeouts()
        for step, field_name in STEPS.items():
            if (seconds := getattr(value, field_name)) != getattr(usual, field_name):
                yield from ("--timeout", f"{step}={format_duration(seconds)}")
    elif isinstance(value, bool):
        yield f"--{name.replace('_', '-')}"
    elif name in RESOURCES:
        yield from (f"--{RESOURCES[name]}", ",".join("=".join(pair) for pair in value) or NONE)
    elif isinstance(value, tuple):
        option = f"--{SINGULARS.get(name, name.rstrip('s')).replace('_', '-')}"
        items = _against(getattr(Options(), name), value) if name in ADDITIVE_OPTIONS else value
        for item in items:
            pair = isinstance(item, tuple)
            yield from (option, "=".join(item) if pair else str(getattr(item, "value", item)))
    else:
        yield from (f"--{name.replace('_', '-')}", _word(name, value))


def _against(usual: Pairs, value: Pairs) -> Pairs | tuple[str | tuple[str, str], ...]:
    """Return the values to give in addition to the defaults, or a word that removes these."""
    additions = tuple(pair for pair in value if pair not in usual)
    return additions if merged(usual, additions) == value else (NONE, *value)


def _word(name: str, value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if value is None:
        return PLATFORM
    if isinstance(value, int) and name in ("restart_after", "hook_timeout"):
        return format_duration(value) if value or name == "hook_timeout" else NEVER
    return str(value)
