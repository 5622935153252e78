"""Whether the volumes outlive a stop and can be snapshotted."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.backup.options import KastenOutput, SnapshotProvider
from kanister_kafka.constants import EXPORT_KEYS
from kanister_kafka.kube.client import Object, Objects
from kanister_kafka.kube.objects import annotation, get_path, join_limited, name_of, titles
from kanister_kafka.kube.storage_classes import (
    DEFAULT_SNAPSHOT_CLASS,
    GROUP_API,
    KASTEN_CLASS,
    choose_snapshot_class,
    driver_of_class,
    driver_of_volume,
    migrated_driver,
)
from kanister_kafka.operations.preflight.cluster_facts import (
    ClusterFacts,
    diagnostic_lines,
    preflight_check,
)
from kanister_kafka.operations.preflight.model import (
    CheckLine,
    NotReadableError,
    failed,
    passed,
    warned,
)

KASTEN_CHOICE = "k10.kasten.io/volume-snapshot-class"
"""On a StorageClass: the name of the VolumeSnapshotClass that Kasten takes."""


@preflight_check("storage")
def storage(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that no data is lost with a pod, or with the custom resource."""
    lines = list(diagnostic_lines(view, "ephemeral-storage", "delete-claim", "tiered-storage"))
    yield from lines
    if not lines:
        yield passed("all storage is in claims that outlive their pods")


@preflight_check("claims")
def claims(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that every claim has its volume."""
    live = view.claims.get()
    unbound = [c for c in live if get_path(c, "status", "phase") != "Bound"]
    going = [c for c in live if get_path(c, "metadata", "deletionTimestamp")]
    if not live:
        yield failed(
            f"no claim has the label strimzi.io/cluster={view.name}: there is nothing to snapshot"
        )
    if unbound:
        phases = (f"{name_of(c)} is {get_path(c, 'status', 'phase')}" for c in unbound)
        yield failed(
            f"{len(unbound)} of {len(live)} claims are not Bound: {join_limited(phases)}",
            view.kubectl(f"describe pvc {name_of(unbound[0])} -n {view.namespace}"),
            objects=titles(unbound),
        )
    if going:
        yield failed(
            f"claims are being deleted: {join_limited(map(name_of, going))}",
            "find out who deletes them before their pods stop: then they are gone",
            objects=titles(going),
        )
    if live and not unbound and not going:
        yield passed(
            f"every claim is Bound: {join_limited(map(name_of, live))}", objects=titles(live)
        )


@preflight_check("snapshot-class")
def snapshot_class(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that every volume's CSI driver has one VolumeSnapshotClass that can be meant."""
    drivers, foreign = _drivers(view)
    for driver, names in sorted(_migrated(view, foreign).items()):
        foreign = [name for name in foreign if name not in names]
        yield failed(
            f"the volumes of {join_limited(names)} are of an in-tree plugin, migrated to driver "
            f"{driver}, and the snapshot controller refuses such volumes",
            f"move the data to a StorageClass of {driver}",
            objects=tuple(f"PersistentVolumeClaim {view.namespace}/{name}" for name in names),
        )
    if foreign:
        yield failed(
            "what is not of a CSI driver cannot be snapshotted: "
            f"the volumes of {join_limited(foreign)}",
            "move the data to a StorageClass of a CSI driver",
            objects=tuple(f"PersistentVolumeClaim {view.namespace}/{name}" for name in foreign),
        )
    if not drivers:
        return
    classes = view.snapshot_classes.get()
    if classes is None:
        yield failed(
            "the cluster does not know VolumeSnapshots",
            "install the CSI snapshot controller and its custom resources",
        )
        return
    desired = view.planned.plan.options.snapshot_class if view.planned else ""
    for driver, names in sorted(drivers.items()):
        of_driver = tuple(item for item in classes if item.get("driver") == driver)
        yield _choose(view, driver, names, of_driver, desired)
        if of_driver and _asks_kasten(view):
            yield from _kasten(view, driver, of_driver)


@preflight_check("group-snapshot-class")
def group_snapshot_class(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that the class of a group exists and is of the driver of every volume."""
    if view.planned is None or view.planned.group_classes is None:
        return
    desired = view.planned.plan.options.group_snapshot_class
    classes = view.planned.group_classes.get()
    if classes is None:
        yield failed(
            f"the cluster serves neither {' nor '.join(GROUP_API)}, and the Blueprint names "
            f"VolumeGroupSnapshotClass {desired}",
            "install the CustomResourceDefinitions of group snapshots and a snapshot controller "
            "for them, or render without --group-snapshot-class",
        )
        return
    chosen = [item for item in classes if name_of(item) == desired]
    if not chosen:
        yield failed(
            f"there is no VolumeGroupSnapshotClass {desired}; the cluster has "
            f"{join_limited(map(name_of, classes)) or 'none'}",
            "give one of those with --group-snapshot-class",
            objects=titles(classes),
        )
        return
    driver = str(chosen[0].get("driver") or "")
    foreign = {owner: names for owner, names in _drivers(view)[0].items() if owner != driver}
    for owner, names in sorted(foreign.items()):
        yield failed(
            f"VolumeGroupSnapshotClass {desired} is of driver {driver}, and driver {owner} has the "
            f"volumes of {join_limited(names)}",
            "all volumes of a group must be of its driver: render without --group-snapshot-class",
            objects=titles(chosen),
        )
    if not foreign:
        yield passed(
            f"driver {driver} has VolumeGroupSnapshotClass {desired}", objects=titles(chosen)
        )


def _choose(
    view: ClusterFacts, driver: str, names: list[str], classes: Objects, desired: str
) -> CheckLine:
    class_names = join_limited(map(name_of, classes))
    objects = titles(classes)
    if not classes:
        return failed(
            f"no VolumeSnapshotClass has driver {driver}, which {join_limited(names)} needs",
            f"create a VolumeSnapshotClass with driver: {driver}",
        )
    kasten = _kasten_snapshots(view)
    chosen = desired or choose_snapshot_class(classes, kasten=kasten)
    defaults = [item for item in classes if annotation(item, DEFAULT_SNAPSHOT_CLASS) == "true"]
    annotate = view.kubectl(
        f"annotate volumesnapshotclass {name_of(classes[0])} {DEFAULT_SNAPSHOT_CLASS}=true"
    )
    if desired and desired not in map(name_of, classes):
        return failed(
            f"VolumeSnapshotClass {desired} is not of driver {driver}, which has {class_names}",
            "give one of those with --snapshot-class",
            objects=objects,
        )
    several = "several defaults" if defaults else "no default"
    if not kasten and not chosen:
        return failed(
            f"driver {driver} has {several} among its VolumeSnapshotClasses, "
            f"and the Blueprint names none: {class_names}",
            f"render with --snapshot-class, or {annotate}",
            objects=objects,
        )
    if chosen:
        return passed(f"driver {driver} has VolumeSnapshotClass {chosen}", objects=objects)
    return warned(
        f"driver {driver} has {len(classes)} VolumeSnapshotClasses and {several}: {class_names}",
        f"{annotate}, of one",
        objects=objects,
    )


def _kasten_snapshots(view: ClusterFacts) -> bool:
    """Return whether Kasten takes the snapshots; the steps of the Blueprint do otherwise."""
    if view.planned is None:
        return True
    return view.planned.plan.options.engine is SnapshotProvider.KASTEN


def _kasten(view: ClusterFacts, driver: str, classes: Objects) -> Iterator[CheckLine]:
    if any(annotation(item, KASTEN_CLASS) == "true" for item in classes):
        return
    try:
        stores = [item for item in view.storage_classes.get() if item.get("provisioner") == driver]
    except NotReadableError:
        stores = []
    if stores and all(annotation(item, KASTEN_CHOICE) for item in stores):
        return
    yield warned(
        f"no VolumeSnapshotClass of driver {driver} has the annotation {KASTEN_CLASS}, by which "
        "Kasten finds it",
        view.kubectl(f"annotate volumesnapshotclass {name_of(classes[0])} {KASTEN_CLASS}=true"),
        objects=titles(classes),
    )


def _asks_kasten(view: ClusterFacts) -> bool:
    forms = view.planned.plan.options.kasten if view.planned else ()
    return KastenOutput.POLICY in forms or view.kasten.value is not None


def _drivers(view: ClusterFacts) -> tuple[dict[str, list[str]], list[str]]:
    """Return the claims by CSI driver, and those on volumes that have none."""
    drivers: dict[str, list[str]] = {}
    without_driver = []
    for claim in view.claims.get():
        volume = get_path(claim, "spec", "volumeName")
        if not volume:
            continue  # not Bound: reported by `claims`
        driver = _driver(view, claim, volume)
        if driver:
            drivers.setdefault(driver, []).append(name_of(claim))
        else:
            without_driver.append(name_of(claim))
    return drivers, without_driver


def _driver(view: ClusterFacts, claim: Object, volume: str) -> str:
    if view.volumes.unreadable is None:
        for item in view.volumes.get():
            if name_of(item) == volume:
                return driver_of_volume(item)
        return ""
    for item in view.storage_classes.get():  # second best: the class may have changed since
        if name_of(item) == get_path(claim, "spec", "storageClassName"):
            return driver_of_class(item)
    view.volumes.get()
    return ""


def _migrated(view: ClusterFacts, names: list[str]) -> dict[str, list[str]]:
    """Return those of the claims whose volume was migrated, by the driver to which it was."""
    volumes = {name_of(item): item for item in view.volumes.value or ()}
    migrated: dict[str, list[str]] = {}
    for claim in view.claims.get():
        volume = volumes.get(str(get_path(claim, "spec", "volumeName")))
        driver = migrated_driver(volume) if volume else ""
        if driver and name_of(claim) in names:
            migrated.setdefault(driver, []).append(name_of(claim))
    return migrated


# Whether the backups can be copied off the cluster.

S3 = "s3Compliant"
"""The type of location that is supported (Kanister's pkg/apis/cr/v1alpha1/types.go)."""


@preflight_check("export")
def export(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check the Profile and the keys of the Secret. No value of the Secret is reported."""
    planned = view.planned
    if planned is None or planned.export_profile is None or planned.export_secret is None:
        return
    options = planned.plan.options
    name, namespace = options.export_profile, view.kasten_namespace
    profile = planned.export_profile.get()
    kind = get_path(profile or {}, "location", "type")
    if profile is None:
        yield failed(
            f"Profile {name} is not in namespace {namespace}",
            "create it with the location of the copies, or name another by --export-profile",
        )
    elif kind != S3:
        yield failed(
            f"Profile {name} has a location of type {kind}, and copies need {S3}",
            "name another by --export-profile",
        )
    elif not get_path(profile, "location", "bucket"):
        yield failed(
            f"Profile {name} names no bucket", view.kubectl(f"edit profile {name} -n {namespace}")
        )
    else:
        yield passed(
            f"copies go to bucket {get_path(profile, 'location', 'bucket')}, Profile {name}"
        )
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
