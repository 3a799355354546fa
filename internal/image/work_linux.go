package image

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// chunkSize is how much is read at once: enough to make the calls cheap, small
// enough to look after the lease in between.
const chunkSize = 128 << 10

// work hashes what is queued until the acquirer is closed.
func (a *Acquirer) work(from *queue) {
	buf := make([]byte, chunkSize)
	for {
		a.mu.Lock()
		for len(from.files) == 0 && !a.closed {
			from.wake.Wait()
		}
		if a.closed {
			// Whoever is still held must not wait for a worker that is gone.
			left := from.files
			from.files = nil
			a.mu.Unlock()
			for _, q := range left {
				q.letGo()
			}
			return
		}
		q := from.files[0]
		from.files[0] = nil
		from.files = from.files[1:]
		a.mu.Unlock()

		d := sensor.Digest{Reason: q.settle()}
		if d.Reason == "" {
			d = a.hash(q, buf)
		}
		if q.loose && (q.holding == nil || !q.holding()) {
			// Its owner can have written to it since it ran.
			d = sensor.Digest{Reason: event.ReasonUnverifiable}
		}
		if q.changed != nil && d.Reason == "" {
			if why := q.changed(); why != "" {
				d = sensor.Digest{Reason: why}
			} else if q.waited && (q.holding == nil || !q.holding()) {
				d = sensor.Digest{Reason: event.ReasonModified}
			}
		}
		a.mu.Lock()
		q.digest, q.hashed = d, true
		q.released = time.Now()
		a.mu.Unlock()
		q.letGo()

		a.mu.Lock()
		if q.activated {
			a.settle(q, d)
		}
		a.mu.Unlock()
	}
}

// settle waits, while the exec is held, until a file on which there is no lease cannot change
// any more without its change time moving.
func (q *acquisition) settle() event.Reason {
	if q.changed == nil || q.id.Settled(q.begun) {
		return ""
	}
	const most, pause = 250 * time.Millisecond, 10 * time.Millisecond
	for end := time.Now().Add(most); !q.id.Settled(q.begun); time.Sleep(pause) {
		if time.Now().After(end) {
			return event.ReasonModified
		}
		q.begun = event.Time(time.Now().UnixNano())
	}
	q.waited = true
	return q.changed()
}

// letGo lets the exec go on, if there is one that waits.
func (q *acquisition) letGo() {
	if q.release != nil {
		q.release()
	}
}

// hash reads the whole file.
func (a *Acquirer) hash(q *acquisition, buf []byte) sensor.Digest {
	sums := a.opts.Hashes.digester()
	var waited time.Time // since when a writer waits
	for off := int64(0); ; {
		n, err := unix.Pread(q.fd, buf, off)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return sensor.Digest{Reason: event.ReasonUnreadable}
		case n == 0:
			a.hashed.Add(1)
			a.hashedBytes.Add(uint64(off))
			return sums.sum()
		}
		if off == 0 {
			q.begin(buf[:min(n, headSize)])
		}
		sums.write(buf[:n])
		off += int64(n)
		if d := q.file.Digest(); d != nil {
			return *d // nobody waits any longer
		}
		if a.closing.Load() {
			return sensor.Digest{Reason: event.ReasonLost}
		}
		if !q.leased || n < len(buf) || !q.lease.wanted() {
			continue
		}
		if waited.IsZero() {
			waited = time.Now()
		} else if time.Since(waited) > patience {
			return sensor.Digest{Reason: event.ReasonModified}
		}
	}
}

// open begins the acquisition of a file that is not held.
func (a *Acquirer) open(f *sensor.File) {
	a.lookups.Add(1)
	fd, err := f.Opener.Open()
	if err != nil {
		f.Resolve(sensor.Digest{Reason: openReason(err)})
		return
	}
	q := &acquisition{file: f, fd: fd, activated: true, begun: event.Time(time.Now().UnixNano())}
	q.loose = f.Memfd == "unsealed"
	q.sealed = f.Memfd == "sealed"
	q.id, q.magic, err = f.Opener.State(fd)
	if err != nil {
		a.refuse(q, event.ReasonUnreadable)
		return
	}
	if known, ok := a.cache.get(q.id); ok && isExecuted(f.Opener, fd) {
		unix.Close(fd)
		f.Resolve(known.digest)
		return
	}
	if why := a.prove(q); why != "" {
		a.refuse(q, why)
		return
	}
	a.add(q, true, true)
}

// isExecuted says whether the file behind the descriptor, whose digest is known, is in the state in which it was executed.
func isExecuted(o sensor.Opener, fd int) bool {
	_, why := o.Activation(fd)
	return why == "" || o.Pinned(fd)
}

func (a *Acquirer) refuse(q *acquisition, why event.Reason) {
	unix.Close(q.fd)
	q.file.Resolve(sensor.Digest{Reason: why})
}

// prove takes a lease and makes sure that nothing changed between the
// activation and the lease. It returns the reason why that cannot be shown.
func (a *Acquirer) prove(q *acquisition) event.Reason {
	switch {
	case q.sealed:
		return ""
	case q.loose:
		return event.ReasonUnverifiable
	}
	if !local(q.magic) || q.magic == magicOverlay {
		return event.ReasonUnverifiable
	}
	var why event.Reason
	if q.lease, why = takeLease(q.fd, a.limit); why != "" {
		return why
	}
	q.leased = true
	now, magic, err := q.file.Opener.State(q.fd)
	if err != nil {
		return event.ReasonUnreadable
	}
	q.bound = now == q.id && magic == q.magic
	if q.file.Opener.Pinned(q.fd) {
		return ""
	}
	at, why := q.file.Opener.Activation(q.fd)
	switch {
	case why != "":
		return why
	case !q.bound:
		return event.ReasonModified
	case at == 0 || !keepsChangeTime(q.magic):
		return event.ReasonUnverifiable
	case !q.id.Settled(at):
		return event.ReasonModified
	}
	return ""
}

func openReason(err error) event.Reason {
	switch {
	case errors.Is(err, sensor.ErrGone):
		return event.ReasonGone
	case errors.Is(err, sensor.ErrChanged):
		return event.ReasonModified
	case errors.Is(err, sensor.ErrNotHeld):
		return event.ReasonNotHeld
	case errors.Is(err, sensor.ErrUnverifiable):
		return event.ReasonUnverifiable
	}
	return event.ReasonUnreadable
}

// tidy gives back the leases of files that were let go and never activated, so
// that a failed exec does not keep writers waiting.
func (a *Acquirer) tidy() {
	t := time.NewTicker(unactivated / 8)
	defer t.Stop()
	for {
		select {
		case <-a.stop:
			return
		case <-t.C:
		}
		a.mu.Lock()
		for _, q := range a.pending {
			if !q.hashed || q.activated || q.fd < 0 {
				continue
			}
			if q.goesOn != nil && q.goesOn() {
				q.released = time.Now()
			}
			age := time.Since(q.released)
			if age < unactivated/8 || age < unactivated && (!q.leased || !q.lease.wanted()) {
				continue
			}
			switch {
			case !q.leased: // sealed, or read while it was held
			case q.lease.holds():
				q.until = event.Time(time.Now().UnixNano())
				a.remember(q, q.digest)
			default:
				q.digest = sensor.Digest{Reason: event.ReasonModified}
			}
			a.drop(q)
		}
		a.mu.Unlock()
	}
}
