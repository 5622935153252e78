"""Whether the volumes outlive a stop and can be snapshotted."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.options import KastenForm
from kanister_kafka.preflight.model import Line, Object, Objects, UnseenError, bad, doubt, ok
from kanister_kafka.preflight.objects import annotation, at, few, name_of, titles
from kanister_kafka.preflight.reading import told
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import View

IS_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
KASTEN_CLASS = "k10.kasten.io/is-snapshot-class"
"""On a VolumeSnapshotClass: Kasten takes this one for its driver."""
KASTEN_CHOICE = "k10.kasten.io/volume-snapshot-class"
"""On a StorageClass: the name of the VolumeSnapshotClass that Kasten takes."""


@check("storage")
def storage(view: View) -> Iterator[Line]:
    """Check that no data is lost with a pod, or with the custom resource."""
    found = list(told(view, "ephemeral-storage", "delete-claim", "tiered-storage"))
    yield from found
    if not found:
        yield ok("all storage is in claims that outlive their pods")


@check("claims")
def claims(view: View) -> Iterator[Line]:
    """Check that every claim has its volume."""
    found = view.claims.get()
    unbound = [c for c in found if at(c, "status", "phase") != "Bound"]
    going = [c for c in found if at(c, "metadata", "deletionTimestamp")]
    if not found:
        yield bad(
            f"no claim has the label strimzi.io/cluster={view.name}: there is nothing to snapshot"
        )
    if unbound:
        phases = (f"{name_of(c)} is {at(c, 'status', 'phase')}" for c in unbound)
        yield bad(
            f"{len(unbound)} of {len(found)} claims are not Bound: {few(phases)}",
            view.kubectl(f"describe pvc {name_of(unbound[0])} -n {view.namespace}"),
            objects=titles(unbound),
        )
    if going:
        yield bad(
            f"claims are being deleted: {few(map(name_of, going))}",
            "find out who deletes them before their pods stop: then they are gone",
            objects=titles(going),
        )
    if found and not unbound and not going:
        yield ok(f"every claim is Bound: {few(map(name_of, found))}", objects=titles(found))


@check("snapshot-class")
def snapshot_class(view: View) -> Iterator[Line]:
    """Check that every volume's CSI driver has one VolumeSnapshotClass that can be meant."""
    drivers, other = _drivers(view)
    if other:
        yield bad(
            f"what is not of a CSI driver cannot be snapshotted: the volumes of {few(other)}",
            "move the data to a StorageClass of a CSI driver",
            objects=tuple(f"PersistentVolumeClaim {view.namespace}/{name}" for name in other),
        )
    if not drivers:
        return
    classes = view.snapshot_classes.get()
    if classes is None:
        yield bad(
            "the cluster does not know VolumeSnapshots",
            "install the CSI snapshot controller and its custom resources",
        )
        return
    wanted = view.planned.plan.options.snapshot_class if view.planned else ""
    for driver, names in sorted(drivers.items()):
        of_driver = tuple(item for item in classes if item.get("driver") == driver)
        yield _choose(view, driver, names, of_driver, wanted)
        if of_driver and _asks_kasten(view):
            yield from _kasten(view, driver, of_driver)


def _choose(view: View, driver: str, names: list[str], classes: Objects, wanted: str) -> Line:
    known = few(map(name_of, classes))
    defaults = [item for item in classes if annotation(item, IS_DEFAULT) == "true"]
    objects = titles(classes)
    if not classes:
        return bad(
            f"no VolumeSnapshotClass has driver {driver}, which {few(names)} needs",
            f"create a VolumeSnapshotClass with driver: {driver}",
        )
    if wanted and wanted not in map(name_of, classes):
        return bad(
            f"VolumeSnapshotClass {wanted} is none of driver {driver}, which has {known}",
            "give one of those with --snapshot-class",
            objects=objects,
        )
    if wanted or len(defaults) == 1 or len(classes) == 1:
        chosen = wanted or name_of((defaults or list(classes))[0])
        return ok(f"driver {driver} has VolumeSnapshotClass {chosen}", objects=objects)
    several = "several defaults" if defaults else "no default"
    return doubt(
        f"driver {driver} has {len(classes)} VolumeSnapshotClasses and {several}: {known}",
        view.kubectl(f"annotate volumesnapshotclass {name_of(classes[0])} {IS_DEFAULT}=true")
        + ", of one",
        objects=objects,
    )


def _kasten(view: View, driver: str, classes: Objects) -> Iterator[Line]:
    if any(annotation(item, KASTEN_CLASS) == "true" for item in classes):
        return
    try:
        stores = [item for item in view.storage_classes.get() if item.get("provisioner") == driver]
    except UnseenError:
        stores = []
    if stores and all(annotation(item, KASTEN_CHOICE) for item in stores):
        return
    yield doubt(
        f"no VolumeSnapshotClass of driver {driver} has the annotation {KASTEN_CLASS}, by which "
        "Kasten finds it",
        view.kubectl(f"annotate volumesnapshotclass {name_of(classes[0])} {KASTEN_CLASS}=true"),
        objects=titles(classes),
    )


def _asks_kasten(view: View) -> bool:
    forms = view.planned.plan.options.kasten if view.planned else ()
    return KastenForm.POLICY in forms or view.kasten.value is not None


def _drivers(view: View) -> tuple[dict[str, list[str]], list[str]]:
    """Return the claims by CSI driver, and those on volumes that have none."""
    drivers: dict[str, list[str]] = {}
    other = []
    for claim in view.claims.get():
        volume = at(claim, "spec", "volumeName")
        if not volume:
            continue  # not Bound: told by `claims`
        driver = _driver(view, claim, volume)
        if driver:
            drivers.setdefault(driver, []).append(name_of(claim))
        else:
            other.append(name_of(claim))
    return drivers, other


def _driver(view: View, claim: Object, volume: str) -> str:
    if view.volumes.unseen is None:
        for found in view.volumes.get():
            if name_of(found) == volume:
                # A volume of an in-tree plugin that was moved to CSI names the driver here.
                moved = annotation(found, "pv.kubernetes.io/migrated-to")
                return str(at(found, "spec", "csi", "driver") or moved)
        return ""
    for found in view.storage_classes.get():  # second best: the class may have changed since
        if name_of(found) == at(claim, "spec", "storageClassName"):
            provisioner = str(found.get("provisioner") or "")
            return "" if provisioner.startswith("kubernetes.io/") else provisioner
    view.volumes.get()
    return ""
