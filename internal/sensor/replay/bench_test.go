package replay

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"xnumon/internal/sensor"
)

// bench is a stream such as a build makes: a fork, an exec and an exit each.
func bench(b *testing.B, n int) []byte {
	var out bytes.Buffer
	w, err := NewWriter(&out, Header{})
	if err != nil {
		b.Fatal(err)
	}
	file := &sensor.File{Ref: 1, Path: "/usr/lib/gcc/x86_64-linux-gnu/12/cc1", HasStat: true, Mode: 0o100755,
		ID: sensor.Identity{Dev: 2049, Ino: 1 << 54, Size: 33_000_000, MTime: 1795384141123456789, CTime: 1795384141123456789}}
	file.Resolve(sensor.Digest{SHA256: strings.Repeat("a", 64)})
	for i := range n / 3 {
		key := sensor.Key{PID: uint32(i%30000 + 2), Start: uint64(i) * 1_000_003}
		e := &sensor.Exec{Time: 1795384141123456789, Key: key, ExecID: 12, Parent: sensor.Key{PID: 1, Start: 5},
			Argv: []string{"/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "-quiet", "-I", "include", "-o", "/tmp/ccXXXXXX.s", "main.c", "-O2"},
			Env:  []string{}, Cwd: "/usr/src/linux", Filename: "/usr/lib/gcc/x86_64-linux-gnu/12/cc1", Image: file, Before: &sensor.Creds{EUID: 1000, RUID: 1000},
			After: sensor.Creds{EUID: 1000, RUID: 1000}, Session: sensor.Session{AUID: 1000, HasAUID: true, ID: 3, Leader: 500, TTY: "/dev/pts/1"}}
		err := errors.Join(w.Record(&sensor.Fork{Time: e.Time, Parent: sensor.Key{PID: 1, Start: 5}, Child: key, ExecID: 11}),
			w.Record(e), w.Record(&sensor.Exit{Time: e.Time, Key: key}))
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func BenchmarkPlayback(b *testing.B) {
	in := bench(b, 30_000)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		s, err := New("bench", io.NopCloser(bytes.NewReader(in)))
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Run(b.Context(), func(sensor.Observation) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(30_000*float64(b.N)/b.Elapsed().Seconds(), "observations/s")
}

func BenchmarkRecord(b *testing.B) {
	w, err := NewWriter(io.Discard, Header{})
	if err != nil {
		b.Fatal(err)
	}
	e := execOf(&sensor.File{Ref: 1, Path: "/bin/sh"})
	e.Argv = []string{"sh", "-c", "true"}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Record(e); err != nil {
			b.Fatal(err)
		}
	}
}
