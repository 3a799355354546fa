// Package transport says what it takes to bring records to another daemon or
// machine, and holds what several ways of doing that share.
package transport

import (
	"context"
	"fmt"
	"time"

	"xnumon/internal/spool"
)

// A Transport brings records to one peer. It connects when it has something to
// send. It is used by one goroutine; every call returns soon after its context
// is done.
type Transport interface {
	// Send hands over a beginning of recs, in order, and returns how many that
	// are. Their numbers go up, but for a loss record that tells of earlier ones.
	// A *Refusal speaks of records among these. After any other error nothing
	// is known of what was not confirmed: it is all to be sent again. The records
	// are not kept.
	Send(ctx context.Context, recs []spool.Record) (int, error)
	// Confirmed returns the number up to which all records sent have arrived, as
	// far as the protocol can tell. It does not go back.
	Confirmed() uint64
	// Check is called now and then when there is nothing to send and not
	// everything is confirmed. Its error is like that of Send.
	Check(ctx context.Context) error
	// Finish waits until everything sent is confirmed, as well as the protocol
	// allows, or ctx is done, which is no error. It can end the connection; Send
	// begins another one.
	Finish(ctx context.Context) error
	Close() error
}

// A Refusal says that some records will never be taken, however often they are
// sent. They count as sent.
type Refusal struct {
	Count int // the last ones, unless the peer did not say which
	Err   error
}

func (r *Refusal) Error() string {
	if r.Count == 1 {
		return fmt.Sprintf("1 record refused: %v", r.Err)
	}
	return fmt.Sprintf("%d records refused: %v", r.Count, r.Err)
}

func (r *Refusal) Unwrap() error { return r.Err }

// Later is an error of a peer that said when to try again.
type Later struct {
	After time.Duration
	Err   error
}

func (l *Later) Error() string { return l.Err.Error() }

func (l *Later) Unwrap() error { return l.Err }
