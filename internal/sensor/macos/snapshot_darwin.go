package macos

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

const (
	statusZombie = 5 // SZOMB, <sys/proc.h>

	// <sys/proc_info.h> and libproc.c, which is no more than this system call.
	procInfoCallPIDInfo = 2
	procPIDPathInfo     = 11
	maxPath             = 1024
)

// processes looks at the process table. A process is only in the result if it
// was there before and after its details were read.
func processes() ([]running, error) {
	before, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, fmt.Errorf("sysctl kern.proc.all: %w", err)
	}
	found := make([]running, 0, len(before))
	for i := range before {
		if before[i].Proc.P_stat != statusZombie && before[i].Proc.P_pid > 0 {
			found = append(found, describe(&before[i]))
		}
	}
	after, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, fmt.Errorf("sysctl kern.proc.all: %w", err)
	}
	still := map[birth]bool{}
	for i := range after {
		still[birth{uint32(after[i].Proc.P_pid), startOf(&after[i])}] = true
	}
	kept := found[:0]
	for _, f := range found {
		if still[birth{f.pid, f.start}] {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

func startOf(k *unix.KinfoProc) event.Time {
	return event.Time(k.Proc.P_starttime.Nano())
}

func describe(k *unix.KinfoProc) running {
	r := running{
		pid:   uint32(k.Proc.P_pid),
		ppid:  uint32(k.Eproc.Ppid),
		start: startOf(k),
		creds: sensor.Creds{
			EUID: k.Eproc.Ucred.Uid, EGID: k.Eproc.Ucred.Groups[0],
			RUID: k.Eproc.Pcred.P_ruid, RGID: k.Eproc.Pcred.P_rgid,
			SUID: k.Eproc.Pcred.P_svuid, SGID: k.Eproc.Pcred.P_svgid,
		},
	}
	r.path = imagePath(k.Proc.P_pid)
	if b, err := unix.SysctlRaw("kern.procargs2", int(k.Proc.P_pid)); err == nil {
		r.argv, r.env, _ = parseProcArgs(b) // without them if they make no sense
	}
	return r
}

// imagePath returns the path of the file that a process runs, empty if the
// kernel does not say.
func imagePath(pid int32) string {
	buf := make([]byte, maxPath)
	//lint:ignore SA1019 the wrapper in libSystem cannot be called without cgo
	_, _, errno := unix.Syscall6(unix.SYS_PROC_INFO, procInfoCallPIDInfo, uintptr(pid), procPIDPathInfo, 0,
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	if errno != 0 {
		return ""
	}
	return unix.ByteSliceToString(buf)
}
