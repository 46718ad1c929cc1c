package video

import "context"

// Actor is who asks for a change, and from where. It travels in the context of the request, so that whoever makes the
// change can put it into the audit log in the same transaction.
type Actor struct {
	KeyID      string // of the API key; empty for the command line and for members
	KeyName    string
	MemberID   string // of who is signed in to the portal; empty for all others
	MemberName string
	Address    string // of the caller; empty for the command line
	UserAgent  string
	RequestID  string
}

type actorKey struct{}

// WithActor returns a context that says who acts.
func WithActor(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// WithoutActor returns a context in which nobody acts, so that the audit log is not told.
func WithoutActor(ctx context.Context) context.Context {
	return context.WithValue(ctx, actorKey{}, nil)
}

// ActorOf returns who acts, if the context says so.
func ActorOf(ctx context.Context) (Actor, bool) {
	actor, ok := ctx.Value(actorKey{}).(Actor)
	return actor, ok
}
