// Package spool keeps records on disk until somebody else has them.
//
// A Spool is a queue of records in a directory of its own, in files that are
// only appended to (segments). Each record has a number, the time at which it
// was appended, and a checksum. What is read is kept until it is acknowledged,
// so that it can be read again after the reader, the machine it sends to, or
// this machine has failed: every record comes out at least once.
//
// What can be lost, and how much of it is said:
//
//   - When the process dies, nothing that Append took.
//   - When the machine dies, what was not on the disk yet: a record is there at
//     the latest SyncInterval after it was appended, unless it was acknowledged
//     first. It is not waited for.
//   - When a segment is damaged, the rest of that segment, counted exactly.
//   - While the disk takes nothing, records are kept in memory, and die with
//     the process.
//
// After a run that did not end with Close, and wherever records are missing, a
// loss record takes their place.
package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"xnumon/event"
)

const (
	// DefaultLimit is how many bytes a Spool holds unless it is told.
	DefaultLimit = 1 << 30
	// DefaultMemory is how many bytes it holds while the disk takes none.
	DefaultMemory = 4 << 20
	// SyncInterval is how long records wait to be forced to the disk, and how old
	// the remembered acknowledgement can be.
	SyncInterval = time.Second

	// SourceOutput is the source in the loss records of a Spool: records, not
	// observations, were lost.
	SourceOutput = "output"

	segmentMost   = 4 << 20
	segmentLeast  = 64 << 10
	memorySegment = 256 << 10
	diskRetry     = time.Second
)

// ErrInterrupted is returned by an Append that waited for room when Interrupt came.
var ErrInterrupted = errors.New("interrupted")

// errMemory is why records are lost that were only kept in memory.
var errMemory = errors.New("no directory to keep them in")

// Stream names a run of sequence numbers without repetitions: a number never
// means two records in one stream.
type Stream [16]byte

// String is the stream in lower-case hexadecimal.
func (s Stream) String() string { return fmt.Sprintf("%x", s[:]) }

// Record is one record of a Spool.
type Record struct {
	Stream Stream
	Seq    uint64     // counts up by one from 1, through all streams of a directory
	Time   event.Time // when it was appended
	Data   []byte
}

// Options of a Spool.
type Options struct {
	// Limit is how many bytes may wait on disk, or in memory where there is no
	// directory; DefaultLimit if zero. One batch longer than that is taken when
	// nothing else waits.
	Limit int64
	// Memory is how many bytes may wait in memory while the disk takes none,
	// DefaultMemory if zero.
	Memory int64
	// Loss encodes the records that take the place of missing ones. It is called
	// by Open and by the reader. Nil leaves them out.
	Loss func(dst []byte, l *event.Loss) []byte
	// Now is the clock; nil means time.Now.
	Now func() event.Time
}

// Stats say what is in a Spool.
type Stats struct {
	Records   uint64 // appended and not acknowledged
	Bytes     int64  // that the segments use
	InMemory  int64  // of these, bytes that would die with the process
	Lost      uint64 // records found damaged or missing since Open, where the number is known
	LastError error  // of the disk; nil when it worked the last time
}

// Spool is a queue of records on disk. One goroutine appends; another one
// reads, rewinds and acknowledges; the other methods may be called from any.
type Spool struct {
	dir     string // empty: everything is kept in memory
	opts    Options
	segment int64 // length at which a segment is full
	lock    *os.File

	readable  chan struct{} // the reader may find something
	freed     chan struct{} // an Append may find room
	stop      chan struct{} // closed by Interrupt
	stopOnce  sync.Once
	dirty     chan struct{} // there is something for the syncer
	closing   chan struct{} // closed by Close
	synced    chan struct{} // closed when the syncer has ended
	closed    sync.Once
	closeErr  error
	closeLost uint64

	frames []byte // of the batch being appended
	owed   []byte // the loss record that comes before it
	reader reader

	mu       sync.Mutex
	stream   Stream
	segments []*segment // oldest first
	writing  *segment   // the last one, when it takes more
	next     uint64     // number of the record appended next
	acked    uint64     // everything up to this one is done with
	savedAck uint64     // what the cursor file says
	sealed   []*segment // files to be synced and closed
	doomed   []string   // files to be removed
	waiting  bool       // an Append waits for room
	spoiled  bool       // what is written into the segment cannot be read back
	lost     uint64
	diskErr  error
	diskBad  time.Time // when diskErr came
}

// Open opens the spool in dir, which is made for its owner alone if it is not
// there. With an empty dir the records are only kept in memory. A spool has one
// owner at a time.
func Open(dir string, o Options) (*Spool, error) {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	if o.Now == nil {
		o.Now = func() event.Time { return event.Time(time.Now().UnixNano()) }
	}
	s := &Spool{
		dir: dir, opts: o, next: 1,
		segment:  min(max(o.Limit/16, segmentLeast), segmentMost),
		readable: make(chan struct{}, 1), freed: make(chan struct{}, 1),
		stop: make(chan struct{}), dirty: make(chan struct{}, 1),
		closing: make(chan struct{}), synced: make(chan struct{}),
	}
	if dir == "" {
		s.opts.Memory = o.Limit
		if _, err := rand.Read(s.stream[:]); err != nil {
			return nil, fmt.Errorf("name a stream: %w", err)
		}
	} else if err := s.recover(); err != nil {
		s.unlock()
		return nil, err
	}
	go s.sync()
	return s, nil
}

func (s *Spool) used() (disk, memory int64) {
	for _, g := range s.segments {
		if g.onDisk() {
			disk += g.size
		} else {
			memory += g.size
		}
	}
	return disk, memory
}

// Ack says that all records up to number seq have arrived. They will not be
// read again, unless the process dies within SyncInterval.
func (s *Spool) Ack(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.acked {
		return
	}
	s.acked = min(seq, s.next-1)
	s.drop()
	signal(s.freed)
	signal(s.dirty)
}

// Acked returns the number up to which all records have arrived.
func (s *Spool) Acked() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

// Last returns the number of the last record appended.
func (s *Spool) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next - 1
}

// Full says that an Append waits for room. Readable tells when one begins to.
func (s *Spool) Full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// SetLimit changes Options.Limit. What is there already stays.
func (s *Spool) SetLimit(n int64) {
	if n <= 0 {
		n = DefaultLimit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Limit = n
	if s.dir == "" {
		s.opts.Memory = n
	}
	signal(s.freed)
}

// drop forgets the segments that nobody needs; the syncer removes their files.
func (s *Spool) drop() {
	keep := s.segments[:0]
	for _, g := range s.segments {
		if g == s.writing || g.end > s.acked+1 {
			keep = append(keep, g)
			continue
		}
		if g.onDisk() {
			s.doomed = append(s.doomed, g.path)
			signal(s.dirty)
		}
	}
	clear(s.segments[len(keep):])
	s.segments = keep
}

// Stats returns what is in the spool.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	disk, memory := s.used()
	return Stats{
		Records: s.next - 1 - s.acked, Bytes: disk + memory, InMemory: memory,
		Lost: s.lost, LastError: s.diskErr,
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
