package lineage

import (
	"testing"

	"xnumon/event"
	"xnumon/internal/sensor"
)

func TestSnapshot(t *testing.T) {
	tests := []struct {
		name          string
		do            func(*script) Execution
		reconstructed bool
		want          []string
	}{
		{"found running", func(s *script) Execution {
			s.found(5, 1, "sshd")
			return s.exec(5, 1, "bash")
		}, true, []string{"~sshd", "~init"}},
		{"forked from one found running", func(s *script) Execution {
			s.found(5, 1, "sshd")
			s.fork(5, 11)
			return s.exec(11, 5, "bash")
		}, false, []string{"~sshd", "~init"}},
		{"child before parent", func(s *script) Execution {
			s.found(5, 7, "sshd")
			s.found(7, 1, "login")
			return s.exec(5, 7, "bash")
		}, true, []string{"~sshd", "~login", "~init"}},
		{"child before parent, used in between", func(s *script) Execution {
			s.found(5, 7, "sshd")
			x := s.exec(5, 7, "bash")
			s.found(7, 1, "login")
			s.want(x, true, "~sshd", "~?already running")
			return s.exec(5, 7, "ls")
		}, true, []string{"bash", "~sshd", "~login", "~init"}},
		{"parent's exec before it is found", func(s *script) Execution {
			s.found(5, 7, "sshd")
			s.exec(7, 1, "later")
			s.found(7, 1, "later")
			return s.exec(5, 7, "bash")
		}, true, []string{"~sshd", "~?already running", "~init"}},
		{"fork before the parent is found", func(s *script) Execution {
			s.fork(5, 11)
			s.found(5, 1, "sshd")
			return s.exec(11, 5, "bash")
		}, false, []string{"~sshd", "~init"}},
		{"fork, exec, then the parent is found", func(s *script) Execution {
			s.fork(5, 11)
			s.want(s.exec(11, 5, "bash"), false, "~?already running")
			s.found(5, 1, "sshd")
			return s.exec(11, 5, "ls")
		}, false, []string{"bash", "~sshd", "~init"}},
		{"found before its fork is delivered", func(s *script) Execution {
			s.ids[11] = s.ids[10]
			s.found(11, 10, "sh")
			s.fork(10, 11)
			return s.exec(11, 10, "ls")
		}, false, []string{"sh", "~init"}},
		{"exec before it is found", func(s *script) Execution {
			s.exec(5, 1, "bash")
			s.found(5, 1, "bash")
			return s.exec(5, 1, "ls")
		}, true, []string{"bash", "~?already running", "~init"}},
		{"found, delivered after its exec", func(s *script) Execution {
			s.exec(5, 1, "bash")
			s.ids[5]--
			s.found(5, 1, "sshd")
			s.ids[5]++
			return s.exec(5, 1, "ls")
		}, true, []string{"bash", "~?already running", "~init"}},
		{"found in the middle of its exec", func(s *script) Execution {
			s.ids[5]++
			s.found(5, 1, "bash")
			s.ids[5]--
			return s.exec(5, 1, "bash")
		}, true, []string{"~?raced", "~init"}},
		{"found in the middle of its exec, image not told", func(s *script) Execution {
			s.found(5, 1, "")
			return s.exec(5, 1, "bash")
		}, true, []string{"~?raced", "~init"}},
		{"known, found in the middle of its exec", func(s *script) Execution {
			s.ids[10]++
			s.found(10, 1, "ls")
			s.ids[10]--
			return s.exec(10, 1, "ls")
		}, false, []string{"sh", "~init"}},
		{"a second lookup has more luck", func(s *script) Execution {
			s.found(5, 1, "")
			s.found(5, 1, "sshd")
			return s.exec(5, 1, "bash")
		}, true, []string{"~sshd", "~init"}},
		{"what events told is not replaced", func(s *script) Execution {
			s.found(10, 5, "something else")
			return s.exec(10, 1, "ls")
		}, false, []string{"sh", "~init"}},
		{"subshell: a fork alone adds nothing", func(s *script) Execution {
			s.found(5, 1, "bash")
			s.found(6, 5, "bash")
			s.found(7, 6, "bash")
			return s.exec(7, 6, "ls")
		}, true, []string{"~bash", "~init"}},
		{"the same file executed once more is another image", func(s *script) Execution {
			s.ids[6] = 1
			s.found(5, 1, "bash")
			s.found(6, 5, "bash")
			return s.exec(6, 5, "ls")
		}, true, []string{"~bash", "~bash", "~init"}},
		{"kernel thread", func(s *script) Execution {
			s.tab.Process(&sensor.Process{Key: key(2), KernelThread: true})
			s.tab.Process(&sensor.Process{Key: key(3), Parent: key(2), KernelThread: true})
			s.fork(3, 11)
			s.want(s.exec(11, 3, "modprobe"), false, "~?kernel thread")
			return s.exec(11, 3, "sh")
		}, false, []string{"modprobe"}},
		{"kernel thread found late", func(s *script) Execution {
			s.fork(3, 11)
			s.exec(11, 3, "modprobe")
			s.tab.Process(&sensor.Process{Key: key(3), Parent: key(2), KernelThread: true})
			return s.exec(11, 3, "sh")
		}, false, []string{"modprobe"}},
		{"parents that are each other's", func(s *script) Execution {
			s.found(5, 6, "a")
			s.found(6, 5, "b")
			return s.exec(5, 6, "ls")
		}, true, []string{"~a", "~b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			s.ids[5], s.ids[6], s.ids[7] = 2, 2, 2
			s.want(tt.do(s), tt.reconstructed, tt.want...)
		})
	}
}

func TestRunning(t *testing.T) {
	s := begin(t)
	s.ids[5], s.ids[6] = 2, 2
	shell := s.found(5, 1, "bash")
	sub := s.found(6, 5, "bash")
	x, ok := s.tab.Running(shell)
	if !ok {
		t.Fatal("not known")
	}
	s.want(x, true, "~?already running", "~init")
	if x, ok = s.tab.Running(sub); !ok {
		t.Fatal("not known")
	}
	s.want(x, true, "~?already running", "~init")
	if x.ForkTime != 6 || x.ForkPID != 0 || x.Unforked != event.ReasonRunning {
		t.Errorf("fork: %v by %d, %q", x.ForkTime, x.ForkPID, x.Unforked)
	}
	s.exec(5, 1, "ls")
	if _, ok := s.tab.Running(shell); ok {
		t.Error("still said to be running after its exec")
	}
	if _, ok := s.tab.Running(s.found(10, 1, "sh")); ok {
		t.Error("one known from events is said to be found")
	}
}
