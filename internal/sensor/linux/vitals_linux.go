package linux

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vitals is the memory that a gating monitor shares with its watchdog. All of it is atomic.
type vitals struct {
	beat    atomic.Int64  // boot clock, last sign of life of the monitor
	group   atomic.Int64  // its descriptor of the fanotify group, zero before the gate is on
	timeout atomic.Int64  // the deadline, in nanoseconds
	takes   atomic.Uint64 // odd while the watchdog answers in the monitor's place
	allowed atomic.Uint64 // execs that the watchdog let go
	// held are the descriptors, plus one, of the events that the monitor has read and not answered.
	held [heldSlots]atomic.Int64
}

// heldSlots bounds what the watchdog can answer of what the monitor has read;
// of what was not read there is no limit.
const heldSlots = 8192

const vitalsSize = int(unsafe.Sizeof(vitals{}))

// newVitals makes the memory and a file to hand to the watchdog.
func newVitals() (*vitals, *os.File, error) {
	fd, err := unix.MemfdCreate("xnumon-vitals", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err != nil { // MFD_NOEXEC_SEAL is of 6.3
		fd, err = unix.MemfdCreate("xnumon-vitals", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("create the memory shared with the watchdog: %w", err)
	}
	file := os.NewFile(uintptr(fd), "vitals")
	if err := file.Truncate(int64(vitalsSize)); err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("size the memory shared with the watchdog: %w", err)
	}
	v, err := mapVitals(file)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return v, file, nil
}

func mapVitals(file *os.File) (*vitals, error) {
	mem, err := unix.Mmap(int(file.Fd()), 0, vitalsSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the memory shared with the watchdog: %w", err)
	}
	return (*vitals)(unsafe.Pointer(unsafe.SliceData(mem))), nil
}

// add notes an event that was read. A full table only means that the watchdog
// cannot answer this one; the deadline of the monitor itself still does.
func (v *vitals) add(fd int) int {
	for i := range v.held {
		slot := (fd + i) % heldSlots
		if v.held[slot].CompareAndSwap(0, int64(fd)+1) {
			return slot
		}
	}
	return -1
}

func (v *vitals) remove(slot int) {
	if slot >= 0 {
		v.held[slot].Store(0)
	}
}

// silent says for how long the monitor has given no sign of life.
func (v *vitals) silent() time.Duration { return time.Duration(bootNow() - v.beat.Load()) }
