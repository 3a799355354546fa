//go:build linux && !nolive

package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// linkerOf is the path of the dynamic linker that a program names.
func linkerOf(t *testing.T, program string) string {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			raw, err := io.ReadAll(p.Open())
			if err != nil {
				t.Fatal(err)
			}
			return string(bytes.TrimRight(raw, "\x00"))
		}
	}
	t.Fatalf("%s has no dynamic linker", program)
	return ""
}

// linkedBy makes a program that names a dynamic linker of its own, and copies that there. Its
// path has to be as short as that of the machine's.
func linkedBy(t *testing.T, program, linker string) {
	t.Helper()
	const from = "/bin/true"
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	named := linkerOf(t, from)
	if len(linker) > len(named) || bytes.Count(raw, []byte(named+"\x00")) != 1 {
		t.Fatalf("%s cannot take the place of %s in %s", linker, named, from)
	}
	padded := linker + strings.Repeat("\x00", len(named)-len(linker))
	raw = bytes.Replace(raw, []byte(named), []byte(padded), 1)
	if err := os.WriteFile(program, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, named, linker)
}

// checkScripts checks that all records of execs with this argument are of the script.
func checkScripts(t *testing.T, log, argument, script, sum string, times int) {
	t.Helper()
	n := 0
	for _, r := range records(t, log) {
		if _, when := called(r); when != argument {
			continue
		}
		n++
		if at(r, "script", "path") != script || at(r, "script", "sha256") != sum || at(r, "interpreters") != nil {
			t.Errorf("%s: script %v, by way of %v, gate %v", argument, at(r, "script"), at(r, "interpreters"), at(r, "gate"))
		}
	}
	if n != times {
		t.Errorf("%s: %d records of %d", argument, n, times)
	}
}

// When script and image are known, the dynamic linker can be the only file of an exec that is held: one that never
// becomes known, or that an upgrade has put in the place of another. It is no interpreter.
func TestLiveKnownScriptAndOtherLinker(t *testing.T) {
	for _, level := range []string{"hash", "open"} {
		t.Run(level, func(t *testing.T) {
			d := newDisk(t)
			short, err := os.MkdirTemp("/tmp", "x")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(short) })
			if err := unix.Mount("x", short, "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(short, unix.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			in := func(name string) string { return filepath.Join(d.dir, name) }
			linkedBy(t, in("unknown"), filepath.Join(short, "ld"))
			// The link is in the way to the linker, not the linker.
			if err := os.Symlink(in("ld"), filepath.Join(short, "l")); err != nil {
				t.Fatal(err)
			}
			linkedBy(t, in("replaced"), filepath.Join(short, "l"))
			byUnknown := text(t, in("by-unknown"), "#!"+in("unknown")+"\n")
			byReplaced := text(t, in("by-replaced"), "#!"+in("replaced")+"\n")
			unix.Sync()
			settle(t)
			log := filepath.Join(t.TempDir(), "log")
			s := gated(t, nil, d.dir, "--gate-path", short, "--gate", level, "--output", log)
			for range warmed {
				timed(t, byUnknown, "unknown")
				timed(t, byReplaced, "before")
			}
			copyFile(t, linkerOf(t, "/bin/true"), in("new"))
			if err := os.Rename(in("new"), in("ld")); err != nil {
				t.Fatal(err)
			}
			for range warmed {
				timed(t, byReplaced, "after")
			}
			s.stop()
			checkScripts(t, log, "unknown", byUnknown, sumOf(t, byUnknown), warmed)
			checkScripts(t, log, "before", byReplaced, sumOf(t, byReplaced), warmed)
			checkScripts(t, log, "after", byReplaced, sumOf(t, byReplaced), warmed)
		})
	}
}

// overlaid mounts an overlay over a directory "low" on the disk, which it makes if it is not there.
func overlaid(t *testing.T, d *disk, at string) {
	t.Helper()
	for _, dir := range []string{"low", "up", "work"} {
		if err := os.MkdirAll(filepath.Join(d.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := fmt.Sprintf("lowerdir=%[1]s/low,upperdir=%[1]s/up,workdir=%[1]s/work", d.dir)
	if err := unix.Mount("overlay", at, "overlay", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// A script that is known by itself is executed through an overlay, where the open of the file below is not held any
// more: what is held next is not that, though it has the same size.
func TestLiveKnownScriptBelowOverlay(t *testing.T) {
	d := newDisk(t)
	in := func(name string) string { return filepath.Join(d.dir, name) }
	if err := os.Mkdir(in("low"), 0o755); err != nil {
		t.Fatal(err)
	}
	final := in("final")
	copyFile(t, "/bin/true", final)
	size, err := os.Stat(final)
	if err != nil {
		t.Fatal(err)
	}
	head := "#!" + final + "\n"
	low := text(t, in("low/script"), head+strings.Repeat("#", int(size.Size())-len(head)))
	argued := text(t, in("low/argued"), "#!"+final+" -x\n")
	over := t.TempDir()
	overlaid(t, d, over)
	unix.Sync()
	settle(t)
	log := filepath.Join(t.TempDir(), "log")
	s := gated(t, nil, d.dir, "--gate-path", over, "--gate", "hash", "--output", log)
	for range warmed {
		timed(t, low, "below")
		timed(t, argued, "argued-below")
	}
	if err := os.Chmod(final, 0o700); err != nil { // so that it is held
		t.Fatal(err)
	}
	for range warmed {
		timed(t, filepath.Join(over, "script"), "above")
		timed(t, filepath.Join(over, "argued"), "argued-above")
	}
	s.stop()
	checkScripts(t, log, "below", low, sumOf(t, low), warmed)
	checkScripts(t, log, "argued-below", argued, sumOf(t, argued), warmed)
	checkScripts(t, log, "above", filepath.Join(over, "script"), sumOf(t, low), warmed)
	checkScripts(t, log, "argued-above", filepath.Join(over, "argued"), sumOf(t, argued), warmed)
}

// A program on an overlay with its dynamic linker there: the kernel closes that at the exec, as it does the scripts.
func TestLiveScriptAndLinkerOnOverlay(t *testing.T) {
	levels(t, func(t *testing.T, level string, d *disk) {
		over, err := os.MkdirTemp("/tmp", "x")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(over) })
		overlaid(t, d, over)
		program := filepath.Join(over, "program")
		linkedBy(t, program, filepath.Join(over, "ld"))
		plain := text(t, filepath.Join(over, "plain"), "#!"+program+"\n")
		argued := text(t, filepath.Join(over, "argued"), "#!"+program+" -x\n")
		nested := text(t, filepath.Join(over, "nested"), "#!"+argued+"\n")
		outside := text(t, filepath.Join(d.dir, "outside"), "#!"+program+" -x\n")
		unix.Sync()
		settle(t)
		log := filepath.Join(t.TempDir(), "log")
		args := []string{"run", "--config", "", "--format", "json", "--gate", level, "--output", log}
		if level != "none" {
			args = append(args, "--gate-path", d.dir, "--gate-path", over)
		}
		s := start(t, nil, args...)
		scripts := []string{plain, argued, nested, outside}
		for range warmed {
			for _, script := range scripts {
				timed(t, script, "mark")
			}
		}
		s.stop()
		count := map[string]int{}
		for _, r := range records(t, log) {
			name, mark := called(r)
			if mark != "mark" {
				continue
			}
			count[name]++
			chain, _ := r["interpreters"].([]any)
			whole := at(r, "script", "path") == name && (name == nested) == (len(chain) == 3) && (name == nested || chain == nil) &&
				(chain == nil || at(chain[1], "path") == argued)
			hashed := at(r, "script", "sha256") != nil || level != "hash" && at(r, "script", "missing", "sha256") != nil
			if !whole || !hashed {
				t.Errorf("%s: script %v, by way of %v, missing %v, gate %v", name, at(r, "script"), chain, at(r, "missing"), at(r, "gate"))
			}
		}
		for _, script := range scripts {
			if count[script] != warmed {
				t.Errorf("%s: %d records", script, count[script])
			}
		}
	})
}

// A known script is given another mode and executed at once: it is the same file, though nothing shows yet that it has
// the same bytes.
func TestLiveKnownScriptChangedAtOnce(t *testing.T) {
	for name, argument := range map[string]string{"plain": "", "argued": " -e -x"} {
		t.Run(name, func(t *testing.T) { changeAtOnce(t, argument) })
	}
}

func changeAtOnce(t *testing.T, argument string) {
	script, log, s := knowing(t, argument)
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	timed(t, script, "at-once")
	s.stop()
	raw, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range records(t, log) {
		if _, when := called(r); when != "at-once" {
			continue
		}
		n++
		sum := at(r, "script", "sha256")
		if at(r, "script", "path") != script || sum != digestOf(raw) && at(r, "script", "missing", "sha256") != "modified" {
			t.Errorf("script %v, missing %v, gate %v", at(r, "script"), at(r, "missing"), at(r, "gate"))
		}
	}
	if n != 1 {
		t.Errorf("%d records", n)
	}
}
