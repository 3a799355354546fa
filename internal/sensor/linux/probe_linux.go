package linux

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ProbeGate reports whether the kernel lets this process hold execs. It marks
// nothing.
func ProbeGate() error {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_REPORT_TID, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return fmt.Errorf("create a fanotify group: %w", err)
	}
	defer unix.Close(fd)
	// Marking a file in memory that nobody else can execute asks for the
	// event type without any effect.
	file, err := unix.MemfdCreate("xnumon-probe", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("create a memfd: %w", err)
	}
	defer unix.Close(file)
	err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", file))
	if err != nil {
		return fmt.Errorf("ask for permission events (the kernel needs CONFIG_FANOTIFY_ACCESS_PERMISSIONS): %w", err)
	}
	return nil
}

// ProbeLease reports whether a read lease on the file is granted.
func ProbeLease(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return fmt.Errorf("take a read lease on %s: %w", path, err)
	}
	return nil
}
