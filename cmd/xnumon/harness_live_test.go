//go:build linux && !nolive

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// limit is how long a condition is waited for, lifetime how long a monitor under
// test may live. XNUMON_PATIENCE is how many times as long it is on a machine that
// is only emulated.
var (
	limit    = patience() * 20 * time.Second
	lifetime = patience() * time.Minute
)

func patience() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("XNUMON_PATIENCE")); err == nil && n > 0 {
		return time.Duration(n)
	}
	return 1
}

var binary string

// TestMain builds the program under test, or takes one that was built elsewhere: on a
// machine without Go, XNUMON_BINARY is its path.
func TestMain(m *testing.M) {
	if os.Getenv(regaining) != "" {
		if err := regain(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if path := os.Getenv(ringing); path != "" {
		fmt.Fprintln(os.Stderr, ring(path))
		os.Exit(1)
	}
	if path := os.Getenv(mapping); path != "" {
		n, err := strconv.Atoi(os.Getenv(mapping + "_FILES"))
		if err == nil {
			err = mapMany(path, n)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if binary = os.Getenv("XNUMON_BINARY"); binary != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "xnumon-live")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "xnumon")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", out, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// started is a monitor under test.
type started struct {
	t      *testing.T
	cmd    *exec.Cmd
	ended  chan struct{}
	mu     sync.Mutex
	stderr bytes.Buffer
}

// start runs the program and waits until it says that it monitors. It is killed
// at the end of the test, and in any case after its lifetime: a gate that hangs
// must not outlive its test.
func start(t *testing.T, prepare func(*exec.Cmd), args ...string) *started {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), lifetime)
	s := &started{t: t, cmd: exec.CommandContext(ctx, binary, args...), ended: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(s.cmd)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			s.mu.Lock()
			fmt.Fprintln(&s.stderr, lines.Text())
			s.mu.Unlock()
			if strings.HasPrefix(lines.Text(), "xnumon: monitoring") {
				close(ready)
			}
		}
		_ = s.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(unix.SIGCONT)
		_ = s.cmd.Process.Kill()
		<-s.ended
		cancel()
	})
	select {
	case <-ready:
	case <-s.ended:
		t.Fatalf("%v ended: %s", args, s.said())
	case <-time.After(limit):
		t.Fatalf("%v did not start: %s", args, s.said())
	}
	return s
}

func (s *started) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stderr.String()
}

// stop ends the monitor as a person would and waits for it.
func (s *started) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(unix.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.t.Fatalf("did not stop: %s", s.said())
	}
}

// mount makes a file system of the test's own, with copies of the given programs.
func mount(t *testing.T, kind, options string, programs ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("xnumon-test", dir, kind, 0, options); err != nil {
		t.Fatalf("mount %s: %v", kind, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	for _, p := range programs {
		copyFile(t, p, filepath.Join(dir, filepath.Base(p)))
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o755); err != nil {
		t.Fatal(err)
	}
}

// timed runs a program and says how long it took.
func timed(t *testing.T, args ...string) time.Duration {
	t.Helper()
	begun := time.Now()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
	return time.Since(begun)
}

// records reads the JSON lines of a file.
func records(t *testing.T, path string) []map[string]any {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return decodeLines(t, raw)
}

func decodeLines(t *testing.T, raw []byte) (all []map[string]any) {
	t.Helper()
	for _, line := range bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var r map[string]any
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}

// at follows keys into a record; nil if there is nothing.
func at(r any, path ...string) any {
	for _, key := range path {
		m, ok := r.(map[string]any)
		if !ok {
			return nil
		}
		r = m[key]
	}
	return r
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
