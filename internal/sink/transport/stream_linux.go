package transport

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limitWaiting ends a connection whose other end does not acknowledge anything.
func limitWaiting(conn net.Conn) {
	_ = controlConn(conn, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledgedMost/time.Millisecond))
	})
}

func controlConn(conn net.Conn, f func(fd int) error) error {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := raw.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		return err
	}
	return result
}
