package monitor

import (
	"sync"
	"sync/atomic"
	"time"

	"xnumon/event"
	"xnumon/internal/encode"
	"xnumon/internal/sensor"
)

// countEvery is how often the images that are held are counted at least, and
// countShare what part of the time that may take before it comes to that.
const (
	countEvery = time.Minute
	countShare = 1000
)

// counters are what a Monitor has seen. The goroutine that observes adds to
// them, except to missing, which is the emitter's; any may read.
type counters struct {
	forks, execs, exits, lookups, lost, losses atomic.Uint64
	unknownForks, unknownExecs, unknownImages  atomic.Uint64
	processes, images                          atomic.Uint64
	count                                      time.Time // when images is to be

	held, known, deadline, missed atomic.Uint64
	delay                         delays

	mu      sync.Mutex
	missing []event.ReasonCount
}

// observed counts an observation that was handled.
func (m *Monitor) observed(o sensor.Observation) {
	c := &m.counts
	switch o := o.(type) {
	case *sensor.Fork:
		c.forks.Add(1)
	case *sensor.Exec:
		c.execs.Add(1)
		c.gate(o.Gate)
	case *sensor.Exit:
		c.exits.Add(1)
	case *sensor.Process:
		c.lookups.Add(1)
	case *sensor.Lost:
		c.losses.Add(1)
		c.lost.Add(o.Count)
	}
	misses := m.table.Misses()
	c.unknownForks.Store(misses.Forks)
	c.unknownExecs.Store(misses.Execs)
	c.unknownImages.Store(misses.Images)
	c.processes.Store(uint64(m.table.Len()))
	if now := time.Now(); now.After(c.count) {
		c.images.Store(uint64(m.table.Images()))
		c.count = now.Add(min(countEvery, max(time.Second, countShare*time.Since(now))))
	}
}

func (c *counters) gate(g *event.Gate) {
	if g == nil {
		return
	}
	switch g.Outcome {
	case event.GateHeld:
		c.held.Add(1)
	case event.GateKnown:
		c.known.Add(1)
	case event.GateDeadline:
		c.deadline.Add(1)
	case event.GateMissed:
		c.missed.Add(1)
	}
	if g.Held > 0 {
		c.delay.add(time.Duration(g.Held))
	}
}

// absent counts the digests of files that a record goes without.
func (c *counters) absent(files ...*sensor.File) {
	for _, f := range files {
		if f == nil {
			continue
		}
		if d := f.Digest(); d != nil && d.Reason != "" {
			c.reason(d.Reason)
		}
	}
}

func (c *counters) reason(why event.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.missing {
		if c.missing[i].Reason == why {
			c.missing[i].Count++
			return
		}
	}
	c.missing = append(c.missing, event.ReasonCount{Reason: why, Count: 1})
}

// AddStats fills in what the Monitor knows; what others know is left alone. It
// may be called at any time and from any goroutine.
func (m *Monitor) AddStats(s *event.Stats) {
	c := &m.counts
	s.Processes, s.Images = c.processes.Load(), c.images.Load()
	s.Observed = event.ObservedStats{
		Forks: c.forks.Load(), Execs: c.execs.Load(), Exits: c.exits.Load(), Lookups: c.lookups.Load(),
		Lost: c.lost.Load(), Losses: c.losses.Load(),
		Misses: event.MissStats{Forks: c.unknownForks.Load(), Execs: c.unknownExecs.Load(), Images: c.unknownImages.Load()},
	}
	if m.opts.Suppress != nil {
		by := m.opts.Suppress.Counts()
		s.Observed.Suppressed = by.ByPath + by.ByIdent + by.ByAncestorPath + by.ByAncestorIdent
		s.Observed.SuppressedBy = event.SuppressedStats{
			Path: by.ByPath, Ident: by.ByIdent, AncestorPath: by.ByAncestorPath, AncestorIdent: by.ByAncestorIdent, Elsewhere: by.Elsewhere,
		}
	}
	c.mu.Lock()
	s.Acquisition.Missing = append(s.Acquisition.Missing[:0], c.missing...)
	c.mu.Unlock()
	if g := s.Gate; g != nil {
		g.Held, g.Known, g.Deadline, g.Missed = c.held.Load(), c.known.Load(), c.deadline.Load(), c.missed.Load()
		g.P50, g.P99 = int64(c.delay.quantile(0.5)), int64(c.delay.quantile(0.99))
		g.Max = c.delay.most.Load()
	}
	s.Queues = append(s.Queues, event.QueueStats{Name: "records", Depth: uint64(m.queue.depth()), Limit: backlogMost})
}

// Record has a record written at this place among the others. Write appends it
// with the encoder that is in force by then; it is not called once the monitor
// has ended. Like Change, Record waits for room.
func (m *Monitor) Record(write func(dst []byte, e encode.Encoder) []byte) {
	m.queue.put(pending{write: write})
	m.queue.tell()
}
