//go:build !linux

package loadtest

import "errors"

func usageOf(int) (usage, error) {
	return usage{}, errors.New("the usage of a process is read from /proc, which this system does not have")
}

func ownUsage() usage { return usage{} }
