package monitor

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A quantile is not below the true one and at most an eighth above it.
func TestDelays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, 1<<62), 1, 300).Draw(t, "delays")
		var d delays
		for _, v := range all {
			d.add(time.Duration(v))
		}
		slices.Sort(all)
		for _, q := range []float64{0.5, 0.99} {
			n := max(1, int(q*float64(len(all))+0.999999))
			want, got := all[n-1], int64(d.quantile(q))
			if got < want || got > want+want/8 {
				t.Fatalf("quantile %v is %d, said %d", q, want, got)
			}
		}
		if got := d.most.Load(); got != all[len(all)-1] {
			t.Fatalf("most is %d, said %d", all[len(all)-1], got)
		}
	})
	var none delays
	if none.quantile(0.5) != 0 {
		t.Error("a delay of nothing")
	}
}
