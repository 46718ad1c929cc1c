// Package api holds the contracts of the product as files, for the server that follows them and the tests that hold it
// to them.
package api

import _ "embed"

// OpenAPI is the REST API as an OpenAPI 3.1 document in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte

// SignallingSchema is the JSON Schema of every frame of the native signalling protocol; signalling.md gives the meaning.
//
//go:embed signalling.schema.json
var SignallingSchema []byte

// EventsSchema is the JSON Schema of the body of every request to a webhook.
//
//go:embed events.schema.json
var EventsSchema []byte
