//go:build unix

package bound

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/image"
	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

// opener opens a path and takes identities with stat. The hooks run before and
// after the open.
type opener struct {
	path          string
	id            sensor.Identity
	arch          macho.Arch
	code          macho.CDHash
	before, after func()
}

func (o *opener) Code() (macho.Arch, macho.CDHash, bool) { return o.arch, o.code, !o.code.IsZero() }
func (o *opener) Pinned(int) bool                        { return false }
func (o *opener) Activation(int) (event.Time, event.Reason) {
	return 0, event.ReasonUnverifiable
}

func (o *opener) Open() (int, error) {
	if o.before != nil {
		o.before()
	}
	fd, err := unix.Open(o.path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if id, _, _ := o.State(fd); id.Identity != o.id {
		unix.Close(fd)
		return -1, sensor.ErrChanged
	}
	if o.after != nil {
		o.after()
	}
	return fd, nil
}

func (o *opener) State(fd int) (sensor.State, uint32, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return sensor.State{Identity: identity(&st)}, 0, err
}

func identity(st *unix.Stat_t) sensor.Identity {
	return sensor.Identity{
		Dev: uint64(st.Dev), Ino: st.Ino, Size: st.Size,
		MTime: event.Time(st.Mtim.Nano()), CTime: event.Time(st.Ctim.Nano()),
	}
}

func file(t *testing.T, path string, code macho.CDHash) (*sensor.File, *opener) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	o := &opener{path: path, id: identity(&st), code: code}
	return &sensor.File{Path: path, HasStat: true, ID: o.id, Opener: o}, o
}

// program builds a program that the Go linker signs, and returns its bytes and
// the hash of its code directory, which is found by its magic alone.
func program(t *testing.T) (path string, b []byte, code macho.CDHash) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tool")
	src := path + ".go"
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", path, src)
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, msg)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cd := b[bytes.LastIndex(b, []byte{0xfa, 0xde, 0x0c, 0x02}):]
	full := sha256.Sum256(cd[:int(cd[4])<<24|int(cd[5])<<16|int(cd[6])<<8|int(cd[7])])
	return path, b, macho.CDHash(full[:20])
}

func acquire(t *testing.T, a *Acquirer, f *sensor.File) *sensor.Digest {
	t.Helper()
	a.Acquire(f)
	<-f.Done()
	return f.Digest()
}

func TestDigests(t *testing.T) {
	a := New(image.Hashes{SHA256: true, SHA1: true, MD5: true})
	defer a.Close()
	path := filepath.Join(t.TempDir(), "script")
	b := []byte("#!/bin/sh\necho hello\n")
	if err := os.WriteFile(path, b, 0o700); err != nil {
		t.Fatal(err)
	}
	f, _ := file(t, path, macho.CDHash{})
	d := acquire(t, a, f)
	s256, s1, m5 := sha256.Sum256(b), sha1.Sum(b), md5.Sum(b)
	if d.SHA256 != hex.EncodeToString(s256[:]) || d.SHA1 != hex.EncodeToString(s1[:]) || d.MD5 != hex.EncodeToString(m5[:]) || d.Reason != "" {
		t.Errorf("%+v", d)
	}
}

func TestCode(t *testing.T) {
	path, b, code := program(t)
	full := sha256.Sum256(b)
	want := hex.EncodeToString(full[:])
	only := image.Hashes{SHA256: true}
	const arm64 = 0x0100000c

	check := func(name string, a *Acquirer, f *sensor.File, digest string, why event.Reason) {
		t.Helper()
		if d := acquire(t, a, f); d.SHA256 != digest || d.Reason != why || d.SHA1 != "" {
			t.Errorf("%s: %+v, want %q %q", name, d, digest, why)
		}
	}
	a := New(only)
	defer a.Close()
	f, o := file(t, path, code)
	o.arch = macho.Arch{CPU: arm64}
	check("the code that was admitted", a, f, want, "")

	f, _ = file(t, path, macho.CDHash{1})
	check("other code", a, f, "", event.ReasonModified)

	f, o = file(t, path, code)
	o.arch = macho.Arch{CPU: 7}
	check("another architecture", a, f, "", event.ReasonUnverifiable)

	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("not code"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ = file(t, text, code)
	check("no code at all", a, f, "", event.ReasonUnverifiable)

	// The stat is the same, the bytes are not: what a write through a mapping
	// can come to.
	f, o = file(t, path, code)
	o.after = func() {
		b[9000] ^= 1
		if err := os.WriteFile(path, b, 0o700); err != nil {
			t.Error(err)
		}
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			t.Error(err)
		}
		o.id = identity(&st)
		f.ID = o.id
	}
	check("a changed page", a, f, "", event.ReasonModified)
}

func TestChanged(t *testing.T) {
	a := New(image.Hashes{SHA256: true})
	defer a.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "script")
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		before, after func()
		want          event.Reason
	}{
		"removed":       {before: func() { os.Remove(path) }, want: event.ReasonUnreadable},
		"replaced":      {before: func() { put(path+"2", "#!/bin/other"); os.Rename(path+"2", path) }, want: event.ReasonModified},
		"written":       {before: func() { put(path, "#!/bin/Xx\n") }, want: event.ReasonModified},
		"written later": {after: func() { put(path, "#!/bin/Xx\n") }, want: event.ReasonModified},
		"grown":         {after: func() { put(path, "#!/bin/sh\nmore") }, want: event.ReasonModified},
		"touched":       {after: func() { os.Chmod(path, 0o711) }, want: event.ReasonModified},
	} {
		put(path, "#!/bin/sh\n")
		f, o := file(t, path, macho.CDHash{})
		o.before, o.after = tt.before, tt.after
		// Times have the granularity of a tick on some file systems.
		waitTick(t, dir, o.id.CTime)
		if d := acquire(t, a, f); d.Reason != tt.want || d.SHA256 != "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// waitTick waits until the clock that the file system stamps with has moved on.
func waitTick(t *testing.T, dir string, since event.Time) {
	t.Helper()
	name := filepath.Join(dir, "clock")
	for {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err != nil {
			t.Fatal(err)
		}
		if identity(&st).CTime > since {
			return
		}
	}
}

func TestCache(t *testing.T) {
	path, b, code := program(t)
	full := sha256.Sum256(b)
	var c cache
	f, _ := file(t, path, code)
	c.put(f.ID, code, time.Unix(0, int64(f.ID.CTime)).Add(settled-1), sensor.Digest{})
	if len(c.entries) != 0 {
		t.Error("a file that had just changed is remembered")
	}

	a := New(image.Hashes{SHA256: true})
	defer a.Close()
	a.cache.put(f.ID, code, time.Unix(0, int64(f.ID.CTime)).Add(settled), sensor.Digest{SHA256: hex.EncodeToString(full[:])})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if d := acquire(t, a, f); d.SHA256 != hex.EncodeToString(full[:]) {
		t.Errorf("known code: %+v", d)
	}
	g := &sensor.File{Path: path, HasStat: true, ID: f.ID, Opener: &opener{path: path, id: f.ID, code: macho.CDHash{9}}}
	if d := acquire(t, a, g); d.SHA256 != "" {
		t.Errorf("other code in the same file: %+v", d)
	}
	for i := range 2 * cacheSize {
		c.put(sensor.Identity{Ino: uint64(i)}, code, time.Now(), sensor.Digest{})
	}
	if len(c.entries) > cacheSize {
		t.Errorf("%d entries", len(c.entries))
	}
}

func TestUnacquirable(t *testing.T) {
	f := &sensor.File{}
	a := New(image.Hashes{SHA256: true})
	if d := acquire(t, a, f); d.Reason != event.ReasonNotHeld {
		t.Errorf("no opener: %+v", d)
	}
	a.Close()
	a.Close()
	if d := acquire(t, a, &sensor.File{Opener: &opener{}}); d.Reason != event.ReasonLost {
		t.Errorf("closed: %+v", d)
	}
	none := New(image.Hashes{})
	defer none.Close()
	if d := acquire(t, none, &sensor.File{Opener: &opener{}}); d.Reason != "" || d.SHA256 != "" {
		t.Errorf("no hashes wanted: %+v", d)
	}
}

func TestNeverWaits(t *testing.T) {
	a := New(image.Hashes{SHA256: true})
	stuck := make(chan struct{})
	var files []*sensor.File
	for range waiting + 100 {
		f := &sensor.File{Opener: &opener{path: "/nowhere", before: func() { <-stuck }}}
		files = append(files, f)
		a.Acquire(f)
		a.Acquire(f) // twice is once
	}
	full := 0
	for _, f := range files {
		if d := f.Digest(); d != nil && d.Reason == event.ReasonTimeout {
			full++
		}
	}
	if full == 0 {
		t.Error("the queue has no end")
	}
	close(stuck)
	for _, f := range files {
		<-f.Done()
	}
	a.Close()
}
