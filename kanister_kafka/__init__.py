"""Consistent backups of Kafka on Kubernetes: Kanister Blueprints from Strimzi resources.

::

    import kanister_kafka as kk

    loaded = kk.load(["kafka.yaml"])
    reading = kk.read(loaded.documents)
    plan = kk.build(reading.cluster, kk.Options(), reading.problems)
    print(kk.stream(kk.render(plan)))

What works on a live cluster is in rooms of its own: `install` (apply, diff, prune, delete),
`preflight` (survey), `run` (start and follow actions, status, resume), `rehearse`.
"""

from typing import TYPE_CHECKING

from kanister_kafka._version import __version__
from kanister_kafka.lazy import attributes

if TYPE_CHECKING:
    from kanister_kafka.checks import Settings
    from kanister_kafka.document import Document, Loaded, load, loads
    from kanister_kafka.errors import (
        ActionError,
        ConflictError,
        ForbiddenError,
        InputError,
        InternalError,
        KanisterKafkaError,
        NotFoundError,
        RefusedError,
        TemplateError,
        TransientError,
        UnreachableError,
    )
    from kanister_kafka.kube import Connection, Fetched, fetch
    from kanister_kafka.marks import State
    from kanister_kafka.options import (
        Engine,
        GitOps,
        KastenForm,
        Limits,
        Options,
        QuiesceBy,
        Sharing,
        Strategy,
    )
    from kanister_kafka.plan import Account, Action, Phase, Plan, Right, Stage, Step, Switch
    from kanister_kafka.plan.build import build
    from kanister_kafka.problem import Location, Problem, Severity
    from kanister_kafka.render import Manifest, render, stream
    from kanister_kafka.report import (
        plan_json,
        plan_text,
        problems_github,
        problems_json,
        problems_junit,
        problems_sarif,
        problems_text,
    )
    from kanister_kafka.strimzi import KafkaCluster, Reading, parse_version, read
    from kanister_kafka.validate import Validation, lint, validate, validate_text
else:
    __getattr__ = attributes(
        __name__,
        {
            ".checks": "Settings",
            ".document": "Document Loaded load loads",
            ".errors": "ActionError ConflictError ForbiddenError InputError InternalError "
            "KanisterKafkaError NotFoundError RefusedError TemplateError TransientError "
            "UnreachableError",
            ".kube": "Connection Fetched fetch",
            ".marks": "State",
            ".options": "Engine GitOps KastenForm Limits Options QuiesceBy Sharing Strategy",
            ".plan": "Account Action Phase Plan Right Stage Step Switch build",
            ".problem": "Location Problem Severity",
            ".render": "Manifest render stream",
            ".report": "plan_json plan_text problems_github problems_json problems_junit "
            "problems_sarif problems_text",
            ".strimzi": "KafkaCluster Reading parse_version read",
            ".validate": "Validation lint validate validate_text",
        },
    )

__all__ = [
    "Account",
    "Action",
    "ActionError",
    "ConflictError",
    "Connection",
    "Document",
    "Engine",
    "Fetched",
    "ForbiddenError",
    "GitOps",
    "InputError",
    "InternalError",
    "KafkaCluster",
    "KanisterKafkaError",
    "KastenForm",
    "Limits",
    "Loaded",
    "Location",
    "Manifest",
    "NotFoundError",
    "Options",
    "Phase",
    "Plan",
    "Problem",
    "QuiesceBy",
    "Reading",
    "RefusedError",
    "Right",
    "Settings",
    "Severity",
    "Sharing",
    "Stage",
    "State",
    "Step",
    "Strategy",
    "Switch",
    "TemplateError",
    "TransientError",
    "UnreachableError",
    "Validation",
    "__version__",
    "build",
    "fetch",
    "lint",
    "load",
    "loads",
    "parse_version",
    "plan_json",
    "plan_text",
    "problems_github",
    "problems_json",
    "problems_junit",
    "problems_sarif",
    "problems_text",
    "read",
    "render",
    "stream",
    "validate",
    "validate_text",
]
