// Command rotunda is the server, and the only place that knows every package: it reads the configuration, plugs the
// packages into each other, starts them floor by floor from the ground up and stops them downwards.
//
//	main.go      the command line
//	config.go    the layers of the configuration
//	settings.go  what can be configured, and how each setting is read
//	serve.go     what runs, in the order it starts and stops
//	listen.go    listeners
//	tls.go       certificates from files, and what the public listener speaks
//	acme.go      certificates by ACME
//	sites.go     the call app and the API reference, and what their pages may do
//	data.go      the data directory, and what a fresh one is given
//	greeting.go  what serve prints
//	health.go    who may come in when
//	routes.go    which address leads where, and what guards all of them
//	media.go     sfu's engine as live's media
//	deletion.go  live as rest asks for it
//	key.go       makes API keys
//	loadtest.go  loads a server and prints what that took
package main
