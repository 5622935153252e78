"""Data of the templates of a Blueprint: the parameters that Kanister gives them.

TemplateParams and what is in it: pkg/param/param.go and pkg/apis/cr/v1alpha1/types.go, compared at
the tags 0.100.0 to 0.119.0 and at the head of 2026-08-21.
"""

from __future__ import annotations

from collections.abc import Mapping

from kanister_kafka.gotemplate.types import (
    ANY,
    BYTES,
    TEXT,
    BasicType,
    FunctionSignature,
    ListType,
    MapType,
    StructType,
    Type,
    signature,
)

LASTING = {
    "CurrentPhase": ("0.114", ""),
    "PodAnnotations": ("0.111", ""),
    "PodLabels": ("0.111", ""),
    "RepositoryServer": ("", "0.119"),
}
"""Parameters that not every release has: from which one, up to which one."""
PHASE_CONFIG_MAPS = ("0.115", "")
"""The same for `.Phases.NAME.ConfigMaps`."""

_TEXTS = MapType(TEXT, "map[string]string")
_VALUES = MapType(ANY, "map[string]interface {}")
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
_BINARY = MapType(BYTES, "map[string][]uint8")
SECRET = StructType(
    "v1.Secret",
    {
        **_METADATA,
        "Data": _BINARY,
        "StringData": _TEXTS,
        "Type": BasicType("v1.SecretType", "string"),
    },
)
CONFIG_MAP = StructType("v1.ConfigMap", {**_METADATA, "Data": _TEXTS, "BinaryData": _BINARY})


def _workload(name: str) -> StructType:
    fields: dict[str, Type] = {
        **_NAMED,
        "Pods": ListType(TEXT, "[]string"),
        "Containers": ListType(ListType(TEXT, "[]string"), "[][]string"),
        "PersistentVolumeClaims": MapType(_TEXTS, "map[string]map[string]string"),
    }
    return StructType(f"*param.{name}Params", fields)


PHASE = StructType(
    "*param.Phase",
    {
        "Secrets": MapType(SECRET, "map[string]v1.Secret"),
        "ConfigMaps": MapType(CONFIG_MAP, "map[string]v1.ConfigMap"),
        "Output": _VALUES,
    },
)
ARTIFACT = StructType("v1alpha1.Artifact", {"KeyValue": _TEXTS, "KopiaSnapshot": TEXT})
_LOCATION = StructType(
    "v1alpha1.Location",
    {
        "Type": BasicType("v1alpha1.LocationType", "string"),
        **dict.fromkeys(("Bucket", "Endpoint", "Prefix", "Region"), TEXT),
    },
)
_KOPIA = StructType(
    "*param.KopiaServerCreds",
    {
        **dict.fromkeys(("Username", "Hostname", "Password", "Cert"), TEXT),
        "ConnectOptions": MapType(BasicType("int"), "map[string]int"),
    },
)
_CREDENTIAL = StructType(
    "param.Credential",
    {
        "Type": BasicType("param.CredentialType", "string"),
        "KeyPair": StructType("*param.KeyPair", {"ID": TEXT, "Secret": TEXT}),
        "Secret": SECRET,
        "KopiaServerSecret": _KOPIA,
    },
)
PROFILE = StructType(
    "*param.Profile",
    {"Location": _LOCATION, "Credential": _CREDENTIAL, "SkipSSLVerify": BasicType("bool")},
)
PARAMETERS = StructType(
    "param.TemplateParams",
    {
        **{name: _workload(name) for name in ("StatefulSet", "Deployment", "DeploymentConfig")},
        "PVC": StructType("*param.PVCParams", _NAMED),
        "Namespace": StructType("*param.NamespaceParams", _NAMED),
        "ArtifactsIn": MapType(ARTIFACT, "map[string]v1alpha1.Artifact"),
        "ConfigMaps": MapType(CONFIG_MAP, "map[string]v1.ConfigMap"),
        "Secrets": MapType(SECRET, "map[string]v1.Secret"),
        "Time": TEXT,
        "Profile": PROFILE,
        "RepositoryServer": ANY,
        "Options": _TEXTS,
        "Object": _VALUES,
        "CurrentPhase": PHASE,
        "Phases": MapType(PHASE, "map[string]*param.Phase"),
        "DeferPhase": PHASE,
        "PodOverride": _VALUES,
        "PodAnnotations": _TEXTS,
        "PodLabels": _TEXTS,
    },
)


# Functions that a template may call, by the engine that renders it, with their signatures.
#
# Go's own are those of text/template/funcs.go of Go 1.26. Kanister adds sprig 2.22.0 (pkg/ksprig)
# everywhere but in WaitV2, whose conditions kubectl's printer renders (cli-runtime's
# template.go).

_BUILTINS = {
    "and": signature("(any, ...any) any"),
    "call": signature("(any, ...any) any"),
    "eq": signature("(any, ...any) bool", 2),
    "ge": signature("(any, any) bool"),
    "gt": signature("(any, any) bool"),
    "html": signature("(...any) string"),
    "index": signature("(any, ...any) any"),
    "js": signature("(...any) string"),
    "le": signature("(any, any) bool"),
    "len": signature("(any) int"),
    "lt": signature("(any, any) bool"),
    "ne": signature("(any, any) bool"),
    "not": signature("(any) bool"),
    "or": signature("(any, ...any) any"),
    "print": signature("(...any) string"),
    "printf": signature("(string, ...any) string"),
    "println": signature("(...any) string"),
    "slice": signature("(any, ...any) any"),
    "urlquery": signature("(...any) string"),
}
_SPRIG = {
    "abbrev": signature("(int, string) string"),
    "abbrevboth": signature("(int, int, string) string"),
    "add": signature("(...any) int64"),
    "add1": signature("(any) int64"),
    "adler32sum": signature("(string) string"),
    "ago": signature("(any) string"),
    "append": signature("(any, any) list"),
    "atoi": signature("(string) int"),
    "b32dec": signature("(string) string"),
    "b32enc": signature("(string) string"),
    "b64dec": signature("(string) string"),
    "b64enc": signature("(string) string"),
    "base": signature("(string) string"),
    "biggest": signature("(any, ...any) int64"),
    "buildCustomCert": signature("(string, string) certificate"),
    "camelcase": signature("(string) string"),
    "cat": signature("(...any) string"),
    "ceil": signature("(any) float64"),
    "clean": signature("(string) string"),
    "coalesce": signature("(...any) any"),
    "compact": signature("(any) list"),
    "concat": signature("(...any) any"),
    "contains": signature("(string, string) bool"),
    "date": signature("(string, any) string"),
    "dateInZone": signature("(string, any, string) string"),
    "dateModify": signature("(string, time) time"),
    "date_in_zone": signature("(string, any, string) string"),
    "date_modify": signature("(string, time) time"),
    "decryptAES": signature("(string, string) string"),
    "deepCopy": signature("(any) any"),
    "deepEqual": signature("(any, any) bool"),
    "default": signature("(any, ...any) any"),
    "derivePassword": signature("(uint32, string, string, string, string) string"),
    "dict": signature("(...any) dict"),
    "dir": signature("(string) string"),
    "div": signature("(any, any) int64"),
    "empty": signature("(any) bool"),
    "encryptAES": signature("(string, string) string"),
    "env": signature("(string) string"),
    "expandenv": signature("(string) string"),
    "ext": signature("(string) string"),
    "fail": signature("(string) string"),
    "first": signature("(any) any"),
    "float64": signature("(any) float64"),
    "floor": signature("(any) float64"),
    "genCA": signature("(string, int) certificate"),
    "genPrivateKey": signature("(string) string"),
    "genSelfSignedCert": signature("(string, list, list, int) certificate"),
    "genSignedCert": signature("(string, list, list, int, certificate) certificate"),
    "getHostByName": signature("(string) string"),
    "has": signature("(any, any) bool"),
    "hasKey": signature("(dict, string) bool"),
    "hasPrefix": signature("(string, string) bool"),
    "hasSuffix": signature("(string, string) bool"),
    "hello": signature("() string"),
    "htmlDate": signature("(any) string"),
    "htmlDateInZone": signature("(any, string) string"),
    "indent": signature("(int, string) string"),
    "initial": signature("(any) list"),
    "initials": signature("(string) string"),
    "int": signature("(any) int"),
    "int64": signature("(any) int64"),
    "isAbs": signature("(string) bool"),
    "join": signature("(string, any) string"),
    "kebabcase": signature("(string) string"),
    "keys": signature("(...dict) strings"),
    "kindIs": signature("(string, any) bool"),
    "kindOf": signature("(any) string"),
    "last": signature("(any) any"),
    "list": signature("(...any) list"),
    "lower": signature("(string) string"),
    "max": signature("(any, ...any) int64"),
    "merge": signature("(dict, ...dict) any"),
    "mergeOverwrite": signature("(dict, ...dict) any"),
    "min": signature("(any, ...any) int64"),
    "mod": signature("(any, any) int64"),
    "mul": signature("(any, ...any) int64"),
    "nindent": signature("(int, string) string"),
    "nospace": signature("(string) string"),
    "now": signature("() time"),
    "omit": signature("(dict, ...string) dict"),
    "pick": signature("(dict, ...string) dict"),
    "pluck": signature("(string, ...dict) list"),
    "plural": signature("(string, string, int) string"),
    "prepend": signature("(any, any) list"),
    "push": signature("(any, any) list"),
    "quote": signature("(...any) string"),
    "randAlpha": signature("(int) string"),
    "randAlphaNum": signature("(int) string"),
    "randAscii": signature("(int) string"),
    "randNumeric": signature("(int) string"),
    "regexFind": signature("(string, string) string"),
    "regexFindAll": signature("(string, string, int) strings"),
    "regexMatch": signature("(string, string) bool"),
    "regexReplaceAll": signature("(string, string, string) string"),
    "regexReplaceAllLiteral": signature("(string, string, string) string"),
    "regexSplit": signature("(string, string, int) strings"),
    "repeat": signature("(int, string) string"),
    "replace": signature("(string, string, string) string"),
    "rest": signature("(any) list"),
    "reverse": signature("(any) list"),
    "round": signature("(any, int, ...float64) float64"),
    "semver": signature("(string) version"),
    "semverCompare": signature("(string, string) bool"),
    "set": signature("(dict, string, any) dict"),
    "sha1sum": signature("(string) string"),
    "sha256sum": signature("(string) string"),
    "shuffle": signature("(string) string"),
    "slice": signature("(any, ...any) any"),
    "snakecase": signature("(string) string"),
    "sortAlpha": signature("(any) strings"),
    "split": signature("(string, string) texts"),
    "splitList": signature("(string, string) strings"),
    "splitn": signature("(string, int, string) texts"),
    "squote": signature("(...any) string"),
    "sub": signature("(any, any) int64"),
    "substr": signature("(int, int, string) string"),
    "swapcase": signature("(string) string"),
    "ternary": signature("(any, any, bool) any"),
    "title": signature("(string) string"),
    "toDate": signature("(string, string) time"),
    "toDecimal": signature("(any) int64"),
    "toJson": signature("(any) string"),
    "toPrettyJson": signature("(any) string"),
    "toString": signature("(any) string"),
    "toStrings": signature("(any) strings"),
    "trim": signature("(string) string"),
    "trimAll": signature("(string, string) string"),
    "trimPrefix": signature("(string, string) string"),
    "trimSuffix": signature("(string, string) string"),
    "trimall": signature("(string, string) string"),
    "trunc": signature("(int, string) string"),
    "tuple": signature("(...any) list"),
    "typeIs": signature("(string, any) bool"),
    "typeIsLike": signature("(string, any) bool"),
    "typeOf": signature("(any) string"),
    "uniq": signature("(any) list"),
    "unixEpoch": signature("(time) string"),
    "unset": signature("(dict, string) dict"),
    "until": signature("(int) ints"),
    "untilStep": signature("(int, int, int) ints"),
    "untitle": signature("(string) string"),
    "upper": signature("(string) string"),
    "urlJoin": signature("(dict) string"),
    "urlParse": signature("(string) dict"),
    "uuidv4": signature("() string"),
    "values": signature("(dict) list"),
    "without": signature("(any, ...any) list"),
    "wrap": signature("(int, string) string"),
    "wrapWith": signature("(int, string, string) string"),
}
"""As reflection shows them on TxtFuncMap() of sprig 2.22.0."""

SIGNATURES: Mapping[str, FunctionSignature] = {**_BUILTINS, **_SPRIG}
"""Functions of Kanister's own engine; WaitV2 calls Go's `slice`, which takes the same."""
BUILTINS = frozenset(_BUILTINS)
KANISTER = frozenset(SIGNATURES)
WAIT_V2_SIGNATURES: Mapping[str, FunctionSignature] = {
    **_BUILTINS,
    "base64decode": signature("(string) string"),
    "exists": signature("(any, ...any) bool"),
}
WAIT_V2 = frozenset(WAIT_V2_SIGNATURES)
