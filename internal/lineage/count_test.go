package lineage

import (
	"testing"

	"xnumon/event"
)

// What the table should have known is counted by kind, once for each observation
// that shows it.
func TestMisses(t *testing.T) {
	s := begin(t)
	expect := func(what string, want event.MissStats) {
		t.Helper()
		if got := s.tab.Misses(); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	s.fork(10, 11)
	s.exec(11, 10, "ls")
	expect("everything seen", event.MissStats{})
	s.lostFork(10, 12)
	s.fork(12, 13)
	expect("a fork by who is unknown", event.MissStats{Forks: 1})
	s.lostFork(10, 14)
	s.exec(14, 10, "ls")
	expect("an exec by who is unknown", event.MissStats{Forks: 1, Execs: 1})
	s.lostExec(10)
	s.exec(10, 1, "ls")
	expect("an exec after one that was lost", event.MissStats{Forks: 1, Execs: 1, Images: 1})
	s.lostExec(11)
	s.fork(11, 15)
	expect("a fork after one that was lost", event.MissStats{Forks: 1, Execs: 1, Images: 2})
	s.fork(11, 16)
	s.exec(12, 10, "ls")
	expect("what has been learnt", event.MissStats{Forks: 1, Execs: 1, Images: 2})
}
