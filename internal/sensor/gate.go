package sensor

import (
	"errors"

	"xnumon/event"
)

// Errors of an Opener.
var (
	ErrGone    = errors.New("process is gone")
	ErrChanged = errors.New("file was replaced or modified")
	// ErrNotHeld: only while its exec is held can it be shown what the file is.
	ErrNotHeld = errors.New("its exec was not held")
	// ErrUnverifiable: reading it would prove nothing.
	ErrUnverifiable = errors.New("the file system cannot show that the file is what was executed")
)

// Level says for how long a sensor holds an exec.
type Level int

// The levels, in the order of what they cost.
const (
	LevelNone Level = iota // never
	LevelOpen              // until the file is open and its identity taken
	LevelHash              // until its hashes are known
)

func (l Level) String() string {
	switch l {
	case LevelNone:
		return "none"
	case LevelOpen:
		return "open"
	case LevelHash:
		return "hash"
	}
	return "unknown"
}

// Held is a file whose exec is held until Release is called, or the sensor
// loses patience.
type Held struct {
	File *File
	// FD is open for reading on the file that holds the bytes: on a stacked file
	// system, the one below. It belongs to the receiver from Hold on, which
	// closes it after Release and not before.
	FD int
	// State is that of this file, Magic the type of its file system (f_type of
	// statfs(2)).
	State State
	Magic uint32
	// Stacked says that FD is on a file below the one that was named.
	Stacked bool
	// Sealed says that nothing can change the bytes any more.
	Sealed bool
	// Begins is told how the file begins, when that has been read or is known: of a
	// script (#!) the first line or 256 bytes of it, of others four bytes at least
	// unless it is shorter. May be called more than once. May be nil.
	Begins func(head []byte)
	// Holding says whether the exec has not been let go yet.
	Holding func() bool
	// Changed is set for a file of which a lease says nothing. It says why the file
	// may not be what it was when it was held, empty if it surely is; it needs FD. Writers
	// that come later move the change time.
	Changed func() event.Reason
	// GoesOn says whether the same exec is held because of another of its files, so
	// that it is too early to expect its activation. May be nil.
	GoesOn func() bool
	// Epoch is the present one; see State.Epoch. Nil where there is always the same.
	Epoch func() uint64
	// Release lets the exec go on. It may be called more than once and from any
	// goroutine; only the first call counts.
	Release func()
}

// An Acquirer is told by a gating sensor about the files it holds. Its methods
// are called on the gate's own path: they must not block on anything that could
// itself need an exec, and return at once.
type Acquirer interface {
	// Hold hands over a held file. The acquirer calls Release when the level's
	// condition is met.
	Hold(h *Held)
	// Activated says that the exec which held this file happened, when, and
	// whether the kernel's identity of the file was then what it was when it
	// was held.
	Activated(f *File, at event.Time, unchanged bool)
	// Known says whether the digest of a file in this state is known and stands
	// as long as the state does, so that it need not be held.
	Known(s State) bool
	// Recall resolves f, which was not held, if the digest for the state in which
	// it was at its activation is known, and says whether it did.
	Recall(f *File, s State) bool
	// Abandoned says that the exec failed: nobody will ask for the digest.
	Abandoned(f *File)
}
