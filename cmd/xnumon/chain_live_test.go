//go:build linux && !nolive

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func text(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// named are the records of execs that were called with this name.
func named(t *testing.T, log, name string) (found []map[string]any) {
	t.Helper()
	for _, r := range records(t, log) {
		argv, _ := r["argv"].([]any)
		if r["filename"] == name || at(r, "script", "path") == name || at(r, "image", "path") == name {
			found = append(found, r)
			continue
		}
		for _, a := range argv {
			if a == name {
				found = append(found, r)
				break
			}
		}
	}
	return found
}

// A script on a file system that is not held, whose interpreter is a script on one that
// is: what was held is not the script that was named, which may be seen, without a hash.
func TestLiveOuterScriptNotHeld(t *testing.T) {
	held, other := mount(t, "tmpfs", "", "/bin/true"), mount(t, "tmpfs", "")
	interpreter := filepath.Join(held, "true")
	log := filepath.Join(t.TempDir(), "log")
	s := gated(t, nil, held, "--output", log)
	for i, argument := range []string{"", " -x"} {
		inner := text(t, filepath.Join(held, fmt.Sprintf("inner-%d", i)), "#!"+interpreter+argument+"\n")
		timed(t, inner)
		for j, argument := range []string{"", " " + filepath.Join(other, "forged")} {
			timed(t, text(t, filepath.Join(other, fmt.Sprintf("outer-%d-%d", i, j)), "#!"+inner+argument+"\n"), "a", "b")
		}
	}
	s.stop()
	for i := range 2 {
		inner := filepath.Join(held, fmt.Sprintf("inner-%d", i))
		direct := named(t, log, inner)[0]
		if at(direct, "script", "path") != inner || at(direct, "script", "sha256") == nil {
			t.Errorf("the script that was held: %v", direct)
		}
		for j := range 2 {
			outer := filepath.Join(other, fmt.Sprintf("outer-%d-%d", i, j))
			found := named(t, log, outer)
			if len(found) != 1 {
				t.Fatalf("%d execs of %s", len(found), outer)
			}
			r := found[0]
			chain, _ := r["interpreters"].([]any)
			seen := at(r, "script", "path") == outer && at(r, "script", "sha256") == nil && len(chain) == 3 && at(chain[1], "path") == inner
			if !seen && (at(r, "script") != nil || at(r, "missing", "script") != "not held") {
				t.Errorf("%s: %v", outer, r)
			}
		}
	}
}

// A file that was executed so often that it is not held any more becomes an
// interpreter, by an entry for binfmt_misc.
func TestLiveImageBecomesInterpreter(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	registry := mount(t, "binfmt_misc", "")
	disk := newDisk(t)
	final := filepath.Join(dir, "true")
	program := filepath.Join(disk.dir, "program.xnumon")
	copyFile(t, "/bin/true", program)
	unix.Sync()
	settle(t)
	log := filepath.Join(t.TempDir(), "log")
	s := gated(t, nil, dir, "--gate-path", disk.dir, "--output", log)
	for range 5 {
		timed(t, program)
	}
	if err := os.WriteFile(filepath.Join(registry, "register"), []byte(":xnumon-test:E::xnumon::"+final+":"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(filepath.Join(registry, "xnumon-test"), []byte("-1"), 0); err != nil {
			t.Error(err)
		}
	})
	script := text(t, filepath.Join(dir, "script"), "#!"+program+" -x\n")
	for range 3 {
		timed(t, script)
	}
	s.stop()
	ignored := false
	for _, r := range named(t, log, program)[:5] {
		ignored = ignored || at(r, "gate", "outcome") == "known"
	}
	if !ignored {
		t.Error("the program was held each time: this proves nothing")
	}
	whole := 0
	found := named(t, log, script)
	for _, r := range found {
		chain, _ := r["interpreters"].([]any)
		switch {
		case at(r, "missing", "script") == "not held" && at(r, "script") == nil:
		case at(r, "script", "path") == script && len(chain) == 3 && at(chain[1], "path") == program:
			whole++
		default:
			t.Errorf("%v", r)
		}
	}
	if len(found) != 3 || whole == 0 {
		t.Errorf("%d execs of 3, %d of them whole", len(found), whole)
	}
}
