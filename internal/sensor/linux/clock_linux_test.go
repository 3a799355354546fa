package linux

import "testing"

func TestClock(t *testing.T) {
	const ms = 1_000_000
	const offset = 1_700_000_000_000 * ms
	var c clock
	for _, step := range []struct {
		what string
		r    reading
		want int64 // the difference afterwards
	}{
		{"the first, disturbed behind its middle", reading{0, offset + 1, 200 * ms}, offset - 100*ms + 1},
		{"undisturbed", reading{1000 * ms, offset + 1000*ms, 1000 * ms}, offset},
		{"noise", reading{2000 * ms, offset + 2000*ms + 900_000, 2000 * ms}, offset},
		{"disturbed behind its middle", reading{3000 * ms, offset + 3000*ms, 3300 * ms}, offset},
		{"disturbed before it", reading{4000 * ms, offset + 4300*ms, 4300 * ms}, offset},
		{"the time was set, by less than that", reading{5000 * ms, offset + 5100*ms, 5000 * ms}, offset + 100*ms},
		{"and set back, seen by a disturbed one", reading{6000 * ms, offset - 3600_000*ms + 6000*ms, 6200 * ms}, offset - 3600_100*ms},
		{"which the next mends", reading{7000 * ms, offset - 3600_000*ms + 7000*ms, 7000 * ms}, offset - 3600_000*ms},
	} {
		c.adjust(step.r)
		if got := c.offset.Load(); got != step.want {
			t.Errorf("%s: off by %d ns", step.what, got-step.want)
		}
	}
	c.sync()
	if wall, now := int64(c.wall(uint64(bootNow()))), readClocks(); wall < now.now-noise-now.width() {
		t.Errorf("%d, and a moment later it is %d", wall, now.now)
	}
}
