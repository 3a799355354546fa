package spool

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
)

// The cursor file says how far the reader has got, all integers little-endian:
//
//	magic (8), stream (16), acknowledged up to (8), next number (8), 1 after Close (4), CRC-32C of those (4)
//
// It is replaced as a whole. An old one, or none, means that records come twice.
const (
	cursorMagic = "xncursr\x01"
	cursorName  = "cursor"
	cursorSize  = 48
)

type cursor struct {
	stream Stream
	acked  uint64
	next   uint64
	clean  bool // written by Close
}

func (c cursor) encode() []byte {
	b := append(make([]byte, 0, cursorSize), cursorMagic...)
	b = append(b, c.stream[:]...)
	b = binary.LittleEndian.AppendUint64(b, c.acked)
	b = binary.LittleEndian.AppendUint64(b, c.next)
	clean := uint32(0)
	if c.clean {
		clean = 1
	}
	b = binary.LittleEndian.AppendUint32(b, clean)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func parseCursor(b []byte) (c cursor, ok bool) {
	const sum = cursorSize - 4
	if len(b) != cursorSize || string(b[:len(cursorMagic)]) != cursorMagic ||
		crc32.Checksum(b[:sum], castagnoli) != binary.LittleEndian.Uint32(b[sum:]) {
		return c, false
	}
	copy(c.stream[:], b[8:])
	c.acked = binary.LittleEndian.Uint64(b[24:])
	c.next = binary.LittleEndian.Uint64(b[32:])
	c.clean = binary.LittleEndian.Uint32(b[40:]) == 1
	return c, c.next > c.acked && c.next < numberMost
}

// save replaces the cursor file; durable waits until it is on the disk.
func (s *Spool) save(c cursor, durable bool) error {
	path := filepath.Join(s.dir, cursorName)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(c.encode())
	if err == nil && durable {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	if durable {
		return syncDir(s.dir)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
