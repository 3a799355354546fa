package status

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Notifier tells the service manager how the monitor is, by the protocol of
// sd_notify(3). The nil Notifier tells nobody, which is what there is to do when
// nobody asked. Its methods may be called from any goroutine.
type Notifier struct {
	conn  *net.UnixConn
	every time.Duration
}

// NewNotifier returns the Notifier for the service manager that started this
// process, nil if none did that wants to know. getenv is os.Getenv.
func NewNotifier(getenv func(string) string) (*Notifier, error) {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil, nil
	}
	if path[0] != '/' && path[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %q is neither a path nor an abstract socket", path)
	}
	// A name that begins with @ is one in the abstract namespace for Go too.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("reach the service manager (NOTIFY_SOCKET): %w", err)
	}
	n := &Notifier{conn: conn}
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n, nil // meant for another
	}
	if usec := getenv("WATCHDOG_USEC"); usec != "" {
		v, err := strconv.ParseInt(usec, 10, 64)
		if err != nil || v <= 0 || v > int64(1<<62)/int64(time.Microsecond) {
			return nil, errors.Join(fmt.Errorf("WATCHDOG_USEC: %q is not a number of microseconds", usec), conn.Close())
		}
		n.every = time.Duration(v) * time.Microsecond
	}
	return n, nil
}

// Patience is after how long without Alive the service manager takes the
// monitor for dead, zero if it does not ask.
func (n *Notifier) Patience() time.Duration {
	if n == nil {
		return 0
	}
	return n.every
}

// Ready says that the monitor has begun, and how, in one line for people.
func (n *Notifier) Ready(status string) error { return n.send("READY=1\nSTATUS=" + oneLine(status)) }

// Alive is a sign of life.
func (n *Notifier) Alive() error { return n.send("WATCHDOG=1") }

// Stopping says that the monitor is about to end.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Close releases the socket.
func (n *Notifier) Close() error {
	if n == nil {
		return nil
	}
	return n.conn.Close()
}

func (n *Notifier) send(state string) error {
	if n == nil {
		return nil
	}
	if _, err := n.conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}

// oneLine keeps a text from being more than one assignment.
func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
