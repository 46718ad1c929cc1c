// Package whip lets software other than our own clients in: WHIP (RFC 9725) publishes a stream into a room with one POST
// of an SDP offer, WHEP plays one out of it in the same way. PATCH of the resource a POST made restarts ICE, DELETE ends it.
//
//	POST   /rooms/{room_id}/whip/{name}                   publish under a name
//	POST   /rooms/{room_id}/whep/{name}                   play what was published under a name
//	POST   /rooms/{room_id}/whep/{participant_id}/{key}   play any stream of the room
//	PATCH  the Location of the answer                     more ICE candidates, or an ICE restart
//	DELETE the Location of the answer                     end it
//
// The resource has an entity tag for its ICE session, so that candidates which come late are not taken for those of another
// (RFC 9725, section 4.3). A restart is negotiated below as the first offer with other credentials.
//
// A publisher is a participant like any other: its id is made here, its context is the name, its stream has the key
// self. A viewer is no participant. A token is asked for on every request; once the media flows it may expire, since
// there is no way to hand in another.
//
// Each resource has one goroutine, which waits for its end: DELETE, its publisher being kicked, the stream, session or
// room ending, the media connection failing, or not coming up in time. [Handler.Close] ends and awaits them all.
package whip
