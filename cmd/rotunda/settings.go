package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/crypto/acme/autocert"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Config is what the operator decided, complete and checked.
type Config struct {
	HTTP           string            // host and port of the one public listener
	Data           string            // directory of everything that is kept
	TLSCert        string            // PEM file of the certificate chain; empty without TLS of our own or with ACME
	TLSKey         string            // PEM file of its key
	ACMEDomains    []string          // names to get certificates for; empty: no ACME
	ACMEEmail      string            // where the authority writes to; may be empty
	ACMEDirectory  string            // the authority
	ACMEHTTP       string            // host and port of HTTP-01 challenges and the redirect to https; empty: none
	DatabaseURL    string            // of a PostgreSQL database, password included; empty: SQLite in the data directory
	PublicURL      *url.URL          // what absolute URLs begin with; nil: the request's own host, on loopback only
	RTCUDPPort     int               // every participant's media; 0 takes any free port
	RTCTCPPort     int               // of ICE-TCP; 0: the number of RTCUDPPort, or any free one; portOff: none
	RTCPublicIP    []netip.Addr      // advertised to clients; empty: the machine's own
	RTCStun        string            // host and port of a STUN server that tells the public address; empty: nobody is asked
	TURN           turnConfig        //
	ICEServers     []video.ICEServer // that clients are told to use; STUN and TURN of others
	APIKey         string            // one more admin key, valid while configured
	RootKey        []byte            // seals what is kept; empty: the file in the data directory
	Demo           DemoMode          //
	Linger         time.Duration     // how long an emptied session waits for someone to come back
	ResumeGrace    time.Duration     // how long a participant is kept whose client is gone
	Identities     string            // what happens when an identity comes twice: see live.IdentityPolicy
	DrainTimeout   time.Duration     // how long a stop may take
	WHEPViewers    int               // at most this many WHEP viewers in a session
	LoudestVoices  int               // so many audio streams are forwarded at a time in a large session; 0: all
	LargeRoom      int               // a session with more audio streams than this is large
	MixBitrate     int               // of mixed sound, in kbit/s
	Janus          string            // switchedOn or switchedOff: whether the Janus dialect is spoken
	JanusHandles   int               // of one session of it, at most
	AllowedOrigins []string          // of signalling sockets; empty: any
	CORSOrigins    []string          // whose scripts may use API keys
	RateLimit      int               // units a second of each API key; 0: no limit
	TrustedProxies []netip.Prefix    // believed about addresses; empty: those on loopback
	Metrics        string            // host and port of metrics and profiles; empty: off
	OTLPEndpoint   *url.URL          // of a collector of traces; nil: no traces
	OTLPHeaders    map[string]string // of requests to it
	TraceRatio     float64           // which part of the traces that begin here is kept
	LogLevel       slog.Level
	LogFormat      string

	SigningKeyRotation time.Duration // age at which keys that sign client tokens are replaced

	WebhookAllowPrivate bool          // webhooks may be on private networks and this machine
	WebhookUserAgent    string        // what webhooks see
	HistoryRetention    time.Duration // how long deliveries and the happenings of ended sessions are kept
	QualityRetention    time.Duration // how long figures of media quality are kept; 0: none are taken
	UsageRetention      time.Duration // how long is known what was used on a day; 0: for ever

	MediaStore       string          // mediaLocal or mediaS3: where recordings and compositions stay
	S3Endpoint       *url.URL        // of a server that speaks S3
	S3Bucket         string          //
	S3Region         string          //
	S3Prefix         string          // what keys in the bucket begin with; may be empty
	S3Addressing     blob.Addressing // where the bucket's name stands
	S3AccessKey      string          //
	S3SecretKey      string          //
	MediaEncryption  bool            // of recordings and compositions, where they stay
	RecordingMinFree uint64          // bytes of disk, below which nothing is recorded or composed; 0: the smaller of 1 GiB and 5 %

	RecordingRetention time.Duration // how long recordings and compositions are kept; 0: for ever

	ComposeJobs int // compositions made at once; 0: none

	SignIn signInConfig // to the portal

	written map[string]written // the settings the operator gave, by key
}

// What a part of the server is that can be switched off.
const (
	switchedOn  = "on"
	switchedOff = "off"
)

// DemoMode says whether there is a demo room, and for whom.
type DemoMode string

// The demo room's link gives a call to everyone who has it, hence the care about who can reach it.
const (
	DemoOff      DemoMode = "off"
	DemoLoopback DemoMode = "loopback" // the server must listen on loopback only
	DemoPublic   DemoMode = "public"   // wherever the server listens
)

func defaultConfig() *Config {
	return &Config{
		HTTP:          "127.0.0.1:8080",
		Data:          "./data",
		ACMEDirectory: autocert.DefaultACMEDirectory,
		RTCUDPPort:    7882,
		TURN:          defaultTURN(),
		Demo:          DemoOff,
		Linger:        5 * time.Second,
		ResumeGrace:   15 * time.Second,
		Identities:    string(live.IdentityAllowed),
		DrainTimeout:  5 * time.Second,
		WHEPViewers:   500,
		LoudestVoices: 5,
		LargeRoom:     20,
		MixBitrate:    40,
		Janus:         switchedOn,
		JanusHandles:  512,
		RateLimit:     5000,
		Metrics:       "127.0.0.1:9464",
		TraceRatio:    1,
		LogLevel:      slog.LevelInfo,
		LogFormat:     "text",

		SigningKeyRotation: 720 * time.Hour,

		WebhookUserAgent: "telnyx-webhooks",
		HistoryRetention: 720 * time.Hour,
		QualityRetention: 336 * time.Hour,
		UsageRetention:   26280 * time.Hour,

		MediaStore:   mediaLocal,
		S3Region:     "us-east-1",
		S3Addressing: blob.AddressingAuto,

		ComposeJobs: max(runtime.NumCPU()/2, 1),

		SignIn: defaultSignIn(),
	}
}

// serverFlags are the flags of commands that work on a server's data. A flag --like-this is the variable ROTUNDA_LIKE_THIS
// and the YAML key like_this; settings says how its value is read.
type serverFlags struct {
	Config string `placeholder:"FILE" help:"Read settings from this YAML file; its keys are the flags with underscores."`
	Data   string `placeholder:"DIR" help:"Keep everything here (default ./data)."`

	DatabaseURL string `name:"database-url" placeholder:"URL" help:"Keep the record in this PostgreSQL database, postgres://user:password@host:5432/name, in place of a file in the data directory. Others can read flags: prefer the variable."`
}

type serveFlags struct {
	serverFlags

	HTTP           string   `name:"http" placeholder:"HOST:PORT" help:"Listen here for the app, the API and signalling (default 127.0.0.1:8080). Browsers allow cameras on HTTPS and localhost only."`
	PublicURL      string   `name:"public-url" placeholder:"URL" help:"How clients reach this server, such as https://video.example.com."`
	TLSCert        string   `name:"tls-cert" placeholder:"FILE" help:"Speak TLS with this certificate chain (PEM). It is read again when it changes."`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" help:"Private key of the certificate (PEM)."`
	ACMEDomains    []string `name:"acme-domains" placeholder:"NAME" help:"Speak TLS with certificates got for these names by ACME; that accepts the authority's terms. The authority must reach port 443 here, or port 80 at --acme-http."`
	ACMEEmail      string   `name:"acme-email" placeholder:"ADDRESS" help:"Where the authority writes to about the certificates."`
	ACMEDirectory  string   `name:"acme-directory" placeholder:"URL" help:"The authority (default Let's Encrypt)."`
	ACMEHTTP       string   `name:"acme-http" placeholder:"HOST:PORT" help:"Answer challenges of the authority here too, such as :80, and redirect all else to https."`
	RTCUDPPort     string   `name:"rtc-udp-port" placeholder:"PORT" help:"UDP port of all media (default 7882; 0 takes any free one)."`
	RTCTCPPort     string   `name:"rtc-tcp-port" placeholder:"PORT" help:"TCP port of media, for clients that reach no UDP port (default auto: the number of the UDP port, or any free one), or 'off'."`
	RTCPublicIP    []string `name:"rtc-public-ip" placeholder:"IP" help:"Address clients send media to, or the interface that has it, such as eth0, in place of all of the machine's own; may be given several times."`
	RTCStun        string   `name:"rtc-stun" placeholder:"HOST:PORT" help:"Ask this STUN server at the start which public address clients send media to (default: nobody is asked)."`
	ICEServers     []string `name:"ice-servers" placeholder:"URL" help:"STUN or TURN server that clients are told to use, such as turn:user:password@turn.example.com:3478; may be given several times. Others can read flags: prefer the variable."`
	APIKey         string   `name:"api-key" placeholder:"KEY" help:"One more admin API key, of 24 or more characters, valid while configured. Others can read flags: prefer the variable."`
	Demo           demoFlag `name:"demo" help:"Keep a demo room and print the link to it. --demo=public allows it beyond loopback."`
	Linger         string   `name:"linger" placeholder:"TIME" help:"How long an emptied session waits before it ends (default 5s)."`
	ResumeGrace    string   `name:"resume-grace" placeholder:"TIME" help:"How long a participant is kept whose connection was lost (default 15s; 0 is not at all)."`
	Identities     string   `name:"duplicate-identity" placeholder:"POLICY" help:"What happens when a token's identity joins that is in the room already: allow (default), refuse the newer, or replace the older."`
	DrainTimeout   string   `name:"drain-timeout" placeholder:"TIME" help:"How long a stop may take (default 5s)."`
	LoudestVoices  string   `name:"loudest-voices" placeholder:"N" help:"In large sessions forward this many audio streams at a time, those that are heard most (default 5; 0 forwards all)."`
	LargeRoom      string   `name:"large-room" placeholder:"N" help:"A session is large when it has more audio streams than this that are switched on (default 20)."`
	MixBitrate     string   `name:"mix-bitrate" placeholder:"KBIT" help:"Bit rate of mixed sound, which clients of the Janus dialect hear, in kbit/s (default 40)."`
	Janus          string   `name:"janus" placeholder:"SWITCH" help:"Whether to speak the Janus dialect of Telnyx's clients: on (default) or off."`
	JanusHandles   string   `name:"janus-handles" placeholder:"N" help:"At most this many handles in a session of the Janus dialect (default 512); Android has one for each stream of others."`
	WHEPViewers    string   `name:"whep-viewers" placeholder:"N" help:"At most this many WHEP viewers in a session (default 500)."`
	AllowedOrigins []string `name:"allowed-origins" placeholder:"ORIGIN" help:"Web origins that may open signalling sockets, such as https://app.example.com (default: any)."`
	CORSOrigins    []string `name:"cors-origins" placeholder:"ORIGIN" help:"Web origins whose scripts may call the API with a key, such as https://admin.example.com (default: none; keys belong on servers)."`
	RateLimit      string   `name:"rate-limit" placeholder:"UNITS" help:"What each API key may spend a second; requests cost 1, 2 or 10 units (default 5000; 0 is no limit)."`
	TrustedProxies []string `name:"trusted-proxies" placeholder:"CIDR" help:"Reverse proxies that are believed about the addresses of clients, such as 10.0.0.0/8 (default: those on loopback)."`
	Metrics        string   `name:"metrics" placeholder:"HOST:PORT" help:"Listen here for Prometheus metrics and profiles (default 127.0.0.1:9464), or 'off'."`
	OTLPEndpoint   string   `name:"otlp-endpoint" placeholder:"URL" help:"Send traces to this OpenTelemetry collector, OTLP over HTTP, such as http://127.0.0.1:4318 (default: no traces). Headers for it come from $ROTUNDA_OTLP_HEADERS."`
	TraceRatio     string   `name:"trace-ratio" placeholder:"PART" help:"Keep this part of the traces that begin here, 0 to 1 (default 1)."`
	LogLevel       string   `name:"log-level" placeholder:"LEVEL" help:"debug, info, warn or error (default info)."`
	LogFormat      string   `name:"log-format" placeholder:"FORMAT" help:"text or json (default text)."`

	SigningKeyRotation string `name:"signing-key-rotation" placeholder:"TIME" help:"Replace keys that sign client tokens when they are this old (default 720h)."`

	WebhookAllowPrivate bool   `name:"webhook-allow-private" help:"Let webhooks go to private networks and to this machine. Whoever may change a room can then reach what is there."`
	WebhookUserAgent    string `name:"webhook-user-agent" placeholder:"TEXT" help:"The User-Agent of webhooks (default telnyx-webhooks)."`
	ComposeJobs         string `name:"compose-jobs" placeholder:"N" help:"Make at most this many compositions at once (default half the processors, at least 1); 0 makes none, and they wait."`
	QualityRetention    string `name:"quality-retention" placeholder:"TIME" help:"How long figures of the quality of media are kept (default 336h; 0 takes none, and clients report none)."`
	UsageRetention      string `name:"usage-retention" placeholder:"TIME" help:"How long usage by room and day is kept (default 26280h, three years; 0 is for ever)."`
	HistoryRetention    string `name:"history-retention" placeholder:"TIME" help:"How long webhook deliveries and the events of ended sessions are kept (default 720h)."`

	MediaStore       string `name:"media-store" placeholder:"KIND" help:"Where recordings and compositions stay: local, in the data directory (default), or s3."`
	S3Endpoint       string `name:"s3-endpoint" placeholder:"URL" help:"The server that speaks S3, such as https://s3.eu-central-1.amazonaws.com."`
	S3Bucket         string `name:"s3-bucket" placeholder:"NAME" help:"The bucket, which must exist. Keys come from $ROTUNDA_S3_ACCESS_KEY and $ROTUNDA_S3_SECRET_KEY."`
	S3Region         string `name:"s3-region" placeholder:"NAME" help:"The bucket's region (default us-east-1)."`
	S3Prefix         string `name:"s3-prefix" placeholder:"PREFIX" help:"Begin all keys in the bucket with this, such as rotunda/ (default: nothing)."`
	S3Addressing     string `name:"s3-addressing" placeholder:"KIND" help:"Where the bucket's name stands in URLs: path, host, or auto (default): in the host for Amazon and Google, else in the path."`
	MediaEncryption  bool   `name:"media-encryption" help:"Encrypt recordings and compositions where they stay, under the root key."`
	RecordingMinFree string `name:"recording-min-free" placeholder:"SIZE" help:"Record nothing, and make no compositions, while less of the disk is free, such as 20GiB (default auto: the smaller of 1 GiB and 5 %)."`
	TURNPort         string `name:"turn-port" placeholder:"PORT" help:"Relay media (TURN) for clients that reach no media port, on this port over UDP and TCP (default auto: 3478, or any free one), or 'off'."`
	TURNTLSPort      string `name:"turn-tls-port" placeholder:"PORT" help:"Relay over TLS on this port, with the certificate of --tls-cert or --acme-domains (default auto: 5349, or any free one), on the web port ('web'), or 'off'."`
	TURNHost         string `name:"turn-host" placeholder:"HOST" help:"What clients call the relay (default: the host of --public-url or --acme-domains, else the addresses of the media port)."`
	TURNLifetime     string `name:"turn-lifetime" placeholder:"TIME" help:"How long credentials of the relay hold (default 12h); clients get fresh ones in time."`
	TURNAllocations  string `name:"turn-allocations" placeholder:"N" help:"At most this many relays in all (default 10000). Browsers ask for some whether they need them or not."`
	TURNClientAllocs string `name:"turn-client-allocations" placeholder:"N" help:"At most this many relays of each client (default 32); browsers use one for each network and way."`
	TURNBandwidth    string `name:"turn-bandwidth" placeholder:"KBIT" help:"What each relay may carry in each direction, in kbit/s (default 20000; 0 is no limit)."`

	PortalPasswords string   `name:"portal-passwords" placeholder:"WHO" help:"Who may sign in to the portal with a password where there is an OpenID provider: all (default) or owners. The links of 'rotunda member reset' let in all the same."`
	OIDCIssuer      string   `name:"oidc-issuer" placeholder:"URL" help:"Let people sign in to the portal by this OpenID provider, such as https://id.example.com/realms/staff. Its secret comes from $ROTUNDA_OIDC_CLIENT_SECRET."`
	OIDCClientID    string   `name:"oidc-client-id" placeholder:"ID" help:"What the provider calls this server."`
	OIDCName        string   `name:"oidc-name" placeholder:"TEXT" help:"What people call the provider (default: its host)."`
	OIDCScopes      []string `name:"oidc-scopes" placeholder:"SCOPE" help:"What to ask the provider for, beside openid (default email and profile)."`
	OIDCRoleClaim   string   `name:"oidc-role-claim" placeholder:"NAME" help:"The claim whose values give roles (default groups); dots lead into objects, as in realm_access.roles."`
	OIDCRoles       []string `name:"oidc-roles" placeholder:"VALUE=ROLE" help:"The role that a value of that claim gives, such as admins=owner; may be given several times, and the mightiest counts (default: none, and members keep the role that owners give them)."`
	OIDCDefaultRole string   `name:"oidc-default-role" placeholder:"ROLE" help:"The role of those with none of these values, or of newcomers where there are none (default: they are refused)."`
	OIDCDomains     []string `name:"oidc-domains" placeholder:"NAME" help:"Let in only those with a verified email address of this domain; may be given several times (default: any address)."`

	RecordingRetention string `name:"recording-retention" placeholder:"TIME" help:"Delete recordings and compositions when they are this old, unless their room or account says otherwise (default 0: never)."`
}

// demoFlag takes --demo alone as well as --demo=public.
type demoFlag string

// IsBool makes the flag's value optional.
func (demoFlag) IsBool() bool { return true }

// Decode reads the flag for kong.
func (d *demoFlag) Decode(ctx *kong.DecodeContext) error { //nolint:unparam // kong's interface
	*d = demoFlag(DemoLoopback)
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		*d = demoFlag(ctx.Scan.Pop().String())
	}
	return nil
}

// helpOf adds to a flag's help the variable that does the same.
func helpOf(v *kong.Value) string {
	if _, known := settings[keyOf(v.Name)]; !known && v.Name != "config" {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + ". $" + variableOf(keyOf(v.Name))
}

func keyOf(flag string) string     { return strings.ReplaceAll(flag, "-", "_") }
func variableOf(key string) string { return envPrefix + strings.ToUpper(key) }
func flagOf(key string) string     { return "--" + strings.ReplaceAll(key, "_", "-") }

// givenSettings are the flags given that are settings; a command's own are left out.
func givenSettings(path *kong.Context) map[string]any {
	flags := given(path)
	for key := range flags {
		if _, known := settings[key]; !known && key != "config" {
			delete(flags, key)
		}
	}
	return flags
}

func given(path *kong.Context) map[string]any {
	flags := map[string]any{}
	for _, step := range path.Path {
		if step.Flag != nil && step.Flag.Name != "help" {
			flags[keyOf(step.Flag.Name)] = step.Flag.Target.Interface()
		}
	}
	return flags
}

// setting reads the value of one key, as written in any of the layers, into a Config. Its errors say what is wanted:
// "must be …".
type setting func(*Config, any) error

// settings are all there are. The root key, the keys of S3 and the provider's secret have no flags, because flags can be seen by everyone on the machine.
var settings = map[string]setting{
	"http":           text(func(c *Config) *string { return &c.HTTP }, hostPort),
	"data":           text(func(c *Config) *string { return &c.Data }, filled),
	"database_url":   text(func(c *Config) *string { return &c.DatabaseURL }, databaseURL),
	"public_url":     text(func(c *Config) **url.URL { return &c.PublicURL }, webAddress),
	"tls_cert":       text(func(c *Config) *string { return &c.TLSCert }, filled),
	"tls_key":        text(func(c *Config) *string { return &c.TLSKey }, filled),
	"acme_domains":   list(func(c *Config) *[]string { return &c.ACMEDomains }, domainName),
	"acme_email":     text(func(c *Config) *string { return &c.ACMEEmail }, emailAddress),
	"acme_directory": text(func(c *Config) *string { return &c.ACMEDirectory }, directory),
	"acme_http":      text(func(c *Config) *string { return &c.ACMEHTTP }, hostPort),
	"rtc_udp_port":   text(func(c *Config) *int { return &c.RTCUDPPort }, number(0, 65535)),
	"rtc_tcp_port":   text(func(c *Config) *int { return &c.RTCTCPPort }, portOr(0)),
	"rtc_public_ip":  publicIPs,
	"rtc_stun":       text(func(c *Config) *string { return &c.RTCStun }, stunServer),
	"ice_servers":    iceServers,
	"api_key":        text(func(c *Config) *string { return &c.APIKey }, apiKey),
	"root_key":       text(func(c *Config) *[]byte { return &c.RootKey }, rootKey),
	"demo":           text(func(c *Config) *DemoMode { return &c.Demo }, demoMode),
	"linger":         text(func(c *Config) *time.Duration { return &c.Linger }, duration(0, time.Hour)),
	"resume_grace":   text(func(c *Config) *time.Duration { return &c.ResumeGrace }, duration(0, 5*time.Minute)),
	"duplicate_identity": text(func(c *Config) *string { return &c.Identities }, oneOf(
		string(live.IdentityAllowed), string(live.IdentityRefused), string(live.IdentityReplaced))),
	"drain_timeout":   text(func(c *Config) *time.Duration { return &c.DrainTimeout }, duration(time.Second, time.Hour)),
	"loudest_voices":  text(func(c *Config) *int { return &c.LoudestVoices }, number(0, 1000)),
	"large_room":      text(func(c *Config) *int { return &c.LargeRoom }, number(0, 100_000)),
	"mix_bitrate":     text(func(c *Config) *int { return &c.MixBitrate }, number(16, 256)),
	"janus":           text(func(c *Config) *string { return &c.Janus }, oneOf(switchedOn, switchedOff)),
	"janus_handles":   text(func(c *Config) *int { return &c.JanusHandles }, number(16, 4096)),
	"whep_viewers":    text(func(c *Config) *int { return &c.WHEPViewers }, number(1, 100_000)),
	"allowed_origins": list(func(c *Config) *[]string { return &c.AllowedOrigins }, origin),
	"cors_origins":    list(func(c *Config) *[]string { return &c.CORSOrigins }, origin),
	"rate_limit":      text(func(c *Config) *int { return &c.RateLimit }, rateLimit),
	"trusted_proxies": list(func(c *Config) *[]netip.Prefix { return &c.TrustedProxies }, network),
	"metrics":         text(func(c *Config) *string { return &c.Metrics }, hostPortOrOff),
	"otlp_endpoint":   text(func(c *Config) **url.URL { return &c.OTLPEndpoint }, collector),
	"otlp_headers":    otlpHeaders,
	"trace_ratio":     text(func(c *Config) *float64 { return &c.TraceRatio }, ratio),
	"log_level":       text(func(c *Config) *slog.Level { return &c.LogLevel }, logLevel),
	"log_format":      text(func(c *Config) *string { return &c.LogFormat }, oneOf("text", "json")),

	"turn_port":               text(func(c *Config) *int { return &c.TURN.Port }, portOr(portAuto)),
	"turn_tls_port":           text(func(c *Config) *int { return &c.TURN.TLSPort }, webPortOr),
	"turn_host":               text(func(c *Config) *string { return &c.TURN.Host }, hostName),
	"turn_lifetime":           text(func(c *Config) *time.Duration { return &c.TURN.Lifetime }, duration(10*time.Minute, 720*time.Hour)),
	"turn_allocations":        text(func(c *Config) *int { return &c.TURN.Allocations }, number(1, 30_000)),
	"turn_client_allocations": text(func(c *Config) *int { return &c.TURN.ClientAllocations }, number(1, 1000)),
	"turn_bandwidth":          text(func(c *Config) *int { return &c.TURN.Bandwidth }, number(0, 1_000_000)),

	"signing_key_rotation": text(func(c *Config) *time.Duration { return &c.SigningKeyRotation }, duration(24*time.Hour, 87600*time.Hour)),

	"webhook_allow_private": text(func(c *Config) *bool { return &c.WebhookAllowPrivate }, yesOrNo),
	"webhook_user_agent":    text(func(c *Config) *string { return &c.WebhookUserAgent }, headerText),
	"compose_jobs":          text(func(c *Config) *int { return &c.ComposeJobs }, number(0, 64)),
	"quality_retention":     text(func(c *Config) *time.Duration { return &c.QualityRetention }, qualityRetention),
	"usage_retention":       text(func(c *Config) *time.Duration { return &c.UsageRetention }, usageRetention),
	"history_retention":     text(func(c *Config) *time.Duration { return &c.HistoryRetention }, duration(time.Hour, 87600*time.Hour)),

	"portal_passwords":   text(func(c *Config) *auth.PasswordPolicy { return &c.SignIn.Passwords }, passwordPolicy),
	"oidc_issuer":        text(func(c *Config) *string { return &c.SignIn.Issuer }, issuer),
	"oidc_client_id":     text(func(c *Config) *string { return &c.SignIn.ClientID }, headerText),
	"oidc_client_secret": text(func(c *Config) *string { return &c.SignIn.ClientSecret }, headerText),
	"oidc_name":          text(func(c *Config) *string { return &c.SignIn.Name }, filled),
	"oidc_scopes":        list(func(c *Config) *[]string { return &c.SignIn.Scopes }, headerText),
	"oidc_role_claim":    text(func(c *Config) *string { return &c.SignIn.RoleClaim }, filled),
	"oidc_roles":         list(func(c *Config) *[]roleGrant { return &c.SignIn.Roles }, grant),
	"oidc_default_role":  text(func(c *Config) *video.Role { return &c.SignIn.DefaultRole }, memberRole),
	"oidc_domains":       list(func(c *Config) *[]string { return &c.SignIn.Domains }, domainName),

	"media_store":         text(func(c *Config) *string { return &c.MediaStore }, oneOf(mediaLocal, mediaS3)),
	"s3_endpoint":         text(func(c *Config) **url.URL { return &c.S3Endpoint }, s3Endpoint),
	"s3_bucket":           text(func(c *Config) *string { return &c.S3Bucket }, bucketName),
	"s3_region":           text(func(c *Config) *string { return &c.S3Region }, headerText),
	"s3_prefix":           text(func(c *Config) *string { return &c.S3Prefix }, keyPrefix),
	"s3_addressing":       text(func(c *Config) *blob.Addressing { return &c.S3Addressing }, addressing),
	"s3_access_key":       text(func(c *Config) *string { return &c.S3AccessKey }, headerText),
	"s3_secret_key":       text(func(c *Config) *string { return &c.S3SecretKey }, headerText),
	"media_encryption":    text(func(c *Config) *bool { return &c.MediaEncryption }, yesOrNo),
	"recording_min_free":  text(func(c *Config) *uint64 { return &c.RecordingMinFree }, minFree),
	"recording_retention": text(func(c *Config) *time.Duration { return &c.RecordingRetention }, retention),
}

// text makes a setting of a single value. YAML's numbers and booleans are read from their text, as flags are.
func text[T any](field func(*Config) *T, parse func(string) (T, error)) setting {
	return func(c *Config, value any) error {
		switch reflect.ValueOf(value).Kind() {
		case reflect.Slice, reflect.Map, reflect.Invalid:
			return fmt.Errorf("must be a single value")
		}
		parsed, err := parse(fmt.Sprint(value))
		if err != nil {
			return err
		}
		*field(c) = parsed
		return nil
	}
}

// list makes a setting of several values: a YAML list, a repeated flag, or text with commas.
func list[T any](field func(*Config) *[]T, parse func(string) (T, error)) setting {
	return func(c *Config, value any) error {
		var words []string
		switch value := value.(type) {
		case []string:
			words = value
		case []any:
			for _, v := range value {
				words = append(words, fmt.Sprint(v))
			}
		case string:
			words = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		default:
			return fmt.Errorf("must be a list")
		}
		var parsed []T
		for _, word := range words {
			one, err := parse(strings.TrimSpace(word))
			if err != nil {
				return fmt.Errorf("%q %w", word, err)
			}
			parsed = append(parsed, one)
		}
		*field(c) = parsed
		return nil
	}
}
