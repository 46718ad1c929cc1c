package rest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (e *entrance) generateToken(r *request) (answer, error) {
	if _, err := e.Rooms.Room(r.Context(), r.account, video.RoomID(r.id), false); err != nil {
		return answer{}, err
	}
	grants := r.body.object("grants")
	tokens, err := e.Tokens.Generate(r.Context(), r.account, video.RoomID(r.id), auth.TokenRequest{
		TTL:        seconds(r.body, "token_ttl_secs", video.DefaultTokenTTLSecs),
		RefreshTTL: seconds(r.body, "refresh_token_ttl_secs", video.DefaultRefreshTokenTTLSecs),
		Identity:   r.body.text("identity"),
		Grants: video.Grants{
			Publish:      orDefault(grants.boolean("publish"), video.AllGrants.Publish),
			Subscribe:    orDefault(grants.boolean("subscribe"), video.AllGrants.Subscribe),
			SendMessages: orDefault(grants.boolean("send_messages"), video.AllGrants.SendMessages),
		},
	})
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusCreated, renderTokens(tokens)), nil
}

// checkIdentity finds an identity that is too long in bytes; schemas count characters.
func checkIdentity(r *request) ([]fault, error) {
	if len(r.body.text("identity")) <= auth.MaxIdentityBytes {
		return nil, nil
	}
	return []fault{faultAt([]string{"identity"}, badRequest,
		fmt.Sprintf("identity must have at most %d bytes of UTF-8.", auth.MaxIdentityBytes))}, nil
}

// refreshToken has no other credential than the refresh token. A room that is gone is answered like a token that is no
// good: strangers learn nothing of rooms from it.
func (e *entrance) refreshToken(r *request) (answer, error) {
	tokens, err := e.Tokens.Refresh(r.Context(), video.RoomID(r.id), r.body.text("refresh_token"),
		seconds(r.body, "token_ttl_secs", video.DefaultTokenTTLSecs))
	if err != nil {
		return answer{}, err
	}
	grant, err := e.Tokens.Verify(r.Context(), tokens.Token)
	if err != nil && video.CodeOf(err) == video.CodeUnauthorized { // revoked at this very moment
		return answer{}, refuse(http.StatusForbidden, authorizationFailed, "The refresh token was revoked.")
	}
	if err != nil {
		return answer{}, video.Errorf(video.CodeInternal, "read the token just made: %w", err)
	}
	_, err = e.Rooms.Room(r.Context(), grant.AccountID, grant.RoomID, false)
	if err != nil && video.CodeOf(err) == video.CodeRoomNotFound {
		return answer{}, refuse(http.StatusForbidden, authorizationFailed, "The room of the refresh token was deleted.")
	}
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusCreated, renderTokens(tokens)), nil
}

func seconds(b body, name string, otherwise int) time.Duration {
	return time.Duration(orDefault(b.integer(name), otherwise)) * time.Second
}
