// Package auth decides who somebody is: API keys of backends, and the tokens their users join rooms with. It also
// counts how often strangers knock (Visitors). docs/tokens.md
// describes the tokens' claims.
//
// It keeps nothing itself: keys live behind the KeyStore it is given, whose secret parts are sealed under a root key that
// never enters the database. It runs no goroutines. An Authority is safe for concurrent use. Callers are the entrances.
package auth
