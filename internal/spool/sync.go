package spool

import (
	"fmt"
	"os"
	"time"
)

// sync is the syncer: it forces to the disk what has not been acknowledged,
// closes and removes files, and remembers the acknowledgement, so that nobody
// else waits for any of this.
func (s *Spool) sync() {
	defer close(s.synced)
	timer := time.NewTimer(SyncInterval)
	timer.Stop()
	running := false
	for {
		select {
		case <-s.dirty:
			s.remove()
			if !running {
				timer.Reset(SyncInterval)
				running = true
			}
		case <-timer.C:
			running = false
			s.flush(false)
		case <-s.closing:
			timer.Stop()
			s.remove()
			s.flush(true)
			return
		}
	}
}

func (s *Spool) remove() {
	s.mu.Lock()
	doomed := s.doomed
	s.doomed = nil
	s.mu.Unlock()
	for _, path := range doomed {
		if err := os.Remove(path); err != nil {
			s.note(fmt.Errorf("empty spool: %w", err))
		}
	}
}

func (s *Spool) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diskErr = err
}

// flush syncs the files and saves the cursor. At the end it closes the file
// that is being written as well.
func (s *Spool) flush(end bool) {
	type unsynced struct {
		*segment
		size  int64
		waits bool // for the reader
		close bool
	}
	var files []unsynced
	s.mu.Lock()
	if end {
		s.seal()
	}
	for _, g := range s.sealed {
		files = append(files, unsynced{g, g.size, g.end > s.acked+1, true})
	}
	s.sealed = nil
	if w := s.writing; w != nil && w.file != nil {
		files = append(files, unsynced{w, w.size, w.end > s.acked+1, false})
	}
	c := cursor{stream: s.stream, acked: s.acked, next: s.next}
	save := s.dir != "" && c.acked != s.savedAck && !end
	s.mu.Unlock()

	created := false
	for _, f := range files {
		if f.waits && f.size > f.synced {
			created = created || f.synced == 0
			if err := f.file.Sync(); err != nil {
				s.note(err)
			}
			f.synced = f.size
		}
		if f.close {
			if err := f.file.Close(); err != nil {
				s.note(err)
			}
		}
	}
	if created {
		if err := syncDir(s.dir); err != nil {
			s.note(err)
		}
	}
	if save {
		if err := s.save(c, false); err != nil {
			s.note(err)
			return
		}
		s.mu.Lock()
		s.savedAck = c.acked
		s.mu.Unlock()
	}
}

// Close ends the spool. What has not been acknowledged stays on disk for the
// next Open. What could not get there is lost: how many records, with the
// reason. No other method but Stats may be in a call, or be called later.
func (s *Spool) Close() (lost uint64, err error) {
	s.closed.Do(func() {
		close(s.closing)
		s.Interrupt()
		<-s.synced
		s.reader.close()
		s.closeLost, s.closeErr = s.rescue()
		if s.dir == "" {
			return
		}
		c := cursor{stream: s.stream, acked: s.acked, next: s.next, clean: true}
		if err := s.save(c, true); err != nil && s.closeErr == nil {
			s.closeErr = fmt.Errorf("close spool: %w", err)
		}
		s.unlock()
	})
	return s.closeLost, s.closeErr
}

// rescue writes to disk what was kept in memory.
func (s *Spool) rescue() (lost uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.onDisk() || g.end <= s.acked+1 {
			continue
		}
		failed := errMemory
		if s.dir != "" {
			var f *segment
			if f, failed = s.create(g.first, g.memory); failed == nil {
				failed = f.file.Sync()
				if closed := f.file.Close(); failed == nil {
					failed = closed
				}
			}
		}
		if failed != nil {
			lost += g.end - max(g.first, s.acked+1)
			err = failed
		}
	}
	return lost, err
}

func (s *Spool) unlock() {
	if s.lock != nil {
		s.lock.Close()
		s.lock = nil
	}
}
