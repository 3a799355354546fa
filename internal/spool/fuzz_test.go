package spool

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen reads what nobody wrote.
func FuzzOpen(f *testing.F) {
	var stream Stream
	frames := appendFrame(appendFrame(nil, stream, 3, 1, []byte("three")), stream, 4, 2, []byte("four"))
	c := cursor{stream: stream, acked: 3, next: 5, clean: true}
	f.Add(append(appendHeader(nil, stream, 3), frames...), c.encode(), uint64(3), uint64(9))
	f.Add(append(appendHeader(nil, stream, 3), frames[:len(frames)-1]...), []byte{}, uint64(3), uint64(0))
	f.Add([]byte{}, c.encode()[:7], uint64(1), uint64(1))
	base, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		base = f.TempDir()
	}
	f.Cleanup(func() { os.RemoveAll(base) })
	f.Fuzz(func(t *testing.T, segment, cursor []byte, first, second uint64) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for name, b := range map[string][]byte{
			cursorName: cursor, segmentName(first): segment, segmentName(second): segment[:len(segment)/2],
		} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, dir, Options{})
		drain(t, s)
		add(t, s, "new")
		got, last := drain(t, s)
		if len(got) == 0 || got[len(got)-1] != "new" {
			t.Fatalf("%q", got)
		}
		s.Ack(last)
		s = reopen(t, s)
		check(t, s)
	})
}
