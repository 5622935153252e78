"""What is wrong with Blueprints, Policies and bindings as Kasten runs them.

These rules hold with `Settings.kasten`, or where a Policy or a BlueprintBinding is in the input.
Errors are what leaves Kafka stopped, makes no backup or one of no use, or is refused by the API
server; what may work, or is known from field reports alone, is a warning.
"""

from kanister_kafka.checks.kasten import (  # noqa: F401 - they register
    contents,
    context,
    filters,
    hooks,
    names,
    policies,
    references,
    resources,
    restores,
    selectors,
    shapes,
    waits,
)
