// Package doctor looks at a server from outside: can it be reached, and over which of the ways media may take. It takes each way as a client
// would, by the candidates and relays that the server itself names in the answer to an offer over WHIP, with checks of ICE in place of media.
//
// What it finds is a list of checks (report.go), each with the setting to change. It owns no goroutine beyond a call and keeps nothing.
package doctor
