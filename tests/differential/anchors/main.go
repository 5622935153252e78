// What tools of Kubernetes read from a stream of YAML documents, as JSON: with the decoder of
// kubectl, Argo CD and Flux, and with the library of Helm and of the controllers.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	decoder "k8s.io/apimachinery/pkg/util/yaml"
	library "sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	found := map[string][]json.RawMessage{"decoder": decoded(text), "library": converted(text)}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

func decoded(text []byte) (found []json.RawMessage) {
	stream := decoder.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var one json.RawMessage
		if err := stream.Decode(&one); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			log.Fatal(err)
		}
		found = append(found, one)
	}
}

func converted(text []byte) (found []json.RawMessage) {
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		one, err := library.YAMLToJSON(document)
		if err != nil {
			log.Fatal(err)
		}
		found = append(found, one)
	}
	return found
}
