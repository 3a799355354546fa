package replay

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// watchedMost is how many files without a digest are waited for at once. It is
// far above what acquisition ever has under way; without it, files that nobody
// ever acquires would pile up.
const watchedMost = 1 << 16

// bufferKept is how large a buffer is kept from line to line. A line with the
// longest argument vector takes many megabytes.
const bufferKept = 1 << 20

// Writer records a stream. Its methods may be called from any goroutine.
type Writer struct {
	mu     sync.Mutex
	w      io.Writer
	lines  appender
	files  map[uint64]bool // refs in the stream, and whether their digest is there
	fresh  []*sensor.File  // first seen in the line being written
	err    error
	closed bool

	forget  atomic.Bool // files must be written by value again
	watched atomic.Int64
	stop    chan struct{}
	watches sync.WaitGroup

	freeMu   sync.Mutex // never held for long: the runtime's cleanups wait for it
	freed    []uint64   // refs of files that are no more
	freeing  []uint64
	finished bool
}

// NewWriter begins a stream on w. Every observation is one call of w.Write with
// whole lines, nothing is held back.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	r := &Writer{w: w, files: make(map[uint64]bool), stop: make(chan struct{})}
	r.lines.file = r.file
	r.lines.header(h)
	if err := r.flush(); err != nil {
		return nil, err
	}
	return r, nil
}

// Record appends an observation, which it does not keep; but the digests of its
// files are appended when they become known. After an error everything fails
// with the same one.
func (w *Writer) Record(o sensor.Observation) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return w.err
	case w.closed:
		return errors.New("record: stream is closed")
	}
	if w.forget.Swap(false) {
		clear(w.files)
	}
	w.free()
	w.fresh = w.fresh[:0]
	switch o := o.(type) {
	case *sensor.Fork:
		w.lines.fork(o)
	case *sensor.Exec:
		if err := checkFiles(o); err != nil {
			return err
		}
		w.lines.exec(o)
	case *sensor.Exit:
		w.lines.exit(o)
	case *sensor.Process:
		if o.Image != nil && o.Image.Ref == 0 {
			return errNoRef
		}
		w.lines.process(o)
	case *sensor.Lost:
		w.lines.lost(o)
	case *sensor.Digest:
		if o.Ref == 0 {
			return errNoRef
		}
		w.digest(o)
	default:
		return fmt.Errorf("record: unknown observation %T", o)
	}
	for _, f := range w.fresh {
		runtime.AddCleanup(f, w.gone, f.Ref)
		if d := f.Digest(); d != nil {
			w.digest(d)
		} else {
			w.watch(f)
		}
	}
	clear(w.fresh) // it must not keep files alive
	return w.flush()
}

var errNoRef = errors.New("record: file without a ref")

func checkFiles(o *sensor.Exec) error {
	if o.Image == nil {
		return errors.New("record: exec without an image")
	}
	if o.Image.Ref == 0 {
		return errNoRef
	}
	for _, f := range o.Interpreters {
		if f == nil || f.Ref == 0 {
			return errNoRef
		}
	}
	return nil
}

// file writes a file by value if it is new, and else its ref.
func (w *Writer) file(f *sensor.File) {
	if _, ok := w.files[f.Ref]; ok {
		w.lines.b = strconv.AppendUint(w.lines.b, f.Ref, 10)
		return
	}
	w.files[f.Ref] = false
	w.fresh = append(w.fresh, f)
	w.lines.fileObject(f)
}

// digest appends a digest unless it is there.
func (w *Writer) digest(d *sensor.Digest) {
	there, known := w.files[d.Ref]
	if there {
		return
	}
	if known {
		w.files[d.Ref] = true
	}
	w.lines.digest(d)
}

// watch waits for the digest of a file.
func (w *Writer) watch(f *sensor.File) {
	if w.watched.Add(1) > watchedMost {
		w.watched.Add(-1)
		return
	}
	w.watches.Go(func() {
		defer w.watched.Add(-1)
		select {
		case <-f.Done():
		case <-w.stop:
		}
		d := f.Digest()
		if d == nil {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.digest(d)
		_ = w.flush()        // Record and Close tell
		runtime.KeepAlive(f) // no free line before the digest
	})
}

// gone notes that a file is out of everybody's reach, so that no observation can
// refer to it any more. The garbage collector calls it, which must not wait for
// the disk.
func (w *Writer) gone(ref uint64) {
	w.freeMu.Lock()
	defer w.freeMu.Unlock()
	if !w.finished {
		w.freed = append(w.freed, ref)
	}
}

// free appends lines for the files that are gone.
func (w *Writer) free() {
	w.freeMu.Lock()
	w.freed, w.freeing = w.freeing[:0], w.freed
	w.freeMu.Unlock()
	for _, ref := range w.freeing {
		if _, ok := w.files[ref]; ok {
			delete(w.files, ref)
			w.lines.free(ref)
		}
	}
}

func (w *Writer) flush() error {
	if len(w.lines.b) == 0 || w.err != nil {
		w.lines.b = w.lines.b[:0]
		return w.err
	}
	_, err := w.w.Write(w.lines.b)
	if w.lines.b = w.lines.b[:0]; cap(w.lines.b) > bufferKept {
		w.lines.b = nil
	}
	if err != nil {
		w.err = fmt.Errorf("record: %w", err)
	}
	return w.err
}

// AppendLoss appends a line which says that lines of the stream itself were lost on their way
// to the file, and has files written by value again, since lines that did so
// may be among them. It is for a queue between the Writer and the file, and does
// not wait for the Writer.
func (w *Writer) AppendLoss(dst []byte, l *event.Loss) []byte {
	w.forget.Store(true)
	a := appender{b: dst}
	a.lost(&sensor.Lost{
		Time: l.Time, Source: l.Source, Count: l.Count, Since: l.Since, Until: l.Until, Lineage: true,
	})
	return a.b
}

// Close appends the digests that have become known and ends the stream. It does
// not close the underlying writer. The error is that of the first write that failed.
func (w *Writer) Close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.stop)
	}
	w.mu.Unlock()
	w.watches.Wait()

	w.freeMu.Lock()
	w.finished, w.freed = true, nil
	w.freeMu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
