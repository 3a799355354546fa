//go:build unix

package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// checkPath is how often is looked what is at the path of a file.
	checkPath = time.Second
	// missingMost is how long a file that was renamed away is written to, for
	// somebody else to make the new one with the owner and mode it is to have.
	missingMost = 5 * time.Second
)

// file is an Output on the file at a path, whichever that is: when the path
// leads to another file, or to none for a while, it is opened again, between two
// records. A file that is truncated is appended to from its new end.
type file struct {
	path   string
	rotate int64 // bytes after which a file is full, 0 for no end
	keep   int
	warn   func(string)

	reopen  atomic.Bool // asked for by Reopen
	mid     bool        // in the middle of a record
	size    int64
	checked time.Time
	missing time.Time // since when there is nothing at path
	turned  time.Time // when it was rotated last, or should have been
	failed  string    // what was warned of last

	mu          sync.Mutex // Interrupt can come while a file is opened
	d           *descriptor
	interrupted bool
}

var _ RecordOutput = (*file)(nil)

// openFile opens the file at path like Open. What is not a regular file is
// nothing but what Open returns.
func openFile(path string, o fileOptions) (Output, error) {
	out, err := Open(path)
	if err != nil {
		return nil, err
	}
	d, ok := out.(*descriptor)
	if !ok || !d.regular {
		return out, nil
	}
	f := &file{path: path, rotate: o.rotate, keep: max(o.keep, 1), warn: o.warn, d: d, checked: time.Now()}
	if f.size, err = size(d); err != nil {
		d.Close()
		return nil, err
	}
	return f, nil
}

func size(d *descriptor) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return 0, fmt.Errorf("stat %s: %w", d.name, err)
	}
	return st.Size, nil
}

// Reopen makes the next record go to what is then at the path.
func (f *file) Reopen() { f.reopen.Store(true) }

// Write implements Output.
func (f *file) Write(p []byte) (int, error) { return f.WriteRecords(p, []int{len(p)}) }

// WriteRecords implements RecordOutput.
func (f *file) WriteRecords(p []byte, ends []int) (int, error) {
	if !f.mid {
		f.renew(ends[0])
	}
	if f.rotate > 0 { // as many records as there is room for, one if there is none
		fit := ends[0]
		for _, end := range ends {
			if f.size+int64(end) <= f.rotate {
				fit = end
			}
		}
		p = p[:fit]
	}
	n, err := f.d.Write(p)
	f.size += int64(n)
	if n > 0 {
		_, end := slices.BinarySearch(ends, n)
		f.mid = !end
	}
	return n, err
}

// renew sees to it that f.d is the file to write a record of n bytes to. What
// goes wrong with that is no reason not to write it to the one there is.
func (f *file) renew(n int) {
	now := time.Now()
	err := f.look(now)
	if f.rotate > 0 && f.size > 0 && f.size+int64(n) > f.rotate && err == nil {
		if now.Sub(f.turned) < checkPath && f.failed != "" {
			return // it just did not work
		}
		f.turned = now
		err = f.turn()
	}
	switch {
	case err == nil:
		f.failed = ""
	case err.Error() != f.failed:
		f.failed = err.Error()
		if f.warn != nil {
			f.warn(f.failed)
		}
	}
}

// look opens the file at the path if that is another one.
func (f *file) look(now time.Time) error {
	asked := f.reopen.Swap(false)
	if !asked && now.Sub(f.checked) < checkPath {
		return nil
	}
	f.checked = now
	same, err := f.same()
	switch {
	case err == nil && same:
		f.missing = time.Time{}
		f.size, err = size(f.d)
		return err
	case err == nil, asked:
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for %s: %w", f.path, err)
	case f.missing.IsZero():
		f.missing = now
		return nil
	case now.Sub(f.missing) < missingMost:
		return nil
	}
	return f.open()
}

// same says whether f.d is the file at the path.
func (f *file) same() (bool, error) {
	var here, there unix.Stat_t
	if err := unix.Fstat(f.d.fd, &here); err != nil {
		return false, err
	}
	if err := unix.Stat(f.path, &there); err != nil {
		return false, err
	}
	return here.Dev == there.Dev && here.Ino == there.Ino, nil
}

// open opens the file at the path in place of the one that was open.
func (f *file) open() error {
	out, err := Open(f.path)
	if err != nil {
		return err
	}
	d, ok := out.(*descriptor)
	if !ok || !d.regular {
		out.Close()
		return fmt.Errorf("open %s: it is no regular file any more", f.path)
	}
	n, err := size(d)
	if err != nil {
		d.Close()
		return err
	}
	f.mu.Lock()
	old := f.d
	f.d, f.size, f.missing = d, n, time.Time{}
	if f.interrupted {
		d.Interrupt()
	}
	f.mu.Unlock()
	return old.Close()
}

// turn renames the file and those before it, path.1 being the newest, and opens
// a new one.
func (f *file) turn() error {
	if same, err := f.same(); err != nil || !same {
		f.checked = time.Time{}
		return f.look(time.Now()) // somebody else was faster
	}
	name := func(n int) string {
		if n == 0 {
			return f.path
		}
		return fmt.Sprintf("%s.%d", f.path, n)
	}
	for n := f.keep - 1; n >= 0; n-- {
		if err := os.Rename(name(n), name(n+1)); err != nil && (n == 0 || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("rotate: %w", err)
		}
	}
	return f.open()
}

// Interrupt implements Output.
func (f *file) Interrupt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.interrupted = true
	f.d.Interrupt()
}

// Close implements Output.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.d.Close()
}
