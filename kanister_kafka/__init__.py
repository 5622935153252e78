"""Consistent backups of Kafka on Kubernetes: Kanister Blueprints from Strimzi resources.

::

    import kanister_kafka as kk

    loaded = kk.load(["kafka.yaml"])
    reading = kk.read_cluster(loaded.documents)
    plan = kk.build_plan(reading.cluster, kk.Options(), reading.problems)
    print(kk.to_yaml_stream(kk.render(plan)))

The package `operations` works on a live cluster: `apply` (apply, diff, prune, delete), `preflight`,
`start_action` and `action_follower`, `status`, `resume`, `rehearsal`.
"""

from typing import TYPE_CHECKING

from kanister_kafka._version import __version__
from kanister_kafka.package import lazy_getattr

DEPRECATED = {
    "Account": "ServiceAccountSpec",
    "Action": "PlannedAction",
    "Connection": "KubeClient",
    "Engine": "SnapshotProvider",
    "Fetched": "ClusterResources",
    "KastenForm": "KastenOutput",
    "Limits": "StepTimeouts",
    "Loaded": "LoadResult",
    "Phase": "PlannedPhase",
    "Plan": "BackupPlan",
    "Problem": "Diagnostic",
    "QuiesceBy": "QuiesceMethod",
    "Reading": "ReadResult",
    "RefusedError": "RejectedError",
    "Right": "Permission",
    "Settings": "LintSettings",
    "Sharing": "ScriptSharing",
    "Stage": "BackupStage",
    "State": "BackupState",
    "Step": "PlannedStep",
    "Switch": "Watchdog",
    "build": "build_plan",
    "fetch": "read_cluster_resources",
    "problems_github": "diagnostics_github",
    "problems_json": "diagnostics_json",
    "problems_junit": "diagnostics_junit",
    "problems_sarif": "diagnostics_sarif",
    "problems_text": "diagnostics_text",
    "read": "read_cluster",
    "stream": "to_yaml_stream",
}
"""Names of version 0 and the ones that took their place; they go with the next release."""

if TYPE_CHECKING:
    from kanister_kafka.backup.model import (
        BackupPlan,
        BackupStage,
        Permission,
        PlannedAction,
        PlannedPhase,
        PlannedStep,
        ServiceAccountSpec,
        Watchdog,
    )
    from kanister_kafka.backup.options import (
        GitOps,
        KastenOutput,
        Options,
        QuiesceMethod,
        ScriptSharing,
        SnapshotProvider,
        StepTimeouts,
        Strategy,
    )
    from kanister_kafka.backup.planner import build_plan
    from kanister_kafka.backup.render import Manifest, render, to_yaml_stream
    from kanister_kafka.constants import BackupState
    from kanister_kafka.diagnostics import Diagnostic, Location, Severity
    from kanister_kafka.errors import (
        ActionError,
        ConflictError,
        ForbiddenError,
        InputError,
        InternalError,
        KanisterKafkaError,
        NotFoundError,
        RejectedError,
        TemplateError,
        TransientError,
        UnreachableError,
    )
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.linter import LintSettings
    from kanister_kafka.linter.pipeline import Validation, lint, validate, validate_text
    from kanister_kafka.reports import (
        diagnostics_github,
        diagnostics_json,
        diagnostics_junit,
        diagnostics_sarif,
        diagnostics_text,
        plan_json,
        plan_text,
    )
    from kanister_kafka.strimzi import KafkaCluster, ReadResult, parse_version, read_cluster
    from kanister_kafka.strimzi.from_cluster import ClusterResources, read_cluster_resources
    from kanister_kafka.yamldoc import Document, LoadResult, ParseLimits, load, loads
else:
    __getattr__ = lazy_getattr(
        __name__,
        {
            ".backup.model": "BackupPlan BackupStage Permission PlannedAction PlannedPhase "
            "PlannedStep ServiceAccountSpec Watchdog",
            ".backup.options": "GitOps KastenOutput Options QuiesceMethod ScriptSharing "
            "SnapshotProvider StepTimeouts Strategy",
            ".backup.planner": "build_plan",
            ".backup.render": "Manifest render to_yaml_stream",
            ".constants": "BackupState",
            ".diagnostics": "Diagnostic Location Severity",
            ".errors": "ActionError ConflictError ForbiddenError InputError "
            "InternalError KanisterKafkaError NotFoundError RejectedError "
            "TemplateError TransientError UnreachableError",
            ".kube.client": "KubeClient",
            ".linter": "LintSettings",
            ".linter.pipeline": "Validation lint validate validate_text",
            ".reports": "diagnostics_github diagnostics_json diagnostics_junit "
            "diagnostics_sarif diagnostics_text plan_json plan_text",
            ".strimzi": "KafkaCluster ReadResult parse_version read_cluster",
            ".strimzi.from_cluster": "ClusterResources read_cluster_resources",
            ".yamldoc": "Document LoadResult ParseLimits load loads",
        },
        DEPRECATED,
    )

__all__ = [
    "ActionError",
    "BackupPlan",
    "BackupStage",
    "BackupState",
    "ClusterResources",
    "ConflictError",
    "Diagnostic",
    "Document",
    "ForbiddenError",
    "GitOps",
    "InputError",
    "InternalError",
    "KafkaCluster",
    "KanisterKafkaError",
    "KastenOutput",
    "KubeClient",
    "LintSettings",
    "LoadResult",
    "Location",
    "Manifest",
    "NotFoundError",
    "Options",
    "ParseLimits",
    "Permission",
    "PlannedAction",
    "PlannedPhase",
    "PlannedStep",
    "QuiesceMethod",
    "ReadResult",
    "RejectedError",
    "ScriptSharing",
    "ServiceAccountSpec",
    "Severity",
    "SnapshotProvider",
    "StepTimeouts",
    "Strategy",
    "TemplateError",
    "TransientError",
    "UnreachableError",
    "Validation",
    "Watchdog",
    "__version__",
    "build_plan",
    "diagnostics_github",
    "diagnostics_json",
    "diagnostics_junit",
    "diagnostics_sarif",
    "diagnostics_text",
    "lint",
    "load",
    "loads",
    "parse_version",
    "plan_json",
    "plan_text",
    "read_cluster",
    "read_cluster_resources",
    "render",
    "to_yaml_stream",
    "validate",
    "validate_text",
]
