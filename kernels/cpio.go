package main

import (
	"fmt"
	"io"
)

// cpio writes an archive in the form that the kernel unpacks an initramfs from: "newc"
// (Documentation/driver-api/early-userspace/buffer-format.rst). Everything belongs to root.
type cpio struct {
	w   io.Writer
	err error
	ino int
	n   int
}

// File types of st_mode.
const (
	typeDir  = 0o040000
	typeFile = 0o100000
)

func (c *cpio) dir(name string) { c.entry(name, typeDir|0o755, nil) }

func (c *cpio) file(name string, mode int, text []byte) { c.entry(name, typeFile|mode, text) }

// end writes the trailer and returns what went wrong since the beginning.
func (c *cpio) end() error {
	c.entry("TRAILER!!!", 0, nil)
	return c.err
}

func (c *cpio) entry(name string, mode int, text []byte) {
	c.ino++
	// magic, inode, mode, uid, gid, links, mtime, size, device and its minor, special
	// file and its minor, length of the name with its NUL, checksum
	c.write([]byte(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		c.ino, mode, 0, 0, 1, 0, len(text), 0, 0, 0, 0, len(name)+1, 0)))
	c.write(append([]byte(name), 0))
	c.pad()
	c.write(text)
	c.pad()
}

// pad goes on to the next multiple of four.
func (c *cpio) pad() { c.write(make([]byte, -c.n&3)) }

func (c *cpio) write(b []byte) {
	if c.err == nil {
		var n int
		n, c.err = c.w.Write(b)
		c.n += n
	}
}
