package sfu

import "strings"

// offerText is a small whole offer with one VP8 line a client sends on for each mid.
func offerText(mids ...string) string {
	lines := []string{"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE " + strings.Join(mids, " ")}
	for _, mid := range mids {
		lines = append(lines, "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=mid:"+mid, "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx",
			"a=fingerprint:sha-256 "+strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), "a=setup:actpass", "a=rtcp-mux", "a=sendonly",
			"a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96")
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}
