package image

import (
	"container/list"
	"sync"

	"xnumon/event"
	"xnumon/internal/sensor"
)

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
	if !keepsChangeTime(magic) || !id.Settled(begun) {
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
