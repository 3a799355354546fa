package lineage

import (
	"testing"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// renaming feeds a table as a sensor does whose identities change with each exec.
type renaming struct {
	s    *script
	last uint64
}

func (r *renaming) id(pid uint32) sensor.Key {
	r.last++
	return sensor.Key{PID: pid, Start: r.last}
}

func (r *renaming) fork(parent sensor.Key, pid uint32) sensor.Key {
	child := r.id(pid)
	r.s.tab.Fork(&sensor.Fork{Time: r.s.tick(), Parent: parent, Child: child})
	return child
}

func (r *renaming) exec(k sensor.Key, path string) (sensor.Key, Execution) {
	next := r.id(k.PID)
	return next, r.s.tab.Exec(&sensor.Exec{Time: r.s.tick(), Key: k, Next: next, Image: r.s.file(path)})
}

func (r *renaming) found(k, was, parent sensor.Key, path string) sensor.Key {
	p := &sensor.Process{Time: r.s.tick(), Key: k, Was: was, Parent: parent, ForkPID: 77, Start: 5}
	if path != "" {
		p.Image = r.s.file(path)
	}
	r.s.tab.Process(p)
	return k
}

func TestRename(t *testing.T) {
	unknown := sensor.Key{PID: 10, Start: 1<<63 | 4711}
	for _, tt := range []struct {
		name          string
		do            func(*renaming, sensor.Key) Execution
		reconstructed bool
		want          []string
	}{
		{"execs", func(r *renaming, sh sensor.Key) Execution {
			a, _ := r.exec(sh, "a")
			b, _ := r.exec(a, "b")
			_, x := r.exec(b, "c")
			return x
		}, false, []string{"b", "a", "sh", "~init"}},
		{"fork after an exec", func(r *renaming, sh sensor.Key) Execution {
			a, _ := r.exec(sh, "a")
			_, x := r.exec(r.fork(a, 11), "b")
			return x
		}, false, []string{"a", "sh", "~init"}},
		{"a loss that lost nothing of this process", func(r *renaming, sh sensor.Key) Execution {
			r.s.tab.Lost(&sensor.Lost{Time: r.s.tick(), Until: r.s.now})
			a, _ := r.exec(sh, "a")
			_, x := r.exec(a, "b")
			return x
		}, false, []string{"a", "sh", "~init"}},
		{"found at the very moment of its exec", func(r *renaming, _ sensor.Key) Execution {
			k := r.found(r.id(5), sensor.Key{}, sensor.Key{}, "daemon")
			r.s.now--
			_, x := r.exec(k, "a")
			return x
		}, true, []string{"~daemon"}},
		{"lost execs, the last found", func(r *renaming, sh sensor.Key) Execution {
			k := r.found(r.id(10), sh, sensor.Key{}, "later")
			_, x := r.exec(k, "a")
			return x
		}, false, []string{"~later", "sh", "~init"}},
		{"a lost exec of the same file", func(r *renaming, sh sensor.Key) Execution {
			k := r.found(r.id(10), sh, sensor.Key{}, "sh")
			_, x := r.exec(k, "a")
			return x
		}, false, []string{"~sh", "sh", "~init"}},
		{"lost execs, image not told", func(r *renaming, sh sensor.Key) Execution {
			k := r.found(r.id(10), sh, sensor.Key{}, "")
			_, x := r.exec(k, "a")
			return x
		}, false, []string{"~?lost", "sh", "~init"}},
		{"found twice, better known", func(r *renaming, _ sensor.Key) Execution {
			r.found(unknown, sensor.Key{}, sensor.Key{}, "zsh")
			k := r.found(r.id(10), unknown, sensor.Key{}, "zsh")
			_, x := r.exec(k, "a")
			return x
		}, true, []string{"~zsh", "~?gone"}},
		{"found twice, adopted by another before the first", func(r *renaming, sh sensor.Key) Execution {
			other := r.fork(sh, 20)
			was := sensor.Key{PID: 12, Start: 1<<63 | 4712}
			r.found(was, sensor.Key{}, sh, "zsh")
			k := r.found(r.id(12), was, other, "zsh")
			r.exec(other, "since")
			_, x := r.exec(k, "a")
			return x
		}, true, []string{"~zsh", "sh", "~init"}},
		{"found twice, with another image", func(r *renaming, _ sensor.Key) Execution {
			r.found(unknown, sensor.Key{}, sensor.Key{}, "zsh")
			k := r.found(r.id(10), unknown, sensor.Key{}, "other")
			_, x := r.exec(k, "a")
			return x
		}, true, []string{"~other", "~zsh"}},
		{"found first without an image", func(r *renaming, _ sensor.Key) Execution {
			r.found(unknown, sensor.Key{}, sensor.Key{}, "")
			k := r.found(r.id(10), unknown, sensor.Key{}, "zsh")
			_, x := r.exec(k, "a")
			return x
		}, true, []string{"~zsh", "~?gone"}},
		{"found under an identity nobody knows", func(r *renaming, _ sensor.Key) Execution {
			k := r.found(r.id(12), sensor.Key{PID: 12, Start: 4}, sensor.Key{}, "zsh")
			_, x := r.exec(k, "a")
			return x
		}, true, []string{"~zsh"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &renaming{s: play(t), last: 100}
			init := r.found(r.id(1), sensor.Key{}, sensor.Key{}, "init")
			sh, _ := r.exec(r.fork(init, 10), "sh")
			x := tt.do(r, sh)
			r.s.want(x, tt.reconstructed, tt.want...)
			if tt.reconstructed && (x.ForkPID != 77 || x.ForkTime != event.Time(5)) {
				t.Errorf("forked by %d at %v", x.ForkPID, x.ForkTime)
			}
			if !tt.reconstructed && x.ForkPID == 77 {
				t.Error("a lookup replaced the forker")
			}
		})
	}
}

// A process is gone under the identity it had last, and under no other.
func TestRenamedExit(t *testing.T) {
	r := &renaming{s: play(t), last: 100}
	init := r.found(r.id(1), sensor.Key{}, sensor.Key{}, "init")
	c := r.fork(init, 10)
	next, _ := r.exec(c, "sh")
	r.s.tab.Exit(&sensor.Exit{Time: r.s.tick(), Key: c})
	if r.s.tab.Len() != 2 {
		t.Error("gone under the identity before its exec")
	}
	r.s.tab.Exit(&sensor.Exit{Time: r.s.tick(), Key: next})
	if r.s.tab.Len() != 1 {
		t.Error("not gone")
	}
}

// What a parent has executed since the fork is not in the child's past.
func TestParentSinceTheFork(t *testing.T) {
	r := &renaming{s: play(t), last: 100}
	init := r.found(r.id(1), sensor.Key{}, sensor.Key{}, "init")
	sh, _ := r.exec(r.fork(init, 10), "sh")
	forked := r.s.tick()
	later, _ := r.exec(sh, "later")
	child := r.id(11)
	r.s.tab.Process(&sensor.Process{Time: r.s.tick(), Key: child, Parent: later, Start: forked, Image: r.s.file("found")})
	_, x := r.exec(child, "a")
	r.s.want(x, true, "~found", "sh", "~init")
}
