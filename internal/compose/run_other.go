//go:build !linux

package compose

import "os/exec"

func detach(*exec.Cmd) {}

func killGroup(child *exec.Cmd) error { return child.Process.Kill() }

func lower(*exec.Cmd) {}
