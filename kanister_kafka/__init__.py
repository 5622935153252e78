"""Consistent backups of Kafka on Kubernetes: Kanister Blueprints from Strimzi resources.

::

    import kanister_kafka as kk

    loaded = kk.load(["kafka.yaml"])
    reading = kk.read(loaded.documents)
    plan = kk.build(reading.cluster, kk.Options(), reading.problems)
    print(kk.stream(kk.render(plan)))
"""

from kanister_kafka._version import __version__
from kanister_kafka.document import Document, Loaded, load, loads
from kanister_kafka.errors import (
    InputError,
    InternalError,
    KanisterKafkaError,
    TemplateError,
    UnreachableError,
)
from kanister_kafka.kube import Fetched, fetch
from kanister_kafka.options import KastenForm, Limits, Options, QuiesceBy, Strategy
from kanister_kafka.plan import Action, Phase, Plan, Right, Stage, Step, build
from kanister_kafka.problem import Location, Problem, Severity
from kanister_kafka.render import Manifest, render, stream
from kanister_kafka.report import plan_json, plan_text, problems_json, problems_text
from kanister_kafka.strimzi import KafkaCluster, Reading, parse_version, read
from kanister_kafka.validate import Validation, validate, validate_text

__all__ = [
    "Action",
    "Document",
    "Fetched",
    "InputError",
    "InternalError",
    "KafkaCluster",
    "KanisterKafkaError",
    "KastenForm",
    "Limits",
    "Loaded",
    "Location",
    "Manifest",
    "Options",
    "Phase",
    "Plan",
    "Problem",
    "QuiesceBy",
    "Reading",
    "Right",
    "Severity",
    "Stage",
    "Step",
    "Strategy",
    "TemplateError",
    "UnreachableError",
    "Validation",
    "__version__",
    "build",
    "fetch",
    "load",
    "loads",
    "parse_version",
    "plan_json",
    "plan_text",
    "problems_json",
    "problems_text",
    "read",
    "render",
    "stream",
    "validate",
    "validate_text",
]
