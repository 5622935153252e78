"""Render a BackupPlan as manifests, YAML text, by templates.

A template formats and decides nothing. Each expression in it is one whole YAML scalar, quoted here
if YAML would otherwise read something else (`on`, `12`, `a: b`), so no value can change its type
or the shape of the document.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from itertools import starmap
from pathlib import Path

from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import KastenOutput
from kanister_kafka.backup.provenance import annotations_for, labels_for, scripts_annotations
from kanister_kafka.backup.scripts import ScriptsConfigMap, is_scripts
from kanister_kafka.constants import (
    BLUEPRINT_NAME,
    KEEP_ACCOUNT_NAME,
    STATE_CONFIGMAP_NAME,
    WATCHDOG_NAME,
)
from kanister_kafka.diagnostics import Diagnostic, Severity
from kanister_kafka.errors import InternalError, TemplateError
from kanister_kafka.gotemplate.formatter import format_literal
from kanister_kafka.jinja import (
    Environment,
    Undefined,
    read_source,
    render_template,
    yaml_environment,
)
from kanister_kafka.linter import LintSettings, bash_syntax
from kanister_kafka.linter.pipeline import validate_loaded
from kanister_kafka.yamldoc import Document, LoadResult, loads, merge_results
from kanister_kafka.yamldoc.source import is_directory

PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@=~-]*(:[A-Za-z0-9_./@=~-]+)*")
"""Text that YAML reads as the same string without quotes, except the words below."""
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that YAML 1.1 or 1.2 takes for a boolean or null, in lower case."""

NON_PRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    "\ud800-\udfff\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
"""Controls, separators and what else a reader of YAML cannot see. By name and not with
`str.isprintable`, whose answer changes with the Unicode version of each Python."""

FOLDERS = ("scripts/lib/", "scripts/phases/")
STUB = "scripts/stub.sh"
KEEP_ACCOUNT = "OBJECTS_ACCOUNT="
"""The value of a phase that names the account of a Job that it creates."""


@dataclass(frozen=True)
class Manifest:
    """One rendered object, as text and parsed."""

    kind: str
    name: str
    text: str
    """A YAML document with a final newline and without `---`."""

    @property
    def file_name(self) -> str:
        """Name of a file that holds this object alone; `manifest_files` if there are several."""
        return f"{self.kind.lower()}-{self.name}.yaml"

    @cached_property
    def loaded(self) -> LoadResult:
        """The parsed text. `render` has parsed all except the shared scripts to validate them."""
        return loads(self.text, self.file_name)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The object; none or several if a site's own template writes none or several."""
        return self.loaded.documents

    def __reduce__(self) -> tuple[type[Manifest], tuple[str, str, str]]:
        """Leave the parsed text behind: it is larger than the text and slower to send."""
        return type(self), (self.kind, self.name, self.text)


def manifest_files(manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """Return the files of a directory with one file an object.

    Objects of one kind with the same name are in different namespaces, so all of these have the
    namespace in the name of their file, after an underscore, which is in no name of an object.
    """
    objects = list(manifests)
    count = Counter(manifest.file_name for manifest in objects)
    files = {}
    for manifest in objects:
        name = manifest.file_name
        if count[name] > 1:
            namespace = manifest.documents[0].text("metadata", "namespace")
            name = f"{name.removesuffix('.yaml')}_{namespace}.yaml"
        if name in files:
            raise TemplateError(
                f"two objects of kind {manifest.kind} have the name {manifest.name}"
            )
        files[name] = manifest
    return files


class _Verbatim(str):
    """Text that goes out as it is."""


@dataclass(frozen=True, slots=True)
class AnnotatedName:
    """A name that a container has from an annotation of its pod, where Kustomize finds it."""

    annotation: str
    name: str

    @property
    def path(self) -> str:
        """Where the kubelet finds it."""
        return f"metadata.annotations['{self.annotation}']"


def annotated_names(plan: BackupPlan) -> dict[str, AnnotatedName]:
    """Return the names of objects in the environment of the steps, by their variables.

    Empty if pods may have no annotations, which Kanister refuses before 0.111.
    """
    switch = plan.switch.name if plan.switch else ""
    names = (
        ("STATE_CONFIGMAP", STATE_CONFIGMAP_NAME, plan.record),
        ("WATCHDOG", WATCHDOG_NAME, switch),
        ("KEEP_ACCOUNT", KEEP_ACCOUNT_NAME, _keep_account(plan)),
    )
    if not plan.options.pods.annotations:
        return {}
    return {key: AnnotatedName(annotation, name) for key, annotation, name in names if name}


def _keep_account(plan: BackupPlan) -> str:
    """Return the account of the Job that copies Secrets; empty without an export."""
    for action in plan.actions:
        for phase in action.phases:
            for value in phase.values:
                if value.startswith(KEEP_ACCOUNT):
                    return value.removeprefix(KEEP_ACCOUNT)
    return ""


def render(
    plan: BackupPlan, templates: Path | None = None, *, renamable: bool = False
) -> tuple[Manifest, ...]:
    """Render the plan as Kubernetes objects, in the order in which they are applied.

    `templates` is a directory of a site whose files replace built-in ones of the same name.
    `renamable` writes names of other objects at places where Kustomize can follow them. Raises
    TemplateError for a template that fails, InternalError if the result is not a valid Blueprint.
    """
    names = annotated_names(plan) if renamable else {}
    scheduled = AnnotatedName(BLUEPRINT_NAME, plan.name) if names else None
    environment = _environment(templates)
    scripts = replace(_scripts(environment), owner=plan.scripts_owner)
    values = {
        "plan": plan,
        "scripts": scripts,
        "annotated_names": names,
        "scheduled_name": scheduled,
        "expanded": partial(_expanded, names, f"--blueprint={plan.name}" if scheduled else ""),
    }

    def manifest(kind: str, name: str, template: str, item: object) -> Manifest:
        of_scripts = name == scripts.name
        metadata = {
            "labels": plan.labels if of_scripts else labels_for(plan, kind),
            "annotations": scripts_annotations(plan) if of_scripts else annotations_for(plan, kind),
        }
        text = render_template(environment, template, item=item, **metadata, **values)
        return Manifest(kind, name, text)

    manifests = tuple(starmap(manifest, _objects(plan, scripts)))
    problems = _faults(manifests, plan.options.kasten_namespace)
    if problems:
        faults = "\n".join(str(problem) for problem in problems)
        if templates is not None:
            raise TemplateError(f"what the templates in {templates} make is not valid:\n{faults}")
        raise InternalError(f"what was rendered is not valid; please report this:\n{faults}")
    return manifests


def _faults(manifests: tuple[Manifest, ...], kasten: str) -> tuple[Diagnostic, ...]:
    """Validate the objects, except the scripts, which `_scripts` checks once for all clusters."""
    loaded = [
        manifest.loaded for manifest in manifests if not is_scripts(manifest.kind, manifest.name)
    ]
    settings = LintSettings(kasten_namespace=kasten)
    return validate_loaded(merge_results(loaded), settings, least=Severity.ERROR).problems


def without_repeated_scripts() -> Callable[[Iterable[Manifest]], tuple[Manifest, ...]]:
    """Return what leaves out scripts that it has seen: clusters of a namespace may share them.

    It remembers some 400 bytes for each ConfigMap of scripts.
    """
    rendered: set[str] = set()

    def is_new(manifest: Manifest) -> bool:
        if not is_scripts(manifest.kind, manifest.name):
            return True
        metadata = manifest.text.partition("\ndata:\n")[0]  # the name has a hash of the rest in it
        is_known = metadata in rendered
        rendered.add(metadata)
        return not is_known

    return lambda manifests: tuple(filter(is_new, manifests))


def to_yaml_stream(manifests: Iterable[Manifest]) -> str:
    """Join objects into one stream of YAML documents."""
    return "---\n".join(manifest.text for manifest in manifests)


def _objects(plan: BackupPlan, scripts: ScriptsConfigMap) -> Iterable[tuple[str, str, str, object]]:
    """Yield kind, name, template and the subject of the template in addition to the plan."""
    for account in plan.accounts:
        yield "ServiceAccount", account.name, "serviceaccount.yaml.j2", account
    yield "ConfigMap", scripts.name, "scripts.yaml.j2", None
    if plan.record:
        yield "ConfigMap", plan.record, "configmap.yaml.j2", None
    if plan.admission:
        for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
            yield kind, plan.admission.name, f"{kind.lower()}.yaml.j2", plan.admission
    for role in plan.roles:
        scope = "" if role.namespace else "Cluster"
        yield f"{scope}Role", role.name, "role.yaml.j2", role
        yield f"{scope}RoleBinding", role.name, "rolebinding.yaml.j2", role
    if plan.switch:
        yield "Deployment", plan.switch.name, "deployment.yaml.j2", plan.switch
    yield "Blueprint", plan.name, "blueprint.yaml.j2", None
    for job in (plan.schedule, plan.verification):
        if job:
            yield "CronJob", job.name, "cronjob.yaml.j2", job
    for policy in plan.policies:
        yield "Policy", policy.name, "policy.yaml.j2", policy
    if KastenOutput.BINDING in plan.options.kasten:
        yield "BlueprintBinding", plan.name, "blueprintbinding.yaml.j2", None
    if KastenOutput.RESTORE in plan.options.kasten and plan.transforms:
        yield "TransformSet", plan.restoring.transform_set, "transformset.yaml.j2", None
    if plan.options.restore_point:
        yield "RestoreAction", plan.name, "restoreaction.yaml.j2", None


def yaml_scalar(value: object) -> str:
    """Return a value as one YAML scalar, as JSON unless it is safe without quotes."""
    if type(value) is str:
        return _text_scalar(value)
    if isinstance(value, _Verbatim):
        return value
    if isinstance(value, Undefined):
        return str(value)  # raises an error about a value that is absent or must not be used
    if isinstance(value, (str, int)):
        return _any_scalar(value)
    raise TypeError(f"a template may not print a {type(value).__name__}")


@lru_cache(maxsize=1024)  # most texts are in every Blueprint
def _text_scalar(value: str) -> str:
    return _any_scalar(value)


def _any_scalar(value: str | int) -> str:
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    # YAML refuses characters that JSON lets through, such as DEL, but knows this escape.
    return NON_PRINTABLE.sub(lambda match: f"\\U{ord(match[0]):08x}", quoted)


@lru_cache(maxsize=8)  # compiling the templates costs more than a rendering
def _environment(templates: Path | None) -> Environment:
    if templates is not None and not is_directory(templates):
        raise TemplateError(f"{templates}: is not a directory")
    environment = yaml_environment(yaml_scalar, templates)
    environment.filters["comment"] = _comment
    environment.filters["literal"] = format_literal
    environment.filters["block"] = _block
    environment.filters["indented"] = _indented
    return environment


def _expanded(names: Mapping[str, AnnotatedName], blueprint: str, word: str) -> str:
    """Name an object by its variable, which the kubelet expands.

    `blueprint` is the argument with the name of the Blueprint; empty if that is not followed.
    """
    if blueprint and word == blueprint:
        return "--blueprint=$(BLUEPRINT_NAME)"
    if word.startswith(KEEP_ACCOUNT) and "KEEP_ACCOUNT" in names:
        return f"{KEEP_ACCOUNT}$(KEEP_ACCOUNT)"
    if word.startswith("PERMISSIONS="):
        for key, annotated in names.items():
            word = word.replace(f":{annotated.name}:", f":$({key}):")
    return word


def _comment(text: str) -> _Verbatim:
    """Make one comment line: a control character in a path must not end it."""
    return _Verbatim(f"# {NON_PRINTABLE.sub('?', text)}".rstrip())


@lru_cache(maxsize=256)  # the scripts and their stub, which are the same for all clusters
def _block(text: str, indent: int) -> _Verbatim:
    """Indent the content of a block scalar."""
    return _Verbatim(_indented(text.rstrip("\n"), indent))


def _indented(text: str, indent: int) -> str:
    """Indent each line that is not empty."""
    return textwrap.indent(text, " " * indent, lambda line: line != "\n")


@lru_cache(maxsize=8)  # the same in every Blueprint
def _scripts(environment: Environment) -> ScriptsConfigMap:
    """Read the scripts of all steps. A script is text to copy, and no template.

    Raises TemplateError for one of a site that no shell can read, or that YAML would change.
    """
    names = [name for name in environment.list_templates() if name.startswith(FOLDERS)]
    texts = {name: read_source(environment, name).rstrip("\n") + "\n" for name in names}
    if problems := tuple(_script_problems(texts)):
        raise TemplateError("\n".join(problems))
    files = sorted((name.rpartition("/")[2], text) for name, text in texts.items())
    return ScriptsConfigMap(tuple(files), read_source(environment, STUB))


def _has_unseen(text: str) -> bool:
    return NON_PRINTABLE.search(text.replace("\t", "").replace("\n", "")) is not None


def _script_problems(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with scripts, each with its place."""
    for name, text in texts.items():
        if text[0].isspace():
            yield f"{name}:1: begins with a blank, which YAML would take for a margin"
        for number, line in enumerate(text.split("\n") if _has_unseen(text) else (), 1):
            if _has_unseen(line):
                yield f"{name}:{number}: has a character that a reader of YAML cannot see"
    for name, faults in zip(texts, bash_syntax.check_syntax(tuple(texts.values())), strict=True):
        yield from (f"{name}:{fault.line}: {fault.message}" for fault in faults)
