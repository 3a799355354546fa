package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"xnumon/internal/config"
	"xnumon/internal/sink"
)

// What is kept once everything is attached. CAP_PERFMON was for attaching,
// CAP_SYS_RESOURCE for the limits.
var keptMonitoring = []int{
	unix.CAP_SYS_ADMIN,       // fanotify_mark(2) on file systems that are mounted later
	unix.CAP_BPF,             // reading maps and asking programs
	unix.CAP_SYS_PTRACE,      // /proc of other users' processes
	unix.CAP_DAC_READ_SEARCH, // the kernel opens the file of each event with our rights
	unix.CAP_LEASE,
	unix.CAP_SYS_NICE,
	unix.CAP_IPC_LOCK, // memory mapped from now on is locked too
}

// What the watchdog keeps: enough to take a copy of the gate's descriptor from a
// monitor that leaves no core dumps (ptrace(2), "Ptrace access mode checking")
// and to read events from it. What the kernel cannot open for the reader of an
// event, it denies (fs/notify/fanotify/fanotify_user.c, copy_event_to_user).
var keptWatching = []int{
	unix.CAP_SYS_ADMIN, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_NICE, unix.CAP_IPC_LOCK,
}

// harden gives up, in all threads and for good, the capabilities that are not to
// be kept and every way to gain one, and forbids core dumps: there are
// descriptors in this process that must not fall into other hands.
func harden(keep []int) error {
	// Where a core goes to a program, the limit is for that to look at; only a
	// process that is not dumpable leaves none in any case (core(5)).
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	mask := uint64(0)
	for _, c := range keep {
		mask |= 1 << c
	}
	// Without CAP_SETPCAP the bounding set stays. It only limits what an exec can
	// gain, which is nothing any more after the next step.
	for c := 0; c < 64; c++ {
		if mask&(1<<c) != 0 {
			continue
		}
		if err := everywhere(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, uintptr(c), 0); errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
			break // EINVAL: there are no more
		} else if errors.Is(err, unix.ENOTSUP) {
			// Go cannot change all threads of a program that C started (syscall.AllThreadsSyscall).
			return errors.New("this xnumon was built with cgo and cannot give up privileges: build it with CGO_ENABLED=0, as make does")
		} else if err != nil {
			return fmt.Errorf("give up capability %d: %w", c, err)
		}
	}
	if err := everywhere(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("forbid gaining privileges: %w", err)
	}
	now, err := permitted()
	if err != nil {
		return err
	}
	mask &= now
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: uint32(mask), Permitted: uint32(mask)},
		{Effective: uint32(mask >> 32), Permitted: uint32(mask >> 32)},
	}
	// Capabilities are each thread's own.
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0); errno != 0 {
		return fmt.Errorf("give up capabilities: %w", errno)
	}
	return nil
}

// everywhere makes a system call in all threads, which a program that is built
// with cgo cannot (ENOTSUP).
func everywhere(call, a, b, c uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall(call, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

func permitted() (uint64, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, fmt.Errorf("read this process's capabilities: %w", err)
	}
	return uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32, nil
}

// keep are the capabilities to keep for these options. Root needs no capability
// to make a new file, after the old one was renamed, in a directory of its own.
func (o *liveOptions) keep() []int {
	var paths []string
	for _, to := range o.to {
		if d, err := sink.Parse(to); err == nil {
			if path, ok := d.File(); ok {
				paths = append(paths, path)
			}
		}
	}
	if o.record != "" {
		paths = append(paths, o.record)
	}
	for _, path := range paths {
		var st unix.Stat_t // of what is no file there is nothing to find
		if err := unix.Stat(filepath.Dir(path), &st); err == nil && st.Uid != 0 {
			return append([]int{unix.CAP_DAC_OVERRIDE}, keptMonitoring...)
		}
	}
	return keptMonitoring
}

// checkProgram makes sure that nobody who is not root can put words into root's
// mouth by changing this program. Whoever started it by sudo(8) is root anyway.
func checkProgram() error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var trusted []int
	if uid, err := strconv.Atoi(os.Getenv("SUDO_UID")); err == nil {
		trusted = append(trusted, uid)
	}
	if err := config.ExposedBut(path, trusted...); err != nil {
		return fmt.Errorf("this program could be replaced by others than root: %w", err)
	}
	return nil
}
