//go:build linux && !nolive

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
)

// regaining is set for a process of the test program that gives up what the monitor does.
const regaining = "XNUMON_TEST_REGAIN"

// What was given up stays so: not by asking for it, not by executing something.
func TestLiveRegain(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), regaining+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// regain gives up privileges, tries to get them back, and says what it got.
func regain() (err error) {
	if err := harden(keptMonitoring); err != nil {
		return err
	}
	got := func(what string, by error) {
		if by == nil {
			err = errors.Join(err, fmt.Errorf("%s was not refused", what))
		}
	}
	before, failed := permitted()
	if failed != nil {
		return failed
	}
	for _, c := range []int{unix.CAP_PERFMON, unix.CAP_SYS_MODULE, unix.CAP_SETPCAP, unix.CAP_DAC_OVERRIDE} {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		one := uint64(1) << c
		mask := before | one
		data := [2]unix.CapUserData{{Permitted: uint32(mask)}, {Permitted: uint32(mask >> 32)}}
		got(fmt.Sprint("permitted capability ", c), unix.Capset(&header, &data[0]))
		data = [2]unix.CapUserData{{Permitted: uint32(before), Inheritable: uint32(one)}, {Permitted: uint32(before >> 32), Inheritable: uint32(one >> 32)}}
		got(fmt.Sprint("inheritable capability ", c), unix.Capset(&header, &data[0]))
		got(fmt.Sprint("ambient capability ", c), unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0))
	}
	got("new privileges", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0))
	// The kernel gives root all of the bounding set with an exec.
	status, failed := exec.Command("cat", "/proc/self/status").Output()
	if failed != nil {
		return errors.Join(err, failed)
	}
	for _, set := range []string{"CapPrm", "CapEff", "CapBnd"} {
		m := regexp.MustCompile(set + `:\s+(\S+)`).FindSubmatch(status)
		if m == nil || !bytes.Equal(m[1], fmt.Appendf(nil, "%016x", before)) {
			err = errors.Join(err, fmt.Errorf("%s after an exec is %q, and was %016x", set, m, before))
		}
	}
	return err
}
