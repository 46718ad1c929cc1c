// Command rotunda is the server, and the only place that knows every package: it reads the configuration, plugs the
// packages into each other, starts them floor by floor from the ground up and stops them downwards.
//
//	main.go      the command line
//	config.go    what can be configured, and in which layers
//	settings.go  how each setting is read
//	serve.go     what runs, in the order it starts and stops
//	first.go     what a fresh data directory is given
//	routes.go    which address leads where, and what guards all of them
//	media.go     sfu's engine as live's media
//	key.go       makes API keys
package main
