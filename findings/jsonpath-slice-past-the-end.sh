#!/usr/bin/env bash
# Version: k8s.io/client-go v0.34.1, util/jsonpath (what `kubectl get -o jsonpath` runs).
#
# A template prints the first five items of a list, `{.items[0:5]}`; the list has three.
#
# Expected: a slice ends where the list ends, as in RFC 9535, Python and JavaScript: three items.
#
# Seen: the error `array index out of bounds: index 4, length 3`. AllowMissingKeys, which kubectl
# sets, does not help.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"k8s.io/client-go/util/jsonpath"
)

func main() {
	data := map[string]any{"items": []any{"a", "b", "c"}}
	for _, text := range []string{"{.items[0:3]}", "{.items[1:]}", "{.items[0:5]}"} {
		path := jsonpath.New("slice").AllowMissingKeys(true)
		if err := path.Parse(text); err != nil {
			panic(err)
		}
		fmt.Print(text, " ")
		if err := path.Execute(os.Stdout, data); err != nil {
			fmt.Print("error: ", err)
		}
		fmt.Println()
	}
}
GO
go mod init example.com/slice 2>/dev/null
go get k8s.io/client-go/util/jsonpath@v0.34.1 2>/dev/null
go run . | tee seen
diff - seen <<'SEEN'
{.items[0:3]} a b c
{.items[1:]} b c
{.items[0:5]} error: array index out of bounds: index 4, length 3
SEEN
