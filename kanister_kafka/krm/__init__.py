"""The command as a KRM function: a ResourceList in, the same with Blueprints out.

The list, the exit code and `results` are as the configuration functions specification has them
(kubernetes-sigs/kustomize, cmd/config/docs/api-conventions/functions-spec.md).
"""

from kanister_kafka.krm.function import Outcome, run
from kanister_kafka.krm.kustomization import kustomization_file
from kanister_kafka.krm.schema import schema

__all__ = ["Outcome", "kustomization_file", "run", "schema"]
