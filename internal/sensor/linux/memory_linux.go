package linux

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// garbage is how much of it there may be, in per cent of what is in use. The live heap is a
// few megabytes, and a collection a few milliseconds.
const garbage = 25

// StayInMemory keeps a process that others wait for from being paged out, what it uses
// from now on and not what its start took. It does without where that is not allowed.
func StayInMemory() {
	Shed()
	// From here on nothing is given back: MADV_DONTNEED refuses locked memory.
	_ = unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}

// Shed gives back the memory that only the start needed: the garbage of loading the BPF
// programs, and the pages of this program that were run once. Those that are used
// again come back from the page cache.
//
// What is collected later cannot be given back once memory is locked, so it is not let
// become much.
func Shed() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	debug.FreeOSMemory()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		start, size, ok := readOnlyFile(line)
		if ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, size, unix.MADV_DONTNEED)
		}
	}
}

// readOnlyFile reads a line of /proc/PID/maps (proc_pid_maps(5)) and says whether it is
// of a file that is mapped and cannot be written to.
func readOnlyFile(line string) (start, size uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || !strings.HasPrefix(fields[5], "/") || !strings.HasPrefix(fields[1], "r-") || !strings.HasSuffix(fields[1], "p") {
		return 0, 0, false
	}
	from, to, _ := strings.Cut(fields[0], "-")
	first, err := strconv.ParseUint(from, 16, 64)
	if err != nil {
		return 0, 0, false
	}
	end, err := strconv.ParseUint(to, 16, 64)
	if err != nil || end < first {
		return 0, 0, false
	}
	return uintptr(first), uintptr(end - first), true
}
