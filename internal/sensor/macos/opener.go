package macos

import (
	"xnumon/event"
	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

// opener opens a file by the path in a message. What it finds there counts only
// if it is what the message described: nothing is taken from a path alone.
type opener struct {
	path   string
	id     sensor.Identity
	at     event.Time
	arch   macho.Arch
	cdhash macho.CDHash
}

var _ sensor.Opener = (*opener)(nil)

// Code returns the architecture and the hash of the code directory that the
// kernel admitted from this file; false if it is no code, or not signed.
func (o *opener) Code() (macho.Arch, macho.CDHash, bool) {
	return o.arch, o.cdhash, !o.cdhash.IsZero()
}

// Pinned implements sensor.Opener: a message holds nobody off.
func (o *opener) Pinned(int) bool { return false }

// Activation implements sensor.Opener. Whether somebody had the file open for
// writing is not told.
func (o *opener) Activation(int) (event.Time, event.Reason) { return o.at, event.ReasonUnverifiable }
