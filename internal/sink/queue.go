package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"xnumon/event"
)

const (
	// DefaultLimit is how many bytes a Queue holds unless it is told.
	DefaultLimit = 16 << 20

	// SourceOutput is the source in the loss records of a Queue.
	SourceOutput = "output"

	chunkSize  = 64 << 10
	spareMost  = 4 // chunks kept for use again
	backoffMin = 50 * time.Millisecond
	backoffMax = 5 * time.Second
)

// Options of a Queue.
type Options struct {
	// Limit is how many bytes may wait, DefaultLimit if zero. A single record
	// longer than that still gets through when nothing else waits.
	Limit int
	// Loss encodes the loss records; nil leaves them out.
	Loss EncodeLoss
	// Now is the clock of the loss records; nil means time.Now.
	Now func() event.Time

	retryMost time.Duration // between two tries of a relay, retryMax if zero
}

// Queue is the Sink in front of an Output.
type Queue struct {
	out   Output
	whole RecordOutput // out, if it is one
	limit int
	loss  EncodeLoss
	now   func() event.Time

	wake   chan struct{} // the writer may have something to do
	quit   chan struct{} // closed when the deadline of Close has passed
	giveUp sync.Once     // closes quit
	failed chan struct{}
	done   chan struct{} // closed when the writer has ended
	ends   []int         // of what the writer is writing

	mu         sync.Mutex
	head, tail *chunk // full chunks first; the writer's is not among them
	spare      []*chunk
	queued     int    // bytes accepted and not written
	pending    uint64 // records accepted and not completely written
	refusing   bool   // was full, and there is not enough room again
	gap        gap    // what was dropped since the last record accepted
	untold     uint64 // records dropped that no loss record written speaks of
	closed     bool
	err        error
	stats      Stats
}

var _ Sink = (*Queue)(nil)

// chunk is some whole records, one after the other.
type chunk struct {
	before gap // what is missing in front of it
	b      []byte
	ends   []int // where each record ends in b
	next   *chunk
}

// gap is a run of records dropped one after the other.
type gap struct {
	count        uint64
	since, until event.Time
}

// NewQueue returns a Queue that owns out, and starts its writer.
func NewQueue(out Output, o Options) *Queue {
	q := &Queue{
		out: out, limit: o.Limit, loss: o.Loss, now: o.Now,
		wake: make(chan struct{}, 1), quit: make(chan struct{}),
		failed: make(chan struct{}), done: make(chan struct{}),
	}
	q.whole, _ = out.(RecordOutput)
	if q.limit <= 0 {
		q.limit = DefaultLimit
	}
	if q.now == nil {
		q.now = func() event.Time { return event.Time(time.Now().UnixNano()) }
	}
	go q.run()
	return q
}

// Write implements Sink.
func (q *Queue) Write(rec []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.room(len(rec)) {
		q.drop()
		return
	}
	c := q.tail
	if c == nil || len(c.b)+len(rec) > cap(c.b) || q.gap.count > 0 {
		c = q.newChunk(len(rec))
		c.before, q.gap = q.gap, gap{}
		if q.tail == nil {
			q.head = c
		} else {
			q.tail.next = c
		}
		q.tail = c
	}
	c.b = append(c.b, rec...)
	c.ends = append(c.ends, len(c.b))
	q.pending++
	q.queued += len(rec)
	q.stats.QueuedMost = max(q.stats.QueuedMost, q.queued)
	q.signal()
}

// room says whether a record can be taken. Once full, the queue waits until an
// eighth is free: one gap of many records tells as much as many gaps of one, and
// leaves more room for what can be told.
func (q *Queue) room(n int) bool {
	switch {
	case q.closed || q.err != nil:
		return false
	case q.queued == 0:
		q.refusing = false
	case q.refusing && q.queued > q.limit-q.limit/8, q.queued+n > q.limit:
		q.refusing = true
	default:
		q.refusing = false
	}
	return !q.refusing
}

func (q *Queue) drop() {
	q.stats.Dropped++
	if q.closed || q.err != nil {
		return // nobody will read of it
	}
	now := q.now()
	if q.gap.count == 0 {
		q.gap.since = now
	}
	q.gap.count++
	q.untold++
	q.gap.until = now
	q.signal()
}

func (q *Queue) newChunk(n int) *chunk {
	if last := len(q.spare) - 1; last >= 0 && n <= chunkSize {
		c := q.spare[last]
		q.spare = q.spare[:last]
		return c
	}
	return &chunk{b: make([]byte, 0, max(n, chunkSize))}
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// setLimit changes how many bytes may wait, to DefaultLimit if n is zero.
func (q *Queue) setLimit(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.limit = n; n <= 0 {
		q.limit = DefaultLimit
	}
}

// Reopen implements Sink.
func (q *Queue) Reopen() {
	if r, ok := q.out.(interface{ Reopen() }); ok {
		r.Reopen()
	}
}

// Failed implements Sink.
func (q *Queue) Failed() <-chan struct{} { return q.failed }

// Err implements Sink.
func (q *Queue) Err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// Stats implements Sink.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Queued, s.Limit = q.queued, q.limit
	return s
}

// Close implements Sink. When ctx is done while the kernel holds the writer in
// a write that cannot be interrupted, Close returns nevertheless; the writer
// then ends, and closes the output, as soon as the kernel lets it.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()

	var cause error
	select {
	case <-q.done:
	case <-ctx.Done():
		cause = context.Cause(ctx)
		q.giveUp.Do(func() {
			close(q.quit)
			q.out.Interrupt()
		})
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	left := q.pending + q.untold
	switch {
	case left == 0:
		return q.err
	case q.err != nil:
		cause = q.err
	case q.stats.LastError != nil && !errors.Is(q.stats.LastError, ErrInterrupted):
		cause = q.stats.LastError
	case cause == nil:
		cause = ErrInterrupted // by an earlier Close
	}
	return fmt.Errorf("%d records not written: %w", left, cause)
}

// run is the writer.
func (q *Queue) run() {
	defer close(q.done)
	defer q.end()
	var loss []byte
	for c := q.take(); c != nil; c = q.take() {
		if c.before.count > 0 && q.loss != nil {
			loss = q.loss(loss[:0], &event.Loss{
				Time: q.now(), Source: SourceOutput,
				Count: c.before.count, Since: c.before.since, Until: c.before.until,
			})
			if !q.write(loss, nil) {
				return
			}
		}
		q.told(c.before.count)
		if !q.write(c.b, c.ends) {
			return
		}
		q.giveBack(c)
	}
}

func (q *Queue) end() {
	err := q.out.Close()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
}

// take waits for the next chunk and returns nil at the end. When all that was
// accepted is written and a gap is still open, that is an empty chunk behind it.
func (q *Queue) take() *chunk {
	for {
		select {
		case <-q.quit:
			return nil
		default:
		}
		if c, end := q.tryTake(); c != nil || end {
			return c
		}
		select {
		case <-q.wake:
		case <-q.quit:
			return nil
		}
	}
}

func (q *Queue) tryTake() (_ *chunk, end bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c := q.head; c != nil {
		q.head, c.next = c.next, nil
		if q.head == nil {
			q.tail = nil
		}
		return c, false
	}
	if q.gap.count > 0 {
		c := q.newChunk(0)
		c.before, q.gap = q.gap, gap{}
		return c, false
	}
	return nil, q.closed
}

// told notes that n records were dropped and their loss record is written.
func (q *Queue) told(n uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.untold -= n
}

// giveBack keeps a chunk for use again.
func (q *Queue) giveBack(c *chunk) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cap(c.b) == chunkSize && len(q.spare) < spareMost {
		c.before, c.b, c.ends = gap{}, c.b[:0], c.ends[:0]
		q.spare = append(q.spare, c)
	}
}

// write writes all of b, trying again for as long as there is hope: after a
// short write it is the rest that comes next, so a line is never left half
// written with another behind it. ends is nil for a record that was not queued.
func (q *Queue) write(b []byte, ends []int) bool {
	backoff := backoffMin
	for off := 0; off < len(b); {
		n, err := q.writeOut(b, off, ends)
		if n < 0 || n > len(b)-off {
			n, err = 0, fmt.Errorf("output took %d bytes of %d", n, len(b)-off)
		}
		off += n
		ends = q.wrote(n, off, ends, off == len(b), err)
		switch {
		case n > 0 && err == nil:
			backoff = backoffMin
			continue
		case errors.Is(err, ErrInterrupted):
			return false
		case err != nil && !isTemporary(err):
			q.fail(err)
			return false
		}
		timer := time.NewTimer(backoff)
		select {
		case <-timer.C:
		case <-q.quit:
			timer.Stop()
			return false
		}
		backoff = min(2*backoff, backoffMax)
	}
	return true
}

// writeOut writes a beginning of b[off:]. ends are the ends in b that lie behind off.
func (q *Queue) writeOut(b []byte, off int, ends []int) (int, error) {
	if q.whole == nil {
		return q.out.Write(b[off:])
	}
	q.ends = q.ends[:0]
	for _, end := range ends {
		q.ends = append(q.ends, end-off)
	}
	if ends == nil {
		q.ends = append(q.ends, len(b)-off)
	}
	return q.whole.WriteRecords(b[off:], q.ends)
}

// wrote counts n bytes up to off, and returns the ends that lie behind.
func (q *Queue) wrote(n, off int, ends []int, all bool, err error) []int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Bytes += uint64(n)
	q.stats.LastError = err
	if isTemporary(err) {
		q.stats.Retries++
	}
	if ends == nil {
		if all {
			q.stats.Records++
		}
		return nil
	}
	q.queued -= n
	done := 0
	for done < len(ends) && ends[done] <= off {
		done++
	}
	q.stats.Records += uint64(done)
	q.pending -= uint64(done)
	return ends[done:]
}

func (q *Queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	q.head, q.tail, q.spare = nil, nil, nil
	close(q.failed)
}
