"""How a Blueprint on the cluster was made, by its annotations."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kanister_kafka import constants
from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE, QuiesceMethod, Strategy
from kanister_kafka.kube.objects import annotation
from kanister_kafka.strimzi.clients import ClientChoices
from kanister_kafka.strimzi.discovery import KafkaRef


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a Blueprint was made; empty if that is unknown."""

    version: str = ""
    input_hash: str = ""
    options: str = ""
    """Words of the command line."""

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
    def is_online(self) -> bool:
        """Whether its backups leave brokers running, and fail if a client writes."""
        return Strategy.ONLINE.value in self._values("--strategy")

    def apply_command(self, kafka: KafkaRef, context: str) -> str:
        """Return the command that applies the same again; a comment if the options are unknown."""
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
        names = (constants.VERSION, constants.INPUT_HASH, constants.OPTIONS)
        return cls(*(str(notes.get(name, "")) for name in names))


def apply_command(kafka: KafkaRef, options: str, context: str) -> str:
    """Return the command that applies what is rendered with these words of a command line."""
    rest = f" {options}" if options else ""
    place = f"{kafka.name} -n {kafka.namespace}{context_flag(context)}"
    return f"kanister-kafka apply --from-cluster {place}{rest}"


def context_flag(context: str) -> str:
    """Return what ends a command for this context of the kubeconfig; empty for the current one."""
    return f" --context {shlex.quote(context)}" if context else ""


def blueprint_of(
    state_config_map: Mapping[str, Any], kafka: KafkaRef, kasten_namespace: str = ""
) -> tuple[str, str]:
    """Return namespace and name of the Blueprint of a Kafka: from its state ConfigMap, or default.

    A namespace that is given wins. ActionSets are in the namespace of their Blueprint.
    """
    home, _, name = annotation(dict(state_config_map), constants.BLUEPRINT).partition("/")
    return kasten_namespace or home or DEFAULT_KASTEN_NAMESPACE, name or kafka.blueprint
