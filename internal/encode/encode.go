// Package encode turns records into bytes.
//
// The encoders only append to the buffer they are given and keep their scratch
// space, so that a record costs no allocation once the buffers have grown to the
// size of the records. Every record ends in a line feed and, but for YAML, holds
// no other: whatever a process puts into its name, its arguments or its paths, it
// cannot end a record or begin one.
package encode

import "xnumon/event"

// An Encoder appends records to dst and returns the extended buffer. It does not
// keep or change the record. It belongs to one goroutine at a time.
type Encoder interface {
	AppendExec(dst []byte, r *event.ImageExec) []byte
	AppendLoss(dst []byte, r *event.Loss) []byte
	AppendOps(dst []byte, r *event.Ops) []byte
	AppendStats(dst []byte, r *event.Stats) []byte
}

var (
	_ Encoder = (*JSON)(nil)
	_ Encoder = (*JSONSeq)(nil)
	_ Encoder = (*YAML)(nil)
	_ Encoder = (*ECS)(nil)
	_ Encoder = (*OCSF)(nil)
	_ Encoder = (*Text)(nil)
)
