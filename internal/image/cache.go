package image

import (
	"container/list"
	"sync"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// racyWindow is how long after its change time a file may change again without
// the change time moving: it has the granularity of the timer tick, 10 ms
// at most (before kernel 6.13, and after it unless somebody asked in between). With a margin.
const racyWindow = 100_000_000 // ns

// racy says whether a file could have changed between its change time and the
// given moment without that time moving. Times in whole seconds are those of a file
// system that keeps no finer ones (ext4 with inodes of 128 bytes).
func racy(id sensor.State, at event.Time) bool {
	if id.CTime%1e9 == 0 {
		return id.CTime > at-2e9-racyWindow
	}
	return id.CTime > at-racyWindow
}

// cache remembers digests by state: as long as the state of a file on a file
// system that keeps change times is the same, so are its bytes.
type cache struct {
	mu      sync.Mutex
	entries map[sensor.State]*list.Element
	used    *list.List // of *entry, newest first
	limit   int

	hits, misses, evicted uint64
}

type entry struct {
	id sensor.State
	known
}

// known is what an identity stands for.
type known struct {
	digest sensor.Digest
	btime  event.Time
	head   string // see keptHead
}

func newCache(limit int) *cache {
	return &cache{entries: map[sensor.State]*list.Element{}, used: list.New(), limit: limit}
}

func (c *cache) get(id sensor.State) (known, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if !ok {
		c.misses++
		return known{}, false
	}
	c.hits++
	c.used.MoveToFront(e)
	return e.Value.(*entry).known, true
}

// has is get by somebody who only asks whether to ask.
func (c *cache) has(id sensor.State) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.entries[id]
	return ok
}

// put remembers a digest that was taken under a lease begun at the given
// time, unless a change could have gone unnoticed since the change time.
func (c *cache) put(id sensor.State, magic uint32, begun event.Time, k known) {
	if !keepsChangeTime(magic) || racy(id, begun) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[id]; ok {
		e.Value.(*entry).known = k
		return
	}
	c.entries[id] = c.used.PushFront(&entry{id, k})
	if c.used.Len() > c.limit {
		c.evicted++
		oldest := c.used.Back()
		c.used.Remove(oldest)
		delete(c.entries, oldest.Value.(*entry).id)
	}
}
