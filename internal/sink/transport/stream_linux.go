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

// outstanding returns how many bytes the other end's kernel has not
// acknowledged, and how many it allowed at a time: zero if that is not known.
func outstanding(conn net.Conn) (bytes, window int64) {
	_ = controlConn(conn, func(fd int) error {
		if n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); err == nil {
			bytes = int64(n)
		}
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			window = int64(info.Snd_wnd)
		}
		return nil
	})
	return bytes, window
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
