package linux

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// gatePriority lets the gate run before what it holds up, but not alone.
const gatePriority = -10

// urgentPriority is for what runs for a moment and must not be late.
const urgentPriority = -20

// prioritize gives it to this process. Any of its threads may be the one that the poller wakes for
// an event, or that hashes what is held; those that come later inherit it.
func prioritize() error {
	for again := true; again; {
		again = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list the threads: %w", err)
		}
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			// What the system call returns is 20 less (getpriority(2)).
			if now, err := unix.Getpriority(unix.PRIO_PROCESS, tid); err != nil || 20-now <= gatePriority {
				continue
			}
			if err := unix.Setpriority(unix.PRIO_PROCESS, tid, gatePriority); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("raise the priority: %w", err)
			}
			again = true // it may have made another meanwhile
		}
	}
	return nil
}

// hurry lets the calling thread, which its goroutine must have to itself, run before
// every ordinary one: it does next to nothing each time, and too late is as good
// as never. The real-time policy that this takes is not passed on to threads that
// this one makes (sched(7)).
func hurry() error {
	err := unix.SchedSetAttr(0, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK}, 0)
	if err != nil {
		err = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), urgentPriority)
	}
	return err
}

// spareProcs is how many goroutines may run beside as many as there are processors.
const spareProcs = 6

// makeRoom lets more goroutines run at a time than there are processors. A thread that
// comes back from a system call must find one of Go's Ps free. When all of them
// are with hash workers, whose threads have no such priority and wait for a
// processor of a busy machine, it waits for those, however urgent it is itself.
func makeRoom() {
	if want := runtime.NumCPU() + spareProcs; os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < want {
		runtime.GOMAXPROCS(want)
	}
}
