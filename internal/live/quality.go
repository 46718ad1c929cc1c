package live

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Quality keeps figures of how well media goes. It is told who is in a session and what they publish, and is given what clients
// report. Its methods are called in the session loop and never wait. Of a report's tracks StreamID and Kind are set; it tells whose the
// streams are, and leaves out those there are not. Error of Report: invalid_state, when reports come too often.
type Quality interface {
	Joined(participant video.Participant, client video.Client)
	Left(participant video.ParticipantID)
	Published(session video.SessionID, stream video.Stream)
	Unpublished(stream video.StreamID)
	Report(participant video.ParticipantID, sample video.QualitySample) error
}

// ReportQuality hands on what the participant's client measured of its media. Error: invalid_state, when it reports too often.
func (p *Participant) ReportQuality(ctx context.Context, sample video.QualitySample, then func()) error {
	return p.do(ctx, func() error {
		if err := p.m.session.host.config.Quality.Report(p.m.presence.ID, sample); err != nil {
			return err
		}
		then()
		return nil
	})
}

// noQuality keeps nothing.
type noQuality struct{}

func (noQuality) Joined(video.Participant, video.Client)                {}
func (noQuality) Left(video.ParticipantID)                              {}
func (noQuality) Published(video.SessionID, video.Stream)               {}
func (noQuality) Unpublished(video.StreamID)                            {}
func (noQuality) Report(video.ParticipantID, video.QualitySample) error { return nil }
