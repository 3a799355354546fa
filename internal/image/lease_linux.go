package image

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
)

// A lease keeps writers off an open file (fcntl(2), "Leases"). A writer that
// comes makes it pending: he waits in his open until the lease is given back,
// but at most /proc/sys/fs/lease-break-time, after which the kernel takes it away.
type lease struct {
	fd    int
	taken time.Time
	limit time.Duration
}

// takeLease returns the reason why there can be none, empty if there is one.
func takeLease(fd int, limit time.Duration) (lease, event.Reason) {
	l := lease{fd: fd, taken: time.Now(), limit: limit}
	switch _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); {
	case err == nil:
		return l, ""
	case errors.Is(err, unix.EAGAIN):
		return l, event.ReasonWritable
	default:
		return l, event.ReasonUnverifiable
	}
}

// holds says whether no byte can have changed since the lease was taken.
func (l lease) holds() bool {
	if !l.wanted() {
		return true
	}
	return time.Since(l.taken) < l.limit
}

// wanted says whether a writer waits, or has waited for so long that he was let through.
func (l lease) wanted() bool {
	kind, err := unix.FcntlInt(uintptr(l.fd), unix.F_GETLEASE, 0)
	return err != nil || kind != unix.F_RDLCK
}

// leaseLimit is how long a lease surely keeps a writer waiting, with a margin.
func leaseLimit() time.Duration {
	seconds := 45
	if raw, err := os.ReadFile("/proc/sys/fs/lease-break-time"); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
			seconds = n
		}
	}
	return time.Duration(seconds) * time.Second * 3 / 4
}
