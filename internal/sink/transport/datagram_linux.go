package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// queueMost is more messages than wait in a daemon's socket: the limit is
	// net.unix.max_dgram_qlen when the socket is made, and nobody sets it higher
	// than systemd, to 512.
	queueMost = 1024
	// settleTime is how long a daemon must have outlived reading a message for
	// this to count as taken: longer than it takes to store one.
	settleTime = 2 * time.Second
	markEvery  = 100 * time.Millisecond
	sendBuffer = 8 << 20
)

// Datagram is a connection to a Unix datagram socket. Such a socket confirms
// nothing, but what a daemon had not read when it died is gone, and this finds
// out what that can be: a message counts against the sender's buffer until it is
// read (unix(7), SIOCOUTQ), no more than some wait, and the first message to a
// socket whose owner has died fails. So a message is confirmed when it must have
// been read and another could be sent to the same socket two seconds after that.
type Datagram struct {
	path      string
	conn      *net.UnixConn
	count     uint64 // messages sent through conn
	sent      uint64 // number of the last record sent
	confirmed uint64
	marks     []mark // oldest first
}

// mark is a point in what was sent.
type mark struct {
	sent  uint64 // up to this record
	count uint64 // messages
	at    time.Time
	read  time.Time // when they must have been read; zero before
}

// NewDatagram returns a Datagram that will connect to the socket at path.
func NewDatagram(path string) *Datagram { return &Datagram{path: path} }

// Connect connects, unless that is done. A socket of another kind is unix.EPROTOTYPE.
func (d *Datagram) Connect() error {
	if d.conn != nil {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: d.path, Net: "unixgram"})
	if err != nil {
		return err
	}
	// A message cannot be longer than this. Without the right to force it, the
	// system's limit is what there is.
	err = controlConn(conn, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer); err == nil {
			return nil
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	})
	if err != nil {
		conn.Close()
		return fmt.Errorf("set send buffer of %s: %w", d.path, err)
	}
	d.conn = conn
	return nil
}

// Guard makes Send return when ctx is done.
func (d *Datagram) Guard(ctx context.Context) (release func()) { return Guard(ctx, d.conn) }

// Send sends one record as one message. After an error for which Lost is true
// the connection is gone.
func (d *Datagram) Send(number uint64, message, control []byte) error {
	if err := d.write(message, control); err != nil {
		if Lost(err) {
			d.disconnect()
		}
		return err
	}
	d.count++
	d.sent = max(d.sent, number)
	now := time.Now()
	n := len(d.marks)
	old := n > 0 && now.Sub(d.marks[n-1].at) < markEvery
	if old && (d.marks[0].read.IsZero() || now.Sub(d.marks[0].read) < settleTime) {
		return nil // nothing would come of looking
	}
	waiting, err := d.waiting()
	if err != nil {
		return err
	}
	if !old {
		d.mark(now)
	}
	d.settle(now, waiting, settleTime)
	return nil
}

// write sends a message, waiting while the socket is full. UnixConn's own way to
// send control data is not for connections.
func (d *Datagram) write(message, control []byte) error {
	raw, err := d.conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) (done bool) {
		for {
			_, failed = unix.SendmsgN(int(fd), message, control, nil, unix.MSG_NOSIGNAL)
			if !errors.Is(failed, unix.EINTR) {
				return !errors.Is(failed, unix.EAGAIN)
			}
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("send to %s: %w", d.path, err)
	}
	return nil
}

// Lost says that an error of a send is not about the message.
func Lost(err error) bool {
	return !errors.Is(err, unix.EMSGSIZE) && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.ENOMEM)
}

// mark makes the last message one to be confirmed.
func (d *Datagram) mark(now time.Time) {
	if n := len(d.marks); n == 0 || d.marks[n-1].sent != d.sent {
		d.marks = append(d.marks, mark{sent: d.sent, count: d.count, at: now})
	}
}

// settle confirms what can be, when the socket has just been found alive.
// waiting is what was not read by then.
func (d *Datagram) settle(now time.Time, waiting int, patience time.Duration) {
	done := 0
	for i := range d.marks {
		m := &d.marks[i]
		if m.read.IsZero() && (waiting == 0 || d.count >= m.count+queueMost) {
			m.read = now
		}
		if !m.read.IsZero() && now.Sub(m.read) >= patience {
			d.confirmed = m.sent
			done = i + 1
		}
	}
	d.marks = append(d.marks[:0], d.marks[done:]...)
}

// waiting returns how much of what was sent has not been read, in no
// particular unit.
func (d *Datagram) waiting() (n int, err error) {
	err = controlConn(d.conn, func(fd int) error {
		n, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ask what %s has read: %w", d.path, err)
	}
	return n, nil
}

// Confirmed returns the number up to which records are confirmed.
func (d *Datagram) Confirmed() uint64 { return d.confirmed }

// Check looks for what can be confirmed, without sending anything but an empty
// message, which those that read such sockets ignore.
func (d *Datagram) Check(ctx context.Context) error { return d.check(ctx, settleTime) }

func (d *Datagram) check(ctx context.Context, patience time.Duration) error {
	if d.conn == nil || d.confirmed >= d.sent {
		return nil
	}
	// First this: what counts is being alive after everything was read.
	waiting, err := d.waiting()
	if err != nil || waiting > 0 {
		return err
	}
	defer d.Guard(ctx)()
	if err := d.write(nil, nil); err != nil {
		d.disconnect()
		return Cause(ctx, err)
	}
	now := time.Now()
	d.mark(now)
	d.settle(now, 0, patience)
	return nil
}

// Finish waits until everything was read, and confirms that, or until ctx is done.
func (d *Datagram) Finish(ctx context.Context) error {
	for {
		if err := d.check(ctx, 0); err != nil || d.conn == nil || d.confirmed >= d.sent {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (d *Datagram) disconnect() {
	d.conn.Close()
	d.conn, d.count, d.sent, d.marks = nil, 0, d.confirmed, nil
}

// Close ends the connection.
func (d *Datagram) Close() error {
	if d.conn != nil {
		d.disconnect()
	}
	return nil
}
