package linux

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// ring reads the ring of events. When it is woken is for the BPF programs to say, see
// wake_soon in bpf/maps.h. Reading belongs to one goroutine.
//
// It does not wait in the epoll descriptor that a ringbuf.Reader has of its own, see pollable.
type ring struct {
	reader *ringbuf.Reader
	wakes  *pollable

	mu     sync.Mutex
	closed bool
}

func newRing(events *ebpf.Map) (_ *ring, err error) {
	r := &ring{}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.reader, err = ringbuf.NewReader(events); err != nil {
		return nil, fmt.Errorf("map the ring of events: %w", err)
	}
	// A reader with a deadline that is over looks into the ring and does not wait.
	r.reader.SetDeadline(time.Unix(1, 0))
	if r.wakes, err = newPollable(events.FD(), "ring of events"); err != nil {
		return nil, err
	}
	return r, nil
}

// close may be called while another goroutine reads or waits.
func (r *ring) close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	var errs []error
	if r.wakes != nil {
		errs = append(errs, r.wakes.file.Close())
	}
	if r.reader != nil {
		errs = append(errs, r.reader.Close())
	}
	return errors.Join(errs...)
}

// available is how many bytes wait to be read.
func (r *ring) available() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0
	}
	return r.reader.AvailableBytes()
}

// read reads one record and does not wait: where there is none it returns
// os.ErrDeadlineExceeded. After close it returns an error that ended knows.
func (r *ring) read(rec *ringbuf.Record) error { return r.reader.ReadInto(rec) }

// wait returns os.ErrDeadlineExceeded when it was woken, or after tick, and after close an error
// that ended knows.
func (r *ring) wait() error {
	err := r.wakes.file.SetReadDeadline(time.Now().Add(tick))
	if err == nil {
		asked := false
		err = r.wakes.conn.Read(func(uintptr) bool {
			// The poller forgets what has woken it before, so this has to look once more.
			if asked || r.available() > 0 {
				return true
			}
			asked = true
			return false
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return os.ErrClosed // the poller has an error of its own for that
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	return fmt.Errorf("wait for the ring of events: %w", err)
}
