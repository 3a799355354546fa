package linux

import (
	"strings"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// absolute is the path that a name stands for in an exec, empty where links or dots
// could lead elsewhere than they seem to.
func absolute(name string, e *sensor.Exec) string {
	if !strings.HasPrefix(name, "/") {
		if e.Cwd == "" || strings.HasPrefix(e.Cwd, "(") {
			return ""
		}
		name = strings.TrimSuffix(e.Cwd, "/") + "/" + strings.TrimPrefix(name, "./")
	}
	for _, part := range strings.Split(name[1:], "/") {
		if part == "" || part == "." || part == ".." {
			return ""
		}
	}
	return name
}

// steady says whether a file has been at its path, from the monitor's own root, since
// before a moment. Renaming a directory or a file moves its change time, so if that is older all
// the way down nothing was. It waits for nobody, and says no where it would have to.
func (n *notices) steady(f *sensor.File, since event.Time) bool {
	if f.Unreachable || !strings.HasPrefix(f.Path, "/") {
		return false
	}
	for i := 1; i <= len(f.Path); i++ {
		if i < len(f.Path) && f.Path[i] != '/' {
			continue
		}
		st, err := statCached(f.Path[:i])
		if err != nil {
			return false
		}
		id := sensor.Identity{
			Dev: unix.Mkdev(st.Dev_major, st.Dev_minor), Ino: st.Ino,
			CTime: event.Time(st.Ctime.Sec*1e9 + int64(st.Ctime.Nsec)),
		}
		if !id.Settled(since) || i == len(f.Path) && (id.Dev != f.ID.Dev || id.Ino != f.ID.Ino) {
			return false
		}
	}
	return true
}

func statCached(path string) (st unix.Statx_t, err error) {
	fd, err := findCached("/", path)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	err = unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_BASIC_STATS, &st)
	return st, err
}
