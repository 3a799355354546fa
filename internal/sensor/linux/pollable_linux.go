package linux

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pollable is something of the kernel's to wait for in the runtime's poller.
//
// To wait in a system call would be simpler and dear: a thread that blocks in one keeps its P for
// 10 ms, for which the runtime's own monitor looks after it every 20 µs
// (runtime/proc.go, retake; Go 1.26). A goroutine that waits in the poller costs nothing.
type pollable struct {
	file *os.File
	conn syscall.RawConn
}

// newPollable waits on a duplicate of fd, which it makes one that does not block.
func newPollable(fd int, name string) (*pollable, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate the descriptor of the %s: %w", name, err)
	}
	// The poller takes nothing else.
	if err := unix.SetNonblock(dup, true); err != nil {
		unix.Close(dup)
		return nil, fmt.Errorf("set the %s not to block: %w", name, err)
	}
	p := &pollable{file: os.NewFile(uintptr(dup), name)}
	if p.conn, err = p.file.SyscallConn(); err == nil {
		err = p.file.SetReadDeadline(time.Time{}) // refused unless the poller has it
	}
	if err != nil {
		p.file.Close()
		return nil, fmt.Errorf("wait for the %s: %w", name, err)
	}
	return p, nil
}
