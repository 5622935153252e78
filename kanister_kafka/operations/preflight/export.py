"""Whether a backup can be copied off the cluster: its Profile, and the Secret for restic."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.constants import EXPORT_KEYS
from kanister_kafka.kube.objects import get_path
from kanister_kafka.operations.preflight.cluster_facts import ClusterFacts, preflight_check
from kanister_kafka.operations.preflight.model import CheckLine, failed, passed

S3 = "s3Compliant"
"""The type of location that is supported (Kanister's pkg/apis/cr/v1alpha1/types.go)."""


@preflight_check("export")
def export(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check the Profile and the keys of the Secret. No value of the Secret is reported."""
    planned = view.planned
    if planned is None or planned.export_profile is None or planned.export_secret is None:
        return
    options = planned.plan.options
    name, home = options.export_profile, view.kasten_namespace
    found = planned.export_profile.get()
    kind = get_path(found or {}, "location", "type")
    if found is None:
        yield failed(
            f"Profile {name} is not in namespace {home}",
            "create it with the location of the copies, or name another by --export-profile",
        )
    elif kind != S3:
        yield failed(
            f"Profile {name} has a location of type {kind}, and copies need {S3}",
            "name another by --export-profile",
        )
    elif not get_path(found, "location", "bucket"):
        yield failed(
            f"Profile {name} names no bucket", view.kubectl(f"edit profile {name} -n {home}")
        )
    else:
        yield passed(f"copies go to bucket {get_path(found, 'location', 'bucket')}, Profile {name}")
    secret_name = planned.plan.export_secret
    secret = planned.export_secret.get()
    keys = {*((secret or {}).get("data") or {})}
    missing = [key for key in EXPORT_KEYS if key not in keys]
    if secret is None:
        yield failed(
            f"Secret {secret_name} of the copies is not in namespace {view.namespace}",
            f"create it with the keys {', '.join(EXPORT_KEYS)}",
        )
    elif missing:
        yield failed(
            f"Secret {secret_name} does not have {', '.join(missing)}",
            view.kubectl(f"edit secret {secret_name} -n {view.namespace}"),
        )
    else:
        yield passed(f"Secret {secret_name} has the keys of a copy")
