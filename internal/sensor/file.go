package sensor

import (
	"sync"
	"sync/atomic"

	"xnumon/event"
)

// Identity is what tells one state of a file from any other on this machine:
// as long as all of it is the same, the file system keeps its change times and
// an epoch lasts, so are the bytes.
type Identity struct {
	Dev   uint64 // as in stat(2)
	Ino   uint64
	Gen   uint32
	Size  int64
	MTime event.Time
	CTime event.Time
}

// settling is how long after its change time a file may change again without
// the change time moving: it has the granularity of the timer tick, 10 ms
// at most (before kernel 6.13, and after it unless somebody asked in between). With a margin.
const settling = 100_000_000 // ns

// Settled says whether the file has not changed since the given moment, if this is its
// identity at a later one: no change since could have left the change time as it is. Times in
// whole seconds are those of a file system that keeps no finer ones (ext4 with
// inodes of 128 bytes).
func (i Identity) Settled(since event.Time) bool {
	if i.CTime%1e9 == 0 {
		return i.CTime <= since-2e9-settling
	}
	return i.CTime <= since-settling
}

// State is an identity that proves something about the bytes: two that are the
// same, epoch included, are of the same bytes.
type State struct {
	Identity
	// Epoch grows whenever something happens that can give files other bytes and
	// leave their identities as they are: an ioctl(2) that exchanges bytes, or
	// another file system under the same device number.
	Epoch uint64
}

// File is a file that an exec went through, as the kernel had it open. Its
// digests are found by whoever acquires it and may be known later than the rest.
type File struct {
	Ref        uint64 // unique within the stream; joins the file with its Digest
	Path       string
	PathReason event.Reason // why Path is empty
	Deleted    bool
	// Unreachable: Path begins at a mount that the process's root does not lead to.
	Unreachable bool
	Memfd       string // see event.Image
	HasStat     bool   // ID and the fields below it are known
	ID          Identity
	Mode        uint32
	UID, GID    uint32
	BTime       event.Time
	// Signature is what the kernel said of the code's signature; nil where it
	// says nothing, as on Linux, and for scripts.
	Signature *event.Signature

	// Opener opens this very file when nobody holds it open, nil if that
	// cannot be done.
	Opener Opener

	resolved atomic.Pointer[Digest] // asked for by each record with the file in its past
	mu       sync.Mutex
	done     chan struct{} // nil until somebody waits
}

// An Opener gets at a file that was executed without going by its path.
type Opener interface {
	// Open returns a descriptor of the very file that was activated, which the
	// caller closes. The error wraps ErrGone, ErrChanged, ErrNotHeld or ErrUnverifiable where those are
	// the cause. It does not wait for whoever serves the file.
	Open() (fd int, err error)
	// State returns the state of the file behind the descriptor and the type of
	// its file system.
	State(fd int) (State, uint32, error)
	// Pinned reports whether the kernel has kept writers off the file from the
	// activation until the call, so that what is read now was executed then.
	Pinned(fd int) bool
	// Activation is when the file was activated, zero if not known, and why the file behind the
	// descriptor, to which nobody can write, cannot be told to be what it was then by its
	// identity; empty if it can, as far as the identity goes.
	Activation(fd int) (at event.Time, why event.Reason)
}

// Digest is what acquisition found out about a File.
type Digest struct {
	Ref    uint64
	SHA256 string // lower-case hexadecimal, empty if not known or not wanted
	SHA1   string
	MD5    string
	Reason event.Reason // why there are none; empty when there are
	// CertCN goes into the record's signature: see event.Signature. It is known
	// once the file has been read.
	CertCN string
}

// Resolve sets the digest. Only the first call counts; Ref is filled in.
func (f *File) Resolve(d Digest) {
	d.Ref = f.Ref
	if !f.resolved.CompareAndSwap(nil, &d) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done != nil {
		close(f.done)
	}
}

// Digest returns the digest, nil as long as it is not known.
func (f *File) Digest() *Digest { return f.resolved.Load() }

// Done returns a channel that is closed once the digest is known.
func (f *File) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.done != nil:
	case f.Digest() != nil: // Resolve may be about to close f.done
		done := make(chan struct{})
		close(done)
		return done
	default:
		f.done = make(chan struct{})
	}
	return f.done
}
