package lineage

import (
	"runtime"
	"testing"
	"time"
	"weak"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// kept counts the images that can be reached from the table.
func kept(tab *Table) int {
	seen := make(map[*Image]bool)
	for _, p := range tab.procs {
		for i := p.image; i != nil && !seen[i]; i = i.prev {
			seen[i] = true
			for c := i.stripped; c != nil && !seen[c]; c = c.prev {
				seen[c] = true
			}
		}
	}
	return len(seen)
}

func TestExecLoopIsBounded(t *testing.T) {
	s := begin(t)
	const execs = 20 * MaxAncestors
	for n := uint64(1); n <= execs; n++ {
		x := s.exec(10, 1, "loop")
		var older uint64
		for i := x.Image.Older(); i != nil; i = i.Older() {
			older++
		}
		if got := older + x.Image.Cut(); got != n {
			t.Fatalf("exec %d has %d ancestors, want %d", n, got, n)
		}
		if want := min(n, MaxAncestors); older < want || older >= 2*MaxAncestors {
			t.Fatalf("exec %d keeps %d ancestors, want %d to %d", n, older, want, 2*MaxAncestors)
		}
	}
	if n := kept(s.tab); n > 4*MaxAncestors {
		t.Errorf("%d images are kept", n)
	}
}

// Many processes that share a long past go over the edge of a block at once, in
// different places of the tree.
func TestCutIsShared(t *testing.T) {
	s := begin(t)
	for range MaxAncestors + 200 {
		s.exec(10, 1, "loop")
	}
	const children = 100
	for c := uint32(100); c < 100+children; c++ {
		s.fork(10, c)
	}
	for range 100 {
		for c := uint32(100); c < 100+children; c++ {
			s.exec(c, 10, "child")
		}
	}
	// each its own 100, and copies of those that stand before the edge
	if n := kept(s.tab); n > children*100*2+4*MaxAncestors {
		t.Errorf("%d images are kept", n)
	}
	x := s.exec(100, 10, "last")
	older := x.Image.Cut()
	for i := x.Image.Older(); i != nil; i = i.Older() {
		older++
	}
	// init, sh, the loop and the child's, without the image itself
	if want := uint64(2 + MaxAncestors + 200 + 100 - 1); older != want {
		t.Errorf("%d ancestors, want %d", older, want)
	}
}

func TestLostExecsAreCountedWithoutEnd(t *testing.T) {
	s := begin(t)
	s.ids[10] += 1 << 40
	x := s.exec(10, 1, "ls")
	older := x.Image.Cut()
	for i := x.Image.Older(); i != nil; i = i.Older() {
		older++
	}
	// those before the image: all that were lost but the last, sh and init
	if want := uint64(1<<40 - 1 + 2); older != want {
		t.Errorf("%d ancestors, want %d", older, want)
	}
	if n := kept(s.tab); n > 4*MaxAncestors {
		t.Errorf("%d images are kept", n)
	}
}

// collected waits until the garbage collector has taken a file.
func collected(t *testing.T, f weak.Pointer[sensor.File]) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); f.Value() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("the image is still reachable")
		}
		runtime.GC()
	}
}

// execWeak executes a file and holds on to it no more than the table does.
func (s *script) execWeak(pid uint32, path string) weak.Pointer[sensor.File] {
	s.exec(pid, 0, path)
	return weak.Make(s.tab.get(key(pid)).image.File)
}

func TestImagesLiveAsLongAsDescendants(t *testing.T) {
	s := begin(t)
	s.fork(10, 11)
	f := s.execWeak(11, "parent")
	s.fork(11, 12)
	g := s.execWeak(12, "child")
	s.fork(12, 13)
	s.exit(11)
	s.exit(12)
	runtime.GC()
	if f.Value() == nil || g.Value() == nil {
		t.Fatal("the image of an ancestor is gone")
	}
	s.want(s.exec(13, 1, "ls"), false, "child", "parent", "sh", "~init")
	s.exit(13)
	collected(t, f)
	collected(t, g)
	runtime.KeepAlive(s)
}

func TestImagesGoWithTheirProcess(t *testing.T) {
	s := begin(t)
	s.fork(10, 11)
	f := s.execWeak(11, "ls")
	s.exit(11)
	collected(t, f)

	s.fork(10, 12)
	f = s.execWeak(12, "ls")
	reborn := sensor.Key{PID: 12, Start: 1000}
	s.tab.Fork(&sensor.Fork{Parent: key(10), Child: reborn, ExecID: s.ids[10]})
	collected(t, f)

	f = s.execWeak(10, "cut off")
	for range 2 * MaxAncestors {
		s.exec(10, 1, "loop")
	}
	collected(t, f)
	runtime.KeepAlive(s)
}

// The processes come and go; the table does not grow.
func TestTableStaysSmall(t *testing.T) {
	s := begin(t)
	for n := range uint64(100000) {
		k := sensor.Key{PID: 100 + uint32(n%50), Start: 1000 + n}
		at := event.Time(n)
		s.tab.Fork(&sensor.Fork{Time: at, Parent: key(10), Child: k, ExecID: 2})
		s.tab.Exec(&sensor.Exec{Time: at, Key: k, ExecID: 3, Image: &sensor.File{}})
		if n%7 != 0 { // the exits that are lost show by the pid
			s.tab.Exit(&sensor.Exit{Time: at, Key: k})
		}
	}
	if n := s.tab.Len(); n > 52 {
		t.Errorf("%d processes", n)
	}
	if n := kept(s.tab); n > 2*52 {
		t.Errorf("%d images are kept", n)
	}
}
