//go:build linux && !nolive

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// deadline is the gate's in these tests.
const deadline = time.Second

// slack is what a busy machine adds to it.
var slack = patience() * 2 * time.Second

func gated(t *testing.T, prepare func(*exec.Cmd), dir string, more ...string) *started {
	t.Helper()
	args := append([]string{"run", "--format", "json", "--gate", "hash", "--gate-path", dir, "--gate-timeout", deadline.String()}, more...)
	return start(t, prepare, args...)
}

// goesOn checks that execs of cold files are let go within the deadline.
func goesOn(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"after-1", "after-2"} {
		program := filepath.Join(dir, name)
		copyFile(t, "/bin/true", program)
		if took := timed(t, program); took > deadline+slack {
			t.Errorf("an exec took %v", took)
		}
	}
}

func TestLiveGateKilled(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	s := gated(t, nil, dir, "--output", filepath.Join(t.TempDir(), "log"))
	timed(t, filepath.Join(dir, "true"))
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	goesOn(t, dir)
}

// A stopped monitor answers nothing; its watchdog does, and when the monitor
// goes on it has the records.
func TestLiveGateStopped(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	log := filepath.Join(t.TempDir(), "log")
	s := gated(t, nil, dir, "--output", log)
	timed(t, filepath.Join(dir, "true"))
	if err := s.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goesOn(t, dir)
	if err := s.cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the execs of while it was stopped are in the log", func() bool {
		raw, err := os.ReadFile(log)
		return err == nil && strings.Count(string(raw), "/after-") >= 2
	})
	eventually(t, "the gate holds again", func() bool {
		program := filepath.Join(dir, "again")
		copyFile(t, "/bin/true", program)
		timed(t, program)
		os.Remove(program)
		for _, r := range records(t, log) {
			if at(r, "image", "path") == program && at(r, "gate", "outcome") == "held" {
				return true
			}
		}
		return false
	})
	s.stop()
	for _, r := range records(t, log) {
		path, _ := at(r, "image", "path").(string)
		if strings.Contains(path, "/after-") && at(r, "gate", "outcome") == "held" {
			t.Errorf("a record of an exec that nobody held says held: %v", r)
		}
	}
}

func TestLiveGatePanics(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	s := gated(t, nil, dir, "--output", filepath.Join(t.TempDir(), "log"))
	timed(t, filepath.Join(dir, "true"))
	// What the Go runtime does on SIGABRT is what it does on a panic.
	if err := s.cmd.Process.Signal(unix.SIGABRT); err != nil {
		t.Fatal(err)
	}
	goesOn(t, dir)
	eventually(t, "it ended", func() bool {
		select {
		case <-s.ended:
			return true
		default:
			return false
		}
	})
}

// A trace whose records cannot be written says so, also when that shows only at its
// end, and ends with the status of what it ran unless that is 0.
func TestLiveTraceFullDisk(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 1, "exit 3": 3, "sleep 1; exit 4": 4} {
		cmd := exec.Command(binary, "trace", "--gate", "none", "--output", "/dev/full", "--", "/bin/sh", "-c", script)
		out, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.ExitCode(); status != want || !strings.Contains(string(out), "cannot be written: write /dev/full: no space left on device") {
			t.Errorf("%s: status %d, want %d, said %q", script, status, want, out)
		}
	}
}

func TestLiveGateFullDisk(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	disk := mount(t, "tmpfs", "size=64k")
	s := gated(t, nil, dir, "--output", filepath.Join(disk, "log"))
	for range 200 {
		if took := timed(t, filepath.Join(dir, "true")); took > deadline+slack {
			t.Fatalf("an exec took %v", took)
		}
	}
	goesOn(t, dir)
	s.stop()
}

func TestLiveGateFullPipe(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := gated(t, func(c *exec.Cmd) { c.Stdout = w }, dir)
	w.Close()
	for range 200 { // 64 KiB and more
		if took := timed(t, filepath.Join(dir, "true")); took > deadline+slack {
			t.Fatalf("an exec took %v", took)
		}
	}
	goesOn(t, dir)
	s.stop()
}

// When the reader of the pipe is gone there is nobody to monitor for.
func TestLiveClosedPipe(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := gated(t, func(c *exec.Cmd) { c.Stdout = w }, dir)
	w.Close()
	r.Close()
	timed(t, filepath.Join(dir, "true"))
	select {
	case <-s.ended:
	case <-time.After(limit):
		t.Fatal("it goes on without a reader")
	}
	if !strings.Contains(s.said(), "cannot be written") || s.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("status %d, said %q", s.cmd.ProcessState.ExitCode(), s.said())
	}
}

// A file that takes longer to hash than an exec may be held is hashed behind it.
// On a machine so busy that the watchdog had to step in there is no hash, so
// it may take more than one try.
func TestLiveGateDeadline(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	log := filepath.Join(t.TempDir(), "log")
	s := start(t, nil, "run", "--format", "json", "--gate-path", dir, "--gate-timeout", (patience() * 50 * time.Millisecond).String(), "--output", log)
	recorded := func(program string) map[string]any {
		raw, err := os.ReadFile(log)
		if err != nil || !strings.Contains(string(raw), program) {
			return nil
		}
		for _, r := range records(t, log) {
			if at(r, "image", "path") == program {
				return r
			}
		}
		return nil
	}
	tries := 0
	eventually(t, "a large file is let go and hashed", func() bool {
		tries++
		program := filepath.Join(dir, "large-"+itoa(tries))
		copyFile(t, "/bin/true", program)
		// Larger each time: emulated machines need a minute for what others do in a
		// second.
		if err := os.Truncate(program, 16<<20<<min(tries, 5)); err != nil {
			t.Fatal(err)
		}
		if took := timed(t, program); took > deadline+slack {
			t.Errorf("an exec took %v", took)
		}
		var r map[string]any
		eventually(t, "its record is written", func() bool {
			r = recorded(program)
			return r != nil
		})
		return at(r, "gate", "outcome") == "deadline" && at(r, "image", "sha256") != nil
	})
	s.stop()
}

func TestLiveWatchdogKilled(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	s := gated(t, nil, dir, "--output", filepath.Join(t.TempDir(), "log"))
	// Whichever thread forked it has it among its children.
	lists, err := filepath.Glob("/proc/" + itoa(s.cmd.Process.Pid) + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, child := range strings.Fields(string(children)) {
			if err := unix.Kill(atoi(t, child), unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			killed++
		}
	}
	if killed != 1 {
		t.Fatalf("%d children, not only a watchdog", killed)
	}
	eventually(t, "it says that it holds no more", func() bool { return strings.Contains(s.said(), "no longer held") })
	if err := s.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goesOn(t, dir)
}

// The kernel is told not to ask again about an image that is known. A new mode
// or name moves its times without anything being written: its next execs must be
// held again, and none may have a wrong or no hash for long.
func TestLiveGateKnown(t *testing.T) {
	dir := t.TempDir() // on a disk, whose change times are relied on
	program := filepath.Join(dir, "true")
	copyFile(t, "/bin/true", program)
	log := filepath.Join(t.TempDir(), "log")
	s := gated(t, nil, dir, "--output", log)
	outcomes := func() (all []string) {
		for _, r := range records(t, log) {
			if at(r, "image", "path") == program {
				outcome, _ := at(r, "gate", "outcome").(string)
				all = append(all, outcome)
			}
		}
		return all
	}
	until := func(want string) {
		t.Helper()
		eventually(t, "an exec is "+want, func() bool {
			before := len(outcomes())
			timed(t, program)
			eventually(t, "it is recorded", func() bool { return len(outcomes()) > before })
			all := outcomes()
			return all[len(all)-1] == want
		})
	}
	until("known")
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	until("held")
	until("known")
	s.stop()
}
