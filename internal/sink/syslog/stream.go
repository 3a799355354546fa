package syslog

import (
	"context"

	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// pieceBytes is about how much is written at a time.
const pieceBytes = 64 << 10

// Stream sends messages over TCP or TLS, counted.
type Stream struct {
	Header Header
	Stream transport.Stream

	b, scratch []byte
}

var _ transport.Transport = (*Stream)(nil)

// Send implements transport.Transport.
func (s *Stream) Send(ctx context.Context, recs []spool.Record) (int, error) {
	return sendStream(ctx, &s.Stream, recs, func(dst []byte, r *spool.Record) []byte {
		dst, s.scratch = s.Header.appendCounted(dst, s.scratch, r)
		return dst
	}, &s.b)
}

func sendStream(ctx context.Context, s *transport.Stream, recs []spool.Record,
	frame func([]byte, *spool.Record) []byte, scratch *[]byte) (int, error) {
	b, sent := (*scratch)[:0], 0
	defer func() { *scratch = b[:0] }()
	for i := range recs {
		b = frame(b, &recs[i])
		if len(b) < pieceBytes && i < len(recs)-1 {
			continue
		}
		if err := s.Connect(ctx); err != nil {
			return sent, err
		}
		if err := s.Write(ctx, recs[i].Seq, b); err != nil {
			return sent, err
		}
		b, sent = b[:0], i+1
	}
	return sent, nil
}

// Confirmed implements transport.Transport.
func (s *Stream) Confirmed() uint64 { return s.Stream.Confirmed() }

// Check implements transport.Transport.
func (s *Stream) Check(ctx context.Context) error { return s.Stream.Check(ctx) }

// Finish implements transport.Transport.
func (s *Stream) Finish(ctx context.Context) error { return s.Stream.Finish(ctx) }

// Close implements transport.Transport.
func (s *Stream) Close() error { return s.Stream.Close() }
