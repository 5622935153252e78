"""What is rendered, put on a cluster and taken away again; nothing else there is touched."""

from kanister_kafka.install.accept import accept
from kanister_kafka.install.apply import apply
from kanister_kafka.install.diff import diff
from kanister_kafka.install.outcome import Done, DryRun, Failed, Outcome, Report
from kanister_kafka.install.remove import Removal, prunable, removal, remove
from kanister_kafka.install.target import Target, blueprints_of
from kanister_kafka.install.trial import Trial, attempt, failures

__all__ = [
    "Done",
    "DryRun",
    "Failed",
    "Outcome",
    "Removal",
    "Report",
    "Target",
    "Trial",
    "accept",
    "apply",
    "attempt",
    "blueprints_of",
    "diff",
    "failures",
    "prunable",
    "removal",
    "remove",
]
