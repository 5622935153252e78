"""The functions that Kanister's template engine calls: Go's, sprig's and its own (pkg/ksprig)."""

from __future__ import annotations

from kanister_kafka.gotemplate.runtime.builtins import BUILTINS
from kanister_kafka.gotemplate.runtime.expressions import FunctionSet
from kanister_kafka.gotemplate.runtime.sprig import FUNCTIONS
from kanister_kafka.gotemplate.runtime.values import CallError, GoFunction, Value
from kanister_kafka.kanister.template_context import SIGNATURES


def _derive_password(*_given: Value) -> Value:
    message = "sprig usage of 'derivePassword' is not allowed by kanister"
    raise CallError(f"{message} as it is not FIPS compatible")


TEMPLATE_FUNCTIONS = FunctionSet(
    {**BUILTINS, **FUNCTIONS, "derivePassword": GoFunction(_derive_password)}, SIGNATURES
)
