#!/usr/bin/env bash
# Version: k8s.io/kubectl v0.34.1, `kubectl get --watch` (pkg/cmd/get/get.go).
#
# A namespace has 501 pods. `kubectl get pods --watch --output-watch-events` prints a name for each.
#
# Expected: 501 lines ADDED with the names of the pods, as `kubectl get pods` prints 501 names.
#
# Seen: two lines ADDED without a name. kubectl reads a list in parts of 500 (--chunk-size), and
# shows the watch each part, a PodList, as if it was one object. A list of 500 pods is shown pod by
# pod, and so is one of 501 with --chunk-size=0.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"

	"k8s.io/kubectl/pkg/cmd"
)

type object = map[string]any

func main() {
	total, _ := strconv.Atoi(os.Args[1])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api":
			json.NewEncoder(w).Encode(object{"kind": "APIVersions", "versions": []string{"v1"}})
		case "/apis":
			json.NewEncoder(w).Encode(object{"kind": "APIGroupList", "apiVersion": "v1", "groups": []object{}})
		case "/api/v1":
			json.NewEncoder(w).Encode(object{"kind": "APIResourceList", "groupVersion": "v1", "resources": []object{
				{"name": "pods", "kind": "Pod", "namespaced": true, "verbs": []string{"list", "watch"}}}})
		default:
			if r.URL.Query().Get("watch") != "" {
				w.WriteHeader(200) // a watch that ends at once
				return
			}
			first, _ := strconv.Atoi(r.URL.Query().Get("continue"))
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
			meta := object{"resourceVersion": "1"}
			last := total
			if limit > 0 && first+limit < total {
				last = first + limit
				meta["continue"] = strconv.Itoa(last)
			}
			items := []object{}
			for i := first; i < last; i++ {
				items = append(items, object{"apiVersion": "v1", "kind": "Pod",
					"metadata": object{"name": fmt.Sprintf("pod-%d", i), "namespace": "default"}})
			}
			json.NewEncoder(w).Encode(object{"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": items})
		}
	}))
	os.Setenv("KUBECONFIG", "/dev/null")
	os.Setenv("NO_PROXY", "127.0.0.1")
	command := cmd.NewDefaultKubectlCommand()
	command.SetArgs(append([]string{"get", "pods", "--server", server.URL, "--watch",
		"--output-watch-events", "-o", "jsonpath={.type} {.object.metadata.name}{\"\\n\"}"}, os.Args[2:]...))
	command.Execute()
}
GO
go mod init example.com/pages 2>/dev/null
go get k8s.io/kubectl/pkg/cmd@v0.34.1 2>/dev/null
go build -o get .
for words in '500' '501' '501 --chunk-size=0'; do
  # shellcheck disable=SC2086 # two words
  ./get $words 2>/dev/null >out || true
  echo "$words: $(grep -c '^ADDED pod-' out || true) pods, $(grep -c '^ADDED $' out || true) without a name"
done | tee seen
diff - seen <<'SEEN'
500: 500 pods, 0 without a name
501: 0 pods, 2 without a name
501 --chunk-size=0: 501 pods, 0 without a name
SEEN
