"""From a cluster and a plan to lines: what the command `check` does, and a rehearsal before all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kanister_kafka.document import loads, plain
from kanister_kafka.preflight.gather import Gatherer
from kanister_kafka.preflight.judge import judge
from kanister_kafka.preflight.model import Line, Object
from kanister_kafka.preflight.partitions import Execute
from kanister_kafka.preflight.pull import pod_of, pull
from kanister_kafka.preflight.view import Subject
from kanister_kafka.render import Manifest, render

if TYPE_CHECKING:
    from kanister_kafka.kube import Connection


def survey(
    connection: Connection,
    execute: Execute,
    subject: Subject,
    *,
    templates: Path | None = None,
    with_pod: bool = False,
) -> tuple[Line, ...]:
    """Gather everything, then judge it; `with_pod` runs and deletes a pod with the image.

    Raises UnreachableError where the cluster does not answer, TemplateError for a template that
    fails.
    """
    gatherer = Gatherer(connection, subject, execute)
    plan = subject.plan
    if plan is None:
        return judge(gatherer.view(None))
    manifests = render(plan, templates)
    pod = pod_of(blueprint_of(manifests), subject.name, subject.namespace)
    pulled = pull(connection, pod) if with_pod else None
    planned = gatherer.planned(plan, manifests, pulled)
    return judge(gatherer.view(planned))


def blueprint_of(manifests: tuple[Manifest, ...]) -> Object:
    """Return the Blueprint among rendered objects."""
    text = next(manifest.text for manifest in manifests if manifest.kind == "Blueprint")
    found: Object = plain(loads(text).documents[0].root)
    return found
