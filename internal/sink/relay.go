package sink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

const (
	// What the transport is given at a time.
	batchRecords = 1000
	batchBytes   = 1 << 20

	retryMin = 100 * time.Millisecond
	retryMax = 30 * time.Second
	// checkEvery is how often an idle transport is asked what is confirmed.
	checkEvery = time.Second
	// finishMost is how long a spool without room waits for confirmation.
	finishMost = 10 * time.Second
)

// relay is the Sink in front of a Transport: a Queue whose writer puts the
// records into a spool, and a sender that takes them from there. The producer
// waits for neither.
type relay struct {
	*Queue
	spool     *spool.Spool
	transport transport.Transport // the sender's
	loss      EncodeLoss
	now       func() event.Time
	retryMost time.Duration // between two tries
	durable   bool          // what is not sent stays for the next run

	draining chan struct{} // closed when nothing more is coming
	ctx      context.Context
	cancel   context.CancelFunc
	using    context.Context // done when the transport is to be another
	done     chan struct{}   // closed when the sender has ended
	start    uint64          // number confirmed when it began
	closing  sync.Once
	closeErr error

	untold  []refused // oldest first
	refused uint64    // number of the last record that was counted as refused

	mu    sync.Mutex
	stats Stats               // the sender's share
	next  transport.Transport // to be used from now on; nil for the one that is
	leave context.CancelFunc  // ends using
}

var _ Sink = (*relay)(nil)

// refused are records that the peer would not take, which no loss record has
// told of yet.
type refused struct {
	gap
	at uint64 // number of the last of them
}

func newRelay(s *spool.Spool, t transport.Transport, durable bool, o Options) *relay {
	if o.Now == nil {
		o.Now = func() event.Time { return event.Time(time.Now().UnixNano()) }
	}
	r := &relay{
		spool: s, transport: t, durable: durable, loss: o.Loss, now: o.Now,
		retryMost: o.retryMost, draining: make(chan struct{}), done: make(chan struct{}), start: s.Acked(),
	}
	if r.retryMost == 0 {
		r.retryMost = retryMax
	}
	r.Queue = NewQueue(spoolOutput{s}, o)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.using, r.leave = context.WithCancel(r.ctx)
	go r.send()
	return r
}

// spoolOutput is a spool as the Output of a Queue. It waits while the spool is full.
type spoolOutput struct{ s *spool.Spool }

var _ RecordOutput = spoolOutput{}

// WriteRecords implements RecordOutput. It takes all of p or none.
func (o spoolOutput) WriteRecords(p []byte, ends []int) (int, error) {
	if err := o.s.Append(p, ends); err != nil {
		if errors.Is(err, spool.ErrInterrupted) {
			return 0, ErrInterrupted
		}
		return 0, Temporary(err)
	}
	return len(p), nil
}

// Write implements Output.
func (o spoolOutput) Write(p []byte) (int, error) { return o.WriteRecords(p, []int{len(p)}) }

// Interrupt implements Output.
func (o spoolOutput) Interrupt() { o.s.Interrupt() }

// Close implements Output. The spool is still read.
func (o spoolOutput) Close() error { return nil }

// Stats implements Sink.
func (r *relay) Stats() Stats {
	q, s := r.Queue.Stats(), r.spool.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.stats
	arrived := r.spool.Acked() - r.start
	out.Records = arrived - min(out.Refused+s.Lost, arrived)
	out.Dropped, out.Queued, out.QueuedMost, out.Limit = q.Dropped, q.Queued, q.QueuedMost, q.Limit
	out.Retries += q.Retries
	out.Spooled, out.OnDisk, out.Damaged = s.Records, s.Bytes-s.InMemory, s.Lost
	for _, err := range []error{s.LastError, q.LastError} {
		if out.LastError == nil {
			out.LastError = err
		}
	}
	return out
}

// Close implements Sink. What is in a spool on disk is not lost; Close waits
// for it to be sent only as long as that goes well.
func (r *relay) Close(ctx context.Context) error {
	r.closing.Do(func() {
		errs := []error{r.Queue.Close(ctx)}
		close(r.draining)
		select {
		case <-r.done:
		case <-ctx.Done():
		}
		r.cancel()
		<-r.done
		r.spool.Ack(r.transport.Confirmed())
		errs = append(errs, r.transport.Close())
		if r.next != nil {
			errs = append(errs, r.next.Close())
		}
		switch lost, err := r.spool.Close(); {
		case lost > 0:
			if cause := r.lastError(); cause != nil {
				err = cause
			}
			errs = append(errs, fmt.Errorf("%d records not sent: %w", lost, err))
		default:
			errs = append(errs, err)
		}
		r.closeErr = errors.Join(errs...)
	})
	return r.closeErr
}

// use makes t, which goes to the same peer, what records are sent by. What was
// not confirmed by the one before is sent again.
func (r *relay) use(t transport.Transport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next != nil {
		_ = r.next.Close() // it has never been used
	}
	r.next = t
	r.leave()
}

// change changes to the next transport.
func (r *relay) change() {
	r.spool.Ack(r.transport.Confirmed())
	_ = r.transport.Close() // what it has not confirmed is sent again
	r.mu.Lock()
	r.transport, r.next = r.next, nil
	r.using, r.leave = context.WithCancel(r.ctx)
	r.mu.Unlock()
	r.spool.Rewind()
	r.forget()
}

func (r *relay) lastError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats.LastError
}

// send is the sender.
func (r *relay) send() {
	defer close(r.done)
	retry := retryMin
	var failed time.Time
	for acked := r.spool.Acked(); r.ctx.Err() == nil; acked = r.spool.Acked() {
		if r.using.Err() != nil {
			r.change()
			retry = retryMin
		}
		recs, err := r.spool.Next(batchRecords, batchBytes)
		switch {
		case err != nil:
		case len(recs) > 0:
			err = r.deliver(recs)
		default:
			var end bool
			if end, err = r.idle(); end && err == nil {
				r.spool.Ack(r.transport.Confirmed())
				return
			}
		}
		r.spool.Ack(r.transport.Confirmed())
		if r.note(err); err == nil || r.using.Err() != nil {
			continue
		}
		// That something could be sent is no reason to try again soon: a peer may
		// take a connection and never a record.
		if now := time.Now(); r.spool.Acked() > acked || now.Sub(failed) > 2*r.retryMost {
			retry = retryMin
		}
		r.spool.Rewind()
		r.forget()
		if !r.pause(retry, err) {
			return
		}
		failed = time.Now()
		retry = min(2*retry, r.retryMost)
	}
}

// deliver sends records, and tells of those that were refused.
func (r *relay) deliver(recs []spool.Record) error {
	for len(recs) > 0 {
		n, err := r.transport.Send(r.using, recs)
		r.count(recs[:n])
		var refusal *transport.Refusal
		switch {
		case errors.As(err, &refusal):
			r.refuse(recs[:n], refusal)
		case err != nil:
			return err
		case n == 0:
			return errors.New("the transport sent nothing")
		}
		recs = recs[n:]
		if len(r.untold) > 0 {
			if err := r.tell(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *relay) count(recs []spool.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range recs {
		r.stats.Bytes += uint64(len(recs[i].Data))
	}
}

// refuse counts records that the peer will never take. They are among recs,
// which were all sent.
func (r *relay) refuse(recs []spool.Record, refusal *transport.Refusal) {
	n := min(refusal.Count, len(recs))
	if n == 0 {
		return
	}
	last := recs[len(recs)-1]
	since := recs[0].Time
	if n == 1 { // then it is the last one
		since = last.Time
	}
	r.untold = append(r.untold, refused{gap{uint64(n), since, last.Time}, last.Seq})
	r.mu.Lock()
	defer r.mu.Unlock()
	if last.Seq > r.refused { // not sent again after another error
		r.stats.Refused += uint64(n)
		r.refused = last.Seq
	}
	r.stats.LastError = refusal.Err
}

// forget forgets the refused records that will be sent again, and refused again.
func (r *relay) forget() {
	acked := r.spool.Acked()
	for i := range r.untold {
		if r.untold[i].at > acked {
			r.untold = r.untold[:i]
			break
		}
	}
	r.unite()
}

// unite makes one of the refused records that will not be sent again, so that
// they do not become many where a peer refuses everything.
func (r *relay) unite() {
	acked, n := r.spool.Acked(), 0
	for n < len(r.untold) && r.untold[n].at <= acked {
		n++
	}
	if n > 1 {
		r.untold[n-1] = sum(r.untold[:n])
		r.untold = append(r.untold[:0], r.untold[n-1:]...)
	}
}

// sum is all of them as one.
func sum(all []refused) refused {
	out := all[0]
	for _, one := range all[1:] {
		out.count += one.count
		out.until, out.at = one.until, one.at
	}
	return out
}

// tell sends a loss record in the place of the records that were refused, with
// the number of the last of them. When that is refused as well the next one will
// speak of them all.
func (r *relay) tell() error {
	if r.loss == nil {
		r.untold = r.untold[:0]
		return nil
	}
	now, all := r.now(), sum(r.untold)
	_, err := r.transport.Send(r.using, []spool.Record{{
		Seq: all.at, Time: now,
		Data: r.loss(nil, &event.Loss{
			Time: now, Source: SourceOutput, Count: all.count, Since: all.since, Until: all.until,
		}),
	}})
	var refusal *transport.Refusal
	switch {
	case err == nil:
		r.untold = r.untold[:0]
	case errors.As(err, &refusal):
		r.unite()
		return nil
	}
	return err
}

// idle waits until there is something to send, and meanwhile has what was sent
// confirmed. It says whether there will be nothing more.
func (r *relay) idle() (end bool, err error) {
	acked := r.spool.Acked()
	unconfirmed := acked < r.spool.Last()
	select {
	case <-r.spool.Readable():
		return false, nil
	default:
	}
	if unconfirmed && r.spool.Full() {
		// There will be no room before something is confirmed.
		ctx, cancel := context.WithTimeout(r.using, finishMost)
		err := r.transport.Finish(ctx)
		cancel()
		if err != nil || r.transport.Confirmed() > acked {
			return false, err
		}
	}
	var tick <-chan time.Time
	if unconfirmed {
		timer := time.NewTimer(checkEvery)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-r.spool.Readable():
		return false, nil
	case <-tick:
		return false, r.transport.Check(r.using)
	case <-r.draining:
		select {
		case <-r.spool.Readable():
			return false, nil // Next decides whether that was all
		default:
		}
		err := r.transport.Finish(r.using)
		return r.using.Err() == nil || r.ctx.Err() != nil, err
	case <-r.using.Done():
		return r.ctx.Err() != nil, nil
	}
}

// note remembers how it went.
func (r *relay) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if len(r.untold) == 0 {
			r.stats.LastError = nil
		}
		return
	}
	if r.using.Err() == nil {
		r.stats.LastError = err
		r.stats.Retries++
	}
}

// pause waits before another try. It says whether there is to be one.
func (r *relay) pause(d time.Duration, err error) bool {
	// A fleet whose server comes back does not come back all at once.
	d = d/2 + rand.N(d)
	var later *transport.Later
	if errors.As(err, &later) {
		d = max(d, min(later.After, r.retryMost))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	draining := r.draining
	if !r.durable {
		draining = nil // as long as the caller waits there is hope
	}
	select {
	case <-timer.C:
		return true
	case <-draining:
		return false
	case <-r.using.Done():
		return r.ctx.Err() == nil
	}
}
