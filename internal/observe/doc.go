// Package observe is what an operator looks at: the log, metrics and profiles. It runs no goroutine. cmd/rotunda makes
// the logger and the registry and passes them to everyone; each package registers its own metrics through its
// constructor. Ids of rooms and participants never become labels.
package observe
