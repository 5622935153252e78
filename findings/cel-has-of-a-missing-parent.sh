#!/usr/bin/env bash
# Versions: github.com/google/cel-go v0.26.1 (the CEL of Kubernetes' admission policies), cel-python
# 0.5.0 and common-expression-language 0.10.0 (bindings of a CEL in Rust).
#
# The expressions of a ValidatingAdmissionPolicy can be tested without a cluster by a CEL for Python.
# The object here has `spec`, and no `status`.
#
# Expected: all three agree with the language definition. `has(object.status.ready)` is an error,
# because only the last field may be missing, and an error denies the request if failurePolicy is
# Fail. `exists` ignores the error of one element if another element is true.
#
# Seen: each CEL for Python is wrong about one of them, and right about the other one. For cel-python,
# `has(object.status.ready)` is false, so a policy that denies each request passes its test.
# For common-expression-language, `exists` is an error, depending on the order of the list.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/google/cel-go/cel"
)

func main() {
	env, err := cel.NewEnv(cel.Variable("object", cel.DynType))
	if err != nil {
		panic(err)
	}
	object := map[string]any{"spec": map[string]any{"replicas": 1}}
	for _, text := range os.Args[1:] {
		ast, issues := env.Compile(text)
		if issues.Err() != nil {
			panic(issues.Err())
		}
		program, err := env.Program(ast)
		if err != nil {
			panic(err)
		}
		value, _, err := program.Eval(map[string]any{"object": object})
		if err != nil {
			fmt.Printf("%-37s cel-go error\n", text)
			continue
		}
		fmt.Printf("%-37s cel-go %v\n", text, value)
	}
}
GO
go mod init example.com/has 2>/dev/null
go get github.com/google/cel-go/cel@v0.26.1 2>/dev/null

cat >main.py <<'PYTHON'
import sys

import cel
import celpy

OBJECT = {"object": {"spec": {"replicas": 1}}}
VALUES = {name: celpy.json_to_cel(value) for name, value in OBJECT.items()}


def in_python(text):
    environment = celpy.Environment()
    return environment.program(environment.compile(text)).evaluate(VALUES)


for text in sys.argv[1:]:
    for name, evaluate in (("cel-python", in_python), ("rust", lambda text: cel.evaluate(text, OBJECT))):
        try:
            value = str(bool(evaluate(text))).lower()
        except Exception:
            value = "error"
        print(f"{text:37} {name} {value}")
PYTHON
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cel-python==0.5.0 common-expression-language==0.10.0

expressions=('has(object.spec.paused)' 'has(object.status.ready)' '[1, 0].exists(n, 1 / n == 1)' '[0, 1].exists(n, 1 / n == 1)')
{
    go run . "${expressions[@]}"
    venv/bin/python main.py "${expressions[@]}"
} | tee seen
diff - seen <<'SEEN'
has(object.spec.paused)               cel-go false
has(object.status.ready)              cel-go error
[1, 0].exists(n, 1 / n == 1)          cel-go true
[0, 1].exists(n, 1 / n == 1)          cel-go true
has(object.spec.paused)               cel-python false
has(object.spec.paused)               rust false
has(object.status.ready)              cel-python false
has(object.status.ready)              rust error
[1, 0].exists(n, 1 / n == 1)          cel-python true
[1, 0].exists(n, 1 / n == 1)          rust true
[0, 1].exists(n, 1 / n == 1)          cel-python true
[0, 1].exists(n, 1 / n == 1)          rust error
SEEN
