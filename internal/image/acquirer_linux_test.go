package image

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// settled is how long it takes until nobody doubts whether a file has changed since.
const settled = 200 * time.Millisecond

var content = []byte("the bytes that were executed")

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// write makes a file whose last change is old enough to be sure of it.
func write(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	time.Sleep(settled)
	return path
}

func newTest(t *testing.T, level sensor.Level) *Acquirer {
	a := New(Options{Hashes: Hashes{SHA256: true}, Level: level})
	t.Cleanup(a.Close)
	return a
}

var refs atomic.Uint64

// opened opens a file as the gate does, to be handed over.
func opened(t *testing.T, path string) *sensor.Held {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	state, magic := identify(t, fd)
	f := &sensor.File{Ref: refs.Add(1), Path: path, ID: state.Identity}
	return &sensor.Held{File: f, FD: fd, State: state, Magic: magic, Release: func() {}}
}

// hold opens a file as the gate does and hands it over.
func hold(t *testing.T, a *Acquirer, path string) (f *sensor.File, released <-chan struct{}) {
	t.Helper()
	h := opened(t, path)
	done := make(chan struct{})
	var once atomic.Bool
	h.Release = func() {
		if once.CompareAndSwap(false, true) {
			close(done)
		}
	}
	a.Hold(h)
	return h.File, done
}

func identify(t *testing.T, fd int) (sensor.State, uint32) {
	t.Helper()
	var st unix.Stat_t
	var fs unix.Statfs_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fstatfs(fd, &fs); err != nil {
		t.Fatal(err)
	}
	return sensor.State{Identity: sensor.Identity{
		Dev: st.Dev, Ino: st.Ino, Size: st.Size,
		MTime: event.Time(st.Mtim.Nano()), CTime: event.Time(st.Ctim.Nano()),
	}}, uint32(fs.Type)
}

// stateOf is the state of a file in the first epoch.
func stateOf(f *sensor.File) sensor.State { return sensor.State{Identity: f.ID} }

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("never: %s", what)
	}
}

func digest(t *testing.T, f *sensor.File) sensor.Digest {
	t.Helper()
	wait(t, "a digest", f.Done())
	return *f.Digest()
}

func now() event.Time { return event.Time(time.Now().UnixNano()) }

func TestHeldIsHashedBeforeItRuns(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	f, released := hold(t, a, write(t, content))
	wait(t, "released", released)
	if f.Digest() != nil {
		t.Error("a digest stands before the activation was seen")
	}
	a.Activated(f, now(), true)
	if d := digest(t, f); d.SHA256 != sha(content) || d.Reason != "" || d.MD5 != "" {
		t.Errorf("%+v", d)
	}
}

func TestAllHashesInOnePass(t *testing.T) {
	hashes, err := ParseHashes("md5,sha1,sha256")
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{Hashes: hashes, Level: sensor.LevelHash})
	defer a.Close()
	f, _ := hold(t, a, write(t, content))
	a.Activated(f, now(), true)
	sum := md5.Sum(content)
	if d := digest(t, f); d.SHA256 != sha(content) || d.MD5 != hex.EncodeToString(sum[:]) || len(d.SHA1) != 40 {
		t.Errorf("%+v", d)
	}
}

// A program that opens itself for writing has to wait until its activation was seen.
func TestWriterWaitsForActivation(t *testing.T) {
	for _, level := range []sensor.Level{sensor.LevelOpen, sensor.LevelHash} {
		a := newTest(t, level)
		path := write(t, content)
		f, released := hold(t, a, path)
		wait(t, "released", released)
		opened := make(chan struct{})
		go func() {
			defer close(opened)
			if err := os.WriteFile(path, []byte("something else"), 0o755); err != nil {
				t.Error(err)
			}
		}()
		select {
		case <-opened:
			t.Error("a writer was let in before the activation")
		case <-time.After(100 * time.Millisecond):
		}
		a.Activated(f, now(), true)
		if d := digest(t, f); d.SHA256 != sha(content) {
			t.Errorf("%v: %+v", level, d)
		}
		wait(t, "the writer is let in", opened)
	}
}

func TestWriterBefore(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	path := write(t, content)
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f, released := hold(t, a, path)
	wait(t, "released", released)
	a.Activated(f, now(), true)
	if d := digest(t, f); d.SHA256 != "" || d.Reason != event.ReasonWritable {
		t.Errorf("%+v", d)
	}
}

// A mapping writes without an open descriptor, and on a page that is dirty
// already without a trace in the times.
func TestMappedBefore(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	path := write(t, content)
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(w.Fd()), 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	w.Close()
	mem[0] = 'T'
	f, released := hold(t, a, path)
	wait(t, "released", released)
	mem[0] = 't'
	a.Activated(f, now(), true)
	if d := digest(t, f); d.SHA256 != "" || d.Reason != event.ReasonWritable {
		t.Errorf("%+v", d)
	}
}

func TestKnownIsNotReadAgain(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	path := write(t, content)
	f, _ := hold(t, a, path)
	a.Activated(f, now(), true)
	digest(t, f)
	if _, magic := fileSystem(t, path); !keepsChangeTime(magic) {
		t.Logf("the file system %#x is not one whose times are relied on", magic)
		if a.Known(stateOf(f)) {
			t.Error("remembered all the same")
		}
		return
	}
	if !a.Known(stateOf(f)) {
		t.Fatal("not remembered")
	}
	again, released := hold(t, a, path)
	wait(t, "released", released)
	a.Activated(again, now(), true)
	if d := digest(t, again); d.SHA256 != sha(content) {
		t.Errorf("%+v", d)
	}
	recalled := &sensor.File{Ref: refs.Add(1), ID: f.ID}
	if !a.Recall(recalled, stateOf(f)) || recalled.Digest().SHA256 != sha(content) {
		t.Error("not recalled")
	}
	changed := stateOf(f)
	changed.CTime++
	if a.Recall(&sensor.File{Ref: refs.Add(1)}, changed) {
		t.Error("recalled for another state of the file")
	}
}

func fileSystem(t *testing.T, path string) (sensor.State, uint32) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	return identify(t, fd)
}

// What changed a moment ago can change again without its times moving.
func TestJustChangedIsNotRemembered(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	path := write(t, content)
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	f, _ := hold(t, a, path)
	a.Activated(f, now(), true)
	if d := digest(t, f); d.SHA256 != sha(content) {
		t.Errorf("%+v", d)
	}
	if a.Known(stateOf(f)) {
		t.Error("remembered")
	}
}

func TestTmpfsIsNotRemembered(t *testing.T) {
	a := newTest(t, sensor.LevelHash)
	dir, err := os.MkdirTemp("/dev/shm", "xnumon")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "program")
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	time.Sleep(settled)
	f, _ := hold(t, a, path)
	a.Activated(f, now(), true)
	if d := digest(t, f); d.SHA256 != sha(content) || a.Known(stateOf(f)) {
		t.Errorf("%+v, remembered %v", d, a.Known(stateOf(f)))
	}
}

// An exec that failed must not keep writers waiting, whether that is said or not.
func TestFailedExecLetsWritersIn(t *testing.T) {
	for _, said := range []bool{true, false} {
		a := newTest(t, sensor.LevelHash)
		path := write(t, content)
		f, released := hold(t, a, path)
		wait(t, "released", released)
		if said {
			a.Abandoned(f)
		}
		opened := make(chan struct{})
		go func() {
			defer close(opened)
			if w, err := os.OpenFile(path, os.O_WRONLY, 0); err != nil {
				t.Error(err)
			} else {
				w.Close()
			}
		}()
		wait(t, "the writer is let in", opened)
		if said {
			continue
		}
		// The digest reaches only up to when the lease was given back.
		f.Opener = fakeOpener{err: sensor.ErrChanged}
		a.Activated(f, now(), false)
		if d := digest(t, f); d.SHA256 != "" || d.Reason != event.ReasonModified {
			t.Errorf("%+v", d)
		}
	}
}

// fakeOpener opens a file that was not held.
type fakeOpener struct {
	path   string
	err    error
	pinned bool
	at     event.Time
	why    event.Reason
	t      *testing.T
	// identified, if not nil, is called with each descriptor whose identity was taken.
	identified func(fd int)
}

func (o fakeOpener) Open() (int, error) {
	if o.err != nil {
		return -1, o.err
	}
	return unix.Open(o.path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

func (o fakeOpener) State(fd int) (sensor.State, uint32, error) {
	id, magic := identify(o.t, fd)
	if o.identified != nil {
		o.identified(fd)
	}
	return id, magic, nil
}

func (o fakeOpener) Pinned(int) bool                           { return o.pinned }
func (o fakeOpener) Activation(int) (event.Time, event.Reason) { return o.at, o.why }

func TestNotHeld(t *testing.T) {
	path := write(t, content)
	_, magic := fileSystem(t, path)
	for _, c := range []struct {
		name   string
		opener fakeOpener
		want   event.Reason
	}{
		{"pinned", fakeOpener{pinned: true}, ""},
		{"gone", fakeOpener{err: sensor.ErrGone}, event.ReasonGone},
		{"changed", fakeOpener{err: sensor.ErrChanged}, event.ReasonModified},
		{"cannot be opened", fakeOpener{err: unix.EIO}, event.ReasonUnreadable},
		{"old", fakeOpener{at: now()}, ""},
		{"written when it was executed", fakeOpener{at: now(), why: event.ReasonWritable}, event.ReasonWritable},
		{"changed just before", fakeOpener{at: now() - event.Time(300*time.Millisecond)}, event.ReasonModified},
		{"ran before", fakeOpener{}, event.ReasonUnverifiable},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newTest(t, sensor.LevelNone)
			c.opener.t = t
			if c.opener.err == nil {
				c.opener.path = write(t, content)
				if c.name == "changed just before" {
					if err := os.WriteFile(c.opener.path, content, 0o755); err != nil {
						t.Fatal(err)
					}
					c.opener.at = now()
				}
				if c.opener.at != 0 && c.name != "changed just before" {
					c.opener.at = now()
				}
			}
			f := &sensor.File{Ref: refs.Add(1), Opener: c.opener}
			a.Acquire(f)
			d := digest(t, f)
			want := c.want
			if c.name == "old" && !keepsChangeTime(magic) || c.name == "changed just before" && !keepsChangeTime(magic) {
				want = event.ReasonUnverifiable
			}
			if d.Reason != want || (want == "") != (d.SHA256 == sha(content)) {
				t.Errorf("%+v, want reason %q", d, want)
			}
		})
	}
}

func TestCloseLetsGo(t *testing.T) {
	a := New(Options{Hashes: Hashes{SHA256: true}, Level: sensor.LevelHash})
	path := write(t, content)
	var all []<-chan struct{}
	for range 50 {
		_, released := hold(t, a, path)
		all = append(all, released)
	}
	a.Close()
	for _, released := range all {
		wait(t, "released", released)
	}
}

func TestParseHashes(t *testing.T) {
	for list, want := range map[string]bool{"none": false, "sha256": true, "sha256,md5": true, "": false, "sha256,": false, "SHA256": false} {
		h, err := ParseHashes(list)
		if (err == nil && h.Any()) != want || list != "none" && !want && err == nil {
			t.Errorf("%q: %+v, %v", list, h, err)
		}
	}
}
