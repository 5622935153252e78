"""Jinja environments for the templates of this package; the only module that imports Jinja.

Manifests are YAML and use one set of delimiters and quoting, reports are HTML and use another. The
loader, the treatment of undefined names and the errors are the same.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
)
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from kanister_kafka.errors import TemplateError
from kanister_kafka.package import package_directory

__all__ = (
    "Environment",
    "Markup",
    "Undefined",
    "html_environment",
    "read_source",
    "render_template",
    "yaml_environment",
)


def yaml_environment(finalize: Callable[[object], str], templates: Path | None) -> Environment:
    """Return an environment whose `finalize` makes each expression one YAML scalar.

    Files of the directory `templates` replace packaged files of the same name.
    """
    packaged = _packaged_loader()
    loader = (
        packaged if templates is None else ChoiceLoader([FileSystemLoader(templates), packaged])
    )
    # Templates of a site may come with a repository (`templates` of a KafkaBlueprint), so they get
    # values and no way from these to Python internals. The packaged ones do without that cost.
    environment = ImmutableSandboxedEnvironment if templates else Environment
    return environment(
        # A Blueprint is full of Go's {{ }}; bash has [[ ]] and <<. Jinja's ERB style meets neither.
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<%=",
        variable_end_string="%>",
        comment_start_string="<%#",
        comment_end_string="%>",
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # finalize does for YAML what this does for HTML
        loader=loader,
        auto_reload=False,  # a run has one set of templates
    )


def html_environment(finalize: Callable[[object], object]) -> Environment:
    """Return an environment that escapes every result of `finalize` that is not Markup."""
    return Environment(
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
        loader=_packaged_loader(),
        auto_reload=False,
    )


def _packaged_loader() -> BaseLoader:
    try:
        return PackageLoader("kanister_kafka.templates", "")
    except ModuleNotFoundError:
        return FileSystemLoader(str(package_directory("templates")))


def render_template(environment: Environment, template: str, **values: object) -> str:
    """Return the text of a template; raises TemplateError with the file and the line."""
    try:
        return environment.get_template(template).render(values)
    except TemplateSyntaxError as failure:
        where = failure.filename or failure.name
        raise TemplateError(f"{where}:{failure.lineno}: {failure.message}") from failure
    except (JinjaError, TypeError, ValueError, OSError) as failure:
        frames = traceback.extract_tb(failure.__traceback__)
        lines = [frame for frame in frames if frame.filename.endswith(".j2")]
        where = f"{lines[-1].filename}:{lines[-1].lineno}" if lines else template
        raise TemplateError(f"{where}: {failure}") from failure


def read_source(environment: Environment, name: str) -> str:
    """Return the source of a template or script."""
    if environment.loader is None:
        raise TemplateNotFound(name)
    return environment.loader.get_source(environment, name)[0]
