//go:build linux && !nolive

package sink

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSpoolOnAFullDiskLive: a spool that cannot be written to lives in memory as
// far as that goes, drops the rest, tells of it where it is missing, and is on
// the disk again when there is room.
func TestSpoolOnAFullDiskLive(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("xnumon-test", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 700<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &peer{down: true}
	r := newTestRelay(t, p, filepath.Join(dir, "spool"), 1<<30)
	i := 0
	more := func(until func(Stats) bool) {
		t.Helper()
		waitFor(t, func() bool {
			for range 20 {
				r.Write([]byte(numbered(i, 1000)))
				i++
			}
			return until(r.Stats())
		})
	}
	// First the disk is full, then memory and the queue.
	more(func(s Stats) bool { return s.Dropped > 100 })
	waitFor(t, func() bool { return errors.Is(r.spool.Stats().LastError, syscall.ENOSPC) })
	if s := r.spool.Stats(); s.InMemory == 0 || s.Bytes == s.InMemory {
		t.Errorf("%+v", s)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	onDisk := r.Stats().OnDisk
	waitFor(t, func() bool { return r.Stats().OnDisk > onDisk })
	p.set(func() { p.down = false })
	waitFor(t, func() bool { s := r.Stats(); return s.Queued == 0 && s.Spooled == 0 })
	r.Write([]byte(numbered(i, 1000)))
	if err := r.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if twice, lost := account(t, p.text(), i+1); twice > 0 || lost == 0 || lost != int(r.Stats().Dropped) {
		t.Errorf("%d twice, %d lost; %+v", twice, lost, r.Stats())
	}
}
