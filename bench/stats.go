//go:build linux

package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Estimate is the median of a sample and an interval for it.
type Estimate struct {
	Median float64 `json:"median"`
	// Low and High are order statistics: whatever the distribution, the median
	// lies between them with at least 95 % confidence. With fewer than six values
	// there is no such interval, and they are the least and the greatest.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	N    int     `json:"n"`
}

// confidence is that of the intervals.
const confidence = 0.95

func estimate(values []float64) Estimate {
	n := len(values)
	if n == 0 {
		return Estimate{}
	}
	s := slices.Sorted(slices.Values(values))
	k := rank(n)
	return Estimate{Median: median(s), Low: s[k], High: s[n-1-k], N: n}
}

// rank is how many of n sorted values may be left out at each end: how many of
// them lie below the median is binomial, with a probability of one half.
func rank(n int) int {
	r, sum, p := 0, 0.0, math.Pow(0.5, float64(n))
	for i := 0; i <= (n-1)/2; i++ {
		if sum += p; sum > (1-confidence)/2 {
			break
		}
		r = i
		p *= float64(n-i) / float64(i+1)
	}
	return r
}

// Around says whether the interval holds v: then the difference from v is noise.
func (e Estimate) Around(v float64) bool { return e.Low <= v && v <= e.High }

// median is that of values in any order, of which there is at least one.
func median[T cmp.Ordered](values []T) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	a, b := float(s[(n-1)/2]), float(s[n/2])
	return (a + b) / 2
}

func float[T cmp.Ordered](v T) float64 {
	switch v := any(v).(type) {
	case float64:
		return v
	case time.Duration:
		return float64(v)
	case int64:
		return float64(v)
	}
	panic(fmt.Sprintf("median of %T", v))
}
