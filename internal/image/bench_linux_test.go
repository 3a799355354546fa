package image

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"xnumon/internal/sensor"
)

// BenchmarkAcquire measures a held file on its way from the sensor to its digest:
// lease, reading, hashing, and the look whether the lease still holds. The files
// are in the page cache, and each is treated as never seen before. With
// XNUMON_HASH_FILE, the name of a file, it is only that one.
func BenchmarkAcquire(b *testing.B) {
	if name := os.Getenv("XNUMON_HASH_FILE"); name != "" {
		b.Run("file", func(b *testing.B) { acquire(b, name) })
		return
	}
	for _, size := range []struct {
		name  string
		bytes int
	}{{"16KiB", 16 << 10}, {"1MiB", 1 << 20}, {"64MiB", 64 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			name := filepath.Join(b.TempDir(), "file")
			if err := os.WriteFile(name, make([]byte, size.bytes), 0o600); err != nil {
				b.Fatal(err)
			}
			acquire(b, name)
		})
	}
}

func acquire(b *testing.B, name string) {
	a := New(Options{Hashes: Hashes{SHA256: true}, Level: sensor.LevelHash})
	defer a.Close()
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	ref := uint64(0)
	for b.Loop() {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		ref++
		f := &sensor.File{Ref: ref}
		released := make(chan struct{})
		a.Hold(&sensor.Held{
			File: f, FD: fd, Magic: magicTmpfs, // where nothing is remembered
			State:   sensor.State{Identity: sensor.Identity{Size: info.Size()}},
			Release: func() { close(released) },
		})
		<-released
		a.Activated(f, 1, true)
		<-f.Done()
		if d := f.Digest(); d.Reason != "" {
			b.Fatalf("no digest: %s", d.Reason)
		}
	}
}
