package lineage

import "xnumon/event"

// Misses returns how often the table did not know what an observation took for granted.
func (t *Table) Misses() event.MissStats { return t.misses }

// Images returns how many different images the processes in the table run and
// descend from. It looks at each of them once.
func (t *Table) Images() int {
	seen := make(map[*Image]struct{}, 2*len(t.procs))
	for _, p := range t.procs {
		for _, i := range [...]*Image{p.image, p.under} {
			for ; i != nil; i = i.prev {
				if _, known := seen[i]; known {
					break // and so is all that is behind it
				}
				seen[i] = struct{}{}
			}
		}
	}
	return len(seen)
}
