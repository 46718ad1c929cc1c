package whip

import (
	"net/http"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// showWHIP serves GET, which must succeed although there is nothing to see (RFC 9725, section 4.1).
func (h *Handler) showWHIP(w http.ResponseWriter, req *http.Request) error {
	if _, err := h.authorize(req); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// showWHEP serves GET and HEAD, by which players find out that an address is one of WHEP.
func (h *Handler) showWHEP(w http.ResponseWriter, req *http.Request) error {
	if _, err := h.authorize(req); err != nil {
		return err
	}
	w.Header().Set("Content-Type", sdpType)
	w.WriteHeader(http.StatusOK)
	return nil
}

// showResource serves GET of a resource, or of a stream, whose path looks the same.
func (h *Handler) showResource(w http.ResponseWriter, req *http.Request) error {
	_, err := h.find(req)
	if video.CodeOf(err) == video.CodeNotFound && video.IsUUID(req.PathValue("name")) {
		return h.showWHEP(w, req)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// iceLinks are the Link headers of one answer, with credentials for whoever has the token.
func (h *Handler) iceLinks(grant video.Grant) []string {
	if h.config.Relay == nil {
		return h.links
	}
	own, _ := h.config.Relay(grant.Family)
	return append(links(own), h.links...)
}

// links are the Link headers that name ICE servers (RFC 9725, section 4.6).
func links(servers []video.ICEServer) (links []string) {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for _, server := range servers {
		for _, url := range server.URLs {
			link := "<" + url + `>; rel="ice-server"`
			if server.Username != "" {
				link += `; username="` + quote.Replace(server.Username) + `"; credential="` + quote.Replace(server.Credential) +
					`"; credential-type="password"`
			}
			links = append(links, link)
		}
	}
	return links
}
