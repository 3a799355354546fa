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

// sync takes the difference of the two clocks again: time of day can be set.
func (c *clock) sync() {
	before := bootNow()
	now := time.Now().UnixNano()
	after := bootNow()
	offset := now - (before+after)/2
	// The reading is good to a few hundred nanoseconds; following its noise
	// would put events out of order.
	if old := c.offset.Load(); old == 0 || offset-old > 1e6 || old-offset > 1e6 {
		c.offset.Store(offset)
	}
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
