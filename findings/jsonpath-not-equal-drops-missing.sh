#!/usr/bin/env bash
# Version: k8s.io/client-go v0.34.1, util/jsonpath (what `kubectl get -o jsonpath` runs).
#
# A filter lists the topics whose annotation `managed` is not "false". One topic says "true", one
# says "false", one has no such annotation.
#
# Expected: the topic without the annotation is listed: nothing is not equal to "false". RFC 9535
# says so too.
#
# Seen: with AllowMissingKeys, which kubectl sets, the topic is left out in silence: == and != are
# both false for it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/client-go/util/jsonpath"
)

const topics = `{"items": [
	{"name": "yes", "annotations": {"managed": "true"}},
	{"name": "no", "annotations": {"managed": "false"}},
	{"name": "silent", "annotations": {}}]}`

func main() {
	var data any
	if err := json.Unmarshal([]byte(topics), &data); err != nil {
		panic(err)
	}
	for _, operator := range []string{"==", "!="} {
		path := jsonpath.New("filter").AllowMissingKeys(true)
		err := path.Parse(`{.items[?(@.annotations.managed` + operator + `"false")].name}`)
		if err != nil {
			panic(err)
		}
		fmt.Print(operator, " ")
		if err := path.Execute(os.Stdout, data); err != nil {
			panic(err)
		}
		fmt.Println()
	}
}
GO
go mod init example.com/filter 2>/dev/null
go get k8s.io/client-go/util/jsonpath@v0.34.1 2>/dev/null
go run . | tee seen
diff - seen <<'SEEN'
== no
!= yes
SEEN
