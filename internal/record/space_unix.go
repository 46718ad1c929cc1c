//go:build linux || darwin

package record

import (
	"fmt"
	"syscall"
)

// DiskSpace asks how many bytes the disk with this folder has, and how many are free for us.
func DiskSpace(dir string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("ask for the space of a disk: %w", err)
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
}
