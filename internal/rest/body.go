package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
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

// readBody checks what came as a body against its schema. It also returns the fields the schema does not know.
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
	unknown := unknownFields(object, schema, "")
	if faults := schemaFaults(schema.VisitJSON(value, bodyFormats...)); len(faults) > 0 {
		return nil, unknown, &refusal{http.StatusUnprocessableEntity, faults}
	}
	return object, unknown, nil
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
			unknown = append(unknown, prefix+escapePointer(name))
			continue
		}
		if object, ok := field.(map[string]any); ok && known.Value.Type.Is("object") {
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

// bodyFormats are the settings all bodies are checked with.
var bodyFormats = []openapi3.SchemaValidationOption{
	openapi3.MultiErrors(),
	openapi3.WithStringFormatValidator("uri", openapi3.NewCallbackValidator(checkURL)),
	openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(checkUUID)),
}

// checkURL accepts what a webhook can be posted to.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Hostname() == "", !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https"),
		utf8.RuneCountInString(s) > video.MaxURLLength:
		return errors.New("no absolute http or https URL")
	}
	return nil
}

func checkUUID(s string) error {
	if !video.IsUUID(strings.ToLower(s)) {
		return errors.New("no UUID")
	}
	return nil
}

// schemaFaults translates what the validator found into one fault for each field, in the order of their pointers.
func schemaFaults(err error) []fault {
	var faults []fault
	switch err := err.(type) { //nolint:errorlint // what a SchemaError wraps are the branches of its anyOf
	case nil:
	case openapi3.MultiError:
		for _, each := range err {
			faults = append(faults, schemaFaults(each)...)
		}
	case *openapi3.SchemaError:
		if f, ok := schemaFault(err); ok {
			faults = append(faults, f)
		}
	default:
		faults = append(faults, fault{kind: unprocessable, detail: "The body does not match its schema."})
	}
	slices.SortStableFunc(faults, func(a, b fault) int {
		return strings.Compare(orDefault(a.pointer, ""), orDefault(b.pointer, ""))
	})
	return slices.CompactFunc(faults, func(a, b fault) bool {
		return a.kind == b.kind && orDefault(a.pointer, "") == orDefault(b.pointer, "")
	})
}

func schemaFault(err *openapi3.SchemaError) (fault, bool) {
	schema, keyword := err.Schema, err.SchemaField
	if keyword == "anyOf" {
		// The first alternative is the one people mean; say what it lacks.
		first := schema.AnyOf[0].Value
		if inner, ok := errors.AsType[*openapi3.SchemaError](first.VisitJSON(err.Value, bodyFormats...)); ok {
			schema, keyword = first, inner.SchemaField
		}
	}
	if s, ok := err.Value.(string); ok && fitsInCharacters(s, schema, keyword) {
		return fault{}, false
	}
	var tokens []string
	for _, token := range err.JSONPointer() {
		tokens = append(tokens, escapePointer(token))
	}
	pointer, name := "", "The body"
	if len(tokens) > 0 {
		pointer = "/" + strings.Join(tokens, "/")
		name = strings.Join(tokens, "/")
	}
	f := fault{kind: kindOfKeyword(keyword, schema), pointer: &pointer}
	switch keyword {
	case "required":
		f.detail = name + " is required."
	case "pattern":
		f.detail = name + " has characters that are not allowed."
	default:
		f.detail = fmt.Sprintf("%s must be %s.", name, expectation(schema))
	}
	return f, true
}

// fitsInCharacters overrules the validator, which counts UTF-16 units where the document counts characters.
func fitsInCharacters(s string, schema *openapi3.Schema, keyword string) bool {
	return keyword == "maxLength" && schema.MaxLength != nil && uint64(utf8.RuneCountInString(s)) <= *schema.MaxLength
}

func kindOfKeyword(keyword string, schema *openapi3.Schema) kind {
	switch keyword {
	case "type", "nullable":
		return invalidType
	case "required":
		return missingParameter
	case "minimum", "maximum":
		return outsideRange
	case "minLength", "maxLength":
		return stringLength
	case "enum":
		return invalidEnum
	case "pattern":
		return badRequest
	case "format":
		switch schema.Format {
		case "uri":
			return invalidURL
		case "uuid":
			return invalidID
		}
	}
	return unprocessable
}

// expectation says in words what a value must be.
func expectation(schema *openapi3.Schema) string {
	var words string
	switch {
	case schema.Type.Includes("integer") && schema.Min != nil && schema.Max != nil:
		words = fmt.Sprintf("an integer from %v to %v", *schema.Min, *schema.Max)
	case schema.Type.Includes("integer"):
		words = "an integer"
	case schema.Type.Includes("boolean"):
		words = "true or false"
	case schema.Type.Includes("object"):
		words = "a JSON object"
	case schema.Format == "uri":
		words = fmt.Sprintf("an absolute http or https URL of at most %d characters", video.MaxURLLength)
	case schema.Format == "uuid":
		words = "a UUID"
	default:
		words = "a string"
		if low, high := schema.MinLength, orDefault(schema.MaxLength, math.MaxUint64); high < math.MaxUint64 {
			words += fmt.Sprintf(" of %d to %d characters", low, high)
		} else if low > 0 {
			words += fmt.Sprintf(" of at least %d characters", low)
		}
	}
	if schema.Type.IncludesNull() {
		words += ", or null"
	}
	return words
}
