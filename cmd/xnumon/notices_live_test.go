//go:build linux && !nolive

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// Scripts are seen at level none too, whichever way they are named. On a file system that does not
// show changes their hash is missing.
func TestLiveScriptsNotHeld(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	log := filepath.Join(t.TempDir(), "log")
	plain := text(t, filepath.Join(dir, "plain"), "#!"+filepath.Join(dir, "true")+"\n")
	argued := text(t, filepath.Join(dir, "argued"), "#!"+filepath.Join(dir, "true")+" -x\n")
	nested := text(t, filepath.Join(dir, "nested"), "#!"+argued+" -y\n")
	settle(t)
	s := start(t, nil, "run", "--config", "", "--format", "json", "--gate", "none", "--output", log)
	want := map[string]string{}
	run := func(script, dir, name string) {
		mark := fmt.Sprintf("mark-%d", len(want))
		want[mark] = script
		cmd := exec.Command(name, mark)
		cmd.Path, cmd.Dir, cmd.Err = name, dir, nil
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	for range 3 {
		run(plain, "", plain)
		run(argued, dir, "./argued")
		run(nested, dir, "nested")
		// The calls before fail for want of a file.
		mark := fmt.Sprintf("mark-%d", len(want))
		want[mark] = argued
		cmd := exec.Command("/usr/bin/env", "argued", mark)
		cmd.Env = []string{"PATH=/nowhere:/usr/nowhere:" + dir}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	// The same thread fails with one script and goes on to another.
	failing := text(t, filepath.Join(dir, "failing"), "#!"+dir+"\n")
	shell := exec.Command("/bin/sh", "-c", `"$0"; exec "$1" after`, failing, plain)
	_ = shell.Run()
	s.stop()

	seen := 0
	for _, r := range records(t, log) {
		argv, _ := r["argv"].([]any)
		for _, a := range argv {
			script, ok := want[fmt.Sprint(a)]
			if !ok || at(r, "image", "path") != filepath.Join(dir, "true") {
				continue
			}
			seen++
			why := at(r, "script", "missing", "sha256")
			if at(r, "script", "path") != script || at(r, "script", "size") == nil || why != "not held" && why != "unverifiable" {
				t.Errorf("%v", r)
			}
			chain, _ := r["interpreters"].([]any)
			if script == nested && (len(chain) != 3 || at(chain[1], "path") != argued) || script != nested && chain != nil {
				t.Errorf("%v", r)
			}
		}
		if len(argv) > 0 && argv[len(argv)-1] == "after" && at(r, "image", "path") == filepath.Join(dir, "true") {
			if s := at(r, "script", "path"); s != nil && s != plain {
				t.Errorf("after a call that failed: %v", r)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d execs of %d", seen, len(want))
	}
}

// On a file system that shows changes a script has its hash at level none, unless it was changed just before; and
// its path, whichever way it was named.
func TestLiveScriptsHashedNotHeld(t *testing.T) {
	d := newDisk(t)
	in := func(name string) string { return filepath.Join(d.dir, name) }
	copyFile(t, "/bin/true", in("true"))
	plain := text(t, in("plain"), "#!"+in("true")+"\n")
	nested := text(t, in("nested"), "#!"+plain+" -x\n")
	if err := os.Symlink("nested", in("link")); err != nil {
		t.Fatal(err)
	}
	settle(t)
	log := filepath.Join(t.TempDir(), "log")
	s := monitoring(t, "none", d.dir, log)
	const times = 10
	for range times {
		timed(t, plain, "plain")
		timed(t, in("link"), "nested")
	}
	sums := map[string]string{}
	for _, script := range []string{plain, nested} {
		raw, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		sums[script] = digestOf(raw)
	}
	for i := range times {
		text(t, plain, fmt.Sprintf("#!%s\n# %d\n", in("true"), i))
		timed(t, plain, "changed")
	}
	s.stop()
	count := map[string]int{}
	for _, r := range records(t, log) {
		_, when := called(r)
		chain, _ := r["interpreters"].([]any)
		switch when {
		case "plain", "nested":
			script := in(when)
			if at(r, "script", "path") != script || at(r, "script", "sha256") != sums[script] {
				t.Errorf("%s: %v", when, at(r, "script"))
			}
			if when == "nested" && (len(chain) != 3 || at(chain[1], "path") != plain || at(chain[1], "sha256") != sums[plain]) {
				t.Errorf("by way of %v", chain)
			}
		case "changed":
			if sum := at(r, "script", "sha256"); sum != nil || at(r, "script", "missing", "sha256") == nil {
				t.Errorf("changed just before: %v", at(r, "script"))
			}
		default:
			continue
		}
		count[when]++
	}
	if count["plain"] != times || count["nested"] != times || count["changed"] != times {
		t.Errorf("%v records", count)
	}
}

// A script that is moved, and another in its place, while it is executed: at its path or without
// one, with its own number.
func TestLiveScriptsSwapped(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	log := filepath.Join(t.TempDir(), "log")
	rooms := [2]string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	numbers := map[string]bool{}
	for i, room := range rooms {
		if err := os.Mkdir(room, 0o755); err != nil {
			t.Fatal(err)
		}
		text(t, filepath.Join(room, "script"), fmt.Sprintf("#!%s %d\n", filepath.Join(dir, "true"), i))
		numbers[fmt.Sprintf("%d %d", i, stat(t, filepath.Join(room, "script")).Ino)] = true
	}
	s := start(t, nil, "run", "--config", "", "--format", "json", "--gate", "none", "--output", log)
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		spare := filepath.Join(dir, "spare")
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, step := range [][2]string{{rooms[0], spare}, {rooms[1], rooms[0]}, {spare, rooms[1]}} {
				if err := os.Rename(step[0], step[1]); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 300 {
		cmd := exec.Command("x")
		cmd.Path, cmd.Err = filepath.Join(rooms[0], "script"), nil
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		_ = cmd.Run() // between two renames there is none
	}
	close(stop)
	swapping.Wait()
	s.stop()
	named, unnamed := 0, 0
	for _, r := range records(t, log) {
		argv, _ := r["argv"].([]any)
		if at(r, "image", "path") != filepath.Join(dir, "true") || len(argv) < 2 {
			continue
		}
		switch path := at(r, "script", "path"); path {
		case filepath.Join(rooms[0], "script"):
			named++
		case nil:
			unnamed++
		default:
			t.Errorf("it was executed in %s: %v", rooms[0], r)
		}
		if ino, ok := at(r, "script", "ino").(float64); ok && !numbers[fmt.Sprintf("%v %.0f", argv[1], ino)] {
			t.Errorf("another file than the arguments say: %v", r)
		}
	}
	t.Logf("%d at their path, %d without", named, unnamed)
	if named+unnamed == 0 {
		t.Error("nothing was executed")
	}
}
