package lineage

import (
	"slices"
	"testing"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// script feeds a table with observations. Processes are named by their pid,
// which serves as their start as well; time passes by one with each observation.
type script struct {
	t    *testing.T
	tab  *Table
	now  event.Time
	ids  map[uint32]uint64 // number of execs by pid
	refs uint64
}

func play(t *testing.T) *script {
	return &script{t: t, tab: New(), ids: make(map[uint32]uint64)}
}

func key(pid uint32) sensor.Key { return sensor.Key{PID: pid, Start: uint64(pid)} }

func (s *script) file(path string) *sensor.File {
	s.refs++
	f := &sensor.File{Ref: s.refs, Path: path, HasStat: true}
	for _, c := range path {
		f.ID.Ino = f.ID.Ino*31 + uint64(c)
	}
	return f
}

func (s *script) tick() event.Time { s.now++; return s.now }

func (s *script) fork(parent, child uint32) {
	s.ids[child] = s.ids[parent]
	s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(parent), Child: key(child), ExecID: s.ids[child]})
}

// lostFork is a fork that only the kernel knows of.
func (s *script) lostFork(parent, child uint32) { s.ids[child] = s.ids[parent]; s.tick() }

func (s *script) exec(pid, parent uint32, path string, interpreters ...string) Execution {
	s.ids[pid]++
	e := &sensor.Exec{Time: s.tick(), Key: key(pid), ExecID: s.ids[pid], Image: s.file(path)}
	if parent != 0 {
		e.Parent = key(parent)
	}
	for _, p := range interpreters {
		e.Interpreted = true
		e.Interpreters = append(e.Interpreters, s.file(p))
	}
	return s.tab.Exec(e)
}

func (s *script) lostExec(pid uint32) { s.ids[pid]++; s.tick() }

func (s *script) exit(pid uint32) { s.tab.Exit(&sensor.Exit{Time: s.tick(), Key: key(pid)}) }

func (s *script) found(pid, parent uint32, path string) *sensor.Process {
	p := &sensor.Process{Time: s.tick(), Key: key(pid), ExecID: s.ids[pid], Start: event.Time(pid)}
	if parent != 0 {
		p.Parent = key(parent)
	}
	if path != "" {
		p.Image = s.file(path)
	}
	s.tab.Process(p)
	return p
}

// String forms of a history, newest first: paths, "?" and the reason for what
// is unknown, "~" in front of what is reconstructed.
func history(x Execution) []string {
	var out []string
	for i := x.Image; i != nil; i = i.Older() {
		s := "?" + string(i.Reason)
		if i.File != nil {
			s = i.File.Path
		}
		if i.Reconstructed {
			s = "~" + s
		}
		if len(i.Interpreters) > 0 {
			s += " " + i.Interpreters[0].Path
		}
		out = append(out, s)
	}
	return out
}

func (s *script) want(x Execution, reconstructed bool, want ...string) {
	s.t.Helper()
	if got := history(x); !slices.Equal(got, want) {
		s.t.Errorf("history %q, want %q", got, want)
	}
	if x.Reconstructed != reconstructed {
		s.t.Errorf("reconstructed is %v, want %v", x.Reconstructed, reconstructed)
	}
}

// begin is a machine whose init was found running and has started a shell.
func begin(t *testing.T) *script {
	s := play(t)
	s.ids[1] = 1
	s.found(1, 0, "init")
	s.fork(1, 10)
	s.exec(10, 1, "sh")
	return s
}

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
