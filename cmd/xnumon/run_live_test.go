//go:build linux && !nolive

package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// finish runs the program to its end and returns its exit status and what it printed.
func finish(t *testing.T, prepare func(*exec.Cmd), args ...string) (int, string, string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if prepare != nil {
		prepare(cmd)
	}
	if e := cmd.Run(); e != nil {
		var exit *exec.ExitError
		if !errors.As(e, &exit) {
			t.Fatal(e)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

// nobody has a program run without privileges.
func nobody(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

func TestLiveMistakes(t *testing.T) {
	if err := os.Chmod(filepath.Dir(binary), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		prepare func(*exec.Cmd)
		args    []string
		status  int
		says    string
	}{
		{"not root", nobody, []string{"run"}, 1, "CAP_SYS_ADMIN"},
		{"not root, trace", nobody, []string{"trace", "true"}, 1, "sudo xnumon trace"},
		{"unknown flag", nil, []string{"run", "--gat", "none"}, 1, "unknown flag: --gat"},
		{"wrong level", nil, []string{"run", "--gate", "sign"}, 1, `"sign" is none of none, open and hash`},
		{"wrong hash", nil, []string{"run", "--hashes", "sha3"}, 1, `"sha3"`},
		{"wrong ancestors", nil, []string{"run", "--ancestors", "-1"}, 1, `"-1"`},
		{"wrong format", nil, []string{"run", "--format", "xml"}, 1, `"xml"`},
		{"short deadline", nil, []string{"run", "--gate-timeout", "1ms"}, 1, "less than 10ms"},
		{"no such folder", nil, []string{"run", "--output", "/nowhere/log"}, 1, "/nowhere/log"},
		{"no such gate path", nil, []string{"run", "--gate-path", "/nowhere"}, 1, "/nowhere"},
		{"no such address", nil, []string{"run", "--metrics", "192.0.2.1:9464"}, 1, "--metrics: listen tcp 192.0.2.1:9464"},
		{"no place for a socket", nil, []string{"run", "--status-socket", "/nowhere/socket"}, 1, "--status-socket: listen at /nowhere/socket"},
		{"a file for a socket", nil, []string{"run", "--status-socket", "/etc/passwd"}, 1, "/etc/passwd: there is something that is no socket"},
		{"no such command", nil, []string{"trace", "/nowhere/program"}, 127, "/nowhere/program"},
		{"no such recording", nil, []string{"replay", "/nowhere/stream"}, 1, "/nowhere/stream"},
		{"no recording", nil, []string{"replay", "/etc/passwd"}, 1, "/etc/passwd"},
		{"unknown command", nil, []string{"watch"}, 1, `"watch"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, out, says := finish(t, c.prepare, c.args...)
			if got != c.status || !strings.Contains(says, c.says) {
				t.Errorf("status %d, said %q", got, says)
			}
			if strings.Count(says, "\n") != 1 || out != "" {
				t.Errorf("not one line: %q and %q", says, out)
			}
		})
	}
}

func TestLiveTrace(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	other := exec.Command("sh", "-c", "while :; do /bin/true; done")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	got, out, says := finish(t, func(c *exec.Cmd) { c.Stdin = strings.NewReader("in\n") },
		"trace", "--gate", "none", "--format", "json", "--output", log, "--", "sh", "-c", "cat; echo err >&2; (ls / >/dev/null); exit 7")
	if got != 7 || out != "in\n" || says != "err\n" {
		t.Errorf("status %d, out %q, err %q", got, out, says)
	}
	var images []string
	for _, r := range records(t, log) {
		path, _ := at(r, "image", "path").(string)
		images = append(images, filepath.Base(path))
	}
	if strings.Join(images, " ") != "dash cat ls" {
		t.Errorf("recorded %v", images)
	}
	if got, _, _ := finish(t, nil, "trace", "--gate", "none", "--output", log, "--", "sh", "-c", "kill -TERM $$"); got != 128+15 {
		t.Errorf("status %d of a command that a signal ended", got)
	}
}

// What ran before is marked, and what did not is not.
func TestLiveAtStart(t *testing.T) {
	before := exec.Command("sleep", "1000")
	if err := before.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = before.Process.Kill()
		_ = before.Wait()
	}()
	log := filepath.Join(t.TempDir(), "log")
	s := start(t, nil, "run", "--gate", "none", "--at-start", "--format", "json", "--output", log)
	// The child of a shell that was not there before.
	timed(t, "sh", "-c", "sh -c 'ls / >/dev/null; :'; :")
	eventually(t, "the processes before and after are in the log", func() bool {
		raw, err := os.ReadFile(log)
		return err == nil && bytes.Contains(raw, []byte(`"argv":["sleep","1000"]`)) && bytes.Contains(raw, []byte(`"argv":["ls","/"]`))
	})
	s.stop()
	found := false
	for _, r := range records(t, log) {
		argv, _ := at(r, "argv").([]any)
		switch {
		case len(argv) == 2 && argv[1] == "1000" && at(r, "subject", "pid") == float64(before.Process.Pid):
			found = true
			if at(r, "reconstructed") != true || at(r, "at_start") != true {
				t.Errorf("not marked: %v", r)
			}
			if at(r, "image", "sha256") == nil {
				t.Errorf("no hash of a running program: %v", r)
			}
		case len(argv) == 2 && argv[0] == "ls" && argv[1] == "/":
			if at(r, "reconstructed") != nil || at(r, "image", "reconstructed") != nil || at(r, "subject", "image", "reconstructed") != nil {
				t.Errorf("marked, although it was observed: %v", r)
			}
		}
	}
	if !found {
		t.Error("the running process has no record")
	}
}

// A ring that nobody reads overflows; the loss is told, and what is rebuilt is marked.
func TestLiveLoss(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s := start(t, nil, "run", "--gate", "none", "--format", "json", "--output", log)
	if err := s.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// 4 MiB of ring, 4 KiB a record. A longer environment would go in chunks, which
	// leave room for the rest.
	const execs = 2200
	child := exec.Command("sh", "-c", `i=0; while [ $i -lt "$0" ]; do /bin/true; i=$((i+1)); echo $i; done; exec sleep 1000`, itoa(execs))
	child.Env = []string{"FILL=" + strings.Repeat("x", 4000)}
	counted, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer counted.Close()
	child.Stdout = w
	err = child.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	// It takes as long as it takes, as long as it goes on.
	for lines := bufio.NewReader(counted); ; {
		if err := counted.SetReadDeadline(time.Now().Add(limit)); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the shell does not go on: %v", err)
		}
		if line == itoa(execs)+"\n" {
			break
		}
	}
	if err := s.cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the loss is recorded", func() bool {
		raw, err := os.ReadFile(log)
		return err == nil && bytes.Contains(raw, []byte(`"source":"ring"`))
	})
	timed(t, "sh", "-c", "ls / >/dev/null; :")
	eventually(t, "it goes on", func() bool {
		raw, err := os.ReadFile(log)
		return err == nil && bytes.Contains(raw, []byte(`"argv":["ls","/"]`))
	})
	s.stop()
	lost, seen := 0.0, 0
	for _, r := range records(t, log) {
		switch {
		case at(r, "loss") != nil:
			count, _ := at(r, "loss", "count").(float64)
			lost += count
			if at(r, "loss", "since") == nil || at(r, "loss", "until") == nil {
				t.Errorf("loss without times: %v", r)
			}
		case at(r, "subject", "fork_pid") == float64(child.Process.Pid):
			seen++
		}
	}
	if lost == 0 || seen == 0 || seen >= execs {
		t.Errorf("%d execs recorded, %v records lost", seen, lost)
	}
}
