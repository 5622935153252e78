"""Storage of brokers, controllers and ZooKeeper: what a stop would lose."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.strimzi.fields import Field
from kanister_kafka.strimzi.model import StorageClass

PERSISTENT = "persistent-claim"
EPHEMERAL = "ephemeral"
JBOD = "jbod"


def check_storage(storage: Field) -> None:
    """Report volumes whose data is gone with the pod or with the custom resource."""
    if not storage.present:
        return
    kind = storage.at("type").choice([EPHEMERAL, PERSISTENT, JBOD])
    if kind == JBOD:
        volumes = storage.at("volumes").required().each()
        if storage.at("volumes").present and not volumes:
            storage.at("volumes").error("missing-field", "Required value: at least one volume")
        for volume in volumes:
            _check_volume(volume, volume.at("type").choice([EPHEMERAL, PERSISTENT]))
    elif kind:
        _check_volume(storage, kind)


def _check_volume(volume: Field, kind: str) -> None:
    if kind == EPHEMERAL:
        volume.at("type").error(
            "ephemeral-storage",
            'Invalid value: "ephemeral": the data is lost the moment the pod stops; use '
            f'"{PERSISTENT}"',
        )
    if volume.at("deleteClaim").boolean():
        # Strimzi's PersistentVolumeClaimUtils.java sets an owner reference on the claim.
        volume.at("deleteClaim").warn(
            "delete-claim",
            "the claim is deleted with its custom resource, and a restored claim that still names "
            "the old owner is deleted as well; set it to false",
        )


def storage_classes(storage: Field, resource: str, name: str) -> Iterator[StorageClass]:
    """Find every storage class that is named below `storage`, with overrides for single nodes."""
    pointer = "/" + storage.path.replace(".", "/")
    places = [(storage, pointer)]
    places += [(v, f"{pointer}/volumes/{i}") for i, v in enumerate(storage.at("volumes").each())]
    for volume, path in tuple(places):
        overrides = volume.at("overrides").each()
        places += [(one, f"{path}/overrides/{i}") for i, one in enumerate(overrides)]
    for place, path in places:
        if found := place.at("class").string():
            yield StorageClass(
                resource=resource, name=name, path=f"{path}/class", storage_class=found
            )
