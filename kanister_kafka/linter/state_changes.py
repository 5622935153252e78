"""State changes by the phases of a Blueprint, and by other ways to start something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from kanister_kafka.diagnostics import Location
from kanister_kafka.kanister import Blueprint, BlueprintPhase
from kanister_kafka.kanister.blueprint import cached_on_model
from kanister_kafka.kanister.commands import (
    SHELLS,
    SimpleCommand,
    commands,
    simple_commands,
    split_statements,
)
from kanister_kafka.kanister.decoding import field_of
from kanister_kafka.kanister.kube_api import CLUSTER_SCOPED, NAMESPACED, STRIMZI, plural
from kanister_kafka.kanister.kubectl import (
    THE_OBJECT,
    KubectlCall,
    KubectlTarget,
    inner_scripts,
    kubectl_calls,
    literal_name,
    run_position,
    target,
)
from kanister_kafka.yamldoc import MappingNode, Scalar

MAKES = ("annotate", "apply", "autoscale", "create", "edit", "label", "patch", "replace", "set")
"""Verbs of kubectl that can start something, in ways that cannot be seen."""
_PASSIVE = """events nodes persistentvolumeclaims persistentvolumes pods serviceaccounts services
    volumesnapshotcontents volumesnapshots"""
PASSIVE = frozenset(_PASSIVE.split())
"""Resources that start nothing when they are changed."""
STORED = frozenset(["configmaps", "namespaces", "secrets"])
"""Resources that start nothing when they are made."""
KIND = re.compile(r"(?:^|[{,\s])[\"']?kind[\"']?\s*:\s*[\"']?([A-Za-z]\w*)")
CREATES = ("cronjobs", "deployments", "jobs")
"""Kinds that `kubectl create` makes by itself and that run."""
DEPLOYERS = {
    "argocd": ("app", "appset", "proj", "repo"),
    "flux": ("create", "reconcile", "resume"),
    "helm": ("install", "rollback", "upgrade"),
    "helmfile": ("apply", "sync"),
}
"""Programs that put on a cluster what is declared elsewhere, with the words that do so."""
OPAQUE = re.compile(
    r"(?:ansible(?:-playbook)?|docker|eval|go|java|jenkins\S*|kapp|make|node|nodejs|perl|php|podman"
    r"|pulumi|python[\d.]*|ruby|source|ssh|systemctl|supervisorctl|terraform|tofu|\.|.*\.(?:py|rb|sh))"
)
"""Programs whose arguments or files may make them do anything."""
VARIABLE = re.compile(r"\$\{?\w")
"""A program whose name is in a variable."""
REQUESTS = ("curl", "http", "https", "wget")
WRITES = re.compile(r"-X|--request|-d|--data\S*|--json|--post-\S*|--method\S*|POST|PUT|PATCH")
"""Words that make a request one which changes something."""
REPLICAS = re.compile(r"replicas[\"']?\s*(?:[:=]|,\s*[\"']?value[\"']?\s*:)\s*[\"']?(\d+|[{$])")
"""The number in a patch, be it merged or a list of operations."""
CONNECTOR_TASKS = "the tasks"
SCHEDULE = "the schedule"
_VALUE = r"[\"']?\s*(?:[:=]|,\s*[\"']?value[\"']?\s*:)\s*\\?[\"']*"
_TASKS = re.compile(rf"\bstate{_VALUE}(?:stopped|paused)\b|\bpause{_VALUE}true\b")
_TASKS_FIELD = re.compile(rf"\b(?:state|pause)(?:{_VALUE}|[\"'])")
_SUSPEND = re.compile(rf"\bsuspend{_VALUE}true\b")
_SUSPEND_FIELD = re.compile(rf"\bsuspend(?:{_VALUE}|[\"'])")
PATCHED_FIELDS = {
    "kafkaconnectors": (CONNECTOR_TASKS, _TASKS, _TASKS_FIELD),
    "kafkamirrormaker2s": (CONNECTOR_TASKS, _TASKS, _TASKS_FIELD),
    "cronjobs": (SCHEDULE, _SUSPEND, _SUSPEND_FIELD),
}
"""Fields of a spec that stop something, by resource: the stopped thing, the text of a patch that
stops it, and that of one with any other value (Strimzi's ConnectorState.java and
AbstractConnectorSpec.java, Kubernetes' CronJobSpec)."""
MAX_CHANGES = 100
"""Most things of one phase that are looked into, since each is compared with all others."""
PAUSE = "pause-reconciliation"
"""Strimzi's annotation, with `strimzi.io/` before it."""
UNPAUSE = "reconciliation by Strimzi"


class StopStartPattern(NamedTuple):
    """A pair of words, in the text of a command, that stop and start something."""

    what: str
    hint: str
    """Text that both have, in lower case: to look for it takes no time."""
    stop: re.Pattern[str]
    start: re.Pattern[str]
    lasts: bool
    """Whether it stays stopped when the command has ended; a lock of a session does not."""


def _toggle(what: str, hint: str, stop: str, start: str, *, lasts: bool = True) -> StopStartPattern:
    first, second = (re.compile(pattern, re.IGNORECASE) for pattern in (stop, start))
    return StopStartPattern(what, hint, first, second, lasts)


PAUSES = _toggle(
    UNPAUSE,
    PAUSE,
    rf"{PAUSE}[\"']?(?:[=:\s]|,\s*[\"']?value[\"']?\s*:)\s*\\?[\"']*true",
    rf"{PAUSE}(?:-|[\"']?(?:[=:\s]|,\s*[\"']?value[\"']?\s*:)\s*\\?[\"']*(?:false|null))"
    rf"|\bremove\b[^{{}}]*{PAUSE}|{PAUSE}[^{{}}]*\bremove\b",
)
STOP_START_PATTERNS = (
    _toggle("writes to MongoDB", "fsync", r"\bfsyncLock\b", r"\bfsyncUnlock\b"),
    _toggle(
        "PostgreSQL's backup mode",
        "backup",
        r"\bpg_(?:start_backup|backup_start)\b",
        r"\bpg_(?:stop_backup|backup_stop)\b",
    ),
    _toggle(
        "writes to MySQL",
        "lock",
        r"\bflush\s+tables\b[^;]*\bread\s+lock\b|\block\s+instance\s+for\s+backup\b",
        r"\bunlock\s+(?:tables|instance)\b",
        lasts=False,
    ),
    _toggle(
        "writes to a file system",
        "freeze",
        r"\bfsfreeze\s+(?:-f\b|--freeze)|\bxfs_freeze\s+-f\b",
        r"\bfsfreeze\s+(?:-u\b|--unfreeze)|\bxfs_freeze\s+-u\b",
    ),
    PAUSES,
)
ANYTHING = KubectlTarget("", "", "")
SCALED = frozenset(["deployments", "replicasets", "replicationcontrollers", "statefulsets"])
_OF_STRIMZI = ["kafkarebalances", "kafkas", "kafkatopics", "kafkausers", "strimzipodsets"]
UNSCALED = frozenset(
    {resource for _group, resource in NAMESPACED | CLUSTER_SCOPED} - SCALED | {*_OF_STRIMZI}
)
"""Resources without the subresource that `kubectl scale` writes to; not of foreign groups."""
UNPAUSED = SCALED | {"pods", "strimzipodsets"}
"""Resources on which no one reads Strimzi's annotation (StrimziPodSetController.java)."""


class StateChange(NamedTuple):
    """Something that a phase stops or starts."""

    kind: str
    """How: the words of a toggle, or `scale`."""
    target: KubectlTarget
    starts: bool
    phase: BlueprintPhase
    path: str
    place: Location
    certain: bool
    """Whether the phase does it whenever it runs: no condition of a script decides."""
    lasts: bool = True
    """Whether what is stopped stays so when the command has ended."""
    position: int = 0
    """Orders it among the statements of its script, by when they run."""

    @property
    def what(self) -> str:
        """What is stopped or started, in words."""
        if self.kind == "scale":
            return str(self.target)
        return f"{self.kind} of {self.target}" if self.target != ANYTHING else self.kind

    def may_undo(self, stop: StateChange) -> bool:
        """Return whether this may start again what another has stopped."""
        if not self.starts or stop.starts:
            return False
        return self.kind == stop.kind and (
            self.target.may_be(stop.target) or _operator_starts(self.target, stop.target)
        )

    def undoes(self, stop: StateChange) -> bool:
        """Return whether this starts again what another has stopped, for all that can be seen."""
        return self.may_undo(stop) and self.target == stop.target


def _operator_starts(started: KubectlTarget, stopped: KubectlTarget) -> bool:
    """Return whether Strimzi scales a workload with the resource that it is made for."""
    of_strimzi = started.kind in STRIMZI.values() and stopped.kind not in STRIMZI.values()
    return of_strimzi and stopped.name.startswith(started.name)


def state_changes(phase: BlueprintPhase) -> list[StateChange]:
    """Return what a phase stops and starts."""
    if phase.func == "ScaleWorkload":
        return _scaled(phase)
    if phase.func == "KubeOps":
        return _once(list(_patched(phase)))
    changes: list[StateChange] = []
    paused: set[bool] = set()
    for call in _in_order(kubectl_calls(phase)):
        changes += _called(phase, call)
        paused.update(_pauses(call))
    for path, node in phase.values:
        for toggle, starts, start in _toggled(node.text):
            if toggle is PAUSES and starts in paused:
                continue  # a call names what it is about
            location, certain = node.place_at(start), _unconditional(phase)
            changes.append(
                StateChange(
                    toggle.what,
                    ANYTHING,
                    starts,
                    phase,
                    path,
                    location,
                    certain,
                    toggle.lasts,
                    start,
                )
            )
    return _once(changes)


def _in_order(calls: tuple[KubectlCall, ...]) -> list[KubectlCall]:
    """Return calls in the order in which they run last, those of each script for themselves."""
    scripts: dict[int, int] = {}
    for call in calls:
        scripts.setdefault(id(call.statement.node), len(scripts))

    def order(call: KubectlCall) -> tuple[int, int]:
        return scripts[id(call.statement.node)], run_position(call.statement)

    return sorted(calls, key=order)


def _once(changes: list[StateChange]) -> list[StateChange]:
    """Keep the last stop and the last start of each thing: how it is left depends on these."""
    last_changes: dict[tuple[str, KubectlTarget, bool], StateChange] = {}
    for change in changes:
        key = (change.kind, change.target, change.starts)
        last_changes.pop(key, None)
        last_changes[key] = change
    return list(last_changes.values())[:MAX_CHANGES]


@lru_cache(maxsize=1024)  # Blueprints repeat themselves
def _toggled(text: str) -> tuple[tuple[StopStartPattern, bool, int], ...]:
    """Return what a text toggles, whether it starts it, and where."""
    lower = text.lower()
    toggles = []
    for toggle in STOP_START_PATTERNS:
        if toggle.hint in lower:
            for pattern, starts in ((toggle.stop, False), (toggle.start, True)):
                if match := pattern.search(text):
                    toggles.append((toggle, starts, match.start()))
    return tuple(toggles)


def _scaled(phase: BlueprintPhase) -> list[StateChange]:
    count = phase.argument("replicas")
    if not isinstance(count, Scalar):
        return []
    name, kind = phase.argument("name"), phase.argument("kind")
    scaled = target(
        plural(kind.text) if isinstance(kind, Scalar) and "{{" not in kind.text else "",
        name.text if isinstance(name, Scalar) else THE_OBJECT,
        _text_of(phase, "namespace"),
    )
    path, starts = f"{phase.path}.args.replicas", count.text.strip() != "0"
    return [StateChange("scale", scaled, starts, phase, path, count.location, certain=True)]


def _text_of(phase: BlueprintPhase, argument: str) -> str:
    value = phase.argument(argument)
    return literal_name(value.text) if isinstance(value, Scalar) else ""


def _patched(phase: BlueprintPhase) -> Iterator[StateChange]:
    """Yield the objects that KubeOps patches, as far as its text names them."""
    spec, reference = phase.argument("spec"), phase.argument("objectReference")
    if not isinstance(spec, Scalar) or not isinstance(reference, MappingNode):
        return

    def named(field: str) -> str:
        value = field_of(reference, field)
        return literal_name(value.text) if isinstance(value, Scalar) else ""

    patched = KubectlTarget(plural(named("resource")), named("name"), named("namespace"))
    path = f"{phase.path}.args.spec"
    if match := REPLICAS.search(spec.text):
        location = spec.place_at(match.start())
        yield StateChange("scale", patched, match[1] != "0", phase, path, location, certain=True)
    for what, starts, start in _patched_fields(patched.kind, spec.text):
        location = spec.place_at(start)
        yield StateChange(what, patched, starts, phase, path, location, certain=True)


def _patched_fields(kind: str, text: str) -> Iterator[tuple[str, bool, int]]:
    """Yield what a patch of a kind stops or starts by a field, whether it starts it, and where."""
    if kind in PATCHED_FIELDS:
        what, stop, field = PATCHED_FIELDS[kind]
        if match := stop.search(text):
            yield what, False, match.start()
        elif match := field.search(text):
            yield what, True, match.start()


def _called(phase: BlueprintPhase, call: KubectlCall) -> Iterator[StateChange]:
    if call.option("--dry-run") not in (None, "none"):
        return
    statement = call.statement
    location = statement.node.place(statement.line, statement.column)
    certain, position = _unconditional(phase), run_position(statement)

    def change(what: str, item: KubectlTarget, *, starts: bool) -> StateChange:
        path = statement.path
        return StateChange(what, item, starts, phase, path, location, certain, position=position)

    count: str | None = None
    if call.verb == "scale":
        count = call.option("--replicas")
    elif call.verb == "patch" and (match := REPLICAS.search(call.text)):
        count = match[1]
    for item in call.targets if count else ():
        if item.kind not in UNSCALED and item.kind != "kafkaconnectors":
            yield change("scale", item, starts=count != "0")
    for item in call.targets if call.verb == "patch" else ():
        for what, starts, _start in _patched_fields(item.kind, call.text):
            yield change(what, item, starts=starts)
    for starts in _pauses(call):
        for item in call.targets:
            if item.kind not in UNPAUSED:
                yield change(UNPAUSE, item, starts=starts)


def _pauses(call: KubectlCall) -> Iterator[bool]:
    """Return for each time that a call writes Strimzi's annotation whether it resumes."""
    if call.verb in ("annotate", "patch") and PAUSE in call.text:
        for pattern, starts in ((PAUSES.stop, False), (PAUSES.start, True)):
            if pattern.search(call.text):
                yield starts


@cached_on_model
def _unconditional(phase: BlueprintPhase) -> bool:
    every = chain.from_iterable(command.words for command in commands(phase))
    words = " ".join(node.text for _path, node in every)
    return re.search(r"\b(?:if|case)\b|&&|\|\|", words) is None


class ObjectCreation(NamedTuple):
    """Something in a phase that may start things, in a way that is not looked into."""

    phase: BlueprintPhase
    place: Location
    targets: tuple[KubectlTarget, ...] = ()
    """Its objects; empty if it may be about any."""
    position: int = 0
    """Orders it among the statements of its script, by when they run."""

    def may_start(self, stop: StateChange) -> bool:
        """Return whether it is about what has been stopped, or about something that starts it."""
        if not self.targets or any(item.may_be(stop.target) for item in self.targets):
            return True
        other_kinds = {item.kind for item in self.targets} - {stop.target.kind}
        return stop.kind != UNPAUSE and bool(other_kinds)


def object_creations(blueprint: Blueprint) -> tuple[ObjectCreation, ...]:
    """Return what may start things in ways that are not looked into."""
    return tuple(chain.from_iterable(map(_makers, blueprint.phases)))


def _makers(phase: BlueprintPhase) -> Iterator[ObjectCreation]:
    if phase.func == "KubeOps":
        yield from _operated(phase)
        return
    for call in kubectl_calls(phase):
        changes = list(_called(phase, call))
        shown = any(c.kind in (CONNECTOR_TASKS, SCHEDULE) or not c.starts for c in changes)
        shown = shown or False in _pauses(call)
        if call.verb in MAKES and not shown and call.option("--dry-run") in (None, "none"):
            about = {item.kind for item in call.targets}
            passive = call.verb != "apply" and about <= PASSIVE
            if not passive and (call.verb != "create" or _creates(call)):
                named = call.targets if call.verb in ("annotate", "label", "patch") else ()
                position = run_position(call.statement)
                yield ObjectCreation(phase, _location(call.statement), named, position)
    for statement in simple_commands(phase):
        if _runs_more(statement.program, statement.words):
            yield ObjectCreation(phase, _location(statement), position=run_position(statement))


def _operated(phase: BlueprintPhase) -> Iterator[ObjectCreation]:
    """Yield what KubeOps makes or patches, if that may start something."""
    operation, spec = phase.argument("operation"), phase.argument("spec")
    if not isinstance(operation, Scalar) or operation.text == "delete":
        return
    if operation.text == "patch":
        patched = next(_patched(phase), None)
        is_field = patched is not None and patched.kind in (CONNECTOR_TASKS, SCHEDULE)
        if patched is None or (patched.starts and not is_field):
            yield ObjectCreation(phase, operation.location)
        return
    kinds = (
        {plural(kind) for kind in KIND.findall(spec.text)} if isinstance(spec, Scalar) else set()
    )
    if not kinds or not kinds <= PASSIVE | STORED:
        yield ObjectCreation(phase, operation.location)


def _creates(call: KubectlCall) -> bool:
    return any(not item.kind or item.kind in CREATES for item in call.targets)


def _location(statement: SimpleCommand) -> Location:
    return statement.node.place(statement.line, statement.column)


def _runs_more(program: str, words: tuple[str, ...], depth: int = 0) -> bool:
    """Return whether a statement runs a program that may start any object."""
    if program in DEPLOYERS:
        return not {*DEPLOYERS[program]}.isdisjoint(words)
    if program in REQUESTS:
        return any(WRITES.match(word) for word in words[1:])
    if program == "trap" or SHELLS.fullmatch(program):
        scripts = list(inner_scripts(words))
        parts = chain.from_iterable(map(split_statements, scripts))
        if depth < 2 and any(_runs_more(part.program, part.words, depth + 1) for part in parts):
            return True
        return program != "trap" and not scripts and len(words) > 1
    return bool(OPAQUE.fullmatch(program)) or VARIABLE.match(program) is not None
