package monitor

import (
	"xnumon/internal/encode"
	"xnumon/internal/record"
)

// Change is what a Monitor can do otherwise from some record on.
type Change struct {
	Records record.Options
	Encoder encode.Encoder
	// NoExecs leaves the records of execs out. Losses are recorded nevertheless.
	NoExecs bool
}

// Change makes c hold for what is observed from now on, or a moment ago: each
// record is made with all of one or all of the other, and none is left out. It
// may be called at any time and from any goroutine, and waits for room when the
// queue of records is full.
func (m *Monitor) Change(c Change) {
	m.queue.put(pending{change: &c})
	m.queue.tell()
}

// adopt makes c hold. It belongs to emit.
func (m *Monitor) adopt(c *Change) {
	m.builder = record.NewBuilder(c.Records)
	m.opts.Encoder = c.Encoder
	m.noExecs = c.NoExecs
}
