package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// raiseFiles allows so many open files, or as many as it may where that is less.
// The error says so; it is not worth failing for.
func raiseFiles(files uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}
	if now.Cur >= files {
		return nil
	}
	err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: max(files, now.Max)})
	if err == nil {
		return nil
	}
	// More than the hard limit takes CAP_SYS_RESOURCE (setrlimit(2)).
	got := now.Cur
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: now.Max, Max: now.Max}) == nil {
		got = now.Max
	}
	return fmt.Errorf("rlimit_nofile: %d files may be open and not %d: %w: raise the limit of who starts xnumon (ulimit -Hn, LimitNOFILE=)", got, files, err)
}
