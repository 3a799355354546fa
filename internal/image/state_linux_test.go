package image

import (
	"os"
	"sync"
	"testing"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// A script stays what it was for as long as its interpreter holds up the exec.
func TestHeldBecauseOfAnother(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	h := opened(t, write(t, content))
	until := time.Now().Add(unactivated * 3 / 2)
	asked := make(chan struct{})
	var once sync.Once
	h.GoesOn = func() bool {
		if time.Now().Before(until) {
			return true
		}
		once.Do(func() { close(asked) })
		return false
	}
	a.Hold(h)
	wait(t, "the interpreter is through", asked)
	a.Activated(h.File, now(), true)
	if d := digest(t, h.File); d.SHA256 != sha(content) {
		t.Errorf("%+v", d)
	}
}

// What somebody writes between the look at a file and the lease is not what was executed.
func TestWrittenBeforeTheLease(t *testing.T) {
	path := write(t, content)
	if _, magic := fileSystem(t, path); !keepsChangeTime(magic) {
		t.Logf("the file system %#x is not one whose times are relied on", magic)
		return
	}
	a := newTest(t, sensor.LevelNone)
	var looked int
	o := fakeOpener{path: path, at: now(), t: t}
	o.identified = func(int) {
		if looked++; looked == 1 {
			if err := os.WriteFile(path, []byte("something else"), 0o755); err != nil {
				t.Error(err)
			}
		}
	}
	f := &sensor.File{Ref: refs.Add(1), Opener: o}
	a.Acquire(f)
	if d := digest(t, f); d.SHA256 != "" || d.Reason != event.ReasonModified {
		t.Errorf("%+v", d)
	}
}

// The same between the look of the gate and the lease: the digest is of the
// bytes that are executed, and is not kept for the state of before.
func TestWrittenWhileItIsHandedOver(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	path := write(t, content)
	h := opened(t, path)
	if err := os.WriteFile(path, []byte("something else"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := h.State
	a.Hold(h)
	a.Activated(h.File, now(), false)
	if d := digest(t, h.File); d.SHA256 != sha([]byte("something else")) {
		t.Errorf("%+v", d)
	}
	if a.Known(before) {
		t.Error("the digest is kept for a state in which the file had other bytes")
	}
}

// In a new epoch, nothing is known of a file by its identity.
func TestEpochs(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	path := write(t, content)
	epoch := uint64(1)
	hold := func(at uint64) *sensor.File {
		h := opened(t, path)
		h.State.Epoch, h.Epoch = at, func() uint64 { return epoch }
		a.Hold(h)
		a.Activated(h.File, now(), true)
		if d := digest(t, h.File); d.SHA256 != sha(content) {
			t.Fatalf("%+v", d)
		}
		return h.File
	}
	known := func(f *sensor.File, epoch uint64) bool { return a.Known(sensor.State{Identity: f.ID, Epoch: epoch}) }
	f := hold(1)
	if _, magic := fileSystem(t, path); known(f, 1) != keepsChangeTime(magic) || known(f, 2) {
		t.Errorf("known in its epoch: %v, in the next: %v", known(f, 1), known(f, 2))
	}
	epoch = 2
	// Identified before the epoch, read after it began: of neither.
	if f = hold(1); known(f, 2) {
		t.Error("known by a state that was not looked at in this epoch")
	}
	hashed := a.hashed.Load()
	if hold(2); a.hashed.Load() == hashed {
		t.Error("not read again in a new epoch")
	}
}
