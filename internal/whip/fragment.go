package whip

import (
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// credentials are a client's ICE credentials.
type credentials struct{ ufrag, password string }

// fragment is what a PATCH tells of a client's ICE (RFC 8840, section 9), by the mid of the line it is about; the empty mid
// is that of the whole session. Candidates are only looked at: the server waits for checks, wherever they come from.
type fragment map[string]*credentials

// of returns the credentials that are given for a line.
func (f fragment) of(mid string) (credentials, error) {
	found := credentials{}
	for _, section := range []string{mid, ""} {
		if given := f[section]; given != nil {
			if found.ufrag == "" {
				found.ufrag = given.ufrag
			}
			if found.password == "" {
				found.password = given.password
			}
		}
	}
	if found.ufrag == "" || found.password == "" {
		return credentials{}, malformed("it needs ice-ufrag and ice-pwd")
	}
	return found, nil
}

// parseFragment reads a body of type application/trickle-ice-sdpfrag.
func parseFragment(text string) (fragment, error) {
	f, section := fragment{}, &credentials{}
	f[""] = section
	named := true // whether the section has its mid; that of the session needs none
	for line := range strings.Lines(text) {
		kind, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		switch {
		case kind == "" && !ok:
		case kind == "m" && !named:
			return nil, malformed("a media line has no mid")
		case kind == "m":
			section, named = &credentials{}, false
		case kind != "a" || value == "":
			return nil, malformed("%q is neither an attribute nor a media line", kind)
		default:
			key, value, _ := strings.Cut(value, ":")
			if key == "mid" {
				if named || value == "" || f[value] != nil {
					return nil, malformed("the mid %q is out of place", value)
				}
				f[value], named = section, true
			}
			if err := section.read(key, value); err != nil {
				return nil, err
			}
		}
	}
	if !named {
		return nil, malformed("a media line has no mid")
	}
	return f, nil
}

// read takes an attribute in.
func (c *credentials) read(key, value string) error {
	switch key {
	case "ice-ufrag":
		if !iceText(value, 4) {
			return malformed("the ice-ufrag is not of 4 to 256 letters, digits, + or /")
		}
		c.ufrag = value
	case "ice-pwd":
		if !iceText(value, 22) {
			return malformed("the ice-pwd is not of 22 to 256 letters, digits, + or /")
		}
		c.password = value
	case "candidate":
		if !isCandidate(value) {
			return malformed("the candidate %q cannot be read", value)
		}
	}
	return nil
}

// iceText reports whether s is of the alphabet of ICE and of a good length (RFC 8839, section 5.4).
func iceText(s string, least int) bool {
	return len(s) >= least && len(s) <= 256 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") == ""
}

// isCandidate reports whether a candidate has its fields (RFC 8839, section 5.1). Which transport and what kind of address it
// names does not matter: unknown ones are passed over.
func isCandidate(value string) bool {
	fields := strings.Fields(value)
	if len(fields) < 8 || fields[6] != "typ" {
		return false
	}
	for i, bits := range map[int]int{1: 9, 3: 32, 5: 16} { // component, priority, port
		if _, err := strconv.ParseUint(fields[i], 10, bits); err != nil {
			return false
		}
	}
	return true
}

func malformed(format string, args ...any) error {
	return video.Errorf(video.CodeInvalid, "the body is no fragment of SDP: "+format, args...)
}

// fragmentOf is what an answer says of the server's ICE. The attributes of the session are repeated as they were.
func fragmentOf(answer string) (string, error) {
	var description sdp.SessionDescription
	if err := description.UnmarshalString(answer); err != nil {
		return "", err
	}
	var b strings.Builder
	write := func(attributes []sdp.Attribute, keys string) {
		for _, a := range attributes {
			if strings.Contains(keys, " "+a.Key+" ") {
				b.WriteString("a=" + a.String() + "\r\n")
			}
		}
	}
	write(description.Attributes, " ice-lite ice-options ice-pacing group ")
	for _, line := range description.MediaDescriptions {
		if line.MediaName.Port.Value != 0 { // the others share its transport
			b.WriteString("m=" + line.MediaName.String() + "\r\n")
			write(line.Attributes, " mid ice-ufrag ice-pwd candidate end-of-candidates ")
			break
		}
	}
	return b.String(), nil
}
