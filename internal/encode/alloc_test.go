package encode

import (
	"testing"
	"time"
)

func TestNoAllocation(t *testing.T) {
	o := Options{Columns: 120, Colour: true, Location: time.UTC, Host: Host{Name: "web-7", OS: "linux"}, Version: "1.0.0"}
	for _, name := range Names() {
		e, err := New(name, o)
		if err != nil {
			t.Fatal(err)
		}
		var buf []byte
		for _, s := range samples() {
			// The first run lets the buffers grow.
			if n := testing.AllocsPerRun(10, func() { buf = appendSample(e, buf[:0], s) }); n != 0 {
				t.Errorf("%s, %s: %v allocations", name, s.name, n)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	all := samples()
	for _, name := range Names() {
		e, err := New(name, Options{Columns: 120, Colour: true})
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range []sample{all[0], all[1], all[6]} {
			b.Run(name+"/"+s.name, func(b *testing.B) {
				b.ReportAllocs()
				var buf []byte
				for b.Loop() {
					buf = appendSample(e, buf[:0], s)
				}
				b.SetBytes(int64(len(buf)))
			})
		}
	}
}
