package lineage

import (
	"testing"

	"xnumon/internal/sensor"
)

func TestLost(t *testing.T) {
	tests := []struct {
		name          string
		do            func(*script) Execution
		reconstructed bool
		want          []string
	}{
		{"exec", func(s *script) Execution {
			s.lostExec(10)
			return s.exec(10, 1, "ls")
		}, false, []string{"~?lost", "sh", "~init"}},
		{"several execs", func(s *script) Execution {
			s.lostExec(10)
			s.lostExec(10)
			s.lostExec(10)
			return s.exec(10, 1, "ls")
		}, false, []string{"~?lost", "~?lost", "~?lost", "sh", "~init"}},
		{"exec of the parent, seen at its fork", func(s *script) Execution {
			s.lostExec(10)
			s.fork(10, 11)
			return s.exec(11, 10, "ls")
		}, false, []string{"~?lost", "sh", "~init"}},
		{"exec of the child", func(s *script) Execution {
			s.fork(10, 11)
			s.lostExec(11)
			return s.exec(11, 10, "ls")
		}, false, []string{"~?lost", "sh", "~init"}},
		{"exec, found by a lookup", func(s *script) Execution {
			s.lostExec(10)
			s.found(10, 1, "bash")
			return s.exec(10, 1, "ls")
		}, false, []string{"~bash", "sh", "~init"}},
		{"several execs, the last found by a lookup", func(s *script) Execution {
			s.lostExec(10)
			s.lostExec(10)
			s.found(10, 1, "bash")
			return s.exec(10, 1, "ls")
		}, false, []string{"~bash", "~?lost", "sh", "~init"}},
		{"exec, seen at a fork and found by a lookup", func(s *script) Execution {
			s.lostExec(10)
			s.fork(10, 11)
			s.found(10, 1, "bash")
			return s.exec(11, 10, "ls")
		}, false, []string{"~bash", "sh", "~init"}},
		{"exec, found in the child", func(s *script) Execution {
			s.lostExec(10)
			s.fork(10, 11)
			s.found(11, 10, "bash")
			return s.exec(10, 1, "ls")
		}, false, []string{"~bash", "sh", "~init"}},
		{"fork", func(s *script) Execution {
			s.lostFork(10, 11)
			return s.exec(11, 10, "ls")
		}, true, []string{"~?lost", "sh", "~init"}},
		{"fork, parent dead", func(s *script) Execution {
			s.lostFork(10, 11)
			s.exit(10)
			return s.exec(11, 1, "ls")
		}, true, []string{"~?lost", "~init"}},
		{"fork, found by a lookup", func(s *script) Execution {
			s.lostFork(10, 11)
			s.found(11, 10, "sh")
			return s.exec(11, 10, "ls")
		}, true, []string{"~sh", "~init"}},
		{"fork and exec, found by a lookup", func(s *script) Execution {
			s.lostFork(10, 11)
			s.lostExec(11)
			s.found(11, 10, "make")
			return s.exec(11, 10, "ls")
		}, true, []string{"~make", "sh", "~init"}},
		{"fork of a parent whose fork was lost as well", func(s *script) Execution {
			s.lostFork(10, 11)
			s.lostFork(11, 12)
			return s.exec(12, 11, "ls")
		}, true, []string{"~?lost", "~?lost"}},
		{"fork, but not the child's own", func(s *script) Execution {
			s.lostFork(10, 11)
			s.fork(11, 12)
			return s.exec(12, 11, "ls")
		}, false, []string{"~?lost"}},
		{"fork of the forker, which execs then and says its parent", func(s *script) Execution {
			s.lostFork(10, 11)
			s.fork(11, 12)
			s.exec(11, 10, "make")
			return s.exec(12, 11, "ls")
		}, false, []string{"~?lost", "sh", "~init"}},
		{"exit, pid reused", func(s *script) Execution {
			s.fork(10, 11)
			s.exec(11, 10, "old")
			reborn := sensor.Key{PID: 11, Start: 1000}
			s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(10), Child: reborn, ExecID: s.ids[10]})
			if n := s.tab.Len(); n != 3 {
				s.t.Errorf("%d processes, want 3", n)
			}
			s.exit(11) // of the old one: too late
			return s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: reborn, ExecID: s.ids[10] + 1, Image: s.file("new")})
		}, false, []string{"sh", "~init"}},
		{"exit and fork, pid reused", func(s *script) Execution {
			s.fork(10, 11)
			s.exec(11, 10, "old")
			reborn := sensor.Key{PID: 11, Start: 1000}
			return s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: reborn, Parent: key(10), ExecID: s.ids[10] + 1, Image: s.file("new")})
		}, true, []string{"~?lost", "sh", "~init"}},
		{"exit and fork of the parent, whose pid is known of an older one", func(s *script) Execution {
			return s.tab.Exec(&sensor.Exec{
				Time: s.tick(), Key: key(11), Parent: sensor.Key{PID: 10, Start: 1000}, ExecID: 3, Image: s.file("ls"),
			})
		}, true, []string{"~?lost", "~?lost"}},
		{"fork of the forker, which is dead: the reaper is no ancestor", func(s *script) Execution {
			s.lostFork(10, 11)
			s.fork(11, 12)
			s.exit(11)
			return s.exec(12, 1, "ls")
		}, false, []string{"~?lost"}},
		{"order: an exec before an older fork of its process", func(s *script) Execution {
			s.exec(10, 1, "later")
			s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(10), Child: key(11), ExecID: s.ids[10] - 1})
			return s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: key(11), ExecID: s.ids[10], Image: s.file("ls")})
		}, false, []string{"~?raced", "sh", "~init"}},
		{"order: an exec twice", func(s *script) Execution {
			s.ids[10]--
			return s.exec(10, 1, "ls")
		}, false, []string{"~?raced", "sh", "~init"}},
		{"what was learnt before stays", func(s *script) Execution {
			s.tab.Lost(&sensor.Lost{Time: s.tick(), Lineage: true, Until: s.now})
			s.fork(10, 11)
			return s.exec(11, 10, "ls")
		}, false, []string{"sh", "~init"}},
		{"the parent's pid belongs to a younger process", func(s *script) Execution {
			s.lostFork(10, 11)
			s.exit(10)
			s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(1), Child: sensor.Key{PID: 10, Start: 1000}, ExecID: 1})
			return s.exec(11, 10, "ls")
		}, true, []string{"~?lost", "~?gone"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			s.want(tt.do(s), tt.reconstructed, tt.want...)
		})
	}
}

// Where execs have no numbers, nothing learnt before a loss can be relied on.
func TestNoNumbers(t *testing.T) {
	tests := []struct {
		name          string
		do            func(*script)
		reconstructed bool
		want          []string
	}{
		{"nothing lost", func(s *script) {}, false, []string{"sh", "~init"}},
		{"loss before", func(s *script) {
			s.tab.Lost(&sensor.Lost{Time: s.tick(), Lineage: true, Until: 2})
		}, false, []string{"sh", "~init"}},
		{"loss since", func(s *script) {
			s.tab.Lost(&sensor.Lost{Time: s.tick(), Lineage: true, Until: s.now})
		}, false, []string{"~?lost", "sh", "~init"}},
		{"loss that does not touch lineage", func(s *script) {
			s.tab.Lost(&sensor.Lost{Time: s.tick(), Until: s.now})
		}, false, []string{"sh", "~init"}},
		{"loss before the parent's exec", func(s *script) {
			s.tab.Lost(&sensor.Lost{Time: s.tick(), Lineage: true, Until: 2})
			s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(10), Child: key(12)})
		}, false, []string{"sh", "~init"}},
		{"loss in the parent", func(s *script) {
			s.tab.Lost(&sensor.Lost{Time: s.tick(), Lineage: true, Until: s.now})
			s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(10), Child: key(12)})
		}, false, []string{"~?lost", "sh", "~init"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := play(t)
			s.tab.Process(&sensor.Process{Time: s.tick(), Key: key(1), Image: s.file("init")})
			s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(1), Child: key(10)})
			s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: key(10), Image: s.file("sh")})
			tt.do(s)
			pid := uint32(10)
			if s.tab.get(key(12)) != nil {
				pid = 12
			}
			s.want(s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: key(pid), Image: s.file("ls")}), tt.reconstructed, tt.want...)
		})
	}
	t.Run("found after an exec that is delivered later", func(t *testing.T) {
		s := play(t)
		s.tab.Process(&sensor.Process{Time: 7, Key: key(5), Image: s.file("bash")})
		s.want(s.tab.Exec(&sensor.Exec{Time: 6, Key: key(5), Image: s.file("bash")}), true, "~?raced")
	})
	t.Run("found twice, told the second time", func(t *testing.T) {
		s := begin(t)
		s.ids[5] = 0
		s.found(5, 1, "")
		s.found(5, 1, "sshd")
		s.want(s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: key(5), Image: s.file("bash")}), true, "~sshd", "~init")
	})
}
