//go:build linux

package main

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRank(t *testing.T) {
	// Tables of the distribution-free interval for a median, 95 %, count from one.
	for n, want := range map[int]int{1: 0, 2: 0, 5: 0, 6: 0, 8: 0, 9: 1, 10: 1, 11: 1, 12: 2, 15: 3, 17: 4, 20: 5, 30: 9, 100: 39} {
		if got := rank(n); got != want {
			t.Errorf("%d values: %d are left out at each end, want %d", n, got, want)
		}
	}
}

func TestEstimate(t *testing.T) {
	if e := estimate(nil); e != (Estimate{}) {
		t.Errorf("of nothing: %+v", e)
	}
	values := []float64{9, 1, 8, 2, 7, 3, 6, 4, 5, 10}
	before := slices.Clone(values)
	if got, want := estimate(values), (Estimate{5.5, 2, 9, 10}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if !slices.Equal(values, before) {
		t.Error("the sample was sorted")
	}
	if e := estimate([]float64{7}); e != (Estimate{7, 7, 7, 1}) || !e.Around(7) || e.Around(8) {
		t.Errorf("of one: %+v", e)
	}
}

// The interval holds the median as often as it says.
func TestCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const trials, n = 20_000, 13
	held := 0
	for range trials {
		sample := make([]float64, n)
		for i := range sample {
			sample[i] = r.ExpFloat64()
		}
		if estimate(sample).Around(0.6931471805599453) { // ln 2
			held++
		}
	}
	if share := float64(held) / trials; share < confidence {
		t.Errorf("in %.3f of %d samples", share, trials)
	}
}
