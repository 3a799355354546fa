package image

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

const (
	// patience is how long a writer is kept waiting for the hashing of a file
	// whose exec is already let go.
	patience = time.Second
	// unactivated is how long a file that was let go is kept for its activation.
	unactivated = 2 * time.Second
	// largeSize is from where files are read by workers of their own, so that a
	// few huge ones do not make all others wait.
	largeSize = 32 << 20
	// openMost is how many files may be on their way at once.
	openMost = 16384
	// cacheSize is in files; an entry takes about 400 bytes.
	cacheSize = 16384
)

// Options say what an Acquirer does.
type Options struct {
	Hashes Hashes
	Level  sensor.Level
}

// Acquirer acquires files, held ones and others. Its methods may be called from
// several goroutines. Close ends its own.
type Acquirer struct {
	opts  Options
	cache *cache
	limit time.Duration // see leaseLimit

	mu      sync.Mutex
	pending map[uint64]*acquisition // by Ref
	queues  [2]queue
	closed  bool
	closing atomic.Bool // closed, for those who read
	done    sync.WaitGroup
	stop    chan struct{}

	hashed, hashedBytes, lookups atomic.Uint64
}

var _ sensor.Acquirer = (*Acquirer)(nil)

// queue is of files to be read. It is guarded by the acquirer's mutex.
type queue struct {
	files []*acquisition
	wake  *sync.Cond
}

// The queues.
const (
	small = iota
	large
)

// acquisition is a file on its way to a digest. The fields below the first block
// are guarded by the acquirer's mutex.
type acquisition struct {
	file    *sensor.File
	fd      int
	id      sensor.State
	magic   uint32
	begun   event.Time // time of day when the lease was taken
	lease   lease
	leased  bool
	sealed  bool
	loose   bool // an unsealed memfd: hashed while it is held, and marked by File.Memfd
	bound   bool // id is that of the bytes under the lease
	epoch   func() uint64
	release func()
	begins  func([]byte)
	holding func() bool // the exec still waits
	goesOn  func() bool // it waits because of another file
	changed func() event.Reason
	head    string // the first bytes, as soon as they are known

	digest    sensor.Digest
	hashed    bool
	released  time.Time // when the exec was let go
	activated bool
	waited    bool       // until it was settled, while its exec was held
	spoiled   bool       // it was not unchanged at its activation
	until     event.Time // the lease is given back; nothing changed until then
}

// New starts an Acquirer.
func New(opts Options) *Acquirer {
	a := &Acquirer{
		opts:    opts,
		cache:   newCache(cacheSize),
		limit:   leaseLimit(),
		pending: map[uint64]*acquisition{},
		stop:    make(chan struct{}),
	}
	for i, workers := range [...]int{small: max(4, runtime.NumCPU()), large: 2} {
		q := &a.queues[i]
		q.wake = sync.NewCond(&a.mu)
		for range workers {
			a.done.Go(func() { a.work(q) })
		}
	}
	a.done.Go(a.tidy)
	return a
}

// Close ends the work; files not yet acquired resolve with ReasonLost.
func (a *Acquirer) Close() {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return
	}
	a.closed = true
	a.closing.Store(true)
	close(a.stop)
	for i := range a.queues {
		a.queues[i].wake.Broadcast()
	}
	a.mu.Unlock()
	a.done.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range a.pending {
		a.settle(q, sensor.Digest{Reason: event.ReasonLost})
	}
}

// Hold implements sensor.Acquirer.
func (a *Acquirer) Hold(h *sensor.Held) {
	q := &acquisition{
		file: h.File, fd: h.FD, id: h.State, magic: h.Magic, sealed: h.Sealed, release: h.Release, begins: h.Begins, holding: h.Holding,
		goesOn: h.GoesOn, changed: h.Changed,
		loose: h.File.Memfd == "unsealed", epoch: h.Epoch,
		begun: event.Time(time.Now().UnixNano()),
	}
	if !a.opts.Hashes.Any() {
		h.File.Resolve(sensor.Digest{})
		q.release()
		unix.Close(q.fd)
		return
	}
	known, isKnown := a.cache.get(h.State)
	if isKnown {
		q.begin([]byte(known.head))
	}
	why := event.Reason("")
	a.mu.Lock()
	full := len(a.pending) >= openMost
	a.mu.Unlock()
	switch {
	case full:
		// Without a descriptor to give us the kernel would deny the exec.
		why = event.ReasonTimeout
	case q.changed != nil:
		switch {
		case !keepsChangeTime(h.Magic):
			why = event.ReasonUnverifiable
		case !q.id.Settled(q.begun) && a.opts.Level < sensor.LevelHash:
			why = event.ReasonModified
		default:
			why = q.changed()
		}
	case !q.sealed && !q.loose:
		if !local(h.Magic) {
			why = event.ReasonUnverifiable
		} else {
			q.lease, why = takeLease(q.fd, a.limit)
			q.leased = why == ""
			q.bound = q.leased && q.unchanged()
		}
	}
	switch {
	case isKnown && q.bound, isKnown && !q.leased && !h.Stacked, isKnown && q.changed != nil && why == "":
		// Without a lease, the identity at the activation will tell whether it is
		// still the same. With one the times may move on until then, by a new
		// name for example, and the bytes will not.
		q.digest, q.hashed = known.digest, true
	case why != "":
		// No digest could be relied on; the exec need not wait for one.
		q.digest, q.hashed = sensor.Digest{Reason: why}, true
	}
	if !isKnown {
		q.peek()
	}
	// From here on the exec may be let go, and its activation may come at once.
	hashed, keep := q.hashed, q.leased || q.changed != nil && why == ""
	release := hashed || a.opts.Level < sensor.LevelHash
	a.add(q, !hashed, release)
	if !release {
		return
	}
	q.release()
	if hashed && !keep {
		a.mu.Lock()
		a.drop(q)
		a.mu.Unlock()
	}
}

// unchanged says whether the file, on which a lease is held by now, still has
// the state it was in before.
func (q *acquisition) unchanged() bool {
	var st unix.Stat_t
	if q.epoch != nil && q.epoch() != q.id.Epoch {
		return false
	}
	return unix.Fstat(q.fd, &st) == nil && st.Size == q.id.Size &&
		event.Time(st.Mtim.Nano()) == q.id.MTime && event.Time(st.Ctim.Nano()) == q.id.CTime
}

// Activated implements sensor.Acquirer.
func (a *Acquirer) Activated(f *sensor.File, at event.Time, unchanged bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.pending[f.Ref]
	if q == nil {
		return
	}
	q.activated = true
	if q.changed != nil && q.fd >= 0 {
		if unchanged {
			q.bound = true
		} else {
			q.spoiled = true
		}
	}
	switch {
	case q.fd < 0 && q.until != 0 && at > q.until, q.fd < 0 && q.until == 0 && !unchanged && q.digest.Reason == "":
		// What was found out does not reach up to the activation.
		delete(a.pending, f.Ref)
		a.mu.Unlock()
		a.Acquire(f)
		a.mu.Lock()
	case q.hashed:
		a.settle(q, q.digest)
	}
}

// Known implements sensor.Acquirer.
func (a *Acquirer) Known(s sensor.State) bool {
	return a.cache.has(s)
}

// Recall implements sensor.Acquirer. Neither the change time of a file nor the
// epoch can come back once it has moved, so the same state at the activation means
// the same bytes.
func (a *Acquirer) Recall(f *sensor.File, s sensor.State) bool {
	known, ok := a.cache.get(s)
	if ok {
		f.BTime = known.btime
		f.Resolve(known.digest)
	}
	return ok
}

// Abandoned implements sensor.Acquirer.
func (a *Acquirer) Abandoned(f *sensor.File) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.pending[f.Ref]
	if q == nil {
		return
	}
	if !q.hashed {
		q.activated = true // the worker gives up and settles it
		q.file.Resolve(sensor.Digest{Reason: event.ReasonLost})
		return
	}
	a.settle(q, q.digest)
}

// Acquire acquires a file that nobody holds, unless that is under way already.
// It opens the file before it returns and reads it later.
func (a *Acquirer) Acquire(f *sensor.File) {
	if f.Digest() != nil {
		return
	}
	a.mu.Lock()
	_, under := a.pending[f.Ref]
	closed := a.closed
	a.mu.Unlock()
	switch {
	case under:
		return
	case closed:
		f.Resolve(sensor.Digest{Reason: event.ReasonLost})
		return
	case f.Opener == nil:
		f.Resolve(sensor.Digest{Reason: event.ReasonNotHeld})
		return
	case !a.opts.Hashes.Any():
		f.Resolve(sensor.Digest{})
		return
	}
	a.open(f)
}

// begin notes the first bytes of the file.
func (q *acquisition) begin(head []byte) {
	q.head = keptHead(head)
	if q.begins != nil {
		q.begins(head)
	}
}

// add makes an acquisition known and, when it has yet to be read, queues it.
func (a *Acquirer) add(q *acquisition, unread, released bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if released {
		q.released = time.Now()
	}
	a.pending[q.file.Ref] = q
	if !unread {
		return
	}
	to := &a.queues[small]
	if q.id.Size > largeSize {
		to = &a.queues[large]
	}
	to.files = append(to.files, q)
	to.wake.Signal()
}

// drop closes the file, which gives the lease back. The mutex is held.
func (a *Acquirer) drop(q *acquisition) {
	if q.fd >= 0 {
		unix.Close(q.fd)
		q.fd = -1
	}
}

// remember keeps a digest that was taken under a lease.
func (a *Acquirer) remember(q *acquisition, d sensor.Digest) {
	if q.bound {
		a.cache.put(q.id, q.magic, q.begun, known{d, q.file.BTime, q.head})
	}
}

// settle ends an acquisition: the digest stands if nothing can have changed.
// The mutex is held.
func (a *Acquirer) settle(q *acquisition, d sensor.Digest) {
	delete(a.pending, q.file.Ref)
	if q.changed != nil && d.Reason == "" {
		if q.spoiled {
			d = sensor.Digest{Reason: event.ReasonModified}
		} else {
			a.remember(q, d)
		}
	}
	if q.leased && q.fd >= 0 && d.Reason == "" {
		if !q.lease.holds() {
			d = sensor.Digest{Reason: event.ReasonModified}
		} else {
			a.remember(q, d)
		}
	}
	a.drop(q)
	q.file.Resolve(d)
}
