//go:build linux && !nolive

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// children returns the processes that a process has started.
func children(t *testing.T, pid int) (all []string) {
	t.Helper()
	lists, err := filepath.Glob("/proc/" + itoa(pid) + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		raw, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		all = append(all, strings.Fields(string(raw))...)
	}
	return all
}

// Every thread of the monitor and of its watchdog holds what it needs and can
// gain nothing. That the watchdog can still answer is tested with the gate.
func TestLivePrivileges(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	s := gated(t, nil, dir, "--output", filepath.Join(t.TempDir(), "log"))
	timed(t, filepath.Join(dir, "true"))
	watchdog := children(t, s.cmd.Process.Pid)
	if len(watchdog) != 1 {
		t.Fatalf("children %v, not only a watchdog", watchdog)
	}
	for pid, keep := range map[string][]int{itoa(s.cmd.Process.Pid): keptMonitoring, watchdog[0]: keptWatching} {
		mask := uint64(0)
		for _, c := range keep {
			mask |= 1 << c
		}
		want := map[string]string{"NoNewPrivs": "1", "CapInh": fmt.Sprintf("%016x", 0), "CapAmb": fmt.Sprintf("%016x", 0)}
		for _, set := range []string{"CapEff", "CapPrm", "CapBnd"} {
			want[set] = fmt.Sprintf("%016x", mask)
		}
		threads, err := filepath.Glob("/proc/" + pid + "/task/*/status")
		if err != nil || len(threads) < 2 {
			t.Fatalf("threads %v: %v", threads, err)
		}
		for _, thread := range threads {
			raw, err := os.ReadFile(thread)
			if err != nil {
				continue // it has ended
			}
			for key, value := range want {
				if m := regexp.MustCompile(key + `:\s+(\S+)`).FindSubmatch(raw); m == nil || string(m[1]) != value {
					t.Errorf("%s: %s is %q, not %s", thread, key, m, value)
				}
			}
		}
		limits, err := os.ReadFile("/proc/" + pid + "/limits")
		if err != nil || !regexp.MustCompile(`Max core file size +0 +0`).Match(limits) {
			t.Errorf("core dumps are allowed: %s (%v)", limits, err)
		}
	}
}

// A program that others can change is not run as root.
func TestLiveExposedProgram(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "xnumon")
	copyFile(t, binary, program)
	if err := os.Chmod(program, 0o757); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "run", "--gate", "none").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "chmod o-w "+program) {
		t.Errorf("%v: %s", err, out)
	}
}

// The service manager is told when it has begun, that it is alive, and that it ends.
func TestLiveService(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	expect := func(want string) {
		t.Helper()
		buf := make([]byte, 256)
		for deadline := time.Now().Add(limit); ; {
			if err := manager.SetReadDeadline(deadline); err != nil {
				t.Fatal(err)
			}
			n, err := manager.Read(buf)
			if err != nil {
				t.Fatalf("never told %s: %v", want, err)
			}
			if strings.HasPrefix(string(buf[:n]), want) {
				return
			}
			if !strings.HasPrefix(string(buf[:n]), "WATCHDOG=1") {
				t.Errorf("told %q", buf[:n])
			}
		}
	}
	s := start(t, func(c *exec.Cmd) {
		c.Env = append(os.Environ(), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=10000000")
	}, "run", "--gate", "none", "--output", filepath.Join(t.TempDir(), "log"))
	expect("READY=1\nSTATUS=monitoring, gate none")
	expect("WATCHDOG=1")
	expect("WATCHDOG=1")
	s.stop()
	expect("STOPPING=1")
}
