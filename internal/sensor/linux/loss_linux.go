package linux

import (
	"fmt"

	"xnumon/internal/sensor"
)

// lossNames are the sources as records name them, by number.
var lossNames = [monitorLossSourceLOSS_SOURCES]string{
	monitorLossSourceLOSS_RING:     "ring",
	monitorLossSourceLOSS_CHUNKS:   "chunks",
	monitorLossSourceLOSS_ATTEMPTS: "attempts",
	monitorLossSourceLOSS_CONTROL:  "control",
}

// lossCounters remembers what has been reported. It belongs to Run.
type lossCounters struct {
	reported [monitorLossSourceLOSS_SOURCES]monitorLoss
	buf      []monitorLoss
	overflow uint64 // of the fanotify queue, reported
	looked   int64  // boot clock of the last look at it
}

// reportLoss tells of what the kernel side has counted since the last time.
func (s *Sensor) reportLoss(observe func(sensor.Observation) error) error {
	for source := range lossNames {
		if err := s.objs.Losses.Lookup(uint32(source), &s.loss.buf); err != nil {
			return fmt.Errorf("read the loss counters: %w", err)
		}
		var now monitorLoss
		for _, l := range s.loss.buf {
			if l.Count == 0 {
				continue
			}
			if now.Count == 0 || l.First < now.First {
				now.First = l.First
			}
			now.Last = max(now.Last, l.Last)
			now.Count += l.Count
		}
		before := &s.loss.reported[source]
		if now.Count == before.Count {
			continue
		}
		since := now.First
		if before.Count > 0 {
			since = before.Last
		}
		lost := &sensor.Lost{
			Time:    s.clock.wall(uint64(bootNow())),
			Source:  lossNames[source],
			Count:   now.Count - before.Count,
			Since:   s.clock.wall(since),
			Until:   s.clock.wall(now.Last),
			Lineage: monitorLossSource(source) == monitorLossSourceLOSS_RING,
		}
		*before = now
		if err := observe(lost); err != nil {
			return err
		}
	}
	return s.reportOverflow(observe)
}

// reportOverflow tells of execs that were let through, or whose scripts were not seen, because
// the queue of events was full. The kernel says that it was, not how many there were.
func (s *Sensor) reportOverflow(observe func(sensor.Observation) error) error {
	var overflow uint64
	switch {
	case s.gate != nil:
		overflow = s.gate.overflow.Load()
	case s.told != nil:
		overflow = s.told.overflow
	default:
		return nil
	}
	now, last := bootNow(), s.loss.looked
	s.loss.looked = now
	if overflow == s.loss.overflow {
		return nil
	}
	s.loss.overflow = overflow
	return observe(&sensor.Lost{
		Time: s.clock.wall(uint64(now)), Source: "fanotify",
		Since: s.clock.wall(uint64(last)), Until: s.clock.wall(uint64(now)),
	})
}
