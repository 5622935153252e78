#!/usr/bin/env bash
# Version: github.com/magiconair/properties v1.8.7.
#
# A properties file of a Kafka client takes its password from a configuration provider, as Strimzi's
# documents show: `${strimzienv:PASSWORD}`, `${secrets:kafka/user:password}`. Kafka resolves it when
# the client starts; java.util.Properties leaves it alone.
#
# Expected: a Go program that reads the file gets the text as it stands, or an error.
#
# Seen: the library takes `${...}` for the name of another key or of an environment variable. No
# variable has such a name, so the value is empty, in silence. `DisableExpansion` has to be set.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/magiconair/properties"
)

const file = `
ssl.keystore.password=${strimzienv:PASSWORD}
sasl.jaas.config=Login required password="${secrets:kafka/user:password}";
`

func main() {
	for _, disabled := range []bool{false, true} {
		loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: disabled}
		read, err := loader.LoadBytes([]byte(file))
		if err != nil {
			panic(err)
		}
		fmt.Println("disabled:", disabled)
		for _, key := range read.Keys() {
			fmt.Printf("%s=%s\n", key, read.GetString(key, "missing"))
		}
	}
}
GO
go mod init example.com/provider 2>/dev/null
go get github.com/magiconair/properties@v1.8.7 2>/dev/null
go run . | tee seen
diff - seen <<'SEEN'
disabled: false
ssl.keystore.password=
sasl.jaas.config=Login required password="";
disabled: true
ssl.keystore.password=${strimzienv:PASSWORD}
sasl.jaas.config=Login required password="${secrets:kafka/user:password}";
SEEN
