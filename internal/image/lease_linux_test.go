package image

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// knock opens a file for writing without waiting: the kernel notes that somebody wants to.
func knock(t *testing.T, path string) {
	t.Helper()
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
		t.Fatal("a writer was let in")
	}
	if !errors.Is(err, unix.EWOULDBLOCK) {
		t.Fatal(err)
	}
}

func TestLease(t *testing.T) {
	path := write(t, content)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, why := takeLease(int(f.Fd()), time.Hour)
	if why != "" {
		t.Fatal(why)
	}
	if l.wanted() || !l.holds() {
		t.Errorf("nobody has come yet: wanted %v, holds %v", l.wanted(), l.holds())
	}
	knock(t, path)
	if !l.wanted() || !l.holds() {
		t.Errorf("a writer waits: wanted %v, holds %v", l.wanted(), l.holds())
	}
	// From then on only the time since it was taken says whether he still waits.
	l.limit = 0
	if l.holds() {
		t.Error("it holds for longer than the kernel keeps a writer waiting")
	}
}

// Whoever has waited for too long may have been let in: nothing is known any more.
func TestWriterWaitedForTooLong(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		a := newTest(t, sensor.LevelHash)
		a.limit = 0
		path := write(t, content)
		f, released := hold(t, a, path)
		wait(t, "released", released)
		if wanted {
			knock(t, path)
		}
		a.Activated(f, now(), true)
		d := digest(t, f)
		if !wanted && d.SHA256 != sha(content) || wanted && (d.SHA256 != "" || d.Reason != event.ReasonModified) {
			t.Errorf("wanted %v: %+v", wanted, d)
		}
	}
}

// What its owner can change at any time is known only as it was while it was held.
func TestUnsealed(t *testing.T) {
	for _, holding := range []bool{false, true} {
		a := newTest(t, sensor.LevelHash)
		fd, err := unix.MemfdCreate("program", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, content); err != nil {
			t.Fatal(err)
		}
		state, magic := identify(t, fd)
		f := &sensor.File{Ref: refs.Add(1), Memfd: "unsealed", ID: state.Identity}
		a.Hold(&sensor.Held{
			File: f, FD: fd, State: state, Magic: magic, Release: func() {}, Holding: func() bool { return holding },
		})
		a.Activated(f, now(), true)
		d := digest(t, f)
		if holding && d.SHA256 != sha(content) || !holding && (d.SHA256 != "" || d.Reason != event.ReasonUnverifiable) {
			t.Errorf("held until it was read: %v: %+v", holding, d)
		}
	}
}

// What was just written is waited for, as long as its exec is held.
func TestWithoutLeaseJustWritten(t *testing.T) {
	for _, c := range []struct {
		level   sensor.Level
		holding bool
		want    event.Reason
	}{
		{sensor.LevelHash, true, ""},
		{sensor.LevelHash, false, event.ReasonModified},
		{sensor.LevelOpen, true, event.ReasonModified},
	} {
		a := newTest(t, c.level)
		path := write(t, content)
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
		h := opened(t, path)
		released := make(chan struct{})
		h.Stacked, h.Release = true, func() { close(released) }
		h.Holding, h.Changed = func() bool { return c.holding }, func() event.Reason { return "" }
		a.Hold(h)
		wait(t, "released", released)
		a.Activated(h.File, now(), true)
		want := c.want
		if !keepsChangeTime(h.Magic) {
			want = event.ReasonUnverifiable
		}
		if d := digest(t, h.File); d.Reason != want || (want == "") != (d.SHA256 == sha(content)) {
			t.Errorf("%v, held %v: %+v, want reason %q", c.level, c.holding, d, want)
		}
	}
}

// Where a lease says nothing, the state of the file has to be the same at all times.
func TestWithoutLease(t *testing.T) {
	for _, c := range []struct {
		name      string
		held      event.Reason // why it may have changed when it was held
		read      event.Reason // and when it had been read
		unchanged bool         // at the activation
		want      event.Reason
	}{
		{"the same", "", "", true, ""},
		{"somebody writes", event.ReasonWritable, "", true, event.ReasonWritable},
		{"written while it was read", "", event.ReasonModified, true, event.ReasonModified},
		{"written before it ran", "", "", false, event.ReasonModified},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newTest(t, sensor.LevelHash)
			path := write(t, content)
			h := opened(t, path)
			asked := 0
			released := make(chan struct{})
			h.Stacked, h.Release = true, func() { close(released) }
			h.Changed = func() event.Reason {
				if asked++; asked == 1 {
					return c.held
				}
				return c.read
			}
			a.Hold(h)
			wait(t, "released", released)
			a.Activated(h.File, now(), c.unchanged)
			want := c.want
			if !keepsChangeTime(h.Magic) {
				want = event.ReasonUnverifiable
			}
			d := digest(t, h.File)
			if d.Reason != want || (want == "") != (d.SHA256 == sha(content)) {
				t.Errorf("%+v, want reason %q", d, want)
			}
			if a.Known(h.State) != (want == "") {
				t.Errorf("known from now on: %v", a.Known(h.State))
			}
		})
	}
}

func TestKeptHead(t *testing.T) {
	for head, want := range map[string]string{
		"":                      "",
		"\x7fELF\x02\x01":       "\x7fELF",
		"#!/bin/sh -e\nexit":    "#!/bin/sh -e\n",
		"#!/bin/sh":             "#!/bin/sh",
		"MZ and more than that": "MZ a",
	} {
		if got := keptHead([]byte(head)); got != want {
			t.Errorf("%q: %q", head, got)
		}
	}
}
