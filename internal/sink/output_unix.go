//go:build unix

package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// descriptor is an Output on a file descriptor of its own.
type descriptor struct {
	name    string
	fd      int
	regular bool // a file
	ready   bool // never waits for a reader
	piece   int  // the most to write at once, 0 for no limit
	endLine bool // the file ends in half a line, which has to be ended first
	poll    [2]unix.PollFd

	mu        sync.Mutex // Interrupt can come when Close has
	closed    bool
	wakeRead  int // what makes poll return
	wakeWrite int
}

// NewDescriptor returns an Output that writes to a copy of fd; name is what
// errors call it. Writing to a pipe without a reader fails with EPIPE, also for
// what was standard output: the runtime's habit of dying of SIGPIPE is for os.File.
func NewDescriptor(name string, fd int) (Output, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return newDescriptor(name, own)
}

// Open returns an Output that appends to the file at path, which is created
// readable for its owner alone if it is not there. If it ends in half a line, left
// by a full disk or a crash, the first thing written ends that line. A named pipe needs
// a reader by now. The path - is standard output.
func Open(path string) (Output, error) {
	if path == "-" {
		return NewDescriptor("standard output", 1)
	}
	// Reading is for the last byte; a file that may only be written will do. A
	// pipe must not be opened for both: its own reader would never hear that the
	// real one has gone. O_NONBLOCK makes opening a pipe fail instead of wait when
	// nobody reads, and stays with a description that is ours alone.
	const flags = unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK
	var st unix.Stat_t
	pipe := unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
	fd, err := -1, unix.EACCES
	if !pipe {
		fd, err = open(path, unix.O_RDWR|flags)
	}
	if err == unix.EACCES {
		fd, err = open(path, unix.O_WRONLY|flags)
	}
	switch {
	case err == unix.ENXIO:
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("nobody reads from it")}
	case err != 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	d, err2 := newDescriptor(path, fd)
	if err2 != nil {
		return nil, err2
	}
	d.endLine = d.regular && !endsLine(fd)
	return d, nil
}

func open(path string, flags int) (int, syscall.Errno) {
	for {
		fd, err := unix.Open(path, flags, 0o600)
		if err == nil {
			return fd, 0
		}
		if errno, _ := err.(syscall.Errno); errno != unix.EINTR {
			return -1, errno
		}
	}
}

// endsLine says that a file is empty or its last byte is a line feed, also when
// that byte cannot be read.
func endsLine(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Size == 0 {
		return true
	}
	var b [1]byte
	n, err := unix.Pread(fd, b[:], st.Size-1)
	return err != nil || n != 1 || b[0] == '\n'
}

// newDescriptor takes over fd, also when it fails.
func newDescriptor(name string, fd int) (*descriptor, error) {
	d := &descriptor{name: name, fd: fd}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	null := unix.Mkdev(1, 3) // Documentation/admin-guide/devices.txt
	switch kind := st.Mode & unix.S_IFMT; {
	case kind == unix.S_IFREG:
		d.regular, d.ready = true, true
	case runtime.GOOS == "linux" && kind == unix.S_IFCHR && uint64(st.Rdev) == null:
		d.ready = true
	case kind == unix.S_IFIFO, kind == unix.S_IFSOCK, kind == unix.S_IFCHR:
		// Room for this much is what poll promises of a pipe, so that writing
		// does not block though the descriptor, shared with others, may be in
		// blocking mode (pipe(7): PIPE_BUF; pipe_poll in fs/pipe.c).
		d.piece = 4096
	}
	var wake [2]int
	syscall.ForkLock.RLock()
	err := unix.Pipe(wake[:])
	if err == nil {
		unix.CloseOnExec(wake[0])
		unix.CloseOnExec(wake[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open %s: make a pipe: %w", name, err)
	}
	d.wakeRead, d.wakeWrite = wake[0], wake[1]
	return d, nil
}

// Write implements Output.
func (d *descriptor) Write(p []byte) (int, error) {
	if d.endLine {
		if _, err := d.write([]byte{'\n'}); err != nil {
			return 0, err
		}
		d.endLine = false
	}
	if d.piece > 0 && len(p) > d.piece {
		p = p[:d.piece]
	}
	return d.write(p)
}

func (d *descriptor) write(p []byte) (int, error) {
	for {
		if !d.ready {
			if err := d.wait(); err != nil {
				return 0, err
			}
		}
		n, err := unix.Write(d.fd, p)
		switch {
		case err == nil:
			return n, nil
		case err == unix.EINTR, err == unix.EAGAIN && !d.ready:
			continue
		}
		return 0, d.classify(err)
	}
}

// wait returns when the descriptor takes more, or is broken: write says how.
func (d *descriptor) wait() error {
	d.poll = [2]unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLOUT}, {Fd: int32(d.wakeRead), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(d.poll[:], -1)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("poll %s: %w", d.name, err)
		case d.poll[1].Revents != 0:
			return ErrInterrupted
		}
		return nil
	}
}

// classify says which errors can pass. A disk gets room again, a file system
// comes back; a reader that has gone stays away.
func (d *descriptor) classify(err error) error {
	wrapped := fmt.Errorf("write %s: %w", d.name, err)
	if d.regular && err != unix.EBADF || err == unix.ENOBUFS || err == unix.ENOMEM {
		return Temporary(wrapped)
	}
	return wrapped
}

// Interrupt implements Output.
func (d *descriptor) Interrupt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		_, _ = unix.Write(d.wakeWrite, []byte{0})
	}
}

// Close implements Output.
func (d *descriptor) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	unix.Close(d.wakeRead)
	unix.Close(d.wakeWrite)
	// Network file systems tell only here that they could not write.
	if err := unix.Close(d.fd); err != nil && err != unix.EINTR {
		return fmt.Errorf("close %s: %w", d.name, err)
	}
	return nil
}
