//go:build linux && !nolive

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// configured writes a configuration that only root can change, and returns its path.
func configured(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.yaml")
	rewrite(t, path, text)
	return path
}

// rewrite puts another file in the place of the one there is.
func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestLiveConfigMistakes(t *testing.T) {
	wrong := configured(t, "gaet: hash\nancestors: 1\nhashes: md6\n")
	writable := configured(t, "gate: none\n")
	if err := os.Chmod(writable, 0o666); err != nil {
		t.Fatal(err)
	}
	nowhere := configured(t, "log_destination: /nowhere/log\n")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		says   []string
	}{
		{"check", []string{"config", "check", wrong}, 1, []string{
			wrong + ":1:1: gaet: is no key", "did you mean gate?", wrong + ":3:9: hashes: \"md6\"",
		}},
		{"check a good one", []string{"config", "check", writable}, 0, nil},
		{"check none", []string{"config", "check", "/nowhere/x"}, 1, []string{"/nowhere/x"}},
		{"mistakes", []string{"run", "--config", wrong}, 1, []string{"2 mistakes in " + wrong, ":1:1: gaet", ":3:9: hashes"}},
		{"no file", []string{"run", "--config", "/nowhere/x"}, 1, []string{"/nowhere/x", "config default"}},
		{"of others", []string{"run", "--config", writable}, 1, []string{"everybody can write to " + writable, "chmod o-w"}},
		{"no such folder", []string{"run", "--config", nowhere}, 1, []string{"log_destination: ", "/nowhere/log"}},
		{"flag before the file", []string{"run", "--config", writable, "--gate", "sign"}, 1, nil},
	} {
		cmd := exec.Command(binary, c.args...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != c.status {
			t.Errorf("%s: status %d: %s", c.name, got, out)
		}
		for _, s := range c.says {
			if !strings.Contains(string(out), s) {
				t.Errorf("%s: %q is not in %q", c.name, s, out)
			}
		}
	}
}

// Whatever is suppressed, what a process only calls by the name of it is not.
func TestLiveSuppress(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true", "/bin/sh")
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, sub := range []string{"tools", "other"} {
		if err := os.Mkdir(in(sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, binary, in("quiet"))
	copyFile(t, binary, in("loud"))
	copyFile(t, binary, in("tools/check_a"))
	script := func(name, text string) {
		if err := os.WriteFile(in(name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("quiet.sh", "#!/bin/sh\n"+in("loud")+" man >/dev/null # below a quiet script\n")
	script("parent.sh", "#!/bin/sh\n"+in("loud")+" version >/dev/null\n")
	log := in("log")
	config := configured(t, fmt.Sprintf(`
gate: hash
log_destination: %s
log_format: json
suppress_image_exec_by_path:
  - %[2]s/quiet
  - %[2]s/quiet.sh
  - %[2]s/tools/**
suppress_image_exec_by_ancestor_path:
  - %[2]s/parent.sh
`, log, dir))
	s := start(t, nil, "run", "--config", config, "--gate-path", dir)

	run := func(c *exec.Cmd) {
		t.Helper()
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", c.Args, err, out)
		}
	}
	// Suppressed.
	run(exec.Command(in("quiet"), "version"))
	run(exec.Command(in("tools/check_a"), "version"))
	run(exec.Command(in("quiet.sh")))  // not what it runs
	run(exec.Command(in("parent.sh"))) // only what it runs

	// Not suppressed: the arguments say so, a link does, a mount that only its
	// process sees does, a root directory does.
	run(&exec.Cmd{Path: in("loud"), Args: []string{in("quiet"), "version"}})
	if err := os.Link(in("quiet"), in("other/link")); err != nil {
		t.Fatal(err)
	}
	run(exec.Command(in("other/link"), "version"))
	spoof := exec.Command("/bin/sh", "-c", `mount -o bind "$1" "$2" && exec "$2" version`, "sh", in("loud"), in("quiet"))
	spoof.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	run(spoof)
	root := in("root")
	if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, binary, filepath.Join(root, in("quiet")))
	jailed := exec.Command(in("quiet"), "version")
	jailed.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	jailed.Dir = "/"
	run(jailed)

	last := exec.Command(in("loud"), "version")
	run(last)
	eventually(t, "the last exec is in the log", func() bool {
		raw, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(raw), fmt.Sprintf(`"pid":%d,`, last.Process.Pid))
	})
	s.stop()

	var got []string
	below := false
	for _, r := range records(t, log) {
		named := stringAt(r, "script", "path")
		if named == "" {
			named = stringAt(r, "image", "path")
		}
		if name, ours := strings.CutPrefix(named, dir); ours {
			got = append(got, fmt.Sprintf("%s %v", name, at(r, "argv")))
		}
		below = below || stringAt(r, "subject", "image", "script", "path") == in("quiet.sh")
	}
	want := []string{
		fmt.Sprintf("/loud [%s man]", in("loud")),
		fmt.Sprintf("/parent.sh [/bin/sh %s]", in("parent.sh")),
		fmt.Sprintf("/loud [%s version]", in("quiet")),
		fmt.Sprintf("/other/link [%s version]", in("other/link")),
		fmt.Sprintf("/quiet [%s version]", in("quiet")), // mounted
		fmt.Sprintf("/quiet [%s version]", in("quiet")), // in its own root directory
		fmt.Sprintf("/loud [%s version]", in("loud")),
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("recorded\n%s\nwant\n%s", a, b)
	}
	if !below {
		t.Error("what a suppressed script runs does not have it for an ancestor")
	}
}

func stringAt(r any, path ...string) string {
	s, _ := at(r, path...).(string)
	return s
}

// Execs go on while the configuration changes in every way; each is recorded
// once, in one of the places there were.
func TestLiveReload(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	program := filepath.Join(dir, "true")
	name := func(i int) string { return filepath.Join(dir, fmt.Sprint("log", i)) }
	text := func(i int, more string) string {
		return fmt.Sprintf("gate: open\nlog_format: json\nancestors: %d\nlog_destination: %s\nomit_size: %v\n%s", i, name(i), i%2 == 1, more)
	}
	config := configured(t, text(0, ""))
	s := start(t, nil, "run", "--config", config, "--gate-path", dir)
	said := func(what string) func() bool { return func() bool { return strings.Contains(s.said(), what) } }

	stop := make(chan struct{})
	var execs atomic.Int64
	var runner sync.WaitGroup
	var once sync.Once
	end := func() { once.Do(func() { close(stop) }); runner.Wait() }
	t.Cleanup(func() {
		end()
		if t.Failed() {
			t.Log(s.said())
		}
	})
	runner.Go(func() {
		for ; ; execs.Add(1) {
			select {
			case <-stop:
				return
			default:
			}
			if err := exec.Command(program, fmt.Sprint("exec-", execs.Load())).Run(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	more := func() {
		t.Helper()
		from := execs.Load()
		eventually(t, "execs go on", func() bool { return execs.Load() > from+10 })
	}
	const places = 4
	for i := 1; i < places; i++ {
		rewrite(t, config, text(i, ""))
		if err := s.cmd.Process.Signal(unix.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it has changed", func() bool { return strings.Count(s.said(), "again and changed") == i })
		more()
	}
	rewrite(t, config, text(places-1, "gaet: hash\n"))
	eventually(t, "it has told the mistake", said(config+":6:1: gaet"))
	eventually(t, "it stays with what it has", said("stays in force"))
	rewrite(t, config, strings.Replace(text(places-1, ""), "gate: open", "gate: none", 1))
	eventually(t, "it has told what needs a restart", said("gate: a change from open to none needs a restart"))
	rewrite(t, config, text(places-1, "suppress_image_exec_by_path: ["+program+"]\n"))
	eventually(t, "it has changed once more", func() bool { return strings.Count(s.said(), "again and changed") == places })
	more()
	end()
	s.stop()

	seen := make(map[string]int)
	for i := range places {
		for _, r := range records(t, name(i)) {
			if stringAt(r, "image", "path") != program {
				continue
			}
			seen[at(r, "argv").([]any)[1].(string)]++
		}
	}
	last := 0
	for i := range int(execs.Load()) {
		switch n := seen[fmt.Sprint("exec-", i)]; n {
		case 1:
			last = i
		case 0: // fine behind the last one, which is when they were suppressed
		default:
			t.Errorf("exec %d is recorded %d times", i, n)
		}
	}
	for i := range last {
		if seen[fmt.Sprint("exec-", i)] == 0 {
			t.Errorf("exec %d of %d is not recorded", i, last)
		}
	}
	if n := int(execs.Load()); last == n-1 {
		t.Errorf("all %d execs are recorded, the suppressed ones too", n)
	}
}
