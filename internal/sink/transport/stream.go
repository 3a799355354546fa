package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

const (
	// What the other end's kernel has acknowledged can still be in its buffer
	// when the reader dies. That is not more than a few times the largest window
	// it ever offered.
	windows     = 4
	windowLeast = 1 << 20
	// readerMost is what a reader has in its own memory, read and not stored,
	// when it dies after its kernel's buffer was empty.
	readerMost = 256 << 10
	// markBytes is how finely is confirmed.
	markBytes = 64 << 10

	unacknowledgedMost = 5 * time.Minute
)

// Stream is a connection over TCP, TLS or a Unix stream socket for a protocol in
// which the other end never says anything. What has arrived is told from what
// the kernel knows: a number is confirmed when so much more was acknowledged by
// the other end's kernel that its buffer cannot hold it any more, or when the
// other end has answered the end of the stream with its own.
type Stream struct {
	Address string // host and port
	Path    string // of a Unix socket, if there is no Address
	TLS     *TLS   // nil for none

	conn      net.Conn
	wire      *counter   // what is below conn
	gone      chan error // has the reader's result, io.EOF for a proper end
	marks     []streamMark
	sent      uint64
	confirmed uint64
	window    int64 // the largest there was
}

type streamMark struct {
	sent       uint64 // up to this record
	start, end int64  // bytes on the wire before and after
}

// counter counts what is written.
type counter struct {
	net.Conn
	written atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

func (c *counter) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// Connect connects, unless there is a connection. Its error can be that an
// earlier one was lost.
func (s *Stream) Connect(ctx context.Context) error {
	if err := s.Check(); err != nil || s.conn != nil {
		return err
	}
	conn, wire, err := s.dial(ctx)
	if err != nil {
		return err
	}
	gone := make(chan error, 1)
	s.conn, s.wire, s.gone, s.window = conn, wire, gone, 0
	go func() {
		_, err := io.Copy(io.Discard, conn)
		// Over TLS, many do not take leave before they close the connection.
		if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		gone <- err
	}()
	return nil
}

func (s *Stream) dial(ctx context.Context) (net.Conn, *counter, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var conn net.Conn
	var err error
	if s.Address == "" {
		conn, err = new(net.Dialer).DialContext(ctx, "unix", s.Path)
	} else {
		conn, err = Dial(ctx, s.Address, nil)
	}
	if err != nil {
		return nil, nil, err
	}
	wire := &counter{Conn: conn}
	if s.TLS == nil {
		return wire, wire, nil
	}
	secure, err := s.TLS.secure(ctx, wire, s.Address)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return secure, wire, nil
}

// Write sends b, which ends with record number. After an error the connection is gone.
func (s *Stream) Write(ctx context.Context, number uint64, b []byte) error {
	defer Guard(ctx, s.conn)()
	start := s.wire.written.Load()
	if _, err := s.conn.Write(b); err != nil {
		return Cause(ctx, s.lost(err))
	}
	s.sent = max(s.sent, number)
	m := streamMark{sent: s.sent, start: start, end: s.wire.written.Load()}
	if n := len(s.marks); n > 0 && m.end-s.marks[n-1].start < markBytes {
		m.start = s.marks[n-1].start
		s.marks = s.marks[:n-1]
	}
	s.marks = append(s.marks, m)
	out, window := outstanding(s.wire.Conn)
	s.window = max(s.window, window)
	s.confirm(m.end - out - max(windowLeast, windows*s.window))
	return nil
}

// confirm confirms the records within the first n bytes of the connection.
func (s *Stream) confirm(n int64) {
	done := 0
	for done < len(s.marks) && s.marks[done].end <= n {
		s.confirmed = s.marks[done].sent
		done++
	}
	s.marks = append(s.marks[:0], s.marks[done:]...)
}

// Confirmed returns the number up to which records are confirmed.
func (s *Stream) Confirmed() uint64 { return s.confirmed }

// Check finds out whether the connection has been lost and something with it.
func (s *Stream) Check() error {
	select {
	case err := <-s.gone:
		sent := s.sent
		if err = s.lost(err); s.confirmed < sent {
			return err
		}
	default:
	}
	return nil
}

// lost ends a connection that the other end has left. A reader that dies with
// something unread, or to which something is sent afterwards, resets the
// connection; if it ended properly everything acknowledged was read.
func (s *Stream) lost(err error) error {
	out, _ := outstanding(s.wire.Conn)
	select {
	case end := <-s.gone:
		err = end
	default:
	}
	if err == io.EOF {
		s.confirm(s.wire.written.Load() - out - readerMost)
		err = errors.New("the other end closed the connection")
	}
	s.disconnect()
	return fmt.Errorf("%s: %w", s.name(), err)
}

func (s *Stream) name() string {
	if s.Address != "" {
		return s.Address
	}
	return s.Path
}

// Finish ends the connection, and waits for the other end to do the same: then
// it has read everything. If it only acknowledges, that has to do.
func (s *Stream) Finish(ctx context.Context) error {
	if s.conn == nil {
		return nil
	}
	conn := s.conn
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	closing := []net.Conn{s.conn}
	if s.conn != net.Conn(s.wire) {
		closing = append(closing, s.wire) // below TLS, whose own end comes first
	}
	for _, c := range closing {
		if w, ok := c.(interface{ CloseWrite() error }); ok {
			if err := w.CloseWrite(); err != nil {
				return Cause(ctx, s.lost(err))
			}
		}
	}
	err := <-s.gone
	out, _ := outstanding(s.wire.Conn)
	switch {
	case err == io.EOF, ctx.Err() != nil && out == 0:
		s.confirm(s.wire.written.Load())
		s.disconnect()
		return nil
	}
	s.gone <- err
	return Cause(ctx, s.lost(err))
}

func (s *Stream) disconnect() {
	s.conn.Close()
	s.conn, s.wire, s.gone, s.marks = nil, nil, nil, nil
	s.sent = s.confirmed
}

// Close ends the connection.
func (s *Stream) Close() error {
	if s.conn != nil {
		s.disconnect()
	}
	return nil
}
