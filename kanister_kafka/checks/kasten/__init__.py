"""What is wrong with Blueprints, Policies and bindings as Kasten runs them.

These rules hold with `Settings.kasten`, or where a Policy or a BlueprintBinding is in the input.
Errors are what Kasten's documentation or Kanister's source settles; what is known from field
reports alone is a warning.
"""

from kanister_kafka.checks.kasten import (  # noqa: F401 - they register
    context,
    filters,
    hooks,
    names,
    policies,
    references,
    restores,
    shapes,
    waits,
)
