package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	// confirmBytes is after how much the other end is asked to confirm.
	confirmBytes = 4 << 20
	// confirmIdle is how long nothing is sent before it is asked as well.
	confirmIdle = 15 * time.Second
	// confirmMost is how long it has for that: as long as it may take to read.
	confirmMost = 5 * time.Minute

	unacknowledgedMost = 5 * time.Minute
)

// Stream is a connection over TCP, TLS or a Unix stream socket for a protocol in
// which the other end never says anything. There is one thing that it does say:
// when it has read everything up to the end of the stream, it ends its own. So
// the stream is ended now and then, and what was sent is confirmed when the other
// end does the same. What its kernel acknowledges says nothing, for it can lie
// in a buffer of many megabytes when the reader dies.
type Stream struct {
	Address string // host and port
	Path    string // of a Unix socket, if there is no Address
	TLS     *TLS   // nil for none

	conn      net.Conn
	wire      net.Conn   // what is below conn
	gone      chan error // has the reader's result, io.EOF for a proper end
	sent      uint64
	confirmed uint64
	bytes     int64     // written to conn
	last      time.Time // when something was
}

// Connect connects, unless there is a connection. Its error can be that an
// earlier one was lost.
func (s *Stream) Connect(ctx context.Context) error {
	if err := s.check(); err != nil || s.conn != nil {
		return err
	}
	conn, wire, err := s.dial(ctx)
	if err != nil {
		return err
	}
	gone := make(chan error, 1)
	s.conn, s.wire, s.gone, s.bytes = conn, wire, gone, 0
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

func (s *Stream) dial(ctx context.Context) (conn, wire net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if s.Address == "" {
		wire, err = new(net.Dialer).DialContext(ctx, "unix", s.Path)
	} else {
		wire, err = Dial(ctx, s.Address, nil)
	}
	if err != nil || s.TLS == nil {
		return wire, wire, err
	}
	if conn, err = s.TLS.secure(ctx, wire, s.Address); err != nil {
		wire.Close()
	}
	return conn, wire, err
}

// Write sends b, which ends with record number. After an error the connection is gone.
func (s *Stream) Write(ctx context.Context, number uint64, b []byte) error {
	release := Guard(ctx, s.conn)
	_, err := s.conn.Write(b)
	release()
	if err != nil {
		return Cause(ctx, s.lost(err))
	}
	s.sent = max(s.sent, number)
	s.bytes += int64(len(b))
	s.last = time.Now()
	if s.bytes < confirmBytes {
		return nil
	}
	return s.ask(ctx)
}

// ask has everything confirmed.
func (s *Stream) ask(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, confirmMost)
	defer cancel()
	if err := s.Finish(limited); err != nil || s.conn == nil || ctx.Err() != nil {
		return err
	}
	return s.lost(errors.New("the other end does not end a connection that was ended, and so does not say that it has read everything"))
}

// Confirmed returns the number up to which records are confirmed.
func (s *Stream) Confirmed() uint64 { return s.confirmed }

// Check finds out whether the connection has been lost and something with it,
// and has confirmed what was sent a while ago.
func (s *Stream) Check(ctx context.Context) error {
	if err := s.check(); err != nil || s.conn == nil || s.confirmed == s.sent || time.Since(s.last) < confirmIdle {
		return err
	}
	return s.ask(ctx)
}

func (s *Stream) check() error {
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

// lost ends a connection that the other end has left: in good order perhaps, but
// nobody knows what it had read.
func (s *Stream) lost(err error) error {
	select {
	case end := <-s.gone:
		err = end
	default:
	}
	if err == io.EOF {
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

// Finish ends the stream and waits, until ctx is done, for the other end to do
// the same: then it has read everything.
func (s *Stream) Finish(ctx context.Context) error {
	if s.conn == nil {
		return nil
	}
	conn := s.conn
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	closing := []net.Conn{s.conn}
	if s.conn != s.wire {
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
	if err == io.EOF {
		s.confirmed = s.sent
		s.disconnect()
		return nil
	}
	s.gone <- err
	if ctx.Err() != nil {
		return nil
	}
	return s.lost(err)
}

func (s *Stream) disconnect() {
	s.conn.Close()
	s.conn, s.wire, s.gone = nil, nil, nil
	s.sent = s.confirmed
}

// Close ends the connection.
func (s *Stream) Close() error {
	if s.conn != nil {
		s.disconnect()
	}
	return nil
}
