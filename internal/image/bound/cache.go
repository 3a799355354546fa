package bound

import (
	"sync"
	"time"

	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

const (
	// cacheSize is in files; an entry takes about 300 bytes.
	cacheSize = 8192
	// settled is how long ago a file must have changed for its identity to
	// stand for its bytes: a change just after the last may not show.
	settled = 2 * time.Second
)

// cache remembers the digests of signed code. An entry is used for an exec only if
// the kernel described the same file in the same state, and the same code: then
// nothing has to be opened, and the digest is there also when the file is not any more.
type cache struct {
	mu      sync.Mutex
	entries map[key]sensor.Digest
}

type key struct {
	id   sensor.Identity
	code macho.CDHash
}

func (c *cache) get(id sensor.Identity, code macho.CDHash) (sensor.Digest, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.entries[key{id, code}]
	return d, ok
}

// put remembers a digest that was begun to be taken at the given time.
func (c *cache) put(id sensor.Identity, code macho.CDHash, begun time.Time, d sensor.Digest) {
	if int64(id.CTime) > begun.Add(-settled).UnixNano() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[key]sensor.Digest{}
	}
	if len(c.entries) >= cacheSize {
		for k := range c.entries { // whichever comes first
			delete(c.entries, k)
			break
		}
	}
	c.entries[key{id, code}] = d
}
