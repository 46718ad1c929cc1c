package livetest

import (
	"fmt"
	"strings"
)

// Offer writes an SDP offer with the given lines, each as "mid kind direction": "0 audio sendonly".
func Offer(lines ...string) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
	for _, line := range lines {
		part := strings.Fields(line)
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\n", part[1], part[0], part[2])
	}
	return b.String()
}
