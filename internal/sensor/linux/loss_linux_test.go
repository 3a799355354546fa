package linux

import (
	"testing"

	"golang.org/x/sys/unix"

	"xnumon/internal/sensor"
)

// The queue of the gate has no limit; should the kernel say that it was full all
// the same, that is told once.
func TestOverflowIsTold(t *testing.T) {
	s := &Sensor{}
	s.clock.sync()
	s.gate = &gate{s: s}
	var told []*sensor.Lost
	observe := func(o sensor.Observation) error {
		told = append(told, o.(*sensor.Lost))
		return nil
	}
	report := func() {
		t.Helper()
		if err := s.reportOverflow(observe); err != nil {
			t.Fatal(err)
		}
	}
	report()
	s.gate.event(&unix.FanotifyEventMetadata{Mask: unix.FAN_Q_OVERFLOW, Fd: unix.FAN_NOFD})
	report()
	report()
	if len(told) != 1 || told[0].Source != "fanotify" || told[0].Since == 0 || told[0].Since > told[0].Until {
		t.Errorf("%+v", told)
	}
}
