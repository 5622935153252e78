#!/usr/bin/env bash
# Version: github.com/Masterminds/sprig v2.22.0+incompatible (what Kanister has for its templates).
#
# Kanister hands a template the time of an action as a string, `.Time`. A Blueprint wants its date:
# `{{ .Time | date "2006-01-02" }}`.
#
# Expected: the date of that time, or an error that a string is no time.
#
# Seen: today's date, in silence. `date` takes whatever is no time or number for the present moment.
# On the day of the action the result looks right. `toDate` first gives the date that is meant.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig"
)

func main() {
	for _, text := range []string{
		`{{ .Time | date "2006" }}`,
		`{{ .Time | toDate "2006-01-02T15:04:05Z07:00" | date "2006" }}`,
	} {
		var out strings.Builder
		parsed := template.Must(template.New("").Funcs(sprig.TxtFuncMap()).Parse(text))
		if err := parsed.Execute(&out, map[string]any{"Time": "2001-02-03T04:05:06Z"}); err != nil {
			panic(err)
		}
		year := strings.Replace(out.String(), time.Now().Format("2006"), "the present year", 1)
		fmt.Println(text, "is", year)
	}
}
GO
go mod init example.com/date 2>/dev/null
go get github.com/Masterminds/sprig@v2.22.0+incompatible 2>/dev/null
go mod tidy 2>/dev/null
go run . | tee seen
diff - seen <<'SEEN'
{{ .Time | date "2006" }} is the present year
{{ .Time | toDate "2006-01-02T15:04:05Z07:00" | date "2006" }} is 2001
SEEN
