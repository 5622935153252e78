"""What is rendered, put on a cluster and taken away again; nothing else there is touched."""

from kanister_kafka.operations.apply.apply import apply_objects, object_diff
from kanister_kafka.operations.apply.delete import (
    DeletionPlan,
    delete_objects,
    plan_deletion,
    plan_prune,
)
from kanister_kafka.operations.apply.dry_run import DryRunResult, failures, run_dry_run
from kanister_kafka.operations.apply.objects import (
    ApplyOutcome,
    ApplyReport,
    DryRun,
    ObjectFailure,
    ObjectRef,
    ObjectResult,
    admit_objects,
)
from kanister_kafka.operations.apply.owned_objects import OptionChange, find_option_changes

__all__ = [
    "ApplyOutcome",
    "ApplyReport",
    "DeletionPlan",
    "DryRun",
    "DryRunResult",
    "ObjectFailure",
    "ObjectRef",
    "ObjectResult",
    "OptionChange",
    "admit_objects",
    "apply_objects",
    "delete_objects",
    "failures",
    "find_option_changes",
    "object_diff",
    "plan_deletion",
    "plan_prune",
    "run_dry_run",
]
