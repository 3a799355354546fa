//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ticks is how long the processors of the machine have been busy and idle since
// it started, and when that was so.
//
// It is what was not idle that counts. On many kernels user and system time are
// samples, taken at the timer's ticks, in which what runs for less than a tick is
// easily missed; idle time is measured from beginning to end there
// (kernel/time/tick-sched.c).
type ticks struct {
	at   time.Time
	idle time.Duration // idle, and waiting for a disk
	lost time.Duration // stolen by the host of a virtual machine
}

// userHZ is the unit of /proc/stat, which is the same on all architectures there
// are (proc(5), times(2)).
const userHZ = 100

func readTicks() (ticks, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}, fmt.Errorf("read the time on processors: %w", err)
	}
	return parseTicks(string(raw), time.Now())
}

func parseTicks(stat string, at time.Time) (ticks, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return ticks{}, fmt.Errorf("/proc/stat begins with %q", line)
	}
	t := ticks{at: at}
	for i, f := range fields[1:] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return ticks{}, fmt.Errorf("/proc/stat begins with %q: %w", line, err)
		}
		d := time.Duration(n) * time.Second / userHZ
		switch i {
		case 3, 4:
			t.idle += d
		case 7:
			t.lost += d
		}
	}
	return t, nil
}

// busy is how much processor time all of the machine has used since before.
func (t ticks) busy(before ticks) time.Duration {
	all := t.at.Sub(before.at) * time.Duration(runtime.NumCPU())
	return max(0, all-(t.idle-before.idle)-(t.lost-before.lost))
}

// share is the part of the machine's processor time that was used since before.
func (t ticks) share(before ticks) float64 {
	return t.busy(before).Seconds() / (t.at.Sub(before.at).Seconds() * float64(runtime.NumCPU()))
}

// pinned calls f on a thread whose children run on one processor.
func pinned(cpu int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("read the processors of a thread: %w", err)
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("stay on processor %d: %w", cpu, err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	return f()
}

// lastCPU is the processor that measured programs run on: the first one often has
// more interrupts to serve.
func lastCPU() int { return runtime.NumCPU() - 1 }
