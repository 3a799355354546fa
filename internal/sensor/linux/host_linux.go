package linux

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// resolveCached is RESOLVE_CACHED of openat2(2), since kernel 5.12.
const resolveCached = 0x20

// Host is the tree of files that the monitor itself sees: that of the machine, unless
// root has started it in another.
type Host struct {
	ident *identifier
	root  int
}

// Host opens the root directory. The caller closes it before the Sensor.
func (s *Sensor) Host() (*Host, error) {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the root directory: %w", err)
	}
	return &Host{ident: s.ident, root: fd}, nil
}

// Close releases the directory.
func (h *Host) Close() error { return unix.Close(h.root) }

// Has says whether the file that f describes is at its path now, in the state in
// which it was executed. It says no where that cannot be told at once.
//
// It never waits for a file system, whose server could be one of the
// monitored: RESOLVE_CACHED looks at nothing but the kernel's cache of names, which holds those
// of a file that has just been executed, and AT_STATX_DONT_SYNC at what is known of it.
func (h *Host) Has(f *sensor.File) bool {
	if !f.HasStat || f.Unreachable || !strings.HasPrefix(f.Path, "/") {
		return false
	}
	fd, err := unix.Openat2(h.root, f.Path, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | resolveCached,
	})
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var out identified
	if err := h.ident.ask(slotOther, fd, 0, &out); err != nil {
		return false
	}
	id := identity(&out.file)
	if id == f.ID {
		return true
	}
	// What was held has the numbers and times of statx(2), which differ where a
	// stacked file system or a subvolume has its own.
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_BASIC_STATS, &st); err != nil {
		return false
	}
	id.Dev, id.Ino = unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino
	id.MTime = event.Time(st.Mtime.Sec*1e9 + int64(st.Mtime.Nsec))
	id.CTime = event.Time(st.Ctime.Sec*1e9 + int64(st.Ctime.Nsec))
	return id == f.ID
}
