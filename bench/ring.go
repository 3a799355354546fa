//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ring looks into the ring buffer between the kernel and xnumon from beside: its
// first two pages hold how far its reader and its writer are (kernel/bpf/ringbuf.c).
type ring struct {
	size             uint64
	consumer, writer []byte // mapped pages
	most             atomic.Uint64
	stop, done       chan struct{}
}

// ringName is what the ring is called in xnumon's BPF object.
const ringName = "events"

// watchRing finds the newest ring of that name and looks at it until end.
func watchRing() (*ring, error) {
	m, err := newestRing()
	if err != nil {
		return nil, fmt.Errorf("find the ring buffer: %w", err)
	}
	defer m.Close() // a mapping keeps the map
	page := os.Getpagesize()
	r := &ring{size: uint64(m.MaxEntries()), stop: make(chan struct{}), done: make(chan struct{})}
	if r.consumer, err = unix.Mmap(m.FD(), 0, page, unix.PROT_READ, unix.MAP_SHARED); err == nil {
		r.writer, err = unix.Mmap(m.FD(), int64(page), page, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err != nil {
		return nil, fmt.Errorf("map the ring buffer: %w", err)
	}
	go r.watch()
	return r, nil
}

func newestRing() (*ebpf.Map, error) {
	var found *ebpf.Map
	for id := ebpf.MapID(0); ; {
		next, err := ebpf.MapGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		id = next
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue // gone
		}
		if info, err := m.Info(); err == nil && info.Type == ebpf.RingBuf && info.Name == ringName {
			if found != nil {
				found.Close()
			}
			found = m
			continue
		}
		m.Close()
	}
	if found == nil {
		return nil, fmt.Errorf("there is none of the name %q", ringName)
	}
	return found, nil
}

func (r *ring) watch() {
	defer close(r.done)
	t := time.NewTicker(2 * time.Millisecond)
	defer t.Stop()
	for {
		// The reader first: what is written in between only makes it more.
		read := position(r.consumer)
		if n := position(r.writer) - read; n > r.most.Load() {
			r.most.Store(n)
		}
		select {
		case <-t.C:
		case <-r.stop:
			return
		}
	}
}

func position(page []byte) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(unsafe.SliceData(page))))
}

// end returns the most bytes that were seen waiting.
func (r *ring) end() uint64 {
	close(r.stop)
	<-r.done
	_ = unix.Munmap(r.consumer)
	_ = unix.Munmap(r.writer)
	return r.most.Load()
}
