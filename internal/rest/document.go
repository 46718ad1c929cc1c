package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/api"
)

// document is the OpenAPI document in the forms that are needed of it.
type document struct {
	parsed *openapi3.T
	yaml   []byte
	json   []byte
}

// loadDocument leaves validation to the tests: it takes longer than all the rest of a start.
func loadDocument(source []byte) (*document, error) {
	parsed, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	asJSON, err := json.Marshal(parsed)
	if err != nil {
		return nil, fmt.Errorf("render OpenAPI document: %w", err)
	}
	return &document{parsed: parsed, yaml: source, json: asJSON}, nil
}

// served is the document of this build, which every entrance reads and none changes.
var served = sync.OnceValues(func() (*document, error) { return loadDocument(api.OpenAPI) })

// operations is what serves the document.
func (d *document) operations() []*operation {
	file := func(contentType string, content []byte) func(*request) (answer, error) {
		return func(*request) (answer, error) {
			return answer{status: http.StatusOK, raw: content, contentType: contentType}, nil
		}
	}
	return []*operation{
		{method: "GET", path: "/openapi.yaml", public: true, do: file("application/yaml", d.yaml)},
		{method: "GET", path: "/openapi.json", public: true, do: file("application/json", d.json)},
	}
}

// resources groups operations by path and gives each what the document says of it. Document and operations must agree.
func (d *document) resources(operations []*operation) (map[string]*resource, error) {
	resources := make(map[string]*resource)
	for _, op := range operations {
		documented := d.find(op)
		if documented == nil {
			return nil, fmt.Errorf("%s %s is not documented", op.method, op.path)
		}
		if public := documented.Security != nil && len(*documented.Security) == 0; public != op.public {
			return nil, fmt.Errorf("%s %s: the document says otherwise who may call it", op.method, op.path)
		}
		if err := op.agree(documented); err != nil {
			return nil, err
		}
		if documented.RequestBody != nil {
			op.body = documented.RequestBody.Value.Content.Get("application/json").Schema.Value
		}
		op.idName = pathParameter(op.path)
		if resources[op.path] == nil {
			resources[op.path] = &resource{operations: make(map[string]*operation)}
		}
		resources[op.path].operations[op.method] = op
		resources[op.path].anyOrigin = resources[op.path].anyOrigin || op.anyOrigin
	}
	for path, item := range d.parsed.Paths.Map() {
		for method := range item.Operations() {
			if resources[path] == nil || resources[path].operations[method] == nil {
				return nil, fmt.Errorf("%s %s is documented but not served", method, path)
			}
		}
	}
	return resources, nil
}

// agree holds an operation against what the document says of its protection, and takes its cost from there.
func (op *operation) agree(documented *openapi3.Operation) error {
	said, _ := documented.Extensions["x-right"].(string)
	cost, _ := documented.Extensions["x-endpoint-cost"].(string)
	op.weight = weights[cost]
	changes := op.right.changes() && op.method != http.MethodGet || op.changesSession
	switch {
	case right(said) != op.right, (op.right == "") != op.public:
		return fmt.Errorf("%s %s needs the right %q, and the document says %q", op.method, op.path, op.right, said)
	case !op.public && op.weight == 0:
		return fmt.Errorf("%s %s: the document does not say what it costs", op.method, op.path)
	case changes != (op.action != ""):
		return fmt.Errorf("%s %s: changes, and nothing else, have an action in the audit log", op.method, op.path)
	}
	return nil
}

func (d *document) find(op *operation) *openapi3.Operation {
	item := d.parsed.Paths.Value(op.path)
	if item == nil {
		return nil
	}
	return item.GetOperation(op.method)
}

// pathParameter returns the name between braces in path, or "". No path has more than one.
func pathParameter(path string) string {
	_, after, _ := strings.Cut(path, "{")
	name, _, _ := strings.Cut(after, "}")
	return name
}
