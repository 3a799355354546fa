package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xnumon/event"
)

// A segment file is a header and frames, all integers little-endian:
//
//	header: magic (8), stream (16), number of the first record (8), CRC-32C of those (4), zero (4)
//	frame:  CRC-32C of the rest (4), length of the data (4), number (8), time in ns (8), data
//
// A frame's checksum begins with the stream, so that a frame that was left in a
// file by another stream is not taken for one of this.
const (
	segmentMagic = "xnspool\x01"
	headerSize   = 40
	frameSize    = 24

	// Suffix ends the names of segment files.
	Suffix = ".seg"

	// recordMost is the longest record: far longer than any that can be made,
	// so that a damaged length is seen as such.
	recordMost = 256 << 20
	// numberMost is more than any number there can be.
	numberMost = 1 << 62
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is a run of records, in a file or in memory.
type segment struct {
	path   string // empty in memory
	stream Stream
	first  uint64     // number of its first record
	end    uint64     // one more than the number of its last
	size   int64      // bytes that are records, or the header
	last   event.Time // when its last record was appended, or its file written to
	file   *os.File   // open for writing; the syncer closes it
	memory []byte     // frames without a header
	synced int64      // bytes that are on the disk for sure; only for the syncer
}

func (g *segment) onDisk() bool { return g.path != "" }

// full says that n bytes more are too many, if there are any.
func (g *segment) full(n, most int64) bool { return g.end > g.first && g.size+n > most }

func appendFrame(dst []byte, stream Stream, seq uint64, now event.Time, data []byte) []byte {
	var h [frameSize]byte
	binary.LittleEndian.PutUint32(h[4:], uint32(len(data)))
	binary.LittleEndian.PutUint64(h[8:], seq)
	binary.LittleEndian.PutUint64(h[16:], uint64(now))
	start := len(dst)
	dst = append(append(dst, h[:]...), data...)
	binary.LittleEndian.PutUint32(dst[start:], frameChecksum(stream, dst[start:]))
	return dst
}

// errDamaged is what parseFrame finds where no whole frame is.
var errDamaged = errors.New("damaged")

// parseFrame returns the record at the beginning of b, and how long its frame
// is. When b ends before the frame does, that length is all it returns.
func parseFrame(b []byte, stream Stream, seq uint64) (r Record, length int64, err error) {
	if len(b) < frameSize {
		return r, frameSize, nil
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > recordMost || binary.LittleEndian.Uint64(b[8:]) != seq {
		return r, 0, errDamaged
	}
	length = frameSize + int64(n)
	if int64(len(b)) < length {
		return r, length, nil
	}
	if frameChecksum(stream, b[:length]) != binary.LittleEndian.Uint32(b) {
		return r, 0, errDamaged
	}
	return Record{
		Stream: stream, Seq: seq,
		Time: event.Time(binary.LittleEndian.Uint64(b[16:])),
		Data: b[frameSize:length:length],
	}, length, nil
}

func frameChecksum(stream Stream, frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(stream[:], castagnoli), castagnoli, frame[4:])
}

func appendHeader(dst []byte, stream Stream, first uint64) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic...)
	dst = append(dst, stream[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, first)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	return append(dst, 0, 0, 0, 0)
}

func parseHeader(b []byte) (stream Stream, first uint64, err error) {
	const sum = headerSize - 8
	if len(b) < headerSize || string(b[:len(segmentMagic)]) != segmentMagic ||
		crc32.Checksum(b[:sum], castagnoli) != binary.LittleEndian.Uint32(b[sum:]) {
		return stream, 0, errDamaged
	}
	copy(stream[:], b[len(segmentMagic):])
	return stream, binary.LittleEndian.Uint64(b[sum-8:]), nil
}

// openSegment opens a segment file for reading, at its first frame.
func openSegment(path string, first uint64) (*os.File, Stream, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Stream{}, err
	}
	var h [headerSize]byte
	n, err := f.ReadAt(h[:], 0)
	if err == io.EOF {
		err = nil
	}
	var stream Stream
	if err == nil {
		var named uint64
		if stream, named, err = parseHeader(h[:n]); err == nil && named != first {
			err = errDamaged
		}
	}
	if err != nil {
		f.Close()
		return nil, stream, err
	}
	return f, stream, nil
}

func segmentName(first uint64) string { return fmt.Sprintf("%016x%s", first, Suffix) }

// parseName returns the number in the name of a segment file.
func parseName(name string) (first uint64, ok bool) {
	first, err := strconv.ParseUint(strings.TrimSuffix(name, Suffix), 16, 64)
	return first, err == nil && segmentName(first) == name && first > 0 && first < numberMost
}

// create makes a segment file that begins with frames, the first of number first.
func (s *Spool) create(first uint64, frames []byte) (*segment, error) {
	g := &segment{path: filepath.Join(s.dir, segmentName(first)), stream: s.stream, first: first, end: first, size: headerSize}
	f, err := os.OpenFile(g.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(append(appendHeader(nil, g.stream, first), frames...)); err != nil {
		f.Close()
		_ = os.Remove(g.path) // an empty segment is no harm
		return nil, err
	}
	g.file = f
	return g, nil
}

// scan finds where the whole frames of a segment of this many bytes end.
func (g *segment) scan(total int64) error {
	f, stream, err := openSegment(g.path, g.first)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	if _, err := in.Discard(headerSize); err != nil {
		return err
	}
	g.size, g.end = headerSize, g.first
	var buf []byte
	for {
		h, err := in.Peek(frameSize)
		if err != nil {
			return notEOF(err)
		}
		_, length, err := parseFrame(h, stream, g.end)
		if err != nil || length > total-g.size {
			return nil
		}
		buf = slices.Grow(buf[:0], int(length))[:length]
		if _, err := io.ReadFull(in, buf); err != nil {
			return notEOF(err)
		}
		if _, _, err := parseFrame(buf, stream, g.end); err != nil {
			return nil
		}
		g.size, g.end = g.size+length, g.end+1
	}
}

func notEOF(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}
