package live

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Subscribe takes a stream of someone else, or changes the subscription there is. An empty quality means high. Errors:
// forbidden, stream_not_found, invalid_argument, media_failed.
func (p *Participant) Subscribe(ctx context.Context, subscription video.Subscription, then func()) error {
	return p.subscribe(ctx, subscription, false, then)
}

// UpdateSubscription is Subscribe for a stream that is subscribed already; otherwise it fails with
// subscription_not_found.
func (p *Participant) UpdateSubscription(ctx context.Context, subscription video.Subscription, then func()) error {
	return p.subscribe(ctx, subscription, true, then)
}

func (p *Participant) subscribe(ctx context.Context, subscription video.Subscription, mustExist bool, then func()) error {
	switch subscription.Quality {
	case "":
		subscription.Quality = video.QualityHigh
	case video.QualityLow, video.QualityMedium, video.QualityHigh:
	default:
		return invalid("/quality", "the quality must be low, medium or high")
	}
	return p.do(ctx, func() error {
		if !p.m.grant.Grants.Subscribe {
			return forbidden("subscribing")
		}
		st := p.m.session.stream(subscription.StreamID)
		switch {
		case st == nil:
			return errNoStream
		case st.owner == p.m:
			return invalid("/stream_id", "the stream is the participant's own")
		}
		if st.Key == video.PresentationKey {
			subscription.Priority = 1
		}
		before, subscribed := p.m.subscriptions[st.ID]
		if mustExist && !subscribed {
			return errNotSubscribed
		}
		if err := p.m.transport.Subscribe(subscription); err != nil {
			return mediaFailed(ctx, "the stream cannot be subscribed", err)
		}
		p.m.subscriptions[st.ID] = subscription
		switch {
		case !subscribed:
			p.m.session.noteSubscription(video.HappenedSubscribed, p.m, subscription)
		case !subscription.SameWish(before):
			p.m.session.noteSubscription(video.HappenedSubscriptionChanged, p.m, subscription)
		}
		call(then)
		return nil
	})
}

// Unsubscribe ends a subscription. Error: subscription_not_found.
func (p *Participant) Unsubscribe(ctx context.Context, id video.StreamID, then func()) error {
	return p.do(ctx, func() error {
		before, subscribed := p.m.subscriptions[id]
		if !subscribed {
			return errNotSubscribed
		}
		p.m.session.noteSubscription(video.HappenedUnsubscribed, p.m, before)
		delete(p.m.subscriptions, id)
		p.m.transport.Unsubscribe(id)
		p.m.endPause(id)
		call(then)
		return nil
	})
}

var errNotSubscribed = video.Errorf(video.CodeSubscriptionNotFound, "the stream is not subscribed").WithField("/stream_id")
