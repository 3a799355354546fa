package monitor

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// delays is a histogram of durations: eight buckets to each power of two, so
// that what is read from it is an eighth too long at most. One goroutine adds, any may read.
type delays struct {
	buckets [8 * 64]atomic.Uint64
	most    atomic.Int64
}

func (d *delays) add(v time.Duration) {
	v = max(v, 0)
	d.buckets[bucket(uint64(v))].Add(1)
	if int64(v) > d.most.Load() {
		d.most.Store(int64(v))
	}
}

// bucket is the number of the bucket that v belongs to.
func bucket(v uint64) int {
	if v < 8 {
		return int(v)
	}
	shift := bits.Len64(v) - 4 // leaves 8 to 15
	return 8*shift + int(v>>shift)
}

// top is the largest value of a bucket.
func top(b int) uint64 {
	if b < 16 {
		return uint64(b)
	}
	shift := b/8 - 1
	return uint64(b%8+8+1)<<shift - 1
}

// quantile returns a value that the part q of all is not above, zero if there is none.
func (d *delays) quantile(q float64) time.Duration {
	var counts [len(d.buckets)]uint64
	total := uint64(0)
	for i := range counts {
		counts[i] = d.buckets[i].Load()
		total += counts[i]
	}
	if total == 0 {
		return 0
	}
	rank := max(1, uint64(q*float64(total)+0.999999))
	for i, n := range counts {
		if n >= rank {
			return min(time.Duration(top(i)), time.Duration(d.most.Load()))
		}
		rank -= n
	}
	return time.Duration(d.most.Load())
}
