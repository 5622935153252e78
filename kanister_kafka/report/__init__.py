"""Problems and plans as text for people and in the formats of machines."""

from typing import TYPE_CHECKING

from kanister_kafka.lazy import attributes

if TYPE_CHECKING:
    from kanister_kafka.report.coverage import coverage_text, lint_json
    from kanister_kafka.report.github import problems_github
    from kanister_kafka.report.junit import problems_junit
    from kanister_kafka.report.plan import PLAN_FORMATS, plan_json, plan_text
    from kanister_kafka.report.problems import problems_json, problems_text, summary
    from kanister_kafka.report.sarif import problems_sarif
else:
    __getattr__ = attributes(
        __name__,
        {
            ".coverage": "coverage_text lint_json",
            ".github": "problems_github",
            ".junit": "problems_junit",
            ".plan": "PLAN_FORMATS plan_json plan_text",
            ".problems": "problems_json problems_text summary",
            ".sarif": "problems_sarif",
        },
    )

__all__ = [
    "PLAN_FORMATS",
    "coverage_text",
    "lint_json",
    "plan_json",
    "plan_text",
    "problems_github",
    "problems_json",
    "problems_junit",
    "problems_sarif",
    "problems_text",
    "summary",
]
