package macho

import (
	"bytes"
	"fmt"
	"hash"
	"io"
)

// A Checker is given the bytes of a file from its start to its end, in order,
// and finds out whether they hold the code that it was made for. Whoever hashes
// the same bytes on the way knows that hash and code belong together. It
// implements io.Writer; Write never fails. It is for one goroutine.
type Checker struct {
	code *Code
	off  int64 // how much of the file was seen
	page hash.Hash
	slot int64 // the next one to check
	seen int64 // bytes of that page
	bad  error
}

// Checker returns a checker for this code.
func (c *Code) Checker() *Checker {
	return &Checker{code: c, page: c.direct.hash.New()}
}

// Verify reads the code's file and checks it.
func (c *Code) Verify(r io.Reader) error {
	k := c.Checker()
	if _, err := io.Copy(k, r); err != nil {
		return fmt.Errorf("read code: %w", err)
	}
	return k.Err()
}

func (k *Checker) Write(p []byte) (int, error) {
	if k.bad == nil {
		k.pages(p)
		k.signature(p)
	}
	k.off += int64(len(p))
	return len(p), nil
}

// Err says, after the last byte, whether all of the code was right. The error
// wraps ErrModified.
func (k *Checker) Err() error {
	if k.bad != nil {
		return k.bad
	}
	if want := max(k.code.blob.end(), k.code.slice.off+k.code.direct.limit); k.off < want {
		return fmt.Errorf("file ends at %d of %d: %w", k.off, want, ErrModified)
	}
	return nil
}

func (k *Checker) pages(p []byte) {
	cd := k.code.direct
	p = overlap(p, k.off, extent{k.code.slice.off, cd.limit})
	for len(p) > 0 {
		// The last page ends with the code, not on its boundary.
		size := cd.limit - k.slot*cd.pageSize
		if cd.pageSize > 0 {
			size = min(size, cd.pageSize)
		}
		n := min(int64(len(p)), size-k.seen)
		k.page.Write(p[:n])
		p, k.seen = p[n:], k.seen+n
		if k.seen < size {
			return
		}
		want := cd.slots[k.slot*int64(cd.hashSize):][:cd.hashSize]
		if !bytes.Equal(k.page.Sum(nil)[:cd.hashSize], want) {
			k.bad = fmt.Errorf("page %d: %w", k.slot, ErrModified)
			return
		}
		k.page.Reset()
		k.slot, k.seen = k.slot+1, 0
	}
}

// signature compares the signature that is passing with the one that was parsed:
// the code directory is part of what is hashed, too.
func (k *Checker) signature(p []byte) {
	blob := k.code.blob
	start := max(k.off-blob.off, 0)
	p = overlap(p, k.off, blob)
	if len(p) > 0 && !bytes.Equal(p, k.code.raw[start:start+int64(len(p))]) {
		k.bad = fmt.Errorf("signature changed while it was read: %w", ErrModified)
	}
}

// overlap returns the part of p, which starts at off in the file, that lies in e.
func overlap(p []byte, off int64, e extent) []byte {
	from := max(e.off-off, 0)
	to := min(e.end()-off, int64(len(p)))
	if from >= to {
		return nil
	}
	return p[from:to]
}
