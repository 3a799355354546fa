package lineage

import (
	"testing"

	"xnumon/internal/sensor"
)

func TestSeen(t *testing.T) {
	tests := []struct {
		name string
		do   func(*script) Execution
		want []string
	}{
		{"fork and exec", func(s *script) Execution {
			s.fork(10, 11)
			return s.exec(11, 10, "ls")
		}, []string{"sh", "~init"}},
		{"exec alone", func(s *script) Execution {
			return s.exec(10, 1, "ls")
		}, []string{"sh", "~init"}},
		{"several execs in one process", func(s *script) Execution {
			s.exec(10, 1, "a")
			s.exec(10, 1, "b")
			return s.exec(10, 1, "c")
		}, []string{"b", "a", "sh", "~init"}},
		{"the same image again", func(s *script) Execution {
			s.exec(10, 1, "sh")
			return s.exec(10, 1, "sh")
		}, []string{"sh", "sh", "~init"}},
		{"a fork alone adds nothing", func(s *script) Execution {
			s.fork(10, 11)
			s.fork(11, 12)
			return s.exec(12, 11, "ls")
		}, []string{"sh", "~init"}},
		{"parent dead before the exec", func(s *script) Execution {
			s.fork(10, 11)
			s.exit(10)
			return s.exec(11, 1, "ls")
		}, []string{"sh", "~init"}},
		{"double fork", func(s *script) Execution {
			s.fork(10, 11)
			s.exec(11, 10, "daemon")
			s.fork(11, 12)
			s.exit(11)
			s.exit(10)
			return s.exec(12, 1, "worker")
		}, []string{"daemon", "sh", "~init"}},
		{"child subreaper", func(s *script) Execution {
			s.fork(10, 11) // the subreaper
			s.exec(11, 10, "reaper")
			s.fork(11, 12)
			s.exec(12, 11, "x")
			s.fork(12, 13)
			s.exit(12)
			return s.exec(13, 11, "y")
		}, []string{"x", "reaper", "sh", "~init"}},
		{"CLONE_PARENT", func(s *script) Execution {
			s.fork(10, 11)
			s.exec(11, 10, "cloner")
			s.fork(11, 12) // its parent is 10
			return s.exec(12, 10, "x")
		}, []string{"cloner", "sh", "~init"}},
		{"vfork and posix_spawn: the parent goes on as it was", func(s *script) Execution {
			s.fork(10, 11)
			s.exec(11, 10, "ls")
			return s.exec(10, 1, "next")
		}, []string{"sh", "~init"}},
		{"the parent's later exec is not the child's", func(s *script) Execution {
			s.fork(10, 11)
			s.exec(10, 1, "other")
			return s.exec(11, 10, "ls")
		}, []string{"sh", "~init"}},
		{"scripts stay with their image", func(s *script) Execution {
			s.exec(10, 1, "perl", "a.pl", "wrapper")
			s.fork(10, 11)
			s.exec(11, 10, "python", "b.py")
			return s.exec(11, 10, "ls")
		}, []string{"python b.py", "perl a.pl", "sh", "~init"}},
		{"pid reused", func(s *script) Execution {
			s.fork(10, 11)
			s.exec(11, 10, "old")
			s.exit(11)
			reborn := sensor.Key{PID: 11, Start: 1000}
			s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(10), Child: reborn, ExecID: s.ids[10]})
			return s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: reborn, ExecID: s.ids[10] + 1, Image: s.file("new")})
		}, []string{"sh", "~init"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			x := tt.do(s)
			s.want(x, false, tt.want...)
			if x.ForkTime == 0 || x.ForkPID == 0 || x.Unforked != "" {
				t.Errorf("fork: %v by %d, %q", x.ForkTime, x.ForkPID, x.Unforked)
			}
		})
	}
}

// The exec of a thread that is not the leader keeps the key of the process.
func TestExecByThread(t *testing.T) {
	s := begin(t)
	s.fork(10, 11)
	x := s.tab.Exec(&sensor.Exec{Time: s.tick(), Key: key(11), TID: 15, ExecID: s.ids[11] + 1, Image: s.file("ls")})
	s.want(x, false, "sh", "~init")
	if n := s.tab.Len(); n != 3 {
		t.Errorf("%d processes, want 3", n)
	}
}

func TestForkIsTold(t *testing.T) {
	s := begin(t)
	s.fork(10, 11)
	at := s.now
	s.exit(10)
	x := s.exec(11, 1, "ls")
	if x.ForkTime != at || x.ForkPID != 10 || x.Key != key(11) {
		t.Errorf("forked at %v by %d as %v", x.ForkTime, x.ForkPID, x.Key)
	}
	y := s.exec(11, 1, "next")
	if i := y.Image; i.Time != at+2 || i.PID != 11 {
		t.Errorf("activated at %v in %d", i.Time, i.PID)
	}
}

func TestFollow(t *testing.T) {
	s := begin(t)
	s.tab.Follow(key(10))
	s.fork(1, 20)
	if s.exec(20, 1, "other").Followed {
		t.Error("a stranger is followed")
	}
	s.fork(10, 11)
	s.exit(10)
	s.fork(11, 12)
	if !s.exec(12, 11, "ls").Followed {
		t.Error("a grandchild is not followed")
	}
	s.lostFork(12, 13)
	if x := s.exec(13, 12, "ls"); !x.Followed || !x.Reconstructed {
		t.Errorf("a child whose fork was lost: followed %v, reconstructed %v", x.Followed, x.Reconstructed)
	}
	s.tab.Follow(key(30)) // not known yet
	s.fork(30, 31)
	if !s.exec(31, 30, "ls").Followed {
		t.Error("the child of a process that was not known is not followed")
	}
}

func TestSweep(t *testing.T) {
	s := begin(t)
	s.fork(10, 11)
	s.fork(11, 12)
	s.tab.Sweep(func(k sensor.Key) bool { return k.PID != 10 && k.PID != 11 })
	if n := s.tab.Len(); n != 2 {
		t.Errorf("%d processes, want 2", n)
	}
	s.want(s.exec(12, 1, "ls"), false, "sh", "~init")
}
