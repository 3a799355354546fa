package spool

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"xnumon/event"
)

// recover takes over what an earlier run left in the directory.
func (s *Spool) recover() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make spool: %w", err)
	}
	if err := checkOwner(s.dir); err != nil {
		return err
	}
	lock, err := lockDir(s.dir)
	if err != nil {
		return err
	}
	s.lock = lock
	c, since, err := s.load()
	if err != nil {
		return fmt.Errorf("open spool: %w", err)
	}
	if !c.clean {
		// What this run numbers could have been numbered before.
		if _, err := rand.Read(c.stream[:]); err != nil {
			return fmt.Errorf("name a stream: %w", err)
		}
	}
	s.stream, s.acked, s.savedAck, s.next = c.stream, c.acked, c.acked, c.next
	s.drop()
	for _, path := range s.doomed {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("open spool: %w", err)
		}
	}
	s.doomed = nil
	if err := s.save(cursor{stream: s.stream, acked: s.acked, next: s.next}, true); err != nil {
		// A full disk is no reason not to start: the records go through memory.
		// But then an old cursor must not tell the next run that all is well.
		if err := os.Remove(filepath.Join(s.dir, cursorName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("open spool: %w", err)
		}
		s.diskErr = fmt.Errorf("write spool: %w", err)
	}
	if since != 0 && s.opts.Loss != nil {
		now := s.opts.Now()
		s.owed = s.opts.Loss(nil, &event.Loss{Time: now, Source: SourceOutput, Since: since, Until: now})
		if _, err := s.tryAppend(nil, nil); err != nil { // without room it comes before the next record
			return err
		}
	}
	return nil
}

// load reads the directory. When the last run did not end properly, since is a
// time before anything that it can have lost.
func (s *Spool) load() (c cursor, since event.Time, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return c, 0, err
	}
	known := false
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name())
		first, isSegment := parseName(e.Name())
		if !isSegment && e.Name() != cursorName {
			continue
		}
		st, err := e.Info()
		if err != nil {
			return c, 0, err
		}
		changed := event.Time(st.ModTime().UnixNano())
		since = max(since, changed)
		if isSegment {
			s.segments = append(s.segments, &segment{path: path, first: first, size: st.Size(), last: changed})
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return c, 0, err
		}
		c, known = parseCursor(b)
	}
	if since == 0 {
		c.clean = false // nothing was here: a new stream, and nothing lost
		c.next = 1
		return c, 0, nil
	}
	slices.SortFunc(s.segments, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
	if err := s.ends(); err != nil {
		return c, 0, err
	}
	n := len(s.segments)
	if !known {
		c = cursor{next: 1}
		if n > 0 {
			c.acked = max(s.segments[0].first, 1) - 1
		}
	}
	if n > 0 {
		c.next = max(c.next, s.segments[n-1].end)
	}
	c.next = max(c.next, c.acked+1)
	if c.clean {
		return c, 0, nil
	}
	return c, since - 2*event.Time(SyncInterval), nil
}

// ends finds where the segments end: where the next one begins, and for the
// last one where its whole frames do.
func (s *Spool) ends() error {
	for len(s.segments) > 0 {
		last := s.segments[len(s.segments)-1]
		err := last.scan(last.size)
		if err != nil && !errors.Is(err, errDamaged) {
			return err
		}
		if last.end > last.first {
			break
		}
		// Begun, and nothing got there.
		if err := os.Remove(last.path); err != nil {
			return err
		}
		s.segments = s.segments[:len(s.segments)-1]
	}
	for i := range s.segments[:max(len(s.segments)-1, 0)] {
		s.segments[i].end = s.segments[i+1].first
	}
	return nil
}
