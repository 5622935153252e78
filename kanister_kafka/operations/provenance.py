"""How a Blueprint on the cluster was made, by its annotations."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kanister_kafka import constants
from kanister_kafka.backup.options import QuiesceMethod, Strategy
from kanister_kafka.kube.objects import name_of
from kanister_kafka.strimzi.clients import ClientChoices
from kanister_kafka.strimzi.discovery import KafkaRef

RENAMED = "kustomize build OVERLAY | kubectl apply -f -  # the overlay that renames its objects"
"""Command that applies the objects of an overlay again; `OVERLAY` is a directory of the user."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a Blueprint was made; empty if that is unknown."""

    version: str = ""
    input_hash: str = ""
    options: str = ""
    """Words of the command line."""
    is_renamed: bool = False
    """Whether Kustomize has renamed its objects, so that `apply` would add others."""
    affixes: tuple[str, str] = ("", "")
    """Prefix and suffix that Kustomize has added to the names."""

    @property
    def client_choices(self) -> ClientChoices:
        """The options of the command line for single clients."""
        return ClientChoices(self._values("--writer"), self._values("--not-a-writer"))

    @property
    def quiesce_by(self) -> QuiesceMethod:
        """How its steps stop writers."""
        by_pause = QuiesceMethod.PAUSE.value in self._values("--quiesce-by")
        return QuiesceMethod.PAUSE if by_pause else QuiesceMethod.REPLICAS

    @property
    def snapshot_class(self) -> str:
        """VolumeSnapshotClass of its own snapshots; empty for the default one of the driver."""
        return next(reversed(self._values("--snapshot-class")), "")

    @property
    def is_online(self) -> bool:
        """Whether its backups leave brokers running, and fail if a client writes."""
        return Strategy.ONLINE.value in self._values("--strategy")

    @property
    def is_hot(self) -> bool:
        """Whether its backups stop nothing, so that it has no watchdog."""
        return Strategy.HOT.value in self._values("--strategy")

    def apply_command(self, kafka: KafkaRef, context: str) -> str:
        """Return the command that applies the same again; a comment if the options are unknown."""
        if self.is_renamed:
            return RENAMED
        words = self._words()
        command = apply_command(kafka, shlex.join(words or ()), context)
        if not self.version or words is None:
            command += "  # add the options of its Blueprint, which cannot be read"
        return command

    def _values(self, option: str) -> tuple[str, ...]:
        return tuple(value for word, value in pairwise(self._words() or ()) if word == option)

    def _words(self) -> list[str] | None:
        try:
            return shlex.split(self.options) if self.options else []
        except ValueError:  # another client has written there
            return None

    @classmethod
    def of(cls, blueprint: Mapping[str, Any]) -> Provenance:
        """Read the annotations of a Blueprint."""
        notes = blueprint.get("metadata", {}).get("annotations") or {}
        version, input_hash, options = (
            str(notes.get(name, ""))
            for name in (constants.VERSION, constants.INPUT_HASH, constants.OPTIONS)
        )
        rendered, name = rendered_name(blueprint), name_of(dict(blueprint))
        before, is_within, after = name.partition(rendered) if rendered else ("", "", "")
        affixes = (before, after) if is_within else ("", "")
        return cls(version, input_hash, options, bool(rendered) and rendered != name, affixes)


def rendered_name(blueprint: Mapping[str, Any]) -> str:
    """Return the name that `render` gave a Blueprint, which Kustomize keeps in its annotation."""
    notes = blueprint.get("metadata", {}).get("annotations") or {}
    return str(notes.get(constants.BLUEPRINT, "")).partition("/")[2]


def apply_command(kafka: KafkaRef, options: str, context: str) -> str:
    """Return the command that applies what is rendered with these words of a command line."""
    suffix = f" {options}" if options else ""
    arguments = f"{kafka.name} -n {kafka.namespace}{context_flag(context)}"
    return f"kanister-kafka apply --from-cluster {arguments}{suffix}"


def context_flag(context: str) -> str:
    """Return what ends a command for this context of the kubeconfig; empty for the current one."""
    return f" --context {shlex.quote(context)}" if context else ""
