"""Plan to YAML text through templates; the only module that imports Jinja.

A template spells and decides nothing. Each expression in it is one whole YAML scalar, quoted here
where YAML would otherwise read something else (`on`, `12`, `a: b`), so no value can change its type
or the shape of the document.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import jinja2
import jinja2.sandbox

from kanister_kafka import marks
from kanister_kafka.alike import Sound, likeness_of, names_of
from kanister_kafka.checks import Settings
from kanister_kafka.errors import InternalError, TemplateError
from kanister_kafka.gotemplate.spell import literal
from kanister_kafka.options import KastenForm
from kanister_kafka.plan import Plan
from kanister_kafka.plan.annotations import Pairs, annotations_of
from kanister_kafka.problem import Problem, Severity
from kanister_kafka.validate import validate_texts

PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@=~-]*(:[A-Za-z0-9_./@=~-]+)*")
"""Text that YAML reads as the same string without quotes, save the words below."""
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 or 1.2 takes for a boolean or null, in lower case."""

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    "\ud800-\udfff\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
"""Controls, separators and what else a reader of YAML cannot see. By name and not with
`str.isprintable`, whose answer changes with the Unicode version of each Python."""

_SOUND = Sound()
"""What this process has rendered and found to be sound: to validate takes longer than the rest."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One rendered object."""

    kind: str
    name: str
    text: str
    """A YAML document with a final newline and without `---`."""

    @property
    def file_name(self) -> str:
        """Name of a file of its own."""
        return f"{self.kind.lower()}-{self.name}.yaml"


class _Raw(str):
    """Text that goes out as it is."""


def render(plan: Plan, templates: Path | None = None) -> tuple[Manifest, ...]:
    """Spell the plan as Kubernetes objects, in the order in which they are applied.

    `templates` is a directory of a site whose files go before ours of the same name. Raises
    TemplateError for a template that fails, InternalError where the result is no valid Blueprint.
    """
    environment = _environment(templates)
    objects = tuple(_objects(plan))
    borne = {kind: annotations_of(plan, kind) for kind, *_ in objects}
    manifests = tuple(
        Manifest(kind, name, _spell(environment, template, plan, item, borne[kind]))
        for kind, name, template, item in objects
    )
    digest = dict(borne["Blueprint"])[marks.INPUT_HASH]
    problems = _faults(manifests, (*names_of(plan), digest), plan.options.kasten_namespace)
    if problems:
        found = "\n".join(str(problem) for problem in problems)
        if templates is not None:
            raise TemplateError(f"what the templates in {templates} make is not valid:\n{found}")
        raise InternalError(f"what was rendered is not valid; please report this:\n{found}")
    return manifests


def _faults(
    manifests: tuple[Manifest, ...], names: Iterable[str], kasten: str
) -> tuple[Problem, ...]:
    """Validate what was rendered, unless what is like it was found to be sound before."""
    likeness = likeness_of(
        (kasten, *(text for m in manifests for text in (m.file_name, m.text))), names
    )
    if likeness is not None and likeness in _SOUND:
        return ()
    texts = {manifest.file_name: manifest.text for manifest in manifests}
    problems = validate_texts(texts, Settings(kasten_namespace=kasten), least=Severity.ERROR)
    if likeness is not None and not problems:
        _SOUND.add(likeness)
    return problems


def stream(manifests: Iterable[Manifest]) -> str:
    """Join objects into one stream of YAML documents."""
    return "---\n".join(manifest.text for manifest in manifests)


def _objects(plan: Plan) -> Iterable[tuple[str, str, str, object]]:
    """Yield kind, name, template and what the template is about besides the plan."""
    for account in plan.accounts:
        yield "ServiceAccount", account.name, "serviceaccount.yaml.j2", account
    if plan.record:
        yield "ConfigMap", plan.record, "configmap.yaml.j2", None
    if plan.admission:
        for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
            yield kind, plan.admission.name, f"{kind.lower()}.yaml.j2", plan.admission
    for role in plan.roles:
        yield "Role", role.name, "role.yaml.j2", role
        yield "RoleBinding", role.name, "rolebinding.yaml.j2", role
    if plan.switch:
        yield "Deployment", plan.switch.name, "deployment.yaml.j2", plan.switch
    yield "Blueprint", plan.name, "blueprint.yaml.j2", None
    for policy in plan.policies:
        yield "Policy", policy.name, "policy.yaml.j2", policy
    if KastenForm.BINDING in plan.options.kasten:
        yield "BlueprintBinding", plan.name, "blueprintbinding.yaml.j2", None
    if KastenForm.RESTORE in plan.options.kasten and plan.transforms:
        yield "TransformSet", plan.restoring.transform_set, "transformset.yaml.j2", None
    if plan.options.restore_point:
        yield "RestoreAction", plan.name, "restoreaction.yaml.j2", None


def scalar(value: object) -> str:
    """Return a value as one YAML scalar, as JSON unless it is safe without quotes."""
    if isinstance(value, _Raw):
        return value
    if isinstance(value, jinja2.Undefined):
        return str(value)  # which raises, and says what is not there or must not be used
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    if isinstance(value, (str, int)):
        quoted = json.dumps(value, ensure_ascii=False)
        if quoted.isprintable():
            return quoted
        # YAML refuses characters that JSON lets through, such as DEL, but knows this escape.
        return UNSEEN.sub(lambda match: f"\\U{ord(match[0]):08x}", quoted)
    raise TypeError(f"a template may not print a {type(value).__name__}")


@lru_cache(maxsize=8)  # compiling the templates costs more than a rendering
def _environment(templates: Path | None) -> jinja2.Environment:
    ours = jinja2.PackageLoader("kanister_kafka.templates", "")
    loaders: list[jinja2.BaseLoader] = [ours]
    if templates is not None:
        if not templates.is_dir():
            raise TemplateError(f"{templates}: is no directory")
        loaders.insert(0, jinja2.FileSystemLoader(templates))
    # Templates of a site may come with a repository (`templates` of a KafkaBlueprint), so they get
    # values and no way from these to what Python is made of.
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        # A Blueprint is full of Go's {{ }}; bash has [[ ]] and <<. Jinja's ERB style meets neither.
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<%=",
        variable_end_string="%>",
        comment_start_string="<%#",
        comment_end_string="%>",
        undefined=jinja2.StrictUndefined,
        finalize=scalar,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # finalize does for YAML what this does for HTML
        loader=jinja2.ChoiceLoader(loaders),
        auto_reload=False,  # a run has one set of templates
    )
    environment.filters["comment"] = _comment
    environment.filters["literal"] = literal
    environment.filters["script"] = partial(_script, environment)
    return environment


def _spell(
    environment: jinja2.Environment, template: str, plan: Plan, item: object, annotations: Pairs
) -> str:
    try:
        found = environment.get_template(template)
        return found.render(plan=plan, item=item, annotations=annotations)
    except jinja2.TemplateSyntaxError as failure:
        where = failure.filename or failure.name
        raise TemplateError(f"{where}:{failure.lineno}: {failure.message}") from failure
    except (jinja2.TemplateError, TypeError, ValueError, OSError) as failure:
        frames = traceback.extract_tb(failure.__traceback__)
        lines = [frame for frame in frames if frame.filename.endswith(".j2")]
        where = f"{lines[-1].filename}:{lines[-1].lineno}" if lines else template
        raise TemplateError(f"{where}: {failure}") from failure


def _source(environment: jinja2.Environment, name: str) -> str:
    if environment.loader is None:
        raise jinja2.TemplateNotFound(name)
    return environment.loader.get_source(environment, name)[0]


def _comment(text: str) -> _Raw:
    """Make one comment line: a control character in a path must not end it."""
    return _Raw("# " + UNSEEN.sub("?", text))


@lru_cache(maxsize=64)  # the same in every Blueprint
def _script(environment: jinja2.Environment, parts: tuple[str, ...], indent: int) -> _Raw:
    """Join script files into one body, indented for a block scalar."""
    texts = []
    for part in parts:
        # A script is text to copy: compiled as a template it could meet delimiters of its own.
        text = _source(environment, f"scripts/{part}")
        # Without comments: each phase has its own copy, and kubectl apply keeps one more of it all
        # in an annotation, which may have 256 KiB.
        kept = (line for line in text.splitlines() if line.strip())
        texts.append("\n".join(line for line in kept if not line.lstrip().startswith("#")))
    body = "\n".join(texts)
    lines = [f"{' ' * indent}{line}" if line else "" for line in body.expandtabs(2).split("\n")]
    return _Raw("\n".join(lines))
