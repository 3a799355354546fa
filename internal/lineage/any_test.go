package lineage

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// Observations that no kernel makes, as a damaged recording might hold: the
// table must stay sound whatever it is told.
func TestAnyObservations(t *testing.T) {
	keys := rapid.Custom(func(t *rapid.T) sensor.Key {
		return sensor.Key{PID: rapid.Uint32Range(0, 3).Draw(t, "pid"), Start: rapid.Uint64Range(0, 2).Draw(t, "start")}
	})
	numbers := rapid.OneOf(rapid.Uint64Range(0, 4), rapid.SampledFrom([]uint64{1000, 1 << 40, 1<<64 - 1}))
	times := rapid.Int64Range(0, 5)
	rapid.Check(t, func(t *rapid.T) {
		tab := New()
		m := &model{t: t, tab: tab}
		at := func() event.Time { return event.Time(times.Draw(t, "time")) }
		key := func(label string) sensor.Key { return keys.Draw(t, label) }
		number := func() uint64 { return numbers.Draw(t, "number") }
		image := func() *sensor.File {
			ino := rapid.Uint64Range(0, 1).Draw(t, "file")
			return &sensor.File{HasStat: true, ID: sensor.Identity{Ino: ino}}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { m.invariants() },
			"fork": func(*rapid.T) {
				tab.Fork(&sensor.Fork{Time: at(), Parent: key("parent"), Child: key("child"), ExecID: number()})
			},
			"exec": func(*rapid.T) {
				x := tab.Exec(&sensor.Exec{Time: at(), Key: key("caller"), Parent: key("parent"), ExecID: number(), Image: image()})
				if x.Image == nil || x.Image.File == nil && x.Image.Reason == "" {
					t.Fatalf("image is %+v", x.Image)
				}
				m.handed = append(m.handed, handed{x, history(x)})
			},
			"exit": func(*rapid.T) { tab.Exit(&sensor.Exit{Key: key("who exits")}) },
			"find": func(*rapid.T) {
				s := &sensor.Process{
					Time: at(), Key: key("found"), Parent: key("parent"), ExecID: number(),
					KernelThread: rapid.IntRange(0, 3).Draw(t, "kernel thread") == 0,
				}
				if !s.KernelThread && rapid.Bool().Draw(t, "told") {
					s.Image = image()
				}
				tab.Process(s)
				if x, ok := tab.Running(s); ok {
					m.handed = append(m.handed, handed{x, history(x)})
				}
			},
			"lost":   func(*rapid.T) { tab.Lost(&sensor.Lost{Lineage: true, Until: at()}) },
			"follow": func(*rapid.T) { tab.Follow(key("followed")) },
		})
	})
}

// What was handed out is read by others while the table goes on.
func TestHandedOutIsRead(t *testing.T) {
	s := play(t)
	handedOut := make(chan Execution, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for x := range handedOut {
			for i := x.Image; i != nil; i = i.Older() {
				if i.File == nil && i.Reason == "" {
					t.Error("an image is absent for no reason")
				}
			}
			x.Image.Cut()
		}
	})
	for pid := uint32(2); pid < 400; pid++ {
		s.fork(pid-1, pid) // of a parent that is found only later
		handedOut <- s.exec(pid, pid-1, "a")
		handedOut <- s.exec(pid, pid-1, "b")
		s.found(1, 0, "init")
		s.found(1000+pid, 2000+pid, "child")
		handedOut <- s.exec(1000+pid, 2000+pid, "c")
		s.found(2000+pid, 1, "parent")
		handedOut <- s.exec(1000+pid, 2000+pid, "d")
	}
	close(handedOut)
	wg.Wait()
}
