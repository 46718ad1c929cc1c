// Package auth decides who somebody is: API keys of backends, and the tokens their users join rooms with. It signs what
// webhooks are told, signs members in to the portal (Members, docs/design/portal.md), and it counts how often strangers knock (Visitors) and tells where requests come from (Proxies). docs/tokens.md describes the
// tokens' claims.
//
// It keeps nothing itself: keys live behind the KeyStore it is given, whose secret parts are sealed under a root key that
// never enters the database. Nothing is remembered of keys and tokens between requests, so that what is revoked stops at
// once; only an opened webhook key is, for two seconds.
//
// It starts no goroutines. Tend, which rotates keys and writes when API keys were used, is run and awaited by whoever
// serves. An Authority is safe for concurrent use. Callers are the entrances and the relay of events.
package auth
