"""A preview as text for people and JSON for machines."""

from __future__ import annotations

from textwrap import indent

from kanister_kafka.integrations.preview.render import ActionPreview, PhasePreview
from kanister_kafka.kanister.function_catalog import functions
from kanister_kafka.kanister.function_types import NEWEST
from kanister_kafka.reports.text import format_json
from kanister_kafka.yamldoc.dumper import dump


def preview_text(preview: ActionPreview) -> str:
    """Return phase by phase what runs; the headings alone are not indented."""
    last = len(preview.action.phases)
    parts = [_phase(phase, last) for phase in preview.phases]
    if preview.output_artifacts:
        body = indent(dump(preview.output_artifacts), "  ")
        parts.append(f"outputArtifacts\n{body}{_symbolic_paths(preview.artifacts_symbolic)}")
    return "\n".join(parts)


def _phase(shown: PhasePreview, last: int) -> str:
    phase = shown.phase
    place = "deferPhase" if phase.index is None else f"phase {phase.index + 1} of {last}"
    known = functions(NEWEST).get(phase.func)
    does = f"  # {known.description}\n" if known else ""
    objects = {"objects": shown.objects} if shown.objects else {}
    body = indent(dump({**objects, "args": shown.args}), "  ")
    return f"{place}: {phase.name} ({phase.func})\n{does}{body}{_symbolic_paths(shown.symbolic)}"


def _symbolic_paths(paths: tuple[str, ...]) -> str:
    return f"  # known when it runs: {', '.join(dict.fromkeys(paths))}\n" if paths else ""


def preview_json(preview: ActionPreview) -> str:
    """Return one JSON object."""
    tree = {
        "action": preview.action.name,
        "phases": [
            {
                "name": shown.phase.name,
                "func": shown.phase.func,
                "deferred": shown.phase.index is None,
                "objects": shown.objects,
                "args": shown.args,
                "symbolic": list(dict.fromkeys(shown.symbolic)),
            }
            for shown in preview.phases
        ],
        "outputArtifacts": preview.output_artifacts,
        "problems": [problem.fields() for problem in preview.problems],
    }
    return format_json(tree)
