package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Rooms keeps the records of rooms. What belongs to another account is not found.
type Rooms interface {
	CreateRoom(ctx context.Context, room video.Room) (video.Room, error)
	Room(ctx context.Context, account video.AccountID, id video.RoomID, includeSessions bool) (video.Room, error)
	Rooms(ctx context.Context, query video.RoomQuery) (video.List[video.Room], error)
	UpdateRoom(ctx context.Context, account video.AccountID, id video.RoomID, change video.RoomChange) (video.Room, error)
	DeleteRoom(ctx context.Context, account video.AccountID, id video.RoomID) error
}

// Sessions reads the records of sessions and participants. What belongs to another account is not found.
type Sessions interface {
	Session(ctx context.Context, account video.AccountID, id video.SessionID, includeParticipants bool) (video.Session, error)
	Sessions(ctx context.Context, query video.SessionQuery) (video.List[video.Session], error)
	Participant(ctx context.Context, account video.AccountID, id video.ParticipantID) (video.Participant, error)
	Participants(ctx context.Context, query video.ParticipantQuery) (video.List[video.Participant], error)

	// Happenings returns what happened in a session after a cursor, oldest first.
	Happenings(ctx context.Context, query video.HappeningQuery) ([]video.Happening, error)
	// Follow returns a channel that holds a token whenever something happened in the session since it was last emptied, until
	// stop is called.
	Follow(session video.SessionID) (news <-chan struct{}, stop func())
}

// Quality has what was measured of participants' media. What belongs to another account is not in it, but for Latest and Follow.
type Quality interface {
	// Steps returns what was measured of a participant, oldest first, and when the first step of the next page begins; zero if there is
	// none.
	Steps(ctx context.Context, query video.QualityQuery) (steps []video.QualityStep, next time.Time, err error)
	// Diagnose says what went wrong with a participant's media in the query's span, and on whose side. lost are the spans in which its
	// connection was lost, oldest first.
	Diagnose(ctx context.Context, query video.QualityQuery, lost []video.Span) (video.Diagnosis, error)
	// Latest returns the last samples of everyone who is in a session.
	Latest(session video.SessionID) []video.QualityNews
	// Follow returns the same, and a channel of those that come until stop is called.
	Follow(session video.SessionID) (latest []video.QualityNews, news <-chan video.QualityNews, stop func())
	// Glance returns what the server measured of everyone who is in a session over the last seconds.
	Glance(session video.SessionID) []video.QualityNews
}

// Keys knows whose an API key is. A key that is unknown, revoked or expired is video.CodeUnauthorized.
type Keys interface {
	Authenticate(ctx context.Context, bearer string) (video.APIKey, error)
}

// Tokens makes client tokens, whether or not their room exists. A refresh token that is not good for the room is
// video.CodeForbidden.
type Tokens interface {
	Generate(ctx context.Context, account video.AccountID, room video.RoomID, request auth.TokenRequest) (auth.Tokens, error)
	Refresh(ctx context.Context, room video.RoomID, refreshToken string, ttl time.Duration) (auth.Tokens, error)
	Verify(ctx context.Context, token string) (video.Grant, error)
}

// Live has the sessions going on now.
type Live interface {
	// EndRoom puts everyone out of the room's session, if there is one, and returns when they are out.
	EndRoom(ctx context.Context, room video.RoomID)

	// Look returns what a session is like now. A session that is not running is video.CodeState, here and below.
	Look(ctx context.Context, room video.RoomID, session video.SessionID) (video.LiveSession, error)

	// EndSession puts everyone out and returns who they were when they are out.
	EndSession(ctx context.Context, room video.RoomID, session video.SessionID) ([]video.ParticipantID, error)

	// Kick and those after it return those they changed. If ids of the selection are not in the session, nothing is changed, and
	// each is a video.CodeParticipantNotFound whose field is /participants and its place there, all of them joined.
	Kick(ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection) ([]video.ParticipantID, error)
	Mute(ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection) ([]video.ParticipantID, error)
	Unmute(ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection) ([]video.ParticipantID, error)
	StartRecording(ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection) ([]video.ParticipantID, error)
	StopRecording(ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection) ([]video.ParticipantID, error)
}

// Config is what the entrance stands on. All fields are required unless said otherwise.
type Config struct {
	Rooms        Rooms
	Sessions     Sessions
	Recordings   Recordings
	Compositions Compositions
	Quality      Quality
	Keys         Keys
	Tokens       Tokens
	Live         Live

	Audits      Audits
	Idempotency Idempotency
	Vault       Vault

	KeyRing  KeyRing
	Members  Members
	Roster   Roster
	Overview Overview
	Usage    Usage
	System   Systems

	// SingleSignOn is the other way to sign in to the portal. It may be nil.
	SingleSignOn *SingleSignOn

	// Checks looks at what the server needs of its machine.
	Checks func(ctx context.Context) []SystemCheck
	// Machine reads how busy the machine is. It may be nil.
	Machine func() MachineLoad

	Webhooks   Webhooks
	EventKeys  EventKeys
	Deliveries Deliveries

	// RateLimit is how many units each API key may spend a second, and at once; operations cost 1, 2 or 10. 0 is no limit.
	RateLimit int

	// CORSOrigins are the origins whose scripts may use API keys, such as "https://admin.example.com". None is the default:
	// keys belong on servers.
	CORSOrigins []string

	// Proxies are believed when they say for whom they ask; nil are those on loopback.
	Proxies *auth.Proxies

	// PublicURL is where clients reach the server, without the /v2, as in "https://video.example.com". Links in answers
	// are built from it. Empty means the host each request names, which is for servers on loopback only.
	PublicURL string

	// MediaURL makes the URL that the file of a completed recording is fetched from, which expires; empty where there is none.
	// It may be nil.
	MediaURL func(account video.AccountID, kind video.MediaKind, id string) string

	// Draining is closed when the server drains: those who follow a session are sent away then, so that nobody waits for
	// them. It may be nil.
	Draining <-chan struct{}

	// Traces makes spans of requests. It may be nil.
	Traces *observe.Tracer

	// Log takes faults of the server (error), passing ones (warn) and every request (debug).
	Log *slog.Logger
}

// How many tokens each address may refresh, an address that thousands share included.
const (
	refreshesPerSecond = 10
	refreshBurst       = 500
)

// How often each address may try to sign in to the portal, whoever tries there.
const (
	signInsPerSecond = 0.5
	signInBurst      = 20
)

// base is the path everything is under.
const base = "/v2"

type entrance struct {
	Config
	routes    *http.ServeMux
	strangers *auth.Visitors
	guests    *auth.Visitors // who signs in
	rates     *rateLimit     // nil: no limit
	flights   flights
	followers followers
}

// New returns the handler of everything under /v2 that is REST. Requests come to it with their full path; they should
// not pass another ServeMux on the way, which would redirect paths it finds unclean where this one answers 404.
func New(config Config) (http.Handler, error) {
	switch {
	case config.Rooms == nil, config.Sessions == nil, config.Keys == nil, config.Tokens == nil, config.Live == nil:
		return nil, errors.New("rest: Rooms, Sessions, Keys, Tokens and Live are required")
	case config.Recordings == nil, config.Compositions == nil, config.Quality == nil:
		return nil, errors.New("rest: Recordings, Compositions and Quality are required")
	case config.Webhooks == nil, config.EventKeys == nil, config.Deliveries == nil:
		return nil, errors.New("rest: Webhooks, EventKeys and Deliveries are required")
	case config.Audits == nil, config.Idempotency == nil, config.Vault == nil, config.Log == nil:
		return nil, errors.New("rest: Audits, Idempotency, Vault and Log are required")
	case config.KeyRing == nil, config.Members == nil, config.Roster == nil, config.Overview == nil, config.Checks == nil:
		return nil, errors.New("rest: KeyRing, Members, Roster, Overview and Checks are required")
	case config.Usage == nil, config.System == nil:
		return nil, errors.New("rest: Usage and System are required")
	case config.RateLimit < 0, config.RateLimit > 0 && config.RateLimit < MinRateLimit:
		return nil, fmt.Errorf("rest: a rate limit is %d units a second or more, or 0 for none", MinRateLimit)
	}
	doc, err := served()
	if err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	e := &entrance{
		Config: config, routes: http.NewServeMux(),
		strangers: auth.NewVisitors(refreshesPerSecond, refreshBurst, config.Proxies, nil),
		guests:    auth.NewVisitors(signInsPerSecond, signInBurst, config.Proxies, nil),
		flights:   flights{all: make(map[[32]byte]flight)},
	}
	if config.RateLimit > 0 {
		e.rates = newRateLimit(config.RateLimit, time.Now)
	}
	resources, err := doc.resources(append(e.operations(), doc.operations()...))
	if err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	for path, resource := range resources {
		e.routes.Handle(base+path, e.serve(resource))
	}
	e.routes.HandleFunc("/", e.unknownPath)
	return e, nil
}

// operations is every operation but those that serve the document itself.
func (e *entrance) operations() []*operation {
	return []*operation{
		{method: "GET", path: "/rooms", right: readRight, do: e.listRooms},
		{method: "POST", path: "/rooms", right: writeRight, action: audited, do: e.createRoom},
		{method: "GET", path: "/rooms/{room_id}", right: readRight, do: e.room},
		{method: "PATCH", path: "/rooms/{room_id}", right: writeRight, action: audited, do: e.updateRoom},
		{method: "DELETE", path: "/rooms/{room_id}", right: writeRight, action: audited, do: e.deleteRoom},
		{method: "POST", path: "/rooms/{room_id}/actions/generate_join_client_token", right: tokensRight, do: e.generateToken, check: checkIdentity},
		{method: "POST", path: "/rooms/{room_id}/actions/refresh_client_token", do: e.refreshToken, public: true, anyOrigin: true, limited: true},
		{method: "GET", path: "/rooms/{room_id}/sessions", right: readRight, do: e.listSessionsOfRoom},
		{method: "GET", path: "/room_sessions", right: readRight, do: e.listSessions},
		{method: "GET", path: "/room_sessions/{room_session_id}", right: readRight, do: e.session},
		{method: "POST", path: "/room_sessions/{room_session_id}/actions/end", right: moderateRight, action: "room_session.end", do: e.end},
		{method: "POST", path: "/room_sessions/{room_session_id}/actions/kick", right: moderateRight, action: "room_session.kick", do: e.kick},
		{method: "POST", path: "/room_sessions/{room_session_id}/actions/mute", right: moderateRight, action: "room_session.mute", do: e.mute},
		{method: "POST", path: "/room_sessions/{room_session_id}/actions/unmute", right: moderateRight, action: "room_session.unmute", do: e.unmute},
		{method: "POST", path: "/room_sessions/{room_session_id}/actions/start_recording", right: moderateRight, action: "room_session.start_recording", do: e.startRecording},
		{method: "POST", path: "/room_sessions/{room_session_id}/actions/stop_recording", right: moderateRight, action: "room_session.stop_recording", do: e.stopRecording},
		{method: "GET", path: "/room_sessions/{room_session_id}/events", right: readRight, do: e.happenings},
		{method: "GET", path: "/room_sessions/{room_session_id}/live", right: readRight, do: e.liveSession},
		{method: "POST", path: "/room_sessions/{room_session_id}/actions/watch", right: mediaRight, action: "room_session.watch", do: e.watchSession},
		{method: "GET", path: "/room_sessions/{room_session_id}/participants", right: readRight, do: e.listParticipantsOfSession},
		{method: "GET", path: "/room_sessions/{room_session_id}/quality", right: readRight, do: e.qualityOfSession},
		{method: "GET", path: "/room_sessions/{room_session_id}/state", right: readRight, do: e.stateOfSession},
		{method: "GET", path: "/room_participants", right: readRight, do: e.listParticipants},
		{method: "GET", path: "/room_participants/{room_participant_id}", right: readRight, do: e.participant},
		{method: "GET", path: "/room_participants/{room_participant_id}/quality", right: readRight, do: e.qualityOfParticipant},
		{method: "GET", path: "/room_participants/{room_participant_id}/diagnosis", right: readRight, do: e.diagnosis},
		{method: "GET", path: "/room_recordings", right: readRight, do: e.listRecordings},
		{method: "DELETE", path: "/room_recordings", right: writeRight, action: audited, do: e.deleteRecordings},
		{method: "GET", path: "/room_recordings/{room_recording_id}", right: readRight, do: e.recording},
		{method: "DELETE", path: "/room_recordings/{room_recording_id}", right: writeRight, action: audited, do: e.deleteRecording},
		{method: "GET", path: "/room_compositions", right: readRight, do: e.listCompositions},
		{method: "POST", path: "/room_compositions", right: writeRight, action: audited, do: e.createComposition, check: e.checkComposition},
		{method: "GET", path: "/room_compositions/{room_composition_id}", right: readRight, do: e.composition},
		{method: "DELETE", path: "/room_compositions/{room_composition_id}", right: writeRight, action: audited, do: e.deleteComposition},
		{method: "GET", path: "/webhook_settings", right: writeRight, do: e.webhookSettings},
		{method: "PATCH", path: "/webhook_settings", right: writeRight, action: audited, do: e.updateWebhookSettings, check: checkSecret},
		{method: "POST", path: "/webhook_settings/actions/rotate_secret", right: writeRight, action: audited, do: e.rotateWebhookSecret},
		{method: "POST", path: "/webhook_settings/actions/send_test_event", right: writeRight, action: "webhook.test", do: e.sendTestEvent, check: e.checkTestEvent},
		{method: "GET", path: "/public_key", right: readRight, do: e.publicKey},
		{method: "POST", path: "/public_key/actions/prepare", right: writeRight, action: audited, do: e.preparePublicKey},
		{method: "POST", path: "/public_key/actions/activate", right: writeRight, action: audited, do: e.activatePublicKey},
		{method: "GET", path: "/webhook_deliveries", right: writeRight, do: e.listDeliveries},
		{method: "POST", path: "/webhook_deliveries/actions/redeliver", right: writeRight, action: "webhook_deliveries.redeliver", do: e.redeliverAll},
		{method: "GET", path: "/webhook_deliveries/{webhook_delivery_id}", right: writeRight, do: e.delivery},
		{method: "POST", path: "/webhook_deliveries/{webhook_delivery_id}/actions/redeliver", right: writeRight, action: "webhook_delivery.redeliver", do: e.redeliver},
		{method: "GET", path: "/audit_events", right: administerRight, do: e.listAudits},

		{method: "GET", path: "/overview", right: readRight, do: e.overview},
		{method: "GET", path: "/activity", right: readRight, do: e.activity},
		{method: "GET", path: "/refused_joins", right: readRight, do: e.listRefusedJoins},
		{method: "GET", path: "/search", right: readRight, do: e.search},
		{method: "GET", path: "/usage", right: readRight, do: e.listUsage},
		{method: "GET", path: "/system", right: administerRight, do: e.retrieveSystem},
		{method: "POST", path: "/system/actions/test_storage", right: administerRight, action: "system.test_storage", do: e.testStorage},
		{method: "GET", path: "/system_checks", right: administerRight, do: e.systemChecks},
		{method: "GET", path: "/api_keys", right: administerRight, do: e.listKeys},
		{method: "POST", path: "/api_keys", right: administerRight, action: audited, do: e.createKey, check: e.checkKey},
		{method: "DELETE", path: "/api_keys/{api_key_id}", right: administerRight, action: audited, do: e.revokeKey},
		{method: "GET", path: "/members", right: administerRight, do: e.listMembers},
		{method: "POST", path: "/members", right: administerRight, action: audited, do: e.inviteMember},
		{method: "PATCH", path: "/members/{member_id}", right: administerRight, action: audited, do: e.updateMember},
		{method: "DELETE", path: "/members/{member_id}", right: administerRight, action: audited, do: e.removeMember},
		{method: "POST", path: "/members/{member_id}/actions/reset_password", right: administerRight, action: audited, do: e.resetPassword},
		{method: "GET", path: portalPath, public: true, do: e.portalSession},
		{method: "POST", path: portalPath, public: true, signsIn: true, changesSession: true, action: "member.sign_in", do: e.signIn},
		{method: "DELETE", path: portalPath, public: true, changesSession: true, action: "member.sign_out", do: e.signOut},
		{method: "GET", path: portalPath + "/methods", public: true, do: e.signInMethods},
		{method: "POST", path: portalPath + "/actions/begin_oidc", public: true, signsIn: true, do: e.beginOIDC},
		{method: "POST", path: portalPath + "/actions/finish_oidc", public: true, signsIn: true, changesSession: true, action: "member.sign_in", do: e.finishOIDC},
		{method: "POST", path: portalPath + "/actions/use_link", public: true, signsIn: true, changesSession: true, action: audited, do: e.useLink},
		{method: "POST", path: portalPath + "/actions/change_password", public: true, signsIn: true, changesSession: true, action: audited, do: e.changePassword},
	}
}
