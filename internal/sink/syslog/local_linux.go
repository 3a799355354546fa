package syslog

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// DefaultPath is where the local syslog daemon listens.
const DefaultPath = "/dev/log"

// Local sends messages to the syslog daemon of this machine, one a datagram, or
// lines where the daemon's socket is a stream.
type Local struct {
	header     Header
	path       string
	datagram   *transport.Datagram
	stream     *transport.Stream // nil as long as it has not turned out to be one
	b, scratch []byte
}

var _ transport.Transport = (*Local)(nil)

// NewLocal returns a Local for the socket at path.
func NewLocal(path string, h Header) (*Local, error) {
	return &Local{header: h, path: path, datagram: transport.NewDatagram(path)}, nil
}

// Send implements transport.Transport. A message that is too long for the socket is refused.
func (l *Local) Send(ctx context.Context, recs []spool.Record) (int, error) {
	if l.stream == nil {
		err := l.datagram.Connect()
		if err == nil {
			return l.sendDatagrams(ctx, recs)
		}
		if !errors.Is(err, unix.EPROTOTYPE) {
			return 0, err
		}
		l.stream = &transport.Stream{Path: l.path}
	}
	n, err := sendStream(ctx, l.stream, recs, func(dst []byte, r *spool.Record) []byte {
		dst, l.scratch = l.header.appendLine(dst, l.scratch, r)
		return dst
	}, &l.b)
	if errors.Is(err, unix.EPROTOTYPE) && l.stream.Confirmed() == 0 {
		l.stream = nil // another daemon, with the other kind of socket
	}
	return n, err
}

func (l *Local) sendDatagrams(ctx context.Context, recs []spool.Record) (int, error) {
	defer l.datagram.Guard(ctx)()
	for i := range recs {
		l.b = l.header.appendMessage(l.b[:0], &recs[i])
		err := l.datagram.Send(recs[i].Seq, l.b, nil)
		switch {
		case err == nil:
		case tooLong(err, len(l.b)):
			return i + 1, &transport.Refusal{Count: 1, Err: fmt.Errorf("a message of %d bytes is too long for %s", len(l.b), l.path)}
		default:
			return i, transport.Cause(ctx, err)
		}
	}
	return len(recs), nil
}

// tooLong says that a message will not get through a datagram socket. Short of
// the limit, which is EMSGSIZE, the kernel may have no memory in one piece for
// one that is long, now or ever.
func tooLong(err error, n int) bool {
	return errors.Is(err, unix.EMSGSIZE) || n > 256<<10 && !transport.Lost(err)
}

// Confirmed implements transport.Transport.
func (l *Local) Confirmed() uint64 {
	if l.stream != nil {
		return max(l.stream.Confirmed(), l.datagram.Confirmed())
	}
	return l.datagram.Confirmed()
}

// Check implements transport.Transport.
func (l *Local) Check(ctx context.Context) error {
	if l.stream != nil {
		return l.stream.Check(ctx)
	}
	return l.datagram.Check(ctx)
}

// Finish implements transport.Transport.
func (l *Local) Finish(ctx context.Context) error {
	if l.stream != nil {
		return l.stream.Finish(ctx)
	}
	return l.datagram.Finish(ctx)
}

// Close implements transport.Transport.
func (l *Local) Close() error {
	if l.stream != nil {
		return l.stream.Close()
	}
	return l.datagram.Close()
}
