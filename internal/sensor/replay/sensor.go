package replay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"xnumon/event"
	"xnumon/internal/sensor"
)

const (
	// lookahead is how many observations may be held back until the digests of
	// the one before them are there.
	lookahead = 4096
	// longest is how many bytes a line may have. Argument vector and environment
	// have 6 MiB at most (the kernel's limit), which escapes make longer.
	longest = 64 << 20
)

// Stats count what was found in a stream.
type Stats struct {
	Lines          int  // the header included
	Observations   int  // delivered
	UnknownLines   int  // of types that this reader does not know
	UnknownMembers int  // of lines of types that it knows
	Unmatched      int  // refs and digests of files that the stream does not hold
	Truncated      bool // the last line was cut off
}

// Sensor plays a stream back. Observations come in the order of the stream. A
// file has its digest by the time an observation of it is delivered if that
// comes within the next few thousand observations; it gets it later if it comes
// later; and a digest that does not come at all is resolved with
// event.ReasonNotRecorded when the stream ends.
type Sensor struct {
	name    string
	in      io.ReadCloser
	lines   *bufio.Reader
	long    []byte // a line longer than the buffer of lines
	header  Header
	dec     decoder
	pending []sensor.Observation // read and not delivered
	closed  atomic.Bool
	ran     atomic.Bool
}

var _ sensor.Sensor = (*Sensor)(nil)

// Open opens a recorded file.
func Open(path string) (*Sensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return New(path, f)
}

// New reads the header of a stream. Name is what errors call it. The Sensor owns
// in, and closes it also when New fails.
func New(name string, in io.ReadCloser) (*Sensor, error) {
	s := &Sensor{name: name, in: in, lines: bufio.NewReaderSize(in, 256<<10)}
	s.dec.files = make(map[uint64]*sensor.File)
	line, err := s.line()
	switch {
	case err == io.EOF && len(line) == 0:
		err = errors.New("empty")
	case err == nil, err == io.EOF:
		s.header, err = parseHeader(line)
	}
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// Header returns the header of the stream.
func (s *Sensor) Header() Header { return s.header }

// Stats returns what was counted until the return of Run. It must not be called
// during Run by another goroutine than the one that observes.
func (s *Sensor) Stats() Stats { return s.dec.stats }

// Close implements sensor.Sensor.
func (s *Sensor) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.in.Close()
}

// Run implements sensor.Sensor. It can be called once. An error names file and
// line, and everything before that line has been delivered.
func (s *Sensor) Run(ctx context.Context, observe func(sensor.Observation) error) error {
	if s.ran.Swap(true) {
		return fmt.Errorf("%s: has been played back already", s.name)
	}
	// A pipe that nobody writes to must not keep Run from ending.
	defer context.AfterFunc(ctx, func() { s.Close() })()
	// Nobody may wait for a digest that will not come.
	defer s.resolveAll()
	var refused error
	err := s.play(ctx, func(o sensor.Observation) error {
		refused = observe(o)
		return refused
	})
	if refused == nil && (ctx.Err() != nil || s.closed.Load()) {
		return nil
	}
	return err
}

func (s *Sensor) play(ctx context.Context, observe func(sensor.Observation) error) error {
	for {
		line, err := s.line()
		if err != nil && err != io.EOF {
			s.resolveAll()
			return errors.Join(s.deliver(ctx, observe, 0), s.at(err))
		}
		cut := err == io.EOF
		if cut && len(line) == 0 {
			s.resolveAll()
			return s.deliver(ctx, observe, 0)
		}
		o, err := s.dec.decode(line)
		if err != nil {
			s.resolveAll()
			rest := s.deliver(ctx, observe, 0)
			if cut && rest == nil {
				s.dec.stats.Truncated = true // the monitor was killed while it wrote
				return nil
			}
			return errors.Join(rest, s.at(err))
		}
		if o != nil {
			s.pending = append(s.pending, o)
		}
		if err := s.deliver(ctx, observe, lookahead); err != nil {
			return err
		}
	}
}

// deliver delivers observations whose digests are known, and all beyond the first
// most.
func (s *Sensor) deliver(ctx context.Context, observe func(sensor.Observation) error, most int) error {
	n := 0
	for ; n < len(s.pending); n++ {
		if len(s.pending)-n <= most && !resolved(s.pending[n]) {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		s.dec.stats.Observations++
		if err := observe(s.pending[n]); err != nil {
			return err
		}
		s.pending[n] = nil
	}
	if n == len(s.pending) {
		s.pending = s.pending[:0]
	} else if n > 0 {
		s.pending = s.pending[n:]
	}
	return nil
}

// resolved says whether the digests of all files of an observation are known.
func resolved(o sensor.Observation) bool {
	switch o := o.(type) {
	case *sensor.Exec:
		for _, f := range o.Interpreters {
			if f.Digest() == nil {
				return false
			}
		}
		return o.Image.Digest() != nil
	case *sensor.Process:
		return o.Image == nil || o.Image.Digest() != nil
	}
	return true
}

func (s *Sensor) resolveAll() {
	for _, f := range s.dec.files {
		f.Resolve(sensor.Digest{Reason: event.ReasonNotRecorded})
	}
}

func (s *Sensor) at(err error) error {
	return fmt.Errorf("%s:%d: %w", s.name, s.dec.stats.Lines, err)
}

// line reads a line, without its line feed. At the end of the stream it returns
// io.EOF and what there is of a line.
func (s *Sensor) line() ([]byte, error) {
	line, err := s.lines.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		s.long = s.long[:0]
		for err == bufio.ErrBufferFull && len(s.long) <= longest {
			s.long = append(s.long, line...)
			line, err = s.lines.ReadSlice('\n')
		}
		if line = append(s.long, line...); len(line) > longest {
			err = fmt.Errorf("line of more than %d bytes", longest)
		}
		s.long = line
	}
	if len(line) > 0 || err != io.EOF {
		s.dec.stats.Lines++
	}
	if err == nil {
		line = line[:len(line)-1]
	}
	return line, err
}
