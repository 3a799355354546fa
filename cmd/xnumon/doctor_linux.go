package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"xnumon/internal/sensor/linux"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this kernel and these privileges allow; exit 1 if run would fail",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return doctor(cmd.OutOrStdout())
		},
	}
}

// finding is one line of the doctor's.
type finding struct {
	what   string
	detail string
	err    error
	only   string // what does not work without it; empty when nothing does
}

func doctor(out io.Writer) error {
	failed := false
	for _, check := range []func() []finding{checkKernel, checkCapabilities, checkSetting, checkPrograms, checkGate} {
		for _, f := range check() {
			mark, text := "ok  ", f.detail
			switch {
			case f.err != nil && f.only == "":
				mark, text, failed = "FAIL", f.err.Error(), true
			case f.err != nil:
				mark, text = "warn", f.err.Error()+"; without it "+f.only
			}
			if _, err := fmt.Fprintf(out, "%s  %-26s %s\n", mark, f.what, text); err != nil {
				return err
			}
		}
	}
	if failed {
		fmt.Fprintln(out, "\nxnumon run would fail here.")
		return exitStatus(1)
	}
	fmt.Fprintln(out, "\nxnumon run works here.")
	return nil
}

func checkKernel() []finding {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return []finding{{what: "kernel", err: err}}
	}
	release := unix.ByteSliceToString(u.Release[:])
	f := finding{what: "kernel 5.15 or later", detail: release + " " + runtime.GOARCH}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil || major < 5 || major == 5 && minor < 15 {
		f.err = fmt.Errorf("this is %s", release)
	}
	btf := finding{what: "kernel type information", detail: "/sys/kernel/btf/vmlinux"}
	if _, err := os.Stat(btf.detail); err != nil {
		btf.err = fmt.Errorf("%w (the kernel needs CONFIG_DEBUG_INFO_BTF)", err)
	}
	return []finding{f, btf}
}

func checkCapabilities() (all []finding) {
	caps, err := capabilities()
	if err != nil {
		return []finding{{what: "capabilities", err: err}}
	}
	for _, n := range needs {
		f := finding{what: n.name, detail: n.why}
		if !n.has(caps) {
			f.err = fmt.Errorf("missing, needed %s: run as root", n.why)
		}
		all = append(all, f)
	}
	for _, n := range []struct {
		name, without string
		bit           int
	}{
		{"CAP_SYS_NICE", "the gate runs at normal priority", unix.CAP_SYS_NICE},
		{"CAP_IPC_LOCK", "the monitor can be paged out while it holds execs", unix.CAP_IPC_LOCK},
	} {
		f := finding{what: n.name, detail: "present", only: n.without}
		if caps&(1<<n.bit) == 0 {
			f.err = fmt.Errorf("missing")
		}
		all = append(all, f)
	}
	return all
}

func checkSetting() []finding {
	return []finding{{what: "initial namespaces", detail: "pid and user", err: checkNamespaces()}}
}

func checkPrograms() []finding {
	f := finding{what: "BPF programs", detail: "load and attach"}
	s, err := linux.Open(linux.Options{})
	if err != nil {
		f.err = oneLine(err)
		return []finding{f}
	}
	f.err = s.Close()
	return []finding{f}
}

func checkGate() []finding {
	all := []finding{
		{what: "holding execs", detail: "fanotify permission events"},
		{what: "leases", detail: "granted on this program's file system", only: "files there are hashed only where nothing else can have written to them"},
	}
	if err := linux.ProbeGate(); err != nil {
		all[0].err = fmt.Errorf("%w; run --gate none works", err)
	}
	all[1].err = oneLine(linux.ProbeLease("/proc/self/exe"))
	return all
}

// oneLine cuts what the BPF verifier says down to its first line.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	line, _, more := strings.Cut(err.Error(), "\n")
	if !more {
		return err
	}
	return fmt.Errorf("%s", line)
}
