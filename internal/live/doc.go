// Package live runs the sessions that are going on in this process: who is in them, what they publish, what they take.
// The entrances (signal, whip) hold a [Participant] or a [Viewer] and ask through it; what happens to them comes back
// as a [Notice] to their [Listener]. Media is done by whoever implements [Media], the record is kept by a [Journal].
//
// # Goroutines
//
// Each session has one loop, which alone touches its members, streams and subscriptions. Handles post closures to it
// and wait; it waits for nothing but a short call to a [Transport]. Slow work, which is reading the room's row,
// journaling and SDP, runs in the goroutine of whoever asks, before or between such posts. Beside the loop a session
// runs one short goroutine that records its opening and one for each transport being closed; it awaits them all.
//
//	           admit            recorded, announced
//	(nobody) ────────▶ seated ─────────────────────▶ in the session ──leave, end──▶ out
//	             ▲        │ refused: the seat is free again, nobody saw it
//	             └────────┘
//
//	idle room ──first seat──▶ active ──last left──▶ lingering ──time──▶ ended
//	                            ▲                      │
//	                            └─────── a seat ───────┘
//
// A participant does not end with its client's connection: the entrance says how long it waits (resume.go), and lets the client back in
// with Participant.Resume. Its transport may be replaced by another under the same streams (replace.go).
//
// # Moderation
//
// Host.Mute marks the member, so that streams published later are silenced too; the gate is in the Transport. Host.Kick
// bars the token families of those it means, has the journal write the revocation in the asker's goroutine, and puts them
// out; if the writing fails, the bar is lifted and nothing has happened. The bar stays for as long as a grant may be in
// use that was verified before: who said hello in time does not join late. Those with a seat count as in the session.
//
// # Speakers and messages
//
// While a stream has audio the loop looks every 200 ms who is heard, and tells changes. Messages need not arrive: a [ChoosyListener] may
// refuse them when its client is slow, and the sender is told. Lossy data comes from a goroutine of the sender's transport into a
// bounded queue of the session; the loop finds out whom it is for, and a goroutine of the session hands it to the others' transports,
// which drop it rather than wait (fanout.go).
//
// # Recording
//
// Whom a moderator or the room wants recorded, of them every stream is given to the [Recorder] when it is published, or when
// the wish comes: its sinks are hung on the Transport, it is told what the gates are, and it is stopped when the stream or the
// wish ends. When the session has ended the Recorder is told that nothing more is coming.
//
// # Mixed sound
//
// While somebody is in the session whose client takes everybody else in one track, there is a [Mix]: the audio of each stream is a source in it,
// and so is what such clients send themselves. The loop makes it, switches its sources with the gates, and closes it with the last who needs it.
//
// # What closes what
//
//	Host.Close, Host.EndRoom, Host.EndSession, linger, panic
//	   └─▶ session ends: no more seats; seats whose join is being recorded are waited for
//	         ├─▶ each participant is out: its streams are withdrawn, the others are told, the journal is told,
//	         │     │   its listener hears Removed as its last notice
//	         │     ├─▶ the recording of each withdrawn stream is stopped, and it is out of the mix
//	         │     ├─▶ with the last who needs it the mix ends
//	         │     ├─▶ each viewer of a withdrawn stream is out: its listener hears Removed
//	         │     └─▶ Transport.Close, in a goroutine of its own, awaited by the session (and by Participant.Leave)
//	         └─▶ when all transports are closed: Recorder.SessionEnded, Journal.EndSession, and the room is idle
//
// It goes the same way from the middle: Participant.Leave and Host.Kick start at the participant, Viewer.Close at its
// viewer. From
// below comes one report, [TransportUpdates].Failed, which closes nothing by itself: a native client may restart ICE,
// and WHIP resources leave.
package live
