//go:build linux && !nolive

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// warmed executes a script until it is not held any more, which takes two execs of
// it, and more if a record is read late.
const warmed = 20

// called is the name that a script was called by, and the one argument it got.
func called(r map[string]any) (name, argument string) {
	if argv, _ := r["argv"].([]any); len(argv) > 1 {
		name, _ = argv[len(argv)-2].(string)
		argument, _ = argv[len(argv)-1].(string)
	}
	return name, argument
}

// Scripts whose digest is known are not held, as images are not; whatever happens to them
// meanwhile, their records say what was executed.
func TestLiveKnownScript(t *testing.T) {
	for _, level := range []string{"hash", "open"} {
		t.Run(level, func(t *testing.T) {
			d := newDisk(t)
			final := filepath.Join(d.dir, "true")
			copyFile(t, "/bin/true", final)
			in := func(name string) string { return filepath.Join(d.dir, name) }
			inner := text(t, in("inner"), "#!"+final+" -x\n")
			outer := text(t, in("outer"), "#!"+inner+"\n")
			renamed := text(t, in("renamed-before"), "#!"+final+"\n# renamed\n")
			chmodded := text(t, in("chmodded"), "#!"+final+" with an argument\n# chmodded\n")
			rewritten := text(t, in("rewritten"), "#!"+final+"\n# rewritten\n")
			replaced := text(t, in("replaced"), "#!"+final+"\n# replaced\n")
			other := text(t, in("other"), "#!"+inner+"\n# replaced by another that takes another way\n")
			target := text(t, in("target"), "#!"+final+"\n# by a link\n")
			link := in("link")
			if err := os.Symlink(target, link); err != nil {
				t.Fatal(err)
			}
			scripts := []string{inner, outer, renamed, chmodded, rewritten, replaced, link}
			unix.Sync()
			settle(t)
			log := filepath.Join(t.TempDir(), "log")
			s := monitoring(t, level, d.dir, log)
			for range warmed {
				for _, script := range scripts {
					timed(t, script, "before")
				}
			}
			before := map[string]string{}
			for _, script := range scripts {
				before[script] = sumOf(t, script)
			}
			moved := in("renamed-after")
			do := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			do(os.Rename(renamed, moved))
			do(os.Chmod(chmodded, 0o700))
			do(os.WriteFile(rewritten, []byte("#!"+final+" -y\n# now\n"), 0))
			do(os.Rename(other, replaced))
			after := map[string]string{}
			for _, script := range []string{inner, outer, moved, chmodded, rewritten, replaced, link} {
				after[script] = sumOf(t, script)
				for range warmed {
					timed(t, script, "after")
				}
			}
			s.stop()

			check := func(r map[string]any, name, want string) {
				t.Helper()
				path := name
				if name == link {
					path = target
				}
				chain, _ := r["interpreters"].([]any)
				length := 0 // what script says already
				if name == outer || name == replaced && want == after[replaced] {
					length = 3
				}
				if at(r, "script", "path") != path || at(r, "script", "sha256") != want || len(chain) != length {
					t.Errorf("%s (%s): script %v, by way of %v, gate %v", name, want, at(r, "script"), chain, at(r, "gate"))
				}
				if length == 3 && (at(chain[1], "path") != inner || at(chain[1], "sha256") != after[inner]) {
					t.Errorf("%s by way of %v", name, chain[1])
				}
			}
			count, held := map[string]int{}, map[string]int{}
			for _, r := range records(t, log) {
				name, when := called(r)
				if at(r, "image", "path") != final {
					continue
				}
				switch when {
				case "before":
					check(r, name, before[name])
				case "after":
					check(r, name, after[name])
				default:
					continue
				}
				count[name+" "+when]++
				if at(r, "gate", "held_ns") != nil {
					held[name+" "+when]++
				}
			}
			for _, script := range scripts {
				k := script + " before"
				if count[k] != warmed || held[k] >= warmed/2 {
					t.Errorf("%s: %d records, held %d times", k, count[k], held[k])
				}
			}
			for script := range after {
				k := script + " after"
				if count[k] != warmed || held[k] >= warmed/2 {
					t.Errorf("%s: %d records, held %d times", k, count[k], held[k])
				}
			}
		})
	}
}

// sumOf is the digest of a file as it is now.
func sumOf(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return digestOf(raw)
}

// knowing starts a monitor at hash and makes it know a script by heart, whose first line ends in argument.
func knowing(t *testing.T, argument string) (script, log string, s *started) {
	t.Helper()
	d := newDisk(t)
	final := filepath.Join(d.dir, "true")
	copyFile(t, "/bin/true", final)
	script = text(t, filepath.Join(d.dir, "script"), "#!"+final+argument+"\n")
	unix.Sync()
	settle(t)
	log = filepath.Join(t.TempDir(), "log")
	s = monitoring(t, "hash", d.dir, log)
	for range warmed {
		timed(t, script, "before")
	}
	return script, log, s
}

const ringing = "XNUMON_TEST_RINGING"

// ring executes a program from a thread that uses io_uring, and that has a program of before to
// take apart: the kernel closes the script before its activation then.
func ring(path string) error {
	runtime.LockOSThread()
	var params [120]byte // struct io_uring_params
	if _, _, err := unix.Syscall(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)), 0); err != 0 {
		return fmt.Errorf("io_uring_setup: %w", err)
	}
	return unix.Exec(path, []string{path, "ringing"}, nil)
}

// A thread that uses io_uring closes the script before the activation. What is left to be closed
// then is what the process ran before, and no script.
func TestLiveKnownScriptByRing(t *testing.T) {
	script, log, s := knowing(t, "")
	ringer := exec.Command(os.Args[0])
	ringer.Env = append(os.Environ(), ringing+"="+script)
	if out, err := ringer.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	timed(t, script, "after")
	s.stop()
	known, rang, after := false, false, false
	for _, r := range records(t, log) {
		name, when := called(r)
		if name != script {
			continue
		}
		whole := at(r, "script", "path") == script && at(r, "script", "sha256") != nil
		switch when {
		case "before":
			known = known || at(r, "gate", "held_ns") == nil
			if !whole {
				t.Errorf("before: %v", r)
			}
		case "ringing":
			rang = true
			if !whole && (at(r, "script") != nil || at(r, "missing", "script") != "not held") {
				t.Errorf("with a ring: %v", r)
			}
		case "after":
			after = true
			if !whole || at(r, "gate", "held_ns") == nil {
				t.Errorf("not held again: %v", r)
			}
		}
	}
	if !known || !rang || !after {
		t.Errorf("known before: %v; with a ring: %v; after: %v", known, rang, after)
	}
}

// A process has more private files mapped than anybody would walk by hand: all of them are
// closed at the exec, in front of the script.
func TestLiveKnownScriptBehindManyFiles(t *testing.T) {
	const files = 2000
	script, log, s := knowing(t, "")
	mapper := exec.Command(os.Args[0])
	mapper.Env = append(os.Environ(), mapping+"="+script, fmt.Sprintf("%s_FILES=%d", mapping, files))
	if out, err := mapper.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.stop()
	found := 0
	for _, r := range records(t, log) {
		if name, when := called(r); name != script || when != "mapping" {
			continue
		}
		found++
		if at(r, "script", "path") != script || at(r, "script", "sha256") == nil || at(r, "gate", "held_ns") != nil {
			t.Errorf("%v", r)
		}
	}
	if found != 1 {
		t.Errorf("%d records", found)
	}
}

const mapping = "XNUMON_TEST_MAPPING"

// mapMany executes a program from a process that has mapped many files which are open nowhere else.
func mapMany(path string, files int) error {
	dir, err := os.MkdirTemp("", "mapped")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for i := range files {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if _, err := unix.Mmap(int(f.Fd()), 0, 1, unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
			return err
		}
		f.Close()
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return unix.Exec(path, []string{path, "mapping"}, nil)
}
