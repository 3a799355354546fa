package spool

import (
	"errors"
	"fmt"
	"io"
	"os"

	"xnumon/event"
)

// reader is where reading has got to. It belongs to the goroutine that reads.
type reader struct {
	started bool
	seq     uint64 // number of the record read next
	last    event.Time
	told    uint64 // losses up to this number have been counted

	segment *segment
	stream  Stream
	file    *os.File
	off     int64  // where the frame of number at begins
	at      uint64 // behind seq after a rewind
	buf     []byte
	records []Record
}

// Readable has something in it when Next may return more than it did.
func (s *Spool) Readable() <-chan struct{} { return s.readable }

// Next returns the records after those it returned last, oldest first: as many
// as there are but not more than records and not more than bytes, one if that is
// longer. They are the caller's until the next call. None means that there are
// none. In place of damaged or missing records stands a loss record, with the
// number of the last of them.
func (s *Spool) Next(records, bytes int) ([]Record, error) {
	r := &s.reader
	clear(r.records)
	r.records = r.records[:0]
	if !r.started {
		s.Rewind()
	}
	for len(r.records) == 0 {
		v, ok := s.view(r.seq)
		if !ok {
			return nil, nil
		}
		if v.first > r.seq {
			s.missing(v, v.first)
			continue
		}
		err := r.open(v)
		if err == nil {
			err = r.read(v, records, int64(bytes))
		}
		switch {
		case err == nil || len(r.records) > 0:
		case errors.Is(err, errDamaged), errors.Is(err, os.ErrNotExist):
			s.missing(v, v.end)
		default:
			return nil, fmt.Errorf("read spool: %w", err)
		}
	}
	return r.records, nil
}

// Rewind makes Next begin again after the last record acknowledged.
func (s *Spool) Rewind() {
	r := &s.reader
	r.started = true
	r.seq = s.Acked() + 1
	r.close()
	signal(s.readable)
}

// view is what can be read of a segment now.
type view struct {
	*segment
	end    uint64
	size   int64
	memory []byte
}

// view returns the first segment that ends after number seq.
func (s *Spool) view(seq uint64) (v view, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.end > seq {
			return view{segment: g, end: g.end, size: g.size, memory: g.memory}, true
		}
	}
	return v, false
}

// missing puts a loss record in the place of all records up to end, which v
// should have had, or had before it.
func (s *Spool) missing(v view, end uint64) {
	r := &s.reader
	n := end - r.seq
	s.mu.Lock()
	until := v.last
	if end-1 > r.told {
		s.lost += min(n, end-1-r.told)
		r.told = end - 1
	}
	if end == v.end && v.segment == s.writing {
		s.spoiled = true
	}
	s.mu.Unlock()
	if s.opts.Loss != nil {
		now := s.opts.Now()
		data := s.opts.Loss(nil, &event.Loss{Time: now, Source: SourceOutput, Count: n, Since: r.last, Until: until})
		r.records = append(r.records, Record{Stream: s.stream, Seq: end - 1, Time: now, Data: data})
	}
	r.seq = end
	r.close()
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
	}
	r.segment, r.file = nil, nil
}

// open makes v the segment that is read.
func (r *reader) open(v view) error {
	if r.segment == v.segment {
		return nil
	}
	r.close()
	r.off, r.stream = 0, v.stream
	if v.onDisk() {
		f, stream, err := openSegment(v.path, v.first)
		if err != nil {
			return err
		}
		r.file, r.off, r.stream = f, headerSize, stream
	}
	r.segment, r.at = v.segment, v.first
	return nil
}

// read reads records from r.seq on. Those before an error are there as well.
func (r *reader) read(v view, records int, most int64) error {
	for r.at < v.end && len(r.records) == 0 {
		b, err := r.bytes(v, most)
		if err != nil {
			return err
		}
		for first := true; r.at < v.end && len(r.records) < records; first = false {
			rec, length, err := parseFrame(b, r.stream, r.at)
			if err != nil {
				return err
			}
			if length > int64(len(b)) {
				if !first {
					break
				}
				if length > v.size-r.off || length <= most {
					return errDamaged // the segment, or its file, ends before
				}
				most = length
				break
			}
			b = b[length:]
			r.off, r.at = r.off+length, r.at+1
			if rec.Seq == r.seq {
				r.records = append(r.records, rec)
				r.seq, r.last = r.at, rec.Time
			}
		}
	}
	return nil
}

// bytes returns most bytes, or all there are, of v from r.off on.
func (r *reader) bytes(v view, most int64) ([]byte, error) {
	n := min(v.size-r.off, most)
	if r.file == nil {
		return v.memory[r.off : r.off+n], nil
	}
	if int64(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	got, err := r.file.ReadAt(b, r.off)
	if err == io.EOF {
		err = nil
	}
	return b[:got], err
}
