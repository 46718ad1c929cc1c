package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// MaxBodyBytes is how large a body may be; beyond it the answer is 413.
const MaxBodyBytes = 1 << 20

// body is a JSON object that matches the schema of its operation, so that its accessors need not check. An absent body is
// an empty object.
type body map[string]any

// text returns a string, or "" if it is absent or null.
func (b body) text(name string) string {
	s, _ := b[name].(string)
	return s
}

// id returns a UUID in lower case, or "" if it is absent or null.
func (b body) id(name string) string { return strings.ToLower(b.text(name)) }

// integer returns nil if it is absent or null.
func (b body) integer(name string) *int {
	number, ok := b[name].(json.Number)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(string(number))
	if err != nil { // 10.0 and 1e1 are integers too
		f, _ := number.Float64()
		n = int(f)
	}
	return &n
}

func (b body) boolean(name string) *bool {
	value, ok := b[name].(bool)
	if !ok {
		return nil
	}
	return &value
}

func (b body) object(name string) body {
	value, _ := b[name].(map[string]any)
	return value
}

// texts returns a list of strings, and whether it is there.
func (b body) texts(name string) ([]string, bool) {
	items, present := b[name].([]any)
	return each(items, func(item any) string { s, _ := item.(string); return s }), present
}

// clearableText takes an empty string for a null.
func (b body) clearableText(name string) video.Clearable[string] {
	_, present := b[name]
	c := video.Clearable[string]{Present: present}
	if s := b.text(name); s != "" {
		c.Value = &s
	}
	return c
}

func (b body) clearableInteger(name string) video.Clearable[int] {
	_, present := b[name]
	return video.Clearable[int]{Present: present, Value: b.integer(name)}
}

func orDefault[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

// readBody checks what came as a body against its schema. It also returns the fields the schema does not know. A body that can
// be read comes back even with an error, so that more can be said against it.
func readBody(header http.Header, content []byte, schema *openapi3.Schema) (body, []string, error) {
	var value any = map[string]any{}
	if len(content) > 0 {
		err := checkMediaType(header)
		if err != nil {
			return nil, nil, err
		}
		if value, err = decodeJSON(content); err != nil {
			return nil, nil, err
		}
	}
	object, _ := value.(map[string]any)
	return object, unknownFields(object, schema, ""), refuseBody(schemaFaults(schema.VisitJSON(value, bodyFormats...), nil))
}

func readContent(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, refuse(http.StatusRequestEntityTooLarge, badRequest, "The body is larger than %d bytes.", MaxBodyBytes)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(http.StatusRequestTimeout, requestTimeout, "The body took too long to arrive.")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, badRequest, "The body did not arrive whole.")
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // RFC 8259, section 8.1 lets us ignore a byte order mark
	return bytes.Trim(content, " \t\r\n"), nil
}

// checkMediaType accepts JSON and, since some callers send none, a missing Content-Type.
func checkMediaType(header http.Header) error {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, unsupportedMediaType, "A body with a Content-Encoding is not accepted.")
	}
	declared := header.Get("Content-Type")
	if declared == "" {
		return nil
	}
	mediaType, attributes, err := mime.ParseMediaType(declared)
	if err != nil || mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
		return refuse(http.StatusUnsupportedMediaType, jsonExpected, "The body must be JSON, declared as Content-Type: application/json.")
	}
	if charset := attributes["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return refuse(http.StatusUnsupportedMediaType, unsupportedMediaType, "JSON must be in UTF-8.")
	}
	return nil
}

func decodeJSON(content []byte) (any, error) {
	if !utf8.Valid(content) {
		return nil, refuse(http.StatusBadRequest, characterEncoding, "The body is not UTF-8.")
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		detail := strings.TrimPrefix(err.Error(), "json: ")
		if errors.Is(err, io.ErrUnexpectedEOF) {
			detail = "it ends too early"
		}
		return nil, refuse(http.StatusBadRequest, invalidJSON, "The body is not JSON: %s.", detail)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, refuse(http.StatusBadRequest, invalidJSON, "The body goes on after its JSON value.")
	}
	return value, nil
}

// unknownFields lists the fields of value that schema does not name, as JSON pointers without the leading slash.
func unknownFields(value map[string]any, schema *openapi3.Schema, prefix string) []string {
	var unknown []string
	for name, field := range value {
		known := schema.Properties[name]
		if known == nil {
			known = schema.AdditionalProperties.Schema
		}
		if known == nil {
			unknown = append(unknown, prefix+escapePointer(name))
			continue
		}
		if object, ok := field.(map[string]any); ok && known.Value.Type.Includes("object") {
			unknown = append(unknown, unknownFields(object, known.Value, prefix+escapePointer(name)+"/")...)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// joinUnknown renders unknown fields for a header. It names at most 20, each of at most 100 bytes.
func joinUnknown(fields []string) string {
	const most, longest = 20, 100
	named := make([]string, 0, most+1)
	for _, field := range fields {
		if len(named) == most {
			named = append(named, "...")
			break
		}
		escaped := strings.ReplaceAll(url.PathEscape(field), "%2F", "/")
		if len(escaped) > longest {
			escaped = escaped[:longest] + "..."
		}
		named = append(named, escaped)
	}
	return strings.Join(named, ", ")
}

func escapePointer(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}
