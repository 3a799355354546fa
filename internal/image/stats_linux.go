package image

// Stats are what an Acquirer has done since it was made, and holds now.
type Stats struct {
	// Lookups are files that were opened through the process that ran them.
	Lookups uint64
	// Hashed are files that were read to their end, HashedBytes how much that was.
	Hashed, HashedBytes uint64
	// Cached are digests held, Hits and Misses how often one was looked for, Evicted
	// those that had to make room.
	Cached                uint64
	Hits, Misses, Evicted uint64
	// Small and Large are files that wait to be read, in either queue; Pending
	// all whose acquisition has not ended.
	Small, Large, Pending uint64
}

// Stats may be called at any time.
func (a *Acquirer) Stats() Stats {
	s := Stats{Lookups: a.lookups.Load(), Hashed: a.hashed.Load(), HashedBytes: a.hashedBytes.Load()}
	a.mu.Lock()
	s.Small, s.Large = uint64(len(a.queues[small].files)), uint64(len(a.queues[large].files))
	s.Pending = uint64(len(a.pending))
	a.mu.Unlock()
	a.cache.mu.Lock()
	defer a.cache.mu.Unlock()
	s.Cached = uint64(a.cache.used.Len())
	s.Hits, s.Misses, s.Evicted = a.cache.hits, a.cache.misses, a.cache.evicted
	return s
}
