package sensor

import "errors"

// Errors of an Opener.
var (
	ErrGone    = errors.New("process is gone")
	ErrChanged = errors.New("file was replaced or modified")
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
	// FD is open for reading on the file. On a stacked file system Real is open
	// on the file below, which holds the bytes; else it is -1. Both belong to
	// the receiver from Hold on.
	FD int
	// Magic is the type of the file system (statfs f_type).
	Magic uint32
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
	// Activated says that the exec which held these files has happened, with
	// the identity the image had at that moment: the digests can be settled.
	Activated(f *File, now Identity)
	// Abandoned says that the exec failed: nobody will ask for the digest.
	Abandoned(f *File)
}
