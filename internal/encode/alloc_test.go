package encode

import (
	"fmt"
	"testing"
	"time"
)

func TestNoAllocation(t *testing.T) {
	for name, e := range map[string]Encoder{"json": &JSON{}, "text": &Text{Columns: 120, Colour: true, Location: time.UTC}} {
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
	for _, c := range []struct {
		name string
		e    Encoder
	}{{"json", &JSON{}}, {"text", &Text{Columns: 120, Colour: true}}} {
		for _, s := range []sample{all[0], all[1], all[6]} {
			b.Run(fmt.Sprintf("%s/%s", c.name, s.name), func(b *testing.B) {
				b.ReportAllocs()
				var buf []byte
				for b.Loop() {
					buf = appendSample(c.e, buf[:0], s)
				}
				b.SetBytes(int64(len(buf)))
			})
		}
	}
}
