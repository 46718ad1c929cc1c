package compose

import (
	"os/exec"
	"syscall"
)

// detach gives the child a process group of its own, and has it killed when the thread that starts it ends.
func detach(child *exec.Cmd) {
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(child *exec.Cmd) error { return syscall.Kill(-child.Process.Pid, syscall.SIGKILL) }

// lower makes the child give way to others. A child that cannot be lowered runs as it is.
func lower(child *exec.Cmd) {
	_ = syscall.Setpriority(syscall.PRIO_PGRP, child.Process.Pid, niceness)
}
