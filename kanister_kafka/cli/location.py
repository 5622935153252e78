"""Options for a location in an object store, and the restore of its backups into a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.backup.options import (
    DEFAULT_IMPORT_MEMORY,
    DEFAULT_RESTIC_IMAGE,
    LEAST_EXPORT_MEMORY,
)
from kanister_kafka.cli.app import print_warning
from kanister_kafka.cli.backup_catalogue import open_backup
from kanister_kafka.cli.clone import checked_clone, prepare_clone
from kanister_kafka.cli.options import option_group, parse_duration_option
from kanister_kafka.cli.param_types import flag_option, text_option
from kanister_kafka.errors import ActionError
from kanister_kafka.kube.names import SUBDOMAIN
from kanister_kafka.kube.pod_options import quantity
from kanister_kafka.reports.text import escape_control_chars

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.backups.model import Backup
    from kanister_kafka.operations.clone.plan import ClonePlan, CloneRequest
    from kanister_kafka.operations.clone.runner import CloneRunner
    from kanister_kafka.operations.exports.location import Credentials, ExportedBackup, Repository
    from kanister_kafka.operations.exports.reader import ExportCatalogue


def _secret_name(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[str, str]:
    namespace, slash, name = text.partition("/")
    if text and not (slash and SUBDOMAIN.allows(namespace) and SUBDOMAIN.allows(name)):
        raise click.BadParameter(f"{text!r} is not NAMESPACE/NAME")
    return namespace, name


def _memory(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    memory = quantity(text)
    if not memory or memory < LEAST_EXPORT_MEMORY:
        raise click.BadParameter(f"{text!r} is not a quantity of at least 128Mi, such as 4Gi")
    return text


location_options: Callable[[Callable[..., Any]], Callable[..., Any]] = option_group(
    text_option(
        "--location",
        "Read the backups that were exported to this location, such as "
        "s3:https://HOST/BUCKET/PREFIX. The cluster that they came from may be gone.",
        metavar="URL",
    ),
    click.option(
        "--location-secret",
        default="",
        metavar="NAMESPACE/NAME",
        callback=_secret_name,
        help="Secret with aws_access_key_id, aws_secret_access_key and repository_password.  "
        "[default: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and RESTIC_PASSWORD_FILE or "
        "RESTIC_PASSWORD of the environment]",
    ),
    flag_option("--insecure-tls", "Do not verify the certificate of the location."),
    text_option(
        "--restic",
        "restic 0.17 or later, which reads the location.  [default: restic on PATH]",
        metavar="PROGRAM",
    ),
)
import_options: Callable[[Callable[..., Any]], Callable[..., Any]] = option_group(
    click.option(
        "--import-parallel",
        type=click.IntRange(min=1),
        default=2,
        show_default=True,
        metavar="N",
        help="With --location: restore the volumes of this many nodes of Kafka at the same time.",
    ),
    click.option(
        "--import-image",
        default=DEFAULT_RESTIC_IMAGE,
        show_default=True,
        metavar="IMAGE",
        help="With --location: image with restic for the pods that restore volumes.",
    ),
    click.option(
        "--import-memory",
        default=DEFAULT_IMPORT_MEMORY,
        show_default=True,
        metavar="QUANTITY",
        callback=_memory,
        help="With --location: limit of memory of each container that restores a volume.",
    ),
    click.option(
        "--import-timeout",
        type=parse_duration_option,
        default="24h",
        show_default=True,
        metavar="DURATION",
        help="With --location: how long the restore of all volumes may take.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A location that was opened."""

    repository: Repository
    credentials: Credentials
    secret: tuple[str, str]
    """Namespace and name of the Secret with the credentials; empty if they are not of one."""
    catalogue: ExportCatalogue


def open_store(
    connect: Callable[[], KubeClient],
    *,
    namespace: str,
    kafka: str,
    location: str,
    location_secret: tuple[str, str],
    insecure_tls: bool,
    restic: str,
) -> Store:
    """Open a location; a cluster is only asked if a Secret is named."""
    from kanister_kafka.operations.exports import location as locations
    from kanister_kafka.operations.exports.reader import ExportCatalogue
    from kanister_kafka.operations.exports.restic import ResticClient

    try:
        repository = locations.parse_location(location, insecure_tls=insecure_tls)
    except ValueError as failure:
        raise click.BadParameter(str(failure), param_hint="--location") from failure
    if location_secret[1]:
        credentials = locations.secret_credentials(connect(), *location_secret)
    else:
        credentials = locations.environment_credentials()
    client = ResticClient(repository, credentials, restic)
    catalogue = ExportCatalogue(client, namespace=namespace, kafka=kafka)
    return Store(
        repository=repository, credentials=credentials, secret=location_secret, catalogue=catalogue
    )


def is_from_store(
    *,
    location: str,
    location_secret: tuple[str, str],
    insecure_tls: bool,
    restic: str,
    **_imports: Any,
) -> bool:
    """Return whether a location is given; wrong use if only another option for one is."""
    others = {
        "--location-secret": location_secret[1],
        "--insecure-tls": insecure_tls,
        "--restic": restic,
    }
    if names := [name for name, value in others.items() if value and not location]:
        raise click.UsageError(f"{', '.join(names)} needs --location")
    return bool(location)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneSource:
    """A backup of which a copy can be made: from its snapshots, or from a location."""

    connection: KubeClient
    backup: Backup
    is_from_store: bool
    prepare: Callable[..., tuple[ClonePlan, CloneRunner]]
    """Plans and checks the copy of a CloneRequest."""


def find_clone_source(
    name: str,
    *,
    context: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    blueprint: str = "",
    import_parallel: int,
    import_image: str,
    import_memory: str,
    import_timeout: int,
    **location: Any,
) -> CloneSource:
    """Find a backup that can be restored, in the cluster or in a location if one is given."""
    from kanister_kafka.kube.client import KubeClient

    if not is_from_store(**location):
        connection, backup = open_backup(
            context, namespace, kafka, kasten_namespace, name, blueprint=blueprint
        )
        prepare = partial(prepare_clone, connection, backup)
        return CloneSource(
            connection=connection, backup=backup, is_from_store=False, prepare=prepare
        )
    connection = KubeClient(context)
    store = open_store(lambda: connection, namespace=namespace, kafka=kafka, **location)
    exported = find_export(store, name)
    return CloneSource(
        connection=connection,
        backup=exported.backup,
        is_from_store=True,
        prepare=partial(
            prepare_import,
            connection,
            store,
            exported,
            import_parallel=import_parallel,
            import_image=import_image,
            import_memory=import_memory,
            import_timeout=import_timeout,
        ),
    )


def find_export(store: Store, name: str) -> ExportedBackup:
    """Find a backup that can be restored, by its name or `latest`; ActionError if it cannot."""
    if not store.repository.is_remote:
        raise ActionError(
            f"{store.repository.url} is a directory, which pods of a cluster cannot read: serve it "
            "as S3"
        )
    exported = store.catalogue.find(name, print_passed_over)
    if exported.faults:
        raise ActionError(
            f"{exported.backup} is {exported.status.value}: {'; '.join(exported.faults)}"
        )
    return exported


def print_passed_over(copy: ExportedBackup) -> None:
    """Print why `latest` is not this newer backup."""
    reasons = "; ".join(copy.faults)
    print_warning(escape_control_chars(f"{copy.backup} is passed over: {reasons}"))


def prepare_import(
    connection: KubeClient,
    store: Store,
    exported: ExportedBackup,
    request: CloneRequest,
    *,
    import_parallel: int,
    import_image: str,
    import_memory: str,
    import_timeout: int,
    temporary: bool = False,
) -> tuple[ClonePlan, CloneRunner]:
    """Plan and check a restore from a location, as `prepare_clone` does from snapshots."""
    from kanister_kafka.cli.backup_catalogue import utc_now
    from kanister_kafka.operations.clone import imports
    from kanister_kafka.operations.clone.contents import parse_contents
    from kanister_kafka.operations.clone.plan import plan_clone
    from kanister_kafka.operations.live_kafka import LiveKafka
    from kanister_kafka.timestamps import format_second

    source = exported.backup.kafka
    if request.unchanged and LiveKafka(connection, source).find():
        raise ActionError(
            f"--unchanged is for a Kafka that is gone, and Kafka {source} is in this cluster"
        )
    is_local = store.secret[0] == request.namespace and not store.credentials.trimmed
    volumes = imports.VolumeImports(
        repository=store.repository,
        volumes=exported.volumes,
        credentials=store.credentials,
        secret=store.secret[1] if is_local else "",
        image=import_image,
        memory=import_memory,
        parallel=import_parallel,
        timeout=import_timeout,
        absent_classes=imports.find_absent_classes(
            connection, exported.volumes, request.storage_class
        ),
        assigns_users=imports.assigns_users(connection),
    )
    contents = parse_contents(exported.secrets, exported.backup)
    plan = plan_clone(contents, volumes, request, now=format_second(utc_now()))
    return checked_clone(connection, plan, temporary=temporary)
