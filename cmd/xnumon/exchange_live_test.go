//go:build linux && !nolive

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// moveExtent is struct move_extent of fs/ext4/ext4.h, the argument of EXT4_IOC_MOVE_EXT.
type moveExtent struct {
	reserved, donor           uint32
	from, donorFrom, n, moved uint64
}

const (
	ext4IocMoveExt = 0xc028660f
	block          = 4096
)

// disk is an ext4 file system of the test's own, in a file.
type disk struct {
	t          *testing.T
	image, dir string
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t: t, image: filepath.Join(t.TempDir(), "disk"), dir: t.TempDir()}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 64<<20); err != nil {
		t.Fatal(err)
	}
	d.run("mke2fs", "-q", "-t", "ext4", "-b", strconv.Itoa(block), d.image)
	d.mount()
	t.Cleanup(d.unmount)
	return d
}

func (d *disk) run(args ...string) {
	d.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %v: %s", args, err, out)
	}
}

func (d *disk) mount()   { d.t.Helper(); d.run("mount", "-o", "loop", d.image, d.dir) }
func (d *disk) unmount() { d.t.Helper(); d.run("umount", "-d", d.dir) }

// padded makes a program whose last block is behind all sections, where nobody reads
// it, and returns its bytes.
func (d *disk) padded(path string) []byte {
	d.t.Helper()
	raw, err := os.ReadFile("/bin/true")
	if err != nil {
		d.t.Fatal(err)
	}
	raw = append(raw, bytes.Repeat([]byte("o"), 2*block-len(raw)%block)...)
	if err := os.WriteFile(path, raw, 0o755); err != nil {
		d.t.Fatal(err)
	}
	return raw
}

// settle waits until a change that was just made is one of before.
func settle(t *testing.T) {
	settled := time.Now().Add(time.Second)
	eventually(t, "the change is old", func() bool { return time.Now().After(settled) })
}

// checkChanged checks the records of ten execs of a program, between which its bytes changed.
func checkChanged(t *testing.T, log, program, level string, before, after []byte) {
	t.Helper()
	want, n := digestOf(before), 0
	for _, r := range records(t, log) {
		if at(r, "image", "path") != program {
			continue
		}
		if n++; n == 6 {
			want = digestOf(after)
		}
		switch got := at(r, "image", "sha256"); {
		case got == nil && at(r, "image", "missing", "sha256") == nil:
			t.Errorf("exec %d: no hash and no reason: %v", n, r)
		case got == nil && level == "hash" && at(r, "gate", "outcome") == "held":
			t.Errorf("exec %d was held and has no hash: %v", n, r)
		case got != nil && got != want:
			t.Errorf("exec %d: the hash is wrong: %v", n, r)
		}
	}
	if n != 10 {
		t.Errorf("%d execs of 10", n)
	}
}

// levels runs a test with a monitor that gates at each level, and without.
func levels(t *testing.T, test func(t *testing.T, level string, d *disk)) {
	for _, level := range []string{"hash", "open", "none"} {
		t.Run(level, func(t *testing.T) { test(t, level, newDisk(t)) })
	}
}

func monitoring(t *testing.T, level, dir, log string) *started {
	t.Helper()
	args := []string{"run", "--config", "", "--format", "json", "--gate", level, "--output", log}
	if level != "none" {
		args = append(args, "--gate-path", dir)
	}
	return start(t, nil, args...)
}

// Blocks that an ioctl moves between files leave the change times as they are: a
// file whose digest was known has other bytes under the same identity.
func TestLiveExchangedBytes(t *testing.T) {
	levels(t, func(t *testing.T, level string, d *disk) {
		program, source := filepath.Join(d.dir, "program"), filepath.Join(d.dir, "source")
		raw := d.padded(program)
		if err := os.WriteFile(source, bytes.Repeat([]byte("x"), len(raw)), 0o755); err != nil {
			t.Fatal(err)
		}
		unix.Sync()
		log := filepath.Join(t.TempDir(), "log")
		s := monitoring(t, level, d.dir, log)
		settle(t)
		for range 5 {
			timed(t, program)
		}
		before := changeTime(t, program)
		exchange(t, source, program, uint64(len(raw)/block-1))
		other, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(other, raw) || len(other) != len(raw) || changeTime(t, program) != before {
			t.Fatal("the bytes were not exchanged, or not in secret")
		}
		for range 5 {
			timed(t, program)
		}
		s.stop()
		checkChanged(t, log, program, level, raw, other)
	})
}

// A file system that was changed elsewhere is mounted again, at the same device number.
func TestLiveChangedElsewhere(t *testing.T) {
	levels(t, func(t *testing.T, level string, d *disk) {
		program := filepath.Join(d.dir, "program")
		raw := d.padded(program)
		other := append(bytes.Clone(raw[:len(raw)-block]), bytes.Repeat([]byte("x"), block)...)
		unix.Sync()
		log := filepath.Join(t.TempDir(), "log")
		s := monitoring(t, level, d.dir, log)
		settle(t)
		for range 5 {
			timed(t, program)
		}
		before, device := changeTime(t, program), deviceOf(t, program)
		d.unmount()
		whole, err := os.ReadFile(d.image)
		if err != nil {
			t.Fatal(err)
		}
		i := bytes.LastIndex(whole, bytes.Repeat([]byte("o"), block))
		image, err := os.OpenFile(d.image, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer image.Close()
		if _, err := image.WriteAt(other[len(other)-block:], int64(i)); err != nil {
			t.Fatal(err)
		}
		d.mount()
		if now, err := os.ReadFile(program); err != nil || !bytes.Equal(now, other) || changeTime(t, program) != before {
			t.Fatalf("the file was not changed, or not in secret (%v)", err)
		}
		if now := deviceOf(t, program); now != device {
			t.Logf("it is at device %#x and was at %#x: this proves nothing", now, device)
		}
		for range 5 {
			timed(t, program)
		}
		s.stop()
		checkChanged(t, log, program, level, raw, other)
	})
}

// exchange gives one block of the donor to the file at path and the other way round. The call is
// for defragmenting: the file keeps its bytes, and the donor does not.
func exchange(t *testing.T, path, donor string, n uint64) {
	t.Helper()
	var files [2]*os.File
	for i, p := range []string{path, donor} {
		f, err := os.OpenFile(p, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	m := moveExtent{donor: uint32(files[1].Fd()), from: n, donorFrom: n, n: 1}
	if _, _, err := unix.Syscall(unix.SYS_IOCTL, files[0].Fd(), ext4IocMoveExt, uintptr(unsafe.Pointer(&m))); err != 0 || m.moved != 1 {
		t.Fatalf("exchange block %d of %s and %s: %v, %d moved", n, path, donor, err, m.moved)
	}
	unix.Sync()
	// In memory are still the bytes of before.
	if err := unix.Fadvise(int(files[1].Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
}

func stat(t *testing.T, path string) (st unix.Stat_t) {
	t.Helper()
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st
}

func changeTime(t *testing.T, path string) int64 {
	st := stat(t, path)
	return st.Ctim.Nano()
}

func deviceOf(t *testing.T, path string) uint64 { return stat(t, path).Dev }

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
