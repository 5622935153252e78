"""What is wrong with Blueprints, Policies and bindings as Kasten runs them.

These rules hold with `LintSettings.kasten`, or if a Policy or a BlueprintBinding is in the input.
An error leaves Kafka stopped, makes no backup or a useless one, or is refused by the API server. A
case that may work, or is known from field reports alone, is a warning.
"""

from kanister_kafka.linter.rules.kasten import (
    actions,  # noqa: F401 - they register
    backups,  # noqa: F401 - they register
    filters,  # noqa: F401 - they register
    hooks,  # noqa: F401 - they register
    policies,  # noqa: F401 - they register
    references,  # noqa: F401 - they register
    schemas,  # noqa: F401 - they register
)
