#!/usr/bin/env bash
# Versions: ruamel.yaml 0.18.6 with ruamel.yaml.clib 0.2.15, PyYAML 6.0.2 (PyPI);
# sigs.k8s.io/yaml v1.6.0.
#
# A file of Kubernetes objects defines an anchor of one name twice. YAML 1.1 and 1.2 allow it: an
# alias means the last one before it.
#
# Expected: each reader gives 2 for the alias; and ruamel.yaml's safe loader, which is for YAML 1.2,
# gives the same with and without its part in C.
#
# Seen: what kubectl reads with, sigs.k8s.io/yaml, gives 2. PyYAML raises ComposerError. ruamel.yaml
# gives 2 in pure Python, and raises ComposerError in C. Its default for `safe` is C where clib is
# installed, so whether a file can be read depends on the machine.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
    ruamel.yaml==0.18.6 ruamel.yaml.clib==0.2.15 PyYAML==6.0.2
cat >values.yaml <<'YAML'
broker: &replicas 3
controller: &replicas 2
standby: *replicas
YAML
cat >read.py <<'PY'
import warnings

import yaml
from ruamel.yaml import YAML

warnings.simplefilter("ignore")
for name, load in (
    ("PyYAML", yaml.safe_load),
    ("ruamel.yaml", YAML(typ="safe").load),
    ("ruamel.yaml pure", YAML(typ="safe", pure=True).load),
):
    with open("values.yaml") as file:
        try:
            print(name, load(file)["standby"])
        except Exception as error:
            print(name, type(error).__name__)
PY
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	text, err := os.ReadFile("values.yaml")
	if err != nil {
		panic(err)
	}
	var values map[string]any
	fmt.Println("sigs.k8s.io/yaml", yaml.UnmarshalStrict(text, &values), values["standby"])
}
GO
go mod init example.com/anchor 2>/dev/null
go get sigs.k8s.io/yaml@v1.6.0 2>/dev/null
{ venv/bin/python read.py; go run .; } | tee seen
diff - seen <<'SEEN'
PyYAML ComposerError
ruamel.yaml ComposerError
ruamel.yaml pure 2
sigs.k8s.io/yaml <nil> 2
SEEN
