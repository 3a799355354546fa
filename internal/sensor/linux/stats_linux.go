package linux

import (
	"time"
)

// Stats are what a Sensor says of itself. Counts are since it was opened.
type Stats struct {
	// Silent is for how long Run has not turned to the ring of events, zero
	// before it has begun. It turns twice a second at least, unless what it
	// delivers to makes it wait.
	Silent time.Duration
	// RingBytes are the bytes of observations in the ring that were not read at the last turn,
	// RingSize its size.
	RingBytes, RingSize int
	// GateErrors are events of the gate that were let go without being understood.
	GateErrors uint64
	// Waiting are the threads with exec calls that are held, or were let go and of which it is not
	// known yet what became.
	Waiting int
	// StoodIn are the events that the watchdog answered.
	StoodIn uint64
	// Unmarked is how often a file that the kernel had been told not to ask
	// about was found changed, or opened for writing.
	Unmarked uint64
}

// turn leaves what Stats tells. It belongs to Run.
func (s *Sensor) turn() {
	s.turned.Store(bootNow())
	s.ringBytes.Store(int64(s.ring.available()))
}

// Stats may be called at any time before Close, after StartGate has returned.
func (s *Sensor) Stats() Stats {
	st := Stats{RingBytes: int(s.ringBytes.Load()), RingSize: s.ringSize}
	if t := s.turned.Load(); t != 0 {
		st.Silent = time.Duration(bootNow() - t)
	}
	if g := s.gate; g != nil {
		st.GateErrors = g.errors.Load()
		st.Unmarked = g.ignored.removed.Load()
		st.Waiting = g.pending.len()
		if g.vitals != nil {
			st.StoodIn = g.vitals.allowed.Load()
		}
	}
	return st
}
