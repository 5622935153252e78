"""What the templates of a Blueprint find: the parameters that Kanister gives them.

TemplateParams and what is in it: pkg/param/param.go and pkg/apis/cr/v1alpha1/types.go, compared at
the tags 0.100.0 to 0.119.0 and at the head of 2026-08-21.
"""

from __future__ import annotations

from kanister_kafka.gotemplate.types import ANY, BYTES, TEXT, ListOf, MapOf, Plain, Struct, Type

LASTING = {
    "CurrentPhase": ("0.114", ""),
    "PodAnnotations": ("0.111", ""),
    "PodLabels": ("0.111", ""),
    "RepositoryServer": ("", "0.119"),
}
"""Parameters that not every release has: from which one, up to which one."""
PHASE_CONFIG_MAPS = ("0.115", "")
"""The same for `.Phases.NAME.ConfigMaps`."""

_TEXTS = MapOf(TEXT, "map[string]string")
_VALUES = MapOf(ANY, "map[string]interface {}")
_NAMED: dict[str, Type] = {"Name": TEXT, "Namespace": TEXT}
_METADATA: dict[str, Type] = {
    **_NAMED,
    **dict.fromkeys(("APIVersion", "GenerateName", "Kind", "ResourceVersion", "SelfLink"), TEXT),
    **dict.fromkeys(("Annotations", "Labels"), _TEXTS),
    **dict.fromkeys(
        ("CreationTimestamp", "Finalizers", "Generation", "Immutable", "ManagedFields"), ANY
    ),
    **dict.fromkeys(("ObjectMeta", "OwnerReferences", "TypeMeta", "UID"), ANY),
    **dict.fromkeys(("DeletionGracePeriodSeconds", "DeletionTimestamp"), ANY),
    **dict.fromkeys(("GetAnnotations", "GetLabels", "GetName", "GetNamespace", "GetUID"), ANY),
}
_BINARY = MapOf(BYTES, "map[string][]uint8")
SECRET = Struct(
    "v1.Secret",
    {**_METADATA, "Data": _BINARY, "StringData": _TEXTS, "Type": Plain("v1.SecretType", "string")},
)
CONFIG_MAP = Struct("v1.ConfigMap", {**_METADATA, "Data": _TEXTS, "BinaryData": _BINARY})


def _workload(name: str) -> Struct:
    fields: dict[str, Type] = {
        **_NAMED,
        "Pods": ListOf(TEXT, "[]string"),
        "Containers": ListOf(ListOf(TEXT, "[]string"), "[][]string"),
        "PersistentVolumeClaims": MapOf(_TEXTS, "map[string]map[string]string"),
    }
    return Struct(f"*param.{name}Params", fields)


PHASE = Struct(
    "*param.Phase",
    {
        "Secrets": MapOf(SECRET, "map[string]v1.Secret"),
        "ConfigMaps": MapOf(CONFIG_MAP, "map[string]v1.ConfigMap"),
        "Output": _VALUES,
    },
)
ARTIFACT = Struct("v1alpha1.Artifact", {"KeyValue": _TEXTS, "KopiaSnapshot": TEXT})
_LOCATION = Struct(
    "v1alpha1.Location",
    {
        "Type": Plain("v1alpha1.LocationType", "string"),
        **dict.fromkeys(("Bucket", "Endpoint", "Prefix", "Region"), TEXT),
    },
)
_KOPIA = Struct(
    "*param.KopiaServerCreds",
    {
        **dict.fromkeys(("Username", "Hostname", "Password", "Cert"), TEXT),
        "ConnectOptions": MapOf(Plain("int"), "map[string]int"),
    },
)
_CREDENTIAL = Struct(
    "param.Credential",
    {
        "Type": Plain("param.CredentialType", "string"),
        "KeyPair": Struct("*param.KeyPair", {"ID": TEXT, "Secret": TEXT}),
        "Secret": SECRET,
        "KopiaServerSecret": _KOPIA,
    },
)
PROFILE = Struct(
    "*param.Profile",
    {"Location": _LOCATION, "Credential": _CREDENTIAL, "SkipSSLVerify": Plain("bool")},
)
PARAMETERS = Struct(
    "param.TemplateParams",
    {
        **{name: _workload(name) for name in ("StatefulSet", "Deployment", "DeploymentConfig")},
        "PVC": Struct("*param.PVCParams", _NAMED),
        "Namespace": Struct("*param.NamespaceParams", _NAMED),
        "ArtifactsIn": MapOf(ARTIFACT, "map[string]v1alpha1.Artifact"),
        "ConfigMaps": MapOf(CONFIG_MAP, "map[string]v1.ConfigMap"),
        "Secrets": MapOf(SECRET, "map[string]v1.Secret"),
        "Time": TEXT,
        "Profile": PROFILE,
        "RepositoryServer": ANY,
        "Options": _TEXTS,
        "Object": _VALUES,
        "CurrentPhase": PHASE,
        "Phases": MapOf(PHASE, "map[string]*param.Phase"),
        "DeferPhase": PHASE,
        "PodOverride": _VALUES,
        "PodAnnotations": _TEXTS,
        "PodLabels": _TEXTS,
    },
)
