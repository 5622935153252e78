#!/usr/bin/env bash
# Versions: github.com/Masterminds/sprig v2.22.0+incompatible (what Kanister has for its templates)
# and github.com/Masterminds/sprig/v3 v3.3.0 (what Helm has).
#
# A template computes with numbers that it has as text, such as the hour of a timestamp: 07, 08.
#
# Expected: both give the same numbers, 7 and 8; the newer one at least is not worse.
#
# Seen: version 3 reads a leading zero as octal, and what then is no number as 0, in silence: 08 is
# 0, 010 is 8. Version 2 reads decimal numbers. So a template that is right in a Blueprint is wrong
# in the chart that renders the Blueprint. `atoi` and `float64` read decimal numbers in both.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"text/template"

	v2 "github.com/Masterminds/sprig"
	v3 "github.com/Masterminds/sprig/v3"
)

const text = `{{ range list "07" "08" "010" -}}
{{ . }}: int {{ int . }}, add 0 {{ add 0 . }}, atoi {{ atoi . }}, float64 {{ float64 . }}
{{ end }}`

func main() {
	for name, funcs := range []template.FuncMap{2: v2.TxtFuncMap(), 3: v3.TxtFuncMap()} {
		if funcs == nil {
			continue
		}
		fmt.Println("version", name)
		parsed := template.Must(template.New("").Funcs(funcs).Parse(text))
		if err := parsed.Execute(os.Stdout, nil); err != nil {
			panic(err)
		}
	}
}
GO
go mod init example.com/octal 2>/dev/null
go get github.com/Masterminds/sprig@v2.22.0+incompatible github.com/Masterminds/sprig/v3@v3.3.0 \
    2>/dev/null
go mod tidy 2>/dev/null
go run . | tee seen
diff - seen <<'SEEN'
version 2
07: int 7, add 0 7, atoi 7, float64 7
08: int 8, add 0 8, atoi 8, float64 8
010: int 10, add 0 10, atoi 10, float64 10
version 3
07: int 7, add 0 7, atoi 7, float64 7
08: int 0, add 0 0, atoi 8, float64 8
010: int 8, add 0 8, atoi 10, float64 10
SEEN
