package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/doctor"
)

// found is a report by the names of its checks.
type found map[string]doctor.Check

func byName(r doctor.Report) found {
	f := found{}
	for _, c := range r {
		f[c.Name] = c
	}
	return f
}

func (f found) want(t *testing.T, name string, level doctor.Level, parts ...string) {
	t.Helper()
	c, made := f[name]
	if !made || c.Level != level {
		t.Errorf("%s: %+v, want %s", name, c, level)
		return
	}
	for _, part := range parts {
		if !strings.Contains(c.Found+" "+c.Setting, part) {
			t.Errorf("%s: %+v does not say %q", name, c, part)
		}
	}
}

// examined runs the command with --json.
func examined(t *testing.T, env []string, args ...string) (code int, f found) {
	t.Helper()
	code, stdout, stderr := command(t, env, append([]string{"doctor", "--json"}, args...)...)
	var report struct {
		Checks doctor.Report
		Failed bool
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v: %s %s", err, stdout, stderr)
	}
	if report.Failed != (code == 1) || report.Failed != report.Checks.Failed() {
		t.Errorf("code %d, failed %t, checks %+v", code, report.Failed, report.Checks)
	}
	return code, byName(report.Checks)
}

var allWays = []string{"media over UDP", "media over TCP", "relay over UDP", "relay over TCP"}

func TestDoctorOfARunningServer(t *testing.T) {
	s := start(t, t.TempDir(), "--demo")
	key := s.key()
	code, f := examined(t, []string{"ROTUNDA_API_KEY=" + key}, s.url)
	if code != 0 {
		t.Errorf("ended with %d: %+v", code, f)
	}
	for _, name := range append([]string{"server", "clock"}, allWays...) {
		f.want(t, name, doctor.OK)
	}
	f.want(t, "TLS certificate", doctor.Skipped)
	f.want(t, "relay over TLS", doctor.Warn, "--turn-tls-port")
	// Nothing of it stays, and the table says the same.
	var rooms []struct{ UniqueName string }
	s.call("GET", "/v2/rooms", key, "", http.StatusOK, &rooms)
	for _, room := range rooms {
		if strings.HasPrefix(room.UniqueName, "doctor-") {
			t.Errorf("the room %s stays", room.UniqueName)
		}
	}
	var room struct{ ID string }
	s.call("POST", "/v2/rooms", key, `{}`, http.StatusCreated, &room)
	var made struct{ Token string }
	s.call("POST", "/v2/rooms/"+room.ID+"/actions/generate_join_client_token", key, `{}`, http.StatusCreated, &made)
	code, stdout, stderr := command(t, nil, "doctor", s.url, "--token="+made.Token)
	if code != 0 || !strings.HasPrefix(stdout, "CHECK") || !strings.Contains(stdout, "media over UDP") {
		t.Errorf("ended with %d:\n%s\n%s", code, stdout, stderr)
	}
	if code, f = examined(t, nil, s.url); code != 0 {
		t.Errorf("without a key it ends with %d: %+v", code, f)
	}
	f.want(t, "media", doctor.Skipped, "--api-key or --token")
	if code, f = examined(t, nil, s.url, "--api-key=KEY00000000000000000000000000000000_wrong"); code != 1 {
		t.Errorf("with a wrong key it ends with %d", code)
	}
	f.want(t, "room", doctor.Fail, "401")
	s.stop()
	code, f = examined(t, nil, s.url)
	if code != 1 {
		t.Errorf("of no server it ends with %d", code)
	}
	f.want(t, "server", doctor.Fail, "refused", "--http")
}

// What is not open is found, and the setting named.
func TestDoctorFindsWhatIsClosed(t *testing.T) {
	s := start(t, t.TempDir(), "--rtc-public-ip=192.0.2.1", "--rtc-tcp-port=off", "--turn-host=127.0.0.1")
	_, f := examined(t, nil, s.url, "--api-key="+s.key())
	f.want(t, "media over UDP", doctor.Fail, "192.0.2.1:", "--rtc-public-ip")
	f.want(t, "media over TCP", doctor.Warn, "--rtc-tcp-port")
	f.want(t, "relay over UDP", doctor.OK) // it knows the media port under the name clients know it by
	f.want(t, "relay over TCP", doctor.OK)
	s.stop()

	s = start(t, t.TempDir(), "--turn-port=off", "--rtc-public-ip=127.0.0.1")
	_, f = examined(t, nil, s.url, "--api-key="+s.key())
	f.want(t, "media over UDP", doctor.OK)
	f.want(t, "relay over UDP", doctor.Warn, "--turn-port")
	f.want(t, "public address", doctor.Warn, "127.0.0.1", "--rtc-public-ip")
}

// The relay has the server's certificate.
func TestDoctorOfTLS(t *testing.T) {
	cert, key := pairOf(t, "first", 20*24*time.Hour)
	certFlag, keyFlag := writePair(t, t.TempDir(), cert, key)
	s := start(t, t.TempDir(), certFlag, keyFlag, "--turn-host=localhost", "--rtc-public-ip=127.0.0.1")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	f := byName(doctor.Examine(t.Context(), doctor.Server{URL: s.url, APIKey: s.key(), TLS: &tls.Config{RootCAs: pool}}))
	f.want(t, "TLS certificate", doctor.OK, "good until")
	for _, name := range append([]string{"relay over TLS"}, allWays...) {
		f.want(t, name, doctor.OK)
	}
	_, f = examined(t, nil, s.url, "--api-key="+s.key())
	f.want(t, "TLS certificate", doctor.Fail, "unknown authority", "--tls-cert")
	f.want(t, "media over UDP", doctor.OK)
	f.want(t, "relay over TLS", doctor.Fail, "unknown authority")
}

// The relay may be on the web port, where HTTP goes on in every form.
func TestRelayOnTheWebPort(t *testing.T) {
	cert, key := pairOf(t, "first", 20*24*time.Hour)
	certFlag, keyFlag := writePair(t, t.TempDir(), cert, key)
	s := start(t, t.TempDir(), certFlag, keyFlag, "--turn-host=localhost", "--rtc-public-ip=127.0.0.1", "--turn-tls-port=web")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	f := byName(doctor.Examine(t.Context(), doctor.Server{URL: s.url, APIKey: s.key(), TLS: &tls.Config{RootCAs: pool}}))
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "https://"))
	f.want(t, "relay over TLS", doctor.OK, "localhost:"+port)
	f.want(t, "relay over TCP", doctor.OK)
	f.want(t, "server", doctor.OK)
	for proto, version := range map[string]string{"h2": "HTTP/2.0", "http/1.1": "HTTP/1.1"} {
		answer, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: proto == "h2", TLSClientConfig: &tls.Config{RootCAs: pool, NextProtos: []string{proto}},
		}}).Get(s.url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK || answer.Proto != version {
			t.Errorf("%s is answered with %d by %s", proto, answer.StatusCode, answer.Proto)
		}
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("GET /healthz HTTP/1.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if said, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(said), "HTTP/1.0 200 OK") {
		t.Errorf("without a protocol named: %q, %v", said, err)
	}
	idle, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{RootCAs: pool}) // says nothing, and holds up no stop
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	s.stop()
}

func TestDoctorOfThisMachine(t *testing.T) {
	udp, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	taken := strconv.Itoa(udp.LocalAddr().(*net.UDPAddr).Port)
	cert, key := pairOf(t, "soon", 24*time.Hour)
	dir := t.TempDir()
	certFlag, _ := writePair(t, dir, cert, key)
	certificate := strings.TrimPrefix(certFlag, "--tls-cert=")
	file := filepath.Join(dir, "r.yaml")
	settings := "data: " + dir + "\nrtc_udp_port: " + taken + "\nturn_port: off\nrtc_public_ip: [203.0.113.7]\nhttp: 127.0.0.1:0\n" +
		"tls_cert: " + certificate + "\ntls_key: " + filepath.Join(dir, "key.pem") + "\nrecording_min_free: 900000TiB\n"
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	code, f := examined(t, nil, "--config="+file)
	if code != 1 {
		t.Errorf("ended with %d", code)
	}
	f.want(t, "data directory", doctor.OK, dir)
	f.want(t, "media port, UDP", doctor.Fail, taken, "--rtc-udp-port")
	f.want(t, "media port, TCP", doctor.OK, taken)
	f.want(t, "relay, UDP", doctor.Warn, "off", "--turn-port")
	f.want(t, "public address", doctor.OK, "203.0.113.7")
	f.want(t, "TLS certificate", doctor.Warn, "localhost", "--tls-cert")
	if runtime.GOOS == "linux" {
		f.want(t, "disk", doctor.Fail, "--recording-min-free")
		if c := f["net.core.rmem_max"]; c.Level != doctor.OK && !strings.Contains(c.Setting, "sysctl -w net.core.rmem_max=") {
			t.Errorf("buffers: %+v", c)
		}
	}
	if _, made := f["clock"]; !made {
		t.Error("the clock is not looked at")
	}
	if c := f["ffmpeg"]; c.Level != doctor.OK {
		t.Errorf("ffmpeg: %+v", c)
	}

	s := start(t, dir) // with ports of its own
	_, f = examined(t, nil, "--config="+file)
	f.want(t, "data directory", doctor.OK, "a server is running")
	f.want(t, "media port, UDP", doctor.OK, "in use")
	s.stop()
	if code, _, stderr := command(t, nil, "doctor", "--config="+file+"x"); code != 2 {
		t.Errorf("without its settings it ends with %d: %s", code, stderr)
	}
}
