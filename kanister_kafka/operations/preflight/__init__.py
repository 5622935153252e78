"""From a cluster and a plan to lines: what the command `check` does, and a rehearsal before all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kanister_kafka.backup.kustomization import rename
from kanister_kafka.backup.render import Manifest, render
from kanister_kafka.errors import TemplateError
from kanister_kafka.kube.client import Object
from kanister_kafka.operations.preflight import (
    cluster_facts,
    drift,
    image,
    kafka,
    platform,
    storage,
)
from kanister_kafka.operations.preflight.cluster_facts import (
    ClusterFacts,
    PreflightCheck,
    PreflightTarget,
)
from kanister_kafka.operations.preflight.collector import FactsCollector
from kanister_kafka.operations.preflight.image import pull_test, pull_test_pod
from kanister_kafka.operations.preflight.model import (
    Checked,
    CheckLine,
    CheckStatus,
    NotReadableError,
    warned,
)
from kanister_kafka.operations.preflight.partitions import Execute
from kanister_kafka.yamldoc import to_python

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

# Every check, in the order in which they are reported.

CHECKS: tuple[PreflightCheck, ...] = (
    cluster_facts.reading,
    cluster_facts.plan,
    kafka.ready,
    kafka.node_ids,
    kafka.pods_ready,
    kafka.rolling,
    kafka.pause,
    kafka.retention,
    kafka.writers,
    kafka.autoscalers,
    kafka.migration,
    kafka.version_change,
    kafka.rebalance,
    kafka.strategy,
    kafka.under_replicated,
    storage.storage,
    storage.claims,
    storage.snapshot_class,
    storage.group_snapshot_class,
    platform.operator,
    platform.kubernetes,
    platform.kanister,
    platform.running_action,
    platform.hook_timeout,
    platform.measured,
    drift.scripts,
    drift.drift,
    platform.rights,
    storage.export,
    image.image,
    image.image_pull,
    image.kubectl,
    image.pod_user,
    image.quota,
)


def run_checks(view: ClusterFacts) -> tuple[CheckLine, ...]:
    """Run every check; an object that could not be read becomes a warning."""
    lines: list[CheckLine] = []
    for check in CHECKS:
        lines += [replace(line, id=check.id) for line in _lines(check, view)]
    return tuple(lines)


def _lines(check: PreflightCheck, view: ClusterFacts) -> Iterator[CheckLine]:
    try:
        yield from check.find(view)
    except NotReadableError as unreadable:
        yield warned(
            str(unreadable),
            unreadable.remedy,
            detail=(unreadable.detail,) if unreadable.detail else (),
        )


def run_preflight(
    connection: KubeClient,
    execute: Execute,
    subject: PreflightTarget,
    *,
    templates: Path | None = None,
    with_pod: bool = False,
) -> tuple[CheckLine, ...]:
    """Gather everything, then judge it; `with_pod` runs and deletes a pod with the image.

    Raises UnreachableError if the cluster does not answer, TemplateError for a template that
    fails.
    """
    gatherer = FactsCollector(connection, subject, execute)
    plan = subject.plan
    if plan is None:
        return run_checks(gatherer.view(None))
    manifests = render(plan, templates, renamable=subject.is_base)
    (blueprint,) = rename([rendered_blueprint(manifests)], *subject.affixes)
    pod = pull_test_pod(blueprint, subject.name, subject.namespace)
    pulled = pull_test(connection, pod) if with_pod else None
    planned = gatherer.planned(plan, manifests, pulled)
    return run_checks(gatherer.view(planned))


def rendered_blueprint(manifests: tuple[Manifest, ...]) -> Object:
    """Return the Blueprint among rendered objects."""
    for manifest in manifests:
        for document in manifest.documents:
            if document.kind == "Blueprint":
                item: Object = to_python(document.root)
                return item
    raise TemplateError("the templates make no Blueprint: give blueprint.yaml.j2 one object")


__all__ = [
    "CHECKS",
    "CheckLine",
    "CheckStatus",
    "Checked",
    "PreflightTarget",
    "run_checks",
    "run_preflight",
]
