// Package video holds the words of the product: rooms, sessions, participants, streams, grants, and the errors every
// caller may be shown. It depends on nothing but the standard library, so that each floor of the house can speak it.
package video
