package linux

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
)

// clock turns the kernel's boot clock into time of day. The zero value is not
// usable before sync.
type clock struct{ offset atomic.Int64 }

// reading is the time of day, taken between two looks at the boot clock. Each is in
// nanoseconds.
type reading struct{ before, now, after int64 }

// offset is the difference of the two clocks; it is off by half the width at most.
func (r reading) offset() int64 { return r.now - r.before - r.width()/2 }
func (r reading) width() int64  { return r.after - r.before }

const (
	// A reading takes less than a microsecond, or some in an emulator, unless the
	// thread had to wait for a processor in the middle of it.
	undisturbed = 20_000
	tries       = 20
	// Following the noise of readings would put events out of order.
	noise = 1_000_000
)

// sync takes the difference of the two clocks again: time of day can be set.
func (c *clock) sync() {
	best := readClocks()
	for i := 1; i < tries && best.width() > undisturbed; i++ {
		if r := readClocks(); r.width() < best.width() {
			best = r
		}
	}
	c.adjust(best)
}

// adjust takes a reading into account: the difference stays as it is for as long
// as it may be what was read.
func (c *clock) adjust(r reading) {
	old, offset := c.offset.Load(), r.offset()
	if apart := max(offset-old, old-offset); old == 0 || apart > r.width()/2+noise {
		c.offset.Store(offset)
	}
}

func readClocks() reading {
	var r reading
	r.before = bootNow()
	r.now = time.Now().UnixNano()
	r.after = bootNow()
	return r
}

func (c *clock) wall(boot uint64) event.Time {
	return event.Time(int64(boot) + c.offset.Load())
}

// bootNow is the boot clock in nanoseconds.
func bootNow() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
