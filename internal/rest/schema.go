package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// bodyFormats are the settings all bodies are checked with.
var bodyFormats = []openapi3.SchemaValidationOption{
	openapi3.MultiErrors(),
	openapi3.WithStringFormatValidator("uri", openapi3.NewCallbackValidator(checkURL)),
	openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(checkUUID)),
	openapi3.WithStringFormatValidator("resolution", openapi3.NewCallbackValidator(checkResolution)),
	openapi3.WithStringFormatValidator("source", openapi3.NewCallbackValidator(checkSource)),
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

// checkSource accepts what a composition can be made of.
func checkSource(s string) error {
	if s == video.AllSources {
		return nil
	}
	return checkUUID(s)
}

// refuseBody is no error if there are no faults.
func refuseBody(faults []fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &refusal{status: http.StatusUnprocessableEntity, faults: faults}
}

// schemaFaults translates what the validator found in a value, which stands at some place of the body, into one fault for
// each field, in the order of their pointers.
func schemaFaults(err error, at []string) []fault {
	var faults []fault
	switch err := err.(type) { //nolint:errorlint // what a SchemaError wraps are the branches of its anyOf
	case nil:
	case openapi3.MultiError:
		for _, each := range err {
			faults = append(faults, schemaFaults(each, at)...)
		}
	case *openapi3.SchemaError:
		faults = schemaFault(err, slices.Concat(at, err.JSONPointer()))
	default:
		faults = append(faults, fault{kind: unprocessable, detail: "The body does not match its schema."})
	}
	return inOrder(faults)
}

// inOrder sorts faults by where they are, and keeps one of each kind for a field.
func inOrder(faults []fault) []fault {
	slices.SortStableFunc(faults, func(a, b fault) int {
		return strings.Compare(orDefault(a.pointer, ""), orDefault(b.pointer, ""))
	})
	return slices.CompactFunc(faults, func(a, b fault) bool {
		return a.kind == b.kind && orDefault(a.pointer, "") == orDefault(b.pointer, "")
	})
}

func schemaFault(err *openapi3.SchemaError, at []string) []fault {
	schema, keyword := err.Schema, err.SchemaField
	if keyword == "anyOf" {
		if meant := alternative(schema, err.Value); meant != nil {
			return alternativeFaults(schema, meant, err.Value, at)
		}
		keyword = "type"
	}
	text, isText := err.Value.(string)
	if isText && fitsInCharacters(text, schema, keyword) {
		return nil
	}
	f := faultAt(at, kindOfKeyword(keyword, schema), "")
	switch name := nameOf(at); keyword {
	case "required":
		f.detail = name + " is required."
	case "pattern":
		f.detail = name + " has characters that are not allowed."
	default:
		f.detail = fmt.Sprintf("%s must be %s.", name, expectation(schema))
	}
	if keyword == "format" && schema.Format == "resolution" && !isResolution(text) {
		f.kind = badRequest
	}
	return []fault{f}
}

// alternative is what a value is meant to be: the first alternative of its type, or nil.
func alternative(schema *openapi3.Schema, value any) *openapi3.Schema {
	for _, each := range schema.AnyOf {
		if each.Value.Type.Includes(typeOf(value)) {
			return each.Value
		}
	}
	return nil
}

// alternativeFaults says what a value lacks to be what it is meant to be. A value that is wrong as a whole is told all it
// may be.
func alternativeFaults(schema, meant *openapi3.Schema, value any, at []string) []fault {
	faults := schemaFaults(meant.VisitJSON(value, bodyFormats...), at)
	for i, f := range faults {
		if f.kind == invalidEnum && orDefault(f.pointer, "") == pointerTo(at) {
			faults[i].detail = fmt.Sprintf("%s must be %s.", nameOf(at), expectation(schema))
		}
	}
	return faults
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		return "integer"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// faultAt is a fault of the field that the tokens lead to; without any, of the body itself.
func faultAt(tokens []string, k kind, detail string) fault {
	pointer := pointerTo(tokens)
	return fault{kind: k, pointer: &pointer, detail: detail}
}

func pointerTo(tokens []string) string {
	var pointer strings.Builder
	for _, token := range tokens {
		pointer.WriteString("/" + escapePointer(token))
	}
	return pointer.String()
}

func nameOf(tokens []string) string {
	if len(tokens) == 0 {
		return "The body"
	}
	return pointerTo(tokens)[1:]
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
	case "minimum", "maximum", "minItems", "maxItems", "minProperties", "maxProperties":
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
		case "uuid", "source":
			return invalidID
		case "resolution":
			return outsideRange
		}
	}
	return unprocessable
}

// expectation says in words what a value must be.
func expectation(schema *openapi3.Schema) string {
	if len(schema.AnyOf) > 0 {
		return expectationOfAny(schema.AnyOf)
	}
	var words string
	switch {
	case len(schema.Enum) > 0:
		words = oneOf(schema.Enum)
	case schema.Type.Includes("integer") && schema.Min != nil && schema.Max != nil:
		words = fmt.Sprintf("an integer from %v to %v", *schema.Min, *schema.Max)
	case schema.Type.Includes("integer"):
		words = "an integer"
	case schema.Type.Includes("boolean"):
		words = "true or false"
	case schema.Type.Includes("array"):
		words = "an array" + atMost(schema.MaxItems) + ", each " + expectation(schema.Items.Value)
	case schema.Type.Includes("object"):
		words = "a JSON object" + atMost(schema.MaxProps)
	default:
		words = expectationOfText(schema)
	}
	if schema.Type.IncludesNull() {
		words += ", or null"
	}
	return words
}

// expectationOfAny names one alternative of each type.
func expectationOfAny(alternatives openapi3.SchemaRefs) string {
	var words []string
	for i, each := range alternatives {
		if !slices.ContainsFunc(alternatives[:i], func(before *openapi3.SchemaRef) bool {
			return before.Value.Type.Includes(each.Value.Type.Slice()[0])
		}) {
			words = append(words, expectation(each.Value))
		}
	}
	return strings.Join(words, "; or ")
}

func expectationOfText(schema *openapi3.Schema) string {
	low, high := schema.MinLength, orDefault(schema.MaxLength, math.MaxUint64)
	switch {
	case schema.Format == "uri":
		return fmt.Sprintf("an absolute http or https URL of at most %d characters", video.MaxURLLength)
	case schema.Format == "uuid":
		return "a UUID"
	case schema.Format == "source":
		return "the UUID of a recording or " + video.AllSources
	case schema.Format == "resolution":
		return fmt.Sprintf("WIDTHxHEIGHT, each from %d to %d and together at most %d pixels",
			video.MinFrameSide, video.MaxFrameSide, video.MaxFramePixels)
	case high < math.MaxUint64:
		return fmt.Sprintf("a string of %d to %d characters", low, high)
	case low > 0:
		return fmt.Sprintf("a string of at least %d characters", low)
	}
	return "a string"
}

// oneOf lists the values that are not null, which is told apart.
func oneOf(values []any) string {
	var named []string
	for _, value := range values {
		if value != nil {
			named = append(named, fmt.Sprint(value))
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	return "one of " + strings.Join(named, ", ")
}

func atMost(n *uint64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf(" of at most %d", *n)
}
