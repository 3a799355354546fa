package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"xnumon/internal/sensor"
)

// need is a capability and what would not work without it.
type need struct {
	name string
	bit  int
	why  string
	gate bool // only for holding execs
}

var needs = []need{
	{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN, "to hold execs with fanotify and to load BPF programs", false},
	{"CAP_BPF", unix.CAP_BPF, "to load BPF programs", false},
	{"CAP_PERFMON", unix.CAP_PERFMON, "to attach BPF programs to tracepoints", false},
	{"CAP_SYS_PTRACE", unix.CAP_SYS_PTRACE, "to open the images of other users' processes", false},
	{"CAP_DAC_READ_SEARCH", unix.CAP_DAC_READ_SEARCH, "to read files that only others may read", false},
	{"CAP_LEASE", unix.CAP_LEASE, "to keep writers off while files are hashed", false},
}

// capabilities returns the effective ones as a bit mask.
func capabilities() (uint64, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, fmt.Errorf("read this process's capabilities: %w", err)
	}
	return uint64(data[0].Effective) | uint64(data[1].Effective)<<32, nil
}

// has says whether a capability is there. CAP_SYS_ADMIN stands in for the two
// that were split off it in 5.8 (capabilities(7)).
func (n need) has(caps uint64) bool {
	if caps&(1<<n.bit) != 0 {
		return true
	}
	return (n.bit == unix.CAP_BPF || n.bit == unix.CAP_PERFMON) && caps&(1<<unix.CAP_SYS_ADMIN) != 0
}

// checkPrivileges returns the one line to print when run could not work.
func checkPrivileges(command string, _ sensor.Level) error {
	caps, err := capabilities()
	if err != nil {
		return err
	}
	for _, n := range needs {
		if !n.has(caps) {
			return fmt.Errorf("%s is missing, which is needed %s: run it as root (sudo xnumon %s)", n.name, n.why, command)
		}
	}
	return checkNamespaces()
}

// The initial pid namespace has a number of its own (include/linux/proc_ns.h).
const initialPidNamespace = "pid:[4026531836]"

// checkNamespaces makes sure that ids mean the same to the kernel and to us.
func checkNamespaces() error {
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return fmt.Errorf("read this process's pid namespace (is /proc mounted?): %w", err)
	}
	if ns != initialPidNamespace {
		return fmt.Errorf("this is not the initial pid namespace but %s: start xnumon on the host, or the container with --pid=host", ns)
	}
	uids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return fmt.Errorf("read this process's user namespace: %w", err)
	}
	if strings.Join(strings.Fields(string(uids)), " ") != "0 0 4294967295" {
		return fmt.Errorf("this is not the initial user namespace, whose root has no say over the machine: start xnumon on the host")
	}
	return nil
}
