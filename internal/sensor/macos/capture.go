// Package macos observes execs on macOS through Endpoint Security, as told by
// Apple's eslogger: live, or from a file that somebody recorded with it.
//
// eslogger only notifies. Nothing is held back for it, so that files are
// acquired after the fact (sensor.LevelNone), and its stream is no interface that
// Apple promises to keep. So what this package needs of a line must be there or
// the line counts as lost, which is reported; everything else may be missing,
// new or of another form, which is counted.
package macos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"xnumon/internal/sensor"
)

// Stats counts what was read. Nothing of it is an error.
type Stats struct {
	Lines         uint64 // that were not empty
	Unreadable    uint64 // lines that are no message, or lack something needed
	UnknownEvents uint64 // messages of other events than exec, fork and exit
	UnknownFields uint64 // members of objects that are read, but not known
	Unusable      uint64 // members that could have been used but for their form
	NewerVersions uint64 // messages newer than this package
}

// Capture plays back lines that eslogger wrote. It implements sensor.Sensor.
type Capture struct {
	r     io.Reader
	opts  CaptureOptions
	close sync.Once

	mu     sync.Mutex
	closed bool
	stats  Stats
}

var _ sensor.Sensor = (*Capture)(nil)

// CaptureOptions say how a capture is read.
type CaptureOptions struct {
	// Warn is told about each line that could not be read, with its number and
	// why. May be nil.
	Warn func(line uint64, err error)
}

// Open returns a sensor over r, which holds lines of eslogger. It closes r if it
// is an io.Closer. The files of a recording are not at hand: their digests are
// resolved as not recorded.
func Open(r io.Reader, opts CaptureOptions) *Capture {
	return &Capture{r: r, opts: opts}
}

// Run implements sensor.Sensor.
func (c *Capture) Run(ctx context.Context, observe func(sensor.Observation) error) error {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	in := newLines(c.r)
	s := &stream{mapper: newMapper(true, observe), warn: c.opts.Warn, stats: c.setStats}
	for {
		line, err := in.next()
		switch {
		case ctx.Err() != nil || c.isClosed():
			return nil
		case err == io.EOF:
			return s.mapper.end()
		case err != nil && !errors.Is(err, errTooLong):
			return fmt.Errorf("read capture: %w", err)
		}
		if err := s.line(line, err); err != nil {
			return err
		}
	}
}

// Close implements sensor.Sensor.
func (c *Capture) Close() (err error) {
	c.close.Do(func() {
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
		if cl, ok := c.r.(io.Closer); ok {
			err = cl.Close()
		}
	})
	return err
}

func (c *Capture) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Stats returns the counts so far. It may be called at any time.
func (c *Capture) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Capture) setStats(s Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats = s
}

// stream is what lines go through: decoding, mapping, counting.
type stream struct {
	decoder decoder
	mapper  *mapper
	warn    func(line uint64, err error)
	stats   func(Stats)
	count   Stats
	number  uint64 // of the line
}

// line takes one line, or the error why there is none.
func (s *stream) line(line []byte, err error) error {
	if err == nil && len(bytes.TrimSpace(line)) == 0 {
		s.number++
		return nil
	}
	return s.mapper.message(s.decode(line, err))
}

// decode reads a line and counts.
func (s *stream) decode(line []byte, err error) (*message, error) {
	msg := &message{}
	if err == nil {
		msg, err = s.decoder.decode(line)
	}
	s.number++
	s.count.Lines++
	s.count.UnknownFields, s.count.Unusable = s.decoder.unknownFields, s.decoder.unusable
	switch {
	case err != nil:
		s.count.Unreadable++
		if s.warn != nil {
			s.warn(s.number, err)
		}
	case !msg.ours():
		s.count.UnknownEvents++
	}
	if msg.version > knownVersion {
		s.count.NewerVersions++
	}
	s.stats(s.count)
	return msg, err
}
