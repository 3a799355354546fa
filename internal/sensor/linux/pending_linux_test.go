package linux

import (
	"slices"
	"testing"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// abandoned is an Acquirer that notes what was abandoned.
type abandoned struct {
	sensor.Acquirer
	files []*sensor.File
}

func (a *abandoned) Abandoned(f *sensor.File) { a.files = append(a.files, f) }

func held(inode uint64) *heldFile {
	return &heldFile{file: &sensor.File{Ref: inode}, id: monitorFileIdentity{Inode: inode, Size: 7}}
}

func TestPendingCalls(t *testing.T) {
	a := &abandoned{}
	p := newPendingCalls(a)
	one, two, three, other := held(1), held(2), held(3), held(4)
	p.add(10, 100, 100, one, false)
	p.add(10, 100, 100, two, false)
	p.add(10, 200, 200, three, false) // the next exec of the thread, before the record of the first
	p.add(11, 150, 150, other, false)
	if got := p.take(10, 100); !slices.Equal(got, []*heldFile{one, two}) || p.len() != 2 {
		t.Errorf("%v", got)
	}
	if got := p.take(10, 100); got != nil {
		t.Errorf("taken twice: %v", got)
	}
	if got := p.take(10, 300); got != nil || !slices.Equal(a.files, []*sensor.File{three.file}) {
		t.Errorf("a call that failed: %v, abandoned %v", got, a.files)
	}
	p.threadEnded(11, 160)
	if p.len() != 0 || !slices.Equal(a.files, []*sensor.File{three.file, other.file}) {
		t.Errorf("a thread that ended: %d left, abandoned %v", p.len(), a.files)
	}
}

// Calls that have failed since the last success are given up with the next, not with the next success.
func TestFailedCalls(t *testing.T) {
	a := &abandoned{}
	p := newPendingCalls(a)
	succeeded, failed, again := held(1), held(2), held(3)
	p.add(10, 100, 100, succeeded, false)
	p.add(10, 200, 200, failed, false)
	p.add(10, 300, 200, again, false)
	if !slices.Equal(a.files, []*sensor.File{failed.file}) {
		t.Errorf("abandoned %v", a.files)
	}
	if got := p.take(10, 100); !slices.Equal(got, []*heldFile{succeeded}) {
		t.Errorf("the one before: %v", got)
	}
	if got := p.take(10, 300); !slices.Equal(got, []*heldFile{again}) {
		t.Errorf("the last: %v", got)
	}
}

func TestStackedFiles(t *testing.T) {
	p := newPendingCalls(&abandoned{})
	overlay, below := held(1), monitorFileIdentity{Inode: 2, Size: 7, Flags: uint32(monitorFileFlagsFILE_PRIVATE)}
	p.add(10, 100, 100, overlay, true)
	if p.above(10, 50, &below) != nil || p.above(11, 100, &below) != nil {
		t.Error("another call")
	}
	if p.above(10, 100, &below) != overlay || overlay.below.Inode != 2 {
		t.Errorf("%+v", overlay.below)
	}
	if p.above(10, 100, &below) != nil {
		t.Error("twice")
	}
	// The file below is not on a file system that is held: the next one is another.
	p.add(10, 100, 100, held(3), true)
	if p.above(10, 100, &monitorFileIdentity{Inode: 4, Size: 8}) != nil {
		t.Error("a file of another size was taken for the one below")
	}
	p.add(10, 100, 100, held(5), true)
	if p.above(10, 100, &monitorFileIdentity{Inode: 6, Size: 7}) != nil {
		t.Error("a file on a mount that everybody has was taken for the one below")
	}
}

func TestExpire(t *testing.T) {
	a := &abandoned{}
	p := newPendingCalls(a)
	for tid := range uint32(3) {
		p.add(tid, 100, 100, held(uint64(tid)), false)
	}
	p.expire(time.Hour, func(uint32) bool { return true })
	if p.len() != 3 {
		t.Error("what is young was given up")
	}
	p.expire(0, func(tid uint32) bool { return tid == 1 })
	if p.len() != 2 || len(a.files) != 1 || a.files[0].Ref != 1 {
		t.Errorf("%d left, abandoned %v", p.len(), a.files)
	}
	p.abandonAll()
	if p.len() != 0 || len(a.files) != 3 {
		t.Errorf("%d left, abandoned %v", p.len(), a.files)
	}
}

func TestGateRecord(t *testing.T) {
	p := newPendingCalls(&abandoned{})
	script, shell := held(1), held(2)
	p.add(10, 100, 100, script, false)
	p.released(script, 3, false, true)
	if p.goesOn(script) {
		t.Error("there is no other")
	}
	p.add(10, 100, 100, shell, false)
	if !p.goesOn(script) || p.goesOn(shell) {
		t.Error("the shell is held, the script is not")
	}
	p.released(shell, 4, false, true)
	if p.goesOn(script) {
		t.Error("both were let go")
	}
	files := []*heldFile{script, shell}
	if g := p.gateRecord(sensor.LevelHash, files); g.Held != 7 || g.Outcome != event.GateHeld || g.Level != "hash" {
		t.Errorf("%+v", g)
	}
	p.released(shell, 1, true, false)
	if g := p.gateRecord(sensor.LevelHash, files); g.Held != 8 || g.Outcome != event.GateDeadline {
		t.Errorf("%+v", g)
	}
	if !p.isSecured(script) || p.isSecured(shell) {
		t.Error("secured")
	}
}

// What the watchdog may have let go was not held until it was acquired.
func TestUndisturbed(t *testing.T) {
	g := &gate{}
	if !g.undisturbed(&heldFile{}) {
		t.Error("there is no watchdog")
	}
	g.vitals = &vitals{}
	h := &heldFile{takes: g.vitals.takes.Load()}
	if !g.undisturbed(h) {
		t.Error("the watchdog has done nothing")
	}
	g.vitals.takes.Add(1)
	if g.undisturbed(h) {
		t.Error("the watchdog answers")
	}
	during := &heldFile{takes: g.vitals.takes.Load()}
	if g.undisturbed(during) {
		t.Error("it arrived while the watchdog answered")
	}
	g.vitals.takes.Add(1)
	if g.undisturbed(h) || g.undisturbed(during) {
		t.Error("the watchdog has answered")
	}
	if !g.undisturbed(&heldFile{takes: g.vitals.takes.Load()}) {
		t.Error("it is over")
	}
}

func TestVitals(t *testing.T) {
	v := &vitals{}
	slots := map[int]bool{}
	for fd := range heldSlots {
		slot := v.add(fd)
		if slot < 0 || slots[slot] || v.held[slot].Load() != int64(fd)+1 {
			t.Fatalf("descriptor %d in slot %d", fd, slot)
		}
		slots[slot] = true
	}
	if slot := v.add(1); slot != -1 {
		t.Errorf("slot %d of a full table", slot)
	}
	v.remove(-1)
	v.remove(5)
	if slot := v.add(heldSlots); slot != 5 {
		t.Errorf("slot %d, and 5 is free", slot)
	}
}
