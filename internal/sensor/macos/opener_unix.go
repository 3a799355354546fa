//go:build unix

package macos

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// Open implements sensor.Opener.
func (o *opener) Open() (int, error) {
	// The path in a message has its links resolved: one on the way there now
	// was put there since. Without O_NONBLOCK a fifo could hold the open up.
	fd, err := unix.Open(o.path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK|noFollow, 0)
	if err != nil {
		err = &os.PathError{Op: "open", Path: o.path, Err: err}
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			err = fmt.Errorf("%w: %w", sensor.ErrChanged, err)
		}
		return -1, err
	}
	now, _, err := o.State(fd)
	if err == nil && now.Identity != o.id {
		err = fmt.Errorf("%s: %w", o.path, sensor.ErrChanged)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// State implements sensor.Opener. The type of the file system is not told.
func (o *opener) State(fd int) (sensor.State, uint32, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return sensor.State{}, 0, fmt.Errorf("stat %s: %w", o.path, err)
	}
	return sensor.State{Identity: sensor.Identity{
		Dev: statDevice(&st), Ino: st.Ino, Size: st.Size,
		// The generation is for root alone to see, on some file systems, so
		// that of the message is taken for granted.
		Gen:   o.id.Gen,
		MTime: event.Time(st.Mtim.Nano()), CTime: event.Time(st.Ctim.Nano()),
	}}, 0, nil
}
