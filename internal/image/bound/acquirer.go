// Package bound acquires files that nobody held while they were executed and
// that the kernel described at that moment: by a stat, and for signed code by
// the hash of its code directory.
//
// A digest is given out if the file was the one described before and after it
// was read, and for signed code only if the bytes that were hashed are, page by
// page, the code that the kernel admitted. Everything else is a missing digest with
// its reason.
package bound

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/image"
	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

// A Coder is an Opener that knows which code the kernel admitted from the file:
// false if that was none, or unsigned.
type Coder interface {
	Code() (macho.Arch, macho.CDHash, bool)
}

// waiting is how many files may wait to be read. When as many do, further ones
// go without a digest: reading is never waited for.
const waiting = 1024

// Acquirer acquires files. Its methods may be called from several goroutines.
// Close ends its own.
type Acquirer struct {
	hashes image.Hashes
	cache  cache
	done   sync.WaitGroup

	mu     sync.Mutex
	under  map[*sensor.File]bool
	queue  chan *sensor.File
	closed bool
}

// New starts an Acquirer.
func New(hashes image.Hashes) *Acquirer {
	a := &Acquirer{hashes: hashes, under: map[*sensor.File]bool{}, queue: make(chan *sensor.File, waiting)}
	// More than there are processors, so that one slow file does not make all others wait.
	for range max(4, runtime.NumCPU()) {
		a.done.Go(a.work)
	}
	return a
}

// Acquire acquires a file, unless that is under way already. It returns at once.
func (a *Acquirer) Acquire(f *sensor.File) {
	if f.Digest() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.under[f]:
	case a.closed:
		f.Resolve(sensor.Digest{Reason: event.ReasonLost})
	case f.Opener == nil:
		f.Resolve(sensor.Digest{Reason: event.ReasonNotHeld})
	case !a.hashes.Any():
		f.Resolve(sensor.Digest{})
	default:
		select {
		case a.queue <- f:
			a.under[f] = true
		default:
			f.Resolve(sensor.Digest{Reason: event.ReasonTimeout})
		}
	}
}

// Close ends the work. Files not yet acquired resolve with ReasonLost.
func (a *Acquirer) Close() {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.queue)
	}
	a.mu.Unlock()
	a.done.Wait()
}

func (a *Acquirer) work() {
	for f := range a.queue {
		a.mu.Lock()
		closed := a.closed
		a.mu.Unlock()
		d := sensor.Digest{Reason: event.ReasonLost}
		if !closed {
			d = a.digest(f)
		}
		a.mu.Lock()
		delete(a.under, f)
		a.mu.Unlock()
		f.Resolve(d)
	}
}

func (a *Acquirer) digest(f *sensor.File) sensor.Digest {
	var arch macho.Arch
	var want macho.CDHash
	signed := false
	if c, ok := f.Opener.(Coder); ok {
		arch, want, signed = c.Code()
	}
	if signed {
		if d, ok := a.cache.get(f.ID, want); ok {
			return d
		}
	}
	begun := time.Now()
	fd, err := f.Opener.Open()
	if err != nil {
		return sensor.Digest{Reason: reason(err)}
	}
	file := os.NewFile(uintptr(fd), f.Path)
	defer file.Close()

	d, err := a.read(file, f.ID.Size, signed, arch, want)
	if err != nil {
		return sensor.Digest{Reason: reason(err)}
	}
	if now, _, err := f.Opener.State(fd); err != nil {
		return sensor.Digest{Reason: reason(err)}
	} else if now.Identity != f.ID {
		return sensor.Digest{Reason: event.ReasonModified}
	}
	if signed {
		a.cache.put(f.ID, want, begun, d)
	}
	return d
}

// read hashes a file and, if it is signed, checks the very bytes it hashes.
func (a *Acquirer) read(file *os.File, size int64, signed bool, arch macho.Arch, want macho.CDHash) (d sensor.Digest, err error) {
	h256, h1, h5 := sha256.New(), sha1.New(), md5.New()
	var to []io.Writer
	for _, h := range []struct {
		wanted bool
		w      io.Writer
	}{{a.hashes.SHA256, h256}, {a.hashes.SHA1, h1}, {a.hashes.MD5, h5}} {
		if h.wanted {
			to = append(to, h.w)
		}
	}
	var check *macho.Checker
	if signed {
		code, err := macho.Find(file, size, arch, want)
		if err != nil {
			return d, fmt.Errorf("%s: %w: %w", file.Name(), errUnproven, err)
		}
		check, d.CertCN = code.Checker(), code.CertCN
		to = append(to, check)
	}
	n, err := io.Copy(io.MultiWriter(to...), io.LimitReader(file, size+1))
	switch {
	case err != nil:
		return d, fmt.Errorf("read: %w", err)
	case n != size:
		return d, fmt.Errorf("%s: %w", file.Name(), sensor.ErrChanged)
	case check != nil && check.Err() != nil:
		return d, fmt.Errorf("%s: %w", file.Name(), check.Err())
	}
	d.SHA256 = sum(a.hashes.SHA256, h256)
	d.SHA1 = sum(a.hashes.SHA1, h1)
	d.MD5 = sum(a.hashes.MD5, h5)
	return d, nil
}

func sum(wanted bool, h hash.Hash) string {
	if !wanted {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// errUnproven: what the kernel found in the file is not found, or not understood.
var errUnproven = errors.New("code not found")

func reason(err error) event.Reason {
	switch {
	case errors.Is(err, sensor.ErrChanged), errors.Is(err, macho.ErrMismatch), errors.Is(err, macho.ErrModified):
		return event.ReasonModified
	case errors.Is(err, sensor.ErrGone):
		return event.ReasonGone
	case errors.Is(err, errUnproven):
		return event.ReasonUnverifiable
	}
	return event.ReasonUnreadable
}
