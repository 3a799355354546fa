//go:build linux && !nolive

package sink

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFullDiskLive fills a file system of its own, and makes room again.
func TestFullDiskLive(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("xnumon-test", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, bytes.Repeat([]byte{'x'}, 32<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "log")
	out, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	q := NewQueue(out, Options{Limit: 8 << 10, Loss: encodeLoss})
	i := 0
	// 333 does not divide a page: the disk is full in the middle of a record.
	more := func(until func(Stats) bool) {
		t.Helper()
		waitFor(t, func() bool {
			q.Write([]byte(numbered(i, 333)))
			i++
			return until(q.Stats())
		})
	}
	more(func(s Stats) bool { return errors.Is(s.LastError, syscall.ENOSPC) && s.Dropped > 0 })
	if b, err := os.ReadFile(path); err != nil || bytes.HasSuffix(b, []byte("\n")) {
		t.Fatalf("%d bytes, %v: nothing to be repaired", len(b), err)
	}
	select {
	case <-q.Failed():
		t.Fatal(q.Err())
	default:
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	before := q.Stats().Records
	more(func(s Stats) bool { return s.Records > before+10 })
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	written, lost := checkStream(t, string(b))
	if lost == 0 || written+lost != i || lost != int(q.Stats().Dropped) {
		t.Errorf("%d written, %d lost of %d; %+v", written, lost, i, q.Stats())
	}
}

// TestFullDiskAtTheEndLive: what Close had to leave behind does not spoil the next run's first line.
func TestFullDiskAtTheEndLive(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("xnumon-test", dir, "tmpfs", 0, "size=8k"); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	path := filepath.Join(dir, "log")
	out, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	q := NewQueue(out, Options{Loss: encodeLoss})
	for i := range 100 {
		q.Write([]byte(numbered(i, 333)))
	}
	waitFor(t, func() bool { return q.Stats().LastError != nil })
	if err := q.Close(within(t, time.Millisecond)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("%v", err)
	}
	<-q.done
	half, err := os.ReadFile(path)
	if err != nil || bytes.HasSuffix(half, []byte("\n")) {
		t.Fatalf("%d bytes, %v: nothing to be repaired", len(half), err)
	}
	if err := unix.Mount("xnumon-test", dir, "tmpfs", unix.MS_REMOUNT, "size=64k"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, "next\n")
	checkFile(t, path, string(half)+"\nnext\n")
}
