package linux

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"xnumon/event"
)

var errShort = errors.New("record is shorter than it says")

// wireRecord are the record types that bpf/wire.h lays out.
type wireRecord interface {
	monitorHeader | monitorForkRecord | monitorExitRecord | monitorExecRecord |
		monitorChunkRecord | monitorControlRecord
}

// read copies the fixed part of a record out of raw and returns what follows it.
func read[T wireRecord](raw []byte, into *T) ([]byte, error) {
	size := int(unsafe.Sizeof(*into))
	if len(raw) < size {
		return nil, fmt.Errorf("%w: %d bytes of at least %d", errShort, len(raw), size)
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(into)), size), raw)
	return raw[size:], nil
}

// parts cuts the strings behind an exec record apart.
func parts(rec *monitorExecRecord, data []byte) (p [monitorPartPARTS][]byte, err error) {
	for i := range p {
		n := int(rec.Lens[i])
		if n < 0 || n > len(data) {
			return p, fmt.Errorf("%w: part %d has %d bytes of %d", errShort, i, n, len(data))
		}
		p[i], data = data[:n], data[n:]
	}
	return p, nil
}

// reason says why a part with this status is absent, empty if it is not.
func reason(status uint32) event.Reason {
	switch monitorPartStatus(status) {
	case monitorPartStatusPART_WHOLE, monitorPartStatusPART_UNREACHABLE,
		monitorPartStatusPART_DETACHED, monitorPartStatusPART_CHUNKED:
		return ""
	case monitorPartStatusPART_TRUNCATED:
		return event.ReasonTruncated
	case monitorPartStatusPART_RACED:
		return event.ReasonRaced
	case monitorPartStatusPART_FAULT:
		return event.ReasonMemory
	case monitorPartStatusPART_NO_ROOM:
		return event.ReasonLost
	}
	return event.ReasonUnseen
}

// path puts the components of a path, which come last one first, in order.
func path(components []byte, status uint32) string {
	if reason(status) != "" {
		return ""
	}
	components = bytes.TrimSuffix(components, []byte{0})
	if len(components) == 0 {
		return "/"
	}
	var b strings.Builder
	b.Grow(len(components) + 1)
	for len(components) > 0 {
		i := bytes.LastIndexByte(components, 0)
		b.WriteByte('/')
		b.Write(components[i+1:])
		components = components[:max(i, 0)]
	}
	return b.String()
}

// directory is path for a working directory: where the process's root does not
// lead to it, it is marked as getcwd(2) does.
func directory(components []byte, status uint32) string {
	p := path(components, status)
	if monitorPartStatus(status) == monitorPartStatusPART_UNREACHABLE {
		p = "(unreachable)" + p
	}
	return p
}

// stringList cuts a block of NUL-terminated strings apart. The result is never
// nil: an empty block is a known empty list.
func stringList(block []byte) []string {
	list := make([]string, 0, bytes.Count(block, []byte{0})+1)
	whole := string(block)
	for len(whole) > 0 {
		i := strings.IndexByte(whole, 0)
		if i < 0 {
			return append(list, whole)
		}
		list = append(list, whole[:i])
		whole = whole[i+1:]
	}
	return list
}

// cString is what stands before the first NUL.
func cString[T int8 | uint8](b []T) string {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		raw = raw[:i]
	}
	return string(raw)
}
