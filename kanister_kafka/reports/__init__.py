"""Problems and plans as text for people and in the formats of machines."""

from typing import TYPE_CHECKING

from kanister_kafka.package import lazy_getattr

if TYPE_CHECKING:
    from kanister_kafka.reports.ci_formats import diagnostics_junit, diagnostics_sarif
    from kanister_kafka.reports.lint import (
        coverage_text,
        diagnostics_github,
        diagnostics_json,
        diagnostics_text,
        lint_json,
        summary,
    )
    from kanister_kafka.reports.plan import PLAN_FORMATS, plan_json, plan_text
else:
    __getattr__ = lazy_getattr(
        __name__,
        {
            ".ci_formats": "diagnostics_junit diagnostics_sarif",
            ".lint": "coverage_text diagnostics_github diagnostics_json diagnostics_text lint_json "
            "summary",
            ".plan": "PLAN_FORMATS plan_json plan_text",
        },
    )

__all__ = [
    "PLAN_FORMATS",
    "coverage_text",
    "diagnostics_github",
    "diagnostics_json",
    "diagnostics_junit",
    "diagnostics_sarif",
    "diagnostics_text",
    "lint_json",
    "plan_json",
    "plan_text",
    "summary",
]
