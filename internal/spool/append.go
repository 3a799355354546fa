package spool

import (
	"fmt"
	"time"

	"xnumon/event"
)

// Append takes some whole records: b, with the offsets in it at which they end.
// It takes all of them or none. When there is no room it waits for some, until
// Interrupt. A disk that fails does not stop it as long as there is room in memory.
func (s *Spool) Append(b []byte, ends []int) error {
	for {
		room, err := s.tryAppend(b, ends)
		s.wait(!room && err == nil)
		if room || err != nil {
			return err
		}
		// Room on a disk that failed comes without anybody telling.
		retry := time.NewTimer(diskRetry)
		select {
		case <-s.freed:
		case <-retry.C:
		case <-s.stop:
			retry.Stop()
			return ErrInterrupted
		}
		retry.Stop()
	}
}

// wait notes whether an Append waits for room.
func (s *Spool) wait(waiting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if waiting && !s.waiting {
		signal(s.readable)
	}
	s.waiting = waiting
}

// Interrupt ends an Append that waits, and every later one that would.
func (s *Spool) Interrupt() { s.stopOnce.Do(func() { close(s.stop) }) }

func (s *Spool) tryAppend(b []byte, ends []int) (room bool, err error) {
	s.mu.Lock()
	stream, first := s.stream, s.next
	s.mu.Unlock()
	s.frames = s.frames[:0]
	start, end, now := 0, first, s.opts.Now()
	if s.owed != nil {
		s.frames = appendFrame(s.frames, stream, end, now, s.owed)
		end++
	}
	for _, e := range ends {
		if e-start > recordMost {
			return false, fmt.Errorf("append to spool: a record of %d bytes", e-start)
		}
		s.frames = appendFrame(s.frames, stream, end, now, b[start:e])
		start, end = e, end+1
	}
	switch s.place(int64(len(s.frames))) {
	case inMemory:
		s.keep(end, now)
	case onDisk:
		if err := s.write(end, now); err == nil {
			break
		} else if s.failed(err); s.place(int64(len(s.frames))) != inMemory {
			return false, nil
		}
		s.keep(end, now)
	default:
		return false, nil
	}
	s.owed = nil
	signal(s.readable)
	signal(s.dirty)
	return true, nil
}

type place int

const (
	nowhere place = iota
	onDisk
	inMemory
)

// place says where n bytes can go, and makes the segment they are for the one
// that is being written, or leaves none for a new file.
func (s *Spool) place(n int64) place {
	s.mu.Lock()
	defer s.mu.Unlock()
	disk, memory := s.used()
	if s.spoiled {
		s.seal()
	}
	w := s.writing
	if s.dir != "" && time.Since(s.diskBad) >= diskRetry {
		full := disk+n > s.opts.Limit
		if w != nil && (w.file == nil || w.full(n, s.segment) || full && s.acked+1 >= w.end) {
			s.seal()
			s.drop()
			disk, _ = s.used()
		}
		if disk == 0 || disk+n <= s.opts.Limit {
			return onDisk
		}
		return nowhere
	}
	full := memory+n > s.opts.Memory
	if w != nil && (w.file != nil || w.full(n, memorySegment) || full && s.acked+1 >= w.end) {
		s.seal()
		s.drop()
		w = nil
		_, memory = s.used()
	}
	if memory > 0 && memory+n > s.opts.Memory {
		return nowhere
	}
	if w == nil {
		s.add(&segment{stream: s.stream, first: s.next, end: s.next})
	}
	return inMemory
}

// keep puts the frames into a segment in memory.
func (s *Spool) keep(end uint64, now event.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.writing
	w.memory = append(w.memory, s.frames...)
	s.wrote(w, end, now)
}

// write puts the frames into a segment on disk. Nobody else changes the segment
// that is being written, so a slow disk is waited for without the lock.
func (s *Spool) write(end uint64, now event.Time) error {
	w := s.writing
	if w == nil {
		var err error
		if w, err = s.create(s.next, s.frames); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.add(w)
		s.wrote(w, end, now)
		return nil
	}
	if _, err := w.file.WriteAt(s.frames, w.size); err != nil {
		// What did get there lies behind size, where only the next Open will
		// look, if this fails as well. Frames that are whole would come out twice.
		_ = w.file.Truncate(w.size)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrote(w, end, now)
	return nil
}

// wrote notes that the frames are in w.
func (s *Spool) wrote(w *segment, end uint64, now event.Time) {
	w.size += int64(len(s.frames))
	w.end, w.last, s.next = end, now, end
	if w.onDisk() {
		s.diskErr = nil
	}
}

// failed notes that the disk does not work; memory will do for a while.
func (s *Spool) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diskErr, s.diskBad = err, time.Now()
	s.seal()
}

func (s *Spool) add(g *segment) {
	s.segments = append(s.segments, g)
	s.writing = g
}

// seal makes the next record go to another segment.
func (s *Spool) seal() {
	if s.writing != nil && s.writing.file != nil {
		s.sealed = append(s.sealed, s.writing)
		signal(s.dirty)
	}
	s.writing, s.spoiled = nil, false
}
