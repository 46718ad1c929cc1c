package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// load reads a configuration as 'rotunda serve ARGS' would, with the file at its place.
func load(t *testing.T, args []string, file string, environ ...string) (*Config, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "rotunda.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	var line struct {
		Serve struct{ serveFlags } `cmd:""`
	}
	parsed, err := kong.Must(&line).Parse(append([]string{"serve"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return loadConfig(given(parsed), environ)
}

func TestLaterLayersWin(t *testing.T) {
	const file = "rtc_udp_port: 1001\nlinger: 1m\nlog_format: json\n"
	for _, c := range []struct {
		name   string
		args   []string
		file   string
		env    []string
		port   int
		linger time.Duration
	}{
		{"defaults", nil, "", nil, 7882, 5 * time.Second},
		{"file", nil, file, nil, 1001, time.Minute},
		{"environment over file", nil, file, []string{"ROTUNDA_RTC_UDP_PORT=1002"}, 1002, time.Minute},
		{"flag over all", []string{"--rtc-udp-port=1003"}, file, []string{"ROTUNDA_RTC_UDP_PORT=1002"}, 1003, time.Minute},
		{"a flag of the default value too", []string{"--linger=5s"}, file, nil, 1001, 5 * time.Second},
		{"an empty variable is none", nil, file, []string{"ROTUNDA_RTC_UDP_PORT="}, 1001, time.Minute},
		{"other variables are not ours", nil, "", []string{"HTTP=x", "LINGER=9s"}, 7882, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := load(t, c.args, c.file, c.env...)
			if err != nil {
				t.Fatal(err)
			}
			if got.RTCUDPPort != c.port || got.Linger != c.linger {
				t.Errorf("port %d, linger %v; want %d, %v", got.RTCUDPPort, got.Linger, c.port, c.linger)
			}
		})
	}
}

func TestConfigFileNamedByVariable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.yaml")
	if err := os.WriteFile(path, []byte("whep_viewers: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, nil, "", "ROTUNDA_CONFIG="+path)
	if err != nil || got.WHEPViewers != 7 {
		t.Fatalf("%v, %v", got, err)
	}
}

// Every setting means the same in all three forms.
func TestEveryFormOfEverySetting(t *testing.T) {
	root := strings.Repeat("A", 42) + "E="
	rootBytes := append(make([]byte, 31), 1)
	forms := map[string]struct {
		flags []string
		env   string
		file  string
		want  any
		get   func(*Config) any
	}{
		"database_url": {[]string{"--database-url=postgres://h/d"}, "postgres://h/d", "postgres://h/d", "postgres://h/d", func(c *Config) any { return c.DatabaseURL }},
		"http":         {[]string{"--http=127.0.0.1:1"}, "127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1", func(c *Config) any { return c.HTTP }},
		"data":         {[]string{"--data=d"}, "d", "d", "d", func(c *Config) any { return c.Data }},
		"public_url":   {[]string{"--public-url=https://v.example.com/"}, "https://v.example.com", "https://v.example.com", "https://v.example.com", func(c *Config) any { return c.PublicURL.String() }},
		"tls_cert":     {[]string{"--tls-cert=c.pem"}, "c.pem", "c.pem", "c.pem", func(c *Config) any { return c.TLSCert }},
		"tls_key":      {[]string{"--tls-key=k.pem"}, "k.pem", "k.pem", "k.pem", func(c *Config) any { return c.TLSKey }},
		"acme_domains": {
			[]string{"--acme-domains=V.example.com", "--acme-domains=w.example.com."},
			"v.example.com,w.example.com", "[v.example.com, w.example.com]",
			[]string{"v.example.com", "w.example.com"},
			func(c *Config) any { return c.ACMEDomains },
		},
		"acme_email":              {[]string{"--acme-email=o@example.com"}, "o@example.com", "o@example.com", "o@example.com", func(c *Config) any { return c.ACMEEmail }},
		"acme_directory":          {[]string{"--acme-directory=https://ca.example.com/dir"}, "https://ca.example.com/dir", "https://ca.example.com/dir", "https://ca.example.com/dir", func(c *Config) any { return c.ACMEDirectory }},
		"acme_http":               {[]string{"--acme-http=:80"}, ":80", ":80", ":80", func(c *Config) any { return c.ACMEHTTP }},
		"rtc_udp_port":            {[]string{"--rtc-udp-port=0"}, "0", "0", 0, func(c *Config) any { return c.RTCUDPPort }},
		"rtc_tcp_port":            {[]string{"--rtc-tcp-port=off"}, "off", "off", portOff, func(c *Config) any { return c.RTCTCPPort }},
		"rtc_stun":                {[]string{"--rtc-stun=stun:s.example:3478"}, "s.example:3478", "s.example:3478", "s.example:3478", func(c *Config) any { return c.RTCStun }},
		"turn_port":               {[]string{"--turn-port=off"}, "off", "off", portOff, func(c *Config) any { return c.TURN.Port }},
		"turn_tls_port":           {[]string{"--turn-tls-port=443"}, "443", "443", 443, func(c *Config) any { return c.TURN.TLSPort }},
		"turn_host":               {[]string{"--turn-host=Turn.example.com"}, "turn.example.com", "turn.example.com", "turn.example.com", func(c *Config) any { return c.TURN.Host }},
		"turn_lifetime":           {[]string{"--turn-lifetime=1h"}, "1h", "1h", time.Hour, func(c *Config) any { return c.TURN.Lifetime }},
		"turn_allocations":        {[]string{"--turn-allocations=9"}, "9", "9", 9, func(c *Config) any { return c.TURN.Allocations }},
		"turn_client_allocations": {[]string{"--turn-client-allocations=9"}, "9", "9", 9, func(c *Config) any { return c.TURN.ClientAllocations }},
		"turn_bandwidth":          {[]string{"--turn-bandwidth=9"}, "9", "9", 9, func(c *Config) any { return c.TURN.Bandwidth }},
		"rtc_public_ip": {
			[]string{"--rtc-public-ip=192.0.2.1", "--rtc-public-ip=2001:db8::1"},
			"192.0.2.1,2001:db8::1", "[192.0.2.1, '2001:db8::1']",
			[]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
			func(c *Config) any { return c.RTCPublicIP },
		},
		"ice_servers": {
			[]string{"--ice-servers=stun:stun.example.com", "--ice-servers=turns:u:p%40ss@[2001:db8::1]:443?transport=tcp"},
			"stun:stun.example.com,turns:u:p%40ss@[2001:db8::1]:443?transport=tcp",
			"['stun:stun.example.com', 'turns:u:p%40ss@[2001:db8::1]:443?transport=tcp']",
			[]video.ICEServer{
				{URLs: []string{"stun:stun.example.com"}},
				{URLs: []string{"turns:[2001:db8::1]:443?transport=tcp"}, Username: "u", Credential: "p@ss"},
			},
			func(c *Config) any { return c.ICEServers },
		},
		"api_key":      {[]string{"--api-key=abcdefghijklmnopqrstuvwx"}, "abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx", func(c *Config) any { return c.APIKey }},
		"root_key":     {nil, root, root, rootBytes, func(c *Config) any { return c.RootKey }},
		"demo":         {[]string{"--demo"}, "1", "true", DemoLoopback, func(c *Config) any { return c.Demo }},
		"linger":       {[]string{"--linger=1m"}, "1m", "1m", time.Minute, func(c *Config) any { return c.Linger }},
		"resume_grace": {[]string{"--resume-grace=0"}, "0", "0", time.Duration(0), func(c *Config) any { return c.ResumeGrace }},
		"duplicate_identity": {
			[]string{"--duplicate-identity=replace"}, "replace", "replace", "replace", func(c *Config) any { return c.Identities },
		},
		"drain_timeout":  {[]string{"--drain-timeout=1m"}, "1m", "1m", time.Minute, func(c *Config) any { return c.DrainTimeout }},
		"whep_viewers":   {[]string{"--whep-viewers=9"}, "9", "9", 9, func(c *Config) any { return c.WHEPViewers }},
		"loudest_voices": {[]string{"--loudest-voices=3"}, "3", "3", 3, func(c *Config) any { return c.LoudestVoices }},
		"mix_bitrate":    {[]string{"--mix-bitrate=64"}, "64", "64", 64, func(c *Config) any { return c.MixBitrate }},
		"janus":          {[]string{"--janus=off"}, "off", "off", "off", func(c *Config) any { return c.Janus }},
		"janus_handles":  {[]string{"--janus-handles=16"}, "16", "16", 16, func(c *Config) any { return c.JanusHandles }},
		"large_room":     {[]string{"--large-room=30"}, "30", "30", 30, func(c *Config) any { return c.LargeRoom }},
		"allowed_origins": {
			[]string{"--allowed-origins=https://A.example", "--allowed-origins=http://localhost:5173"},
			"https://a.example, http://localhost:5173", "['https://a.example/', 'http://localhost:5173']",
			[]string{"https://a.example", "http://localhost:5173"},
			func(c *Config) any { return c.AllowedOrigins },
		},
		"cors_origins": {
			[]string{"--cors-origins=https://A.example", "--cors-origins=http://localhost:5173"},
			"https://a.example, http://localhost:5173", "['https://a.example/', 'http://localhost:5173']",
			[]string{"https://a.example", "http://localhost:5173"},
			func(c *Config) any { return c.CORSOrigins },
		},
		"rate_limit": {[]string{"--rate-limit=0"}, "0", "0", 0, func(c *Config) any { return c.RateLimit }},
		"trusted_proxies": {
			[]string{"--trusted-proxies=10.1.2.3/8", "--trusted-proxies=2001:db8::1"},
			"10.0.0.0/8,2001:db8::1/128", "[10.0.0.0/8, '2001:db8::1']",
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128")},
			func(c *Config) any { return c.TrustedProxies },
		},
		"metrics":    {[]string{"--metrics=off"}, "off", "off", "", func(c *Config) any { return c.Metrics }},
		"log_level":  {[]string{"--log-level=debug"}, "debug", "debug", slog.LevelDebug, func(c *Config) any { return c.LogLevel }},
		"log_format": {[]string{"--log-format=json"}, "json", "json", "json", func(c *Config) any { return c.LogFormat }},
		"signing_key_rotation": {
			[]string{"--signing-key-rotation=48h"},
			"48h", "48h",
			48 * time.Hour,
			func(c *Config) any { return c.SigningKeyRotation },
		},
		"webhook_allow_private": {[]string{"--webhook-allow-private"}, "1", "true", true, func(c *Config) any { return c.WebhookAllowPrivate }},
		"webhook_user_agent":    {[]string{"--webhook-user-agent=me/1"}, "me/1", "me/1", "me/1", func(c *Config) any { return c.WebhookUserAgent }},
		"compose_jobs":          {[]string{"--compose-jobs=3"}, "3", "3", 3, func(c *Config) any { return c.ComposeJobs }},
		"quality_retention":     {[]string{"--quality-retention=0"}, "0", "0", time.Duration(0), func(c *Config) any { return c.QualityRetention }},
		"otlp_endpoint":         {[]string{"--otlp-endpoint=http://c.example:4318/x"}, "http://c.example:4318/x", "http://c.example:4318/x", "/x", func(c *Config) any { return c.OTLPEndpoint.Path }},
		"otlp_headers":          {nil, "A=b%20c,D=e", "[A=b%20c, D=e]", map[string]string{"A": "b c", "D": "e"}, func(c *Config) any { return c.OTLPHeaders }},
		"trace_ratio":           {[]string{"--trace-ratio=0.25"}, "0.25", "0.25", 0.25, func(c *Config) any { return c.TraceRatio }},
		"usage_retention":       {[]string{"--usage-retention=0"}, "0", "0", time.Duration(0), func(c *Config) any { return c.UsageRetention }},
		"history_retention":     {[]string{"--history-retention=48h"}, "48h", "48h", 48 * time.Hour, func(c *Config) any { return c.HistoryRetention }},

		"portal_passwords":   {[]string{"--portal-passwords=owners"}, "owners", "owners", auth.PasswordsForOwners, func(c *Config) any { return c.SignIn.Passwords }},
		"oidc_issuer":        {[]string{"--oidc-issuer=https://id.example.com/a/"}, "https://id.example.com/a/", "https://id.example.com/a/", "https://id.example.com/a/", func(c *Config) any { return c.SignIn.Issuer }},
		"oidc_client_id":     {[]string{"--oidc-client-id=rotunda"}, "rotunda", "rotunda", "rotunda", func(c *Config) any { return c.SignIn.ClientID }},
		"oidc_client_secret": {nil, "hush+/ &", "hush+/ &", "hush+/ &", func(c *Config) any { return c.SignIn.ClientSecret }},
		"oidc_name":          {[]string{"--oidc-name=The Company"}, "The Company", "The Company", "The Company", func(c *Config) any { return c.SignIn.Name }},
		"oidc_scopes":        {[]string{"--oidc-scopes=email", "--oidc-scopes=groups"}, "email groups", "[email, groups]", []string{"email", "groups"}, func(c *Config) any { return c.SignIn.Scopes }},
		"oidc_role_claim":    {[]string{"--oidc-role-claim=a.b"}, "a.b", "a.b", "a.b", func(c *Config) any { return c.SignIn.RoleClaim }},
		"oidc_roles": {
			[]string{"--oidc-roles=admins=owner", "--oidc-roles=cn=dev=developer"},
			"admins=owner,cn=dev=developer", "[admins=owner, 'cn=dev=developer']",
			[]roleGrant{{"admins", video.RoleOwner}, {"cn=dev", video.RoleDeveloper}},
			func(c *Config) any { return c.SignIn.Roles },
		},
		"oidc_default_role": {[]string{"--oidc-default-role=viewer"}, "viewer", "viewer", video.RoleViewer, func(c *Config) any { return c.SignIn.DefaultRole }},
		"oidc_domains":      {[]string{"--oidc-domains=Example.com", "--oidc-domains=example.org"}, "example.com,example.org", "[example.com, example.org]", []string{"example.com", "example.org"}, func(c *Config) any { return c.SignIn.Domains }},

		"media_store":         {[]string{"--media-store=s3"}, "s3", "s3", "s3", func(c *Config) any { return c.MediaStore }},
		"s3_endpoint":         {[]string{"--s3-endpoint=http://127.0.0.1:9000/"}, "http://127.0.0.1:9000", "http://127.0.0.1:9000", "http://127.0.0.1:9000", func(c *Config) any { return c.S3Endpoint.String() }},
		"s3_bucket":           {[]string{"--s3-bucket=my.media"}, "my.media", "my.media", "my.media", func(c *Config) any { return c.S3Bucket }},
		"s3_region":           {[]string{"--s3-region=garage"}, "garage", "garage", "garage", func(c *Config) any { return c.S3Region }},
		"s3_prefix":           {[]string{"--s3-prefix=a/b"}, "a/b/", "a/b", "a/b/", func(c *Config) any { return c.S3Prefix }},
		"s3_addressing":       {[]string{"--s3-addressing=path"}, "path", "path", blob.AddressingPath, func(c *Config) any { return c.S3Addressing }},
		"s3_access_key":       {nil, "key", "key", "key", func(c *Config) any { return c.S3AccessKey }},
		"s3_secret_key":       {nil, "secret+/", "secret+/", "secret+/", func(c *Config) any { return c.S3SecretKey }},
		"media_encryption":    {[]string{"--media-encryption"}, "1", "true", true, func(c *Config) any { return c.MediaEncryption }},
		"recording_min_free":  {[]string{"--recording-min-free=20GiB"}, "20GiB", "20 GiB", uint64(20 << 30), func(c *Config) any { return c.RecordingMinFree }},
		"recording_retention": {[]string{"--recording-retention=48h"}, "48h", "48h", 48 * time.Hour, func(c *Config) any { return c.RecordingRetention }},
	}
	// Settings that mean nothing alone, with the variable that goes with them.
	companions := map[string]string{
		"tls_cert": "ROTUNDA_TLS_KEY=k.pem", "tls_key": "ROTUNDA_TLS_CERT=c.pem", "acme_email": "ROTUNDA_ACME_DOMAINS=v.example.com",
		"acme_directory": "ROTUNDA_ACME_DOMAINS=v.example.com", "acme_http": "ROTUNDA_ACME_DOMAINS=v.example.com",
	}
	for key := range settings {
		if _, tested := forms[key]; !tested {
			t.Errorf("the setting %s is not tested", key)
		}
	}
	for key, c := range forms {
		t.Run(key, func(t *testing.T) {
			check := func(form string, got *Config, err error) {
				if err != nil {
					t.Errorf("as %s: %v", form, err)
				} else if !reflect.DeepEqual(c.get(got), c.want) {
					t.Errorf("as %s: got %v, want %v", form, c.get(got), c.want)
				}
			}
			if c.flags != nil {
				got, err := load(t, c.flags, "", companions[key])
				check("flag", got, err)
			}
			got, err := load(t, nil, "", companions[key], variableOf(key)+"="+c.env)
			check("variable", got, err)
			got, err = load(t, nil, key+": "+c.file+"\n", companions[key])
			check("file", got, err)
		})
	}
}

// Flags and settings are written down twice; neither may be forgotten.
func TestFlagsAreSettings(t *testing.T) {
	var line struct {
		Serve struct{ serveFlags } `cmd:""`
	}
	flags := map[string]bool{}
	for _, flag := range kong.Must(&line).Model.Children[0].Flags {
		flags[keyOf(flag.Name)] = true
		if _, known := settings[keyOf(flag.Name)]; !known && flag.Name != "config" {
			t.Errorf("--%s has no setting", flag.Name)
		}
		if !strings.Contains(helpOf(flag.Value), "$ROTUNDA_") {
			t.Errorf("the help of --%s does not name its variable", flag.Name)
		}
	}
	for key := range settings {
		if !flags[key] && !slices.Contains(unflagged, key) {
			t.Errorf("the setting %s has no flag", key)
		}
	}
}

func TestWrongConfigurationIsExplained(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		file string
		env  []string
		want []string
	}{
		{"unknown variable", nil, "", []string{"ROTUNDA_RTC_UDP_PROT=1"}, []string{"ROTUNDA_RTC_UDP_PROT is not a setting", "did you mean ROTUNDA_RTC_UDP_PORT?"}},
		{"unknown key", nil, "lingre: 1s", nil, []string{"rotunda.yaml: lingre is not a setting", "linger?"}},
		{"unlike anything", nil, "zzzzzzzzzzzzzzzzz: 1", nil, []string{"serve --help"}},
		{"all faults of a file", nil, "linger: x\nhttp: y", nil, []string{"rotunda.yaml: linger must be a time", "rotunda.yaml: http must be HOST:PORT"}},
		{"nested", nil, "http: {port: 1}", nil, []string{"http must be a single value"}},
		{"dotted", nil, "http.port: 1", nil, []string{"http.port is not a setting"}},
		{"not YAML", nil, "http: [", nil, []string{"is not YAML"}},
		{"not a map", nil, "just words", nil, []string{"is not YAML of the form key: value"}},
		{"port", []string{"--rtc-udp-port=65536"}, "", nil, []string{"--rtc-udp-port must be a whole number from 0 to 65535"}},
		{"no file", []string{"--config=/nonexistent.yaml"}, "", nil, []string{"/nonexistent.yaml", "no such file"}},
		{"short key", nil, "", []string{"ROTUNDA_API_KEY=short"}, []string{"ROTUNDA_API_KEY must be 24 to 512"}},
		{"root key", nil, "", []string{"ROTUNDA_ROOT_KEY=c2hvcnQ="}, []string{"ROTUNDA_ROOT_KEY must be 32 random bytes in base64"}},
		{"one address of several", nil, "", []string{"ROTUNDA_RTC_PUBLIC_IP=192.0.2.1,nonsense"}, []string{`ROTUNDA_RTC_PUBLIC_IP "nonsense" must be an IP address`}},
		{"a TCP port that is none", []string{"--rtc-tcp-port=on"}, "", nil, []string{"--rtc-tcp-port must be a port from 0 to 65535, auto, or off"}},
		{"the relay on a web port without TLS", []string{"--turn-tls-port=web"}, "", nil, []string{"--turn-tls-port web needs a certificate"}},
		{"a STUN server without a port", nil, "rtc_stun: stun.example.com", nil, []string{"rtc_stun must be HOST:PORT of a STUN server"}},
		{"a relay's host that is a URL", nil, "turn_host: 'https://v.example.com'", nil, []string{"turn_host must be a host name or an IP address"}},
		{"unspecified address", []string{"--rtc-public-ip=0.0.0.0"}, "", nil, []string{"must be an IP address clients can reach"}},
		{"TURN without a password", []string{"--ice-servers=turn:me@turn.example.com"}, "", nil, []string{"--ice-servers at place 1 must be like stun:"}},
		{"STUN with a password", []string{"--ice-servers=stun:me:secret@stun.example.com"}, "", nil, []string{"--ice-servers at place 1 must be like stun:"}},
		{"an ICE server by HTTP", nil, "ice_servers: ['stun:a.example', 'http://b.example']", nil, []string{"ice_servers at place 2 must be like stun:"}},
		{"TURN over carrier pigeon", []string{"--ice-servers=turn:u:p@turn.example.com?transport=pigeon"}, "", nil, []string{"must be like stun:"}},
		{"an ICE server that is none", []string{"--ice-servers=stun:"}, "", nil, []string{"must be like stun:"}},
		{"a port that is none", []string{"--ice-servers=stun:stun.example.com:http"}, "", nil, []string{"must be like stun:"}},
		{"public URL without scheme", []string{"--public-url=video.example.com"}, "", nil, []string{"--public-url must be a whole address"}},
		{"public URL with path", []string{"--public-url=https://example.com/video"}, "", nil, []string{"must not have a path"}},
		{"demo for everyone", []string{"--demo", "--http=0.0.0.0:8080"}, "", nil, []string{"demo room", "127.0.0.1", "--demo=public"}},
		{"demo on a name", []string{"--demo", "--http=:8080"}, "", nil, []string{"--demo=public"}},
		{"demo of another kind", []string{"--demo=secret"}, "", nil, []string{"--demo must be off, loopback or public"}},
		{"keys that live for ever", []string{"--signing-key-rotation=1000000h"}, "", nil, []string{"--signing-key-rotation must be a time from 24h"}},
		{"private webhooks perhaps", nil, "webhook_allow_private: perhaps", nil, []string{"webhook_allow_private must be true or false"}},
		{"a second header", nil, "", []string{"ROTUNDA_WEBHOOK_USER_AGENT=a\r\nb: c"}, []string{"ROTUNDA_WEBHOOK_USER_AGENT must be printable ASCII"}},
		{"a short memory", []string{"--history-retention=5m"}, "", nil, []string{"--history-retention must be a time from 1h"}},
		{"media elsewhere", []string{"--media-store=nfs"}, "", nil, []string{"--media-store must be one of local, s3"}},
		{"a bucket that is none", []string{"--s3-bucket=My_Bucket"}, "", nil, []string{"--s3-bucket must be the name of a bucket"}},
		{"a bucket in the endpoint", []string{"--s3-endpoint=https://s3.example.com/bucket"}, "", nil, []string{"--s3-endpoint must be the address", "without a path"}},
		{"a prefix that leads out", []string{"--s3-prefix=a/../b"}, "", nil, []string{"--s3-prefix must be a path"}},
		{"a size without a unit", []string{"--recording-min-free=20"}, "", nil, []string{"--recording-min-free must be auto, or a size"}},
		{"recordings for a moment", []string{"--recording-retention=5m"}, "", nil, []string{"--recording-retention must be 0 for ever, or a time from 1h"}},
		{"a provider in the clear", []string{"--oidc-issuer=http://id.example.com"}, "", nil, []string{"--oidc-issuer must be the https address"}},
		{"a role that is none", nil, "", []string{"ROTUNDA_OIDC_ROLES=admins=king"}, []string{`ROTUNDA_OIDC_ROLES "admins=king" must end with =owner`}},
		{"a role of nobody", []string{"--oidc-roles=owner"}, "", nil, []string{"must be VALUE=ROLE"}},
		{"passwords for some", []string{"--portal-passwords=some"}, "", nil, []string{"--portal-passwords must be all or owners"}},
		{"no time to drain", []string{"--drain-timeout=0s"}, "", nil, []string{"--drain-timeout must be a time from 1s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.args, c.file, c.env...)
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestDemoWhereItIsAllowed(t *testing.T) {
	for _, args := range [][]string{
		{"--demo"},
		{"--demo", "--http=localhost:0"},
		{"--demo", "--http=[::1]:8080"},
		{"--demo=public", "--http=0.0.0.0:8080"},
	} {
		if _, err := load(t, args, ""); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// A wrong value must never be repeated when it may be a secret.
func TestSecretsAreNotRepeated(t *testing.T) {
	for _, key := range []string{"api_key", "root_key", "ice_servers"} {
		_, err := load(t, nil, "", variableOf(key)+"=hush hush")
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestLoopbackIsForClientsHere(t *testing.T) {
	for _, c := range []struct {
		flags map[string]any
		here  bool
	}{
		{nil, true},
		{map[string]any{"http": "localhost:80"}, true},
		{map[string]any{"http": ":80"}, false},
		{map[string]any{"public_url": "https://video.example.com"}, false},
		{map[string]any{"public_url": "https://video.example.com", "demo": "public"}, true},
		{map[string]any{"http": ":80", "demo": "public"}, true},
	} {
		config, err := loadConfig(c.flags, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := config.clientsHere(); got != c.here {
			t.Errorf("%v: clients here %t, want %t", c.flags, got, c.here)
		}
	}
}
