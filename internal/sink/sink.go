// Package sink writes encoded records without ever making their producer wait.
//
// A Queue stands in front of an Output. The producer's side only copies into
// memory of bounded size; one goroutine writes. What does not fit is dropped,
// counted, and told in the stream itself by a loss record at the very place
// where records are missing.
package sink

import (
	"context"
	"errors"

	"xnumon/event"
)

// A Sink takes records. All methods may be called from any goroutine.
type Sink interface {
	// Write takes one whole record, the line feed included, and copies it. It
	// never blocks; a record that finds no room is dropped and counted.
	Write(rec []byte)
	// Failed is closed when writing has failed for good: nothing that is queued
	// or comes later will be written. Err says why.
	Failed() <-chan struct{}
	Err() error
	Stats() Stats
	// Reopen makes a Sink that writes to a file look at once whether that was
	// rotated. To others it means nothing.
	Reopen()
	// Close writes what is queued, until ctx is done, and releases the output.
	// Its error says how many records were left unwritten, and why.
	Close(ctx context.Context) error
}

// Stats are the counts of a Sink since it was made.
type Stats struct {
	Records    uint64 // written, loss records included
	Bytes      uint64 // written
	Dropped    uint64 // records that found no room, or came after the end
	Queued     int    // bytes waiting now
	Limit      int    // bytes that can wait
	QueuedMost int    // the most bytes that ever waited
	Retries    uint64 // errors after which writing was tried again
	LastError  error  // of the last try; nil when it went well

	// Of destinations that confirm what they take:
	Spooled uint64 // records waiting to be sent and confirmed, on disk as a rule
	OnDisk  int64  // bytes that the spool uses
	Refused uint64 // records that the peer would not take, now or ever
	Damaged uint64 // records that could not be read back from the spool
}

// An Output is what a Queue writes to. Write and Close are called from one
// goroutine, Interrupt from another.
type Output interface {
	// Write writes a beginning of p and returns how long it is: less than len(p)
	// is no error, the rest comes again. An error marked by Temporary means
	// that it makes sense to try again later; any other is final.
	Write(p []byte) (int, error)
	// Interrupt makes a Write that waits for a reader return ErrInterrupted, now
	// and from now on.
	Interrupt()
	Close() error
}

// A RecordOutput is an Output that needs to know where records end: it is given
// them by WriteRecords instead of Write.
type RecordOutput interface {
	Output
	// WriteRecords is Write for whole records, or the rest of one and whole
	// records. ends are the offsets in p where a record ends, len(p) the last.
	WriteRecords(p []byte, ends []int) (int, error)
}

// fileOptions are what only files have.
type fileOptions struct {
	rotate int64        // bytes after which a new file is begun, 0 for never
	keep   int          // full ones that are kept
	warn   func(string) // is told what goes on all the same; nil for nobody
}

// ErrInterrupted is returned by the Write of an Output after Interrupt.
var ErrInterrupted = errors.New("interrupted")

// Temporary marks an error after which the same bytes should be tried again.
func Temporary(err error) error { return &temporary{err} }

type temporary struct{ error }

func (t *temporary) Unwrap() error { return t.error }

func isTemporary(err error) bool {
	if err == nil {
		return false
	}
	var t *temporary
	return errors.As(err, &t)
}

// EncodeLoss appends a record that says what was lost. A Queue calls it from its
// own goroutine, so it must not share an encoder with the producer.
type EncodeLoss func(dst []byte, l *event.Loss) []byte
