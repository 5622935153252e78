// What Go makes of the rows in tests/differential/go_*.json; each file is written anew with its answers.
//
// YAML is read as kubectl reads it, JSONPath parsed as Kubernetes parses it, and templates are
// rendered with sprig 2.22.0 as Kanister renders them. `make differential` runs it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"differential/param"

	"github.com/Masterminds/sprig"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/util/jsonpath"
)

const object = `{"kind": "Kafka", "metadata": {"name": "my-cluster"}, "spec": {"replicas": 3,
"ratio": 2.5, "million": 1500000.5, "tiny": 1e-7, "nothing": null, "list": ["a", "b", "c"],
"nums": [1, 2, 3], "none": [], "mixed": [1, "a", null, true, 2.5, {"k": "v"}, [1]],
"map": {"k2": "v2", "k1": "v1"}, "deep": {"a": {"b": "end"}}}}`

var failed = regexp.MustCompile(`(?s)^template: [^:]+:(\d+):\d+: executing ".*?" at <(.*?)>: (.*)$`)

type row = []any

func main() {
	folder := os.Args[1]
	rewrite(filepath.Join(folder, "go_yaml.json"), func(rows map[string][]row) {
		for _, each := range rows["read"] {
			each[1] = documents(each[0].(string))
		}
	})
	rewrite(filepath.Join(folder, "go_jsonpath.json"), func(rows map[string][]row) {
		for _, each := range rows["parsed"] {
			each[1] = parses(each[0].(string))
		}
	})
	rewrite(filepath.Join(folder, "go_templates.json"), func(rows map[string][]row) {
		all := append(rows["rendered"], rows["failed"]...)
		rows["rendered"], rows["failed"] = nil, nil
		for _, each := range all {
			text := each[0].(string)
			made, err := render(text)
			if err == nil {
				rows["rendered"] = append(rows["rendered"], row{text, made})
			} else if found := failed.FindStringSubmatch(err.Error()); found != nil {
				line, _ := strconv.Atoi(found[1])
				rows["failed"] = append(rows["failed"], row{text, line, found[2], found[3]})
			} else {
				log.Fatalf("%s: %v", text, err)
			}
		}
	})
}

// documents returns the objects of a text, or nil where it is refused.
func documents(text string) any {
	found := []any{}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			return nil
		}
		var value any
		numbers := json.NewDecoder(bytes.NewReader(raw))
		numbers.UseNumber()
		if numbers.Decode(&value) == nil && value != nil {
			found = append(found, value)
		}
	}
}

func parses(path string) bool {
	return jsonpath.New("").Parse("{"+strings.TrimSpace(path)+"}") == nil
}

func render(text string) (string, error) {
	data := param.TemplateParams{
		Options: map[string]string{"n": "12", "empty": ""},
		Pods:    []string{"p-0", "p-1"},
	}
	if err := utiljson.Unmarshal([]byte(object), &data.Object); err != nil {
		log.Fatal(err)
	}
	parsed, err := template.New("config").Option("missingkey=error").Funcs(sprig.TxtFuncMap()).Parse(text)
	if err != nil {
		return "", err
	}
	var made bytes.Buffer
	err = parsed.Execute(&made, data)
	return made.String(), err
}

// rewrite answers the rows of a file, one on a line.
func rewrite(path string, answer func(map[string][]row)) {
	raw, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	rows := map[string][]row{}
	if err := json.Unmarshal(raw, &rows); err != nil {
		log.Fatal(err)
	}
	answer(rows)
	var made strings.Builder
	made.WriteString("{")
	for i, name := range sorted(rows) {
		made.WriteString(strings.Repeat(",", min(i, 1)) + "\n  " + line(name) + ": [\n")
		for j, each := range rows[name] {
			cells := make([]string, len(each))
			for k, cell := range each {
				cells[k] = line(cell)
			}
			made.WriteString("    [" + strings.Join(cells, ", ") + "]")
			made.WriteString(map[bool]string{true: ",\n", false: "\n"}[j+1 < len(rows[name])])
		}
		made.WriteString("  ]")
	}
	made.WriteString("\n}\n")
	if err := os.WriteFile(path, []byte(made.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

func sorted(rows map[string][]row) []string {
	names := []string{}
	for _, name := range []string{"parsed", "read", "rendered", "failed"} {
		if _, there := rows[name]; there {
			names = append(names, name)
		}
	}
	return names
}

func line(value any) string {
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		log.Fatal(err)
	}
	return strings.TrimSpace(made.String())
}
