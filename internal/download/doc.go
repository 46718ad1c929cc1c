// Package download serves recordings, their indexes and compositions to whoever has a signed URL of one: a person, a player, a
// backend. The URL is the whole credential, good for an hour, and for nothing once its object is deleted.
//
// Objects come through the server whatever they are kept in, with ranges, so that a player can go anywhere in them. Each
// download runs in the goroutine of its request.
package download
