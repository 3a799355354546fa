//go:build linux && !nolive

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The records of a run say when it began and ended, by which rules, and in
// between how it is.
func TestLiveSelf(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	work := t.TempDir()
	socket := filepath.Join(work, "socket")
	log, file := filepath.Join(work, "log"), filepath.Join(work, "config.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	has := func(text string) func() bool {
		return func() bool {
			raw, err := os.ReadFile(log)
			return err == nil && bytes.Contains(raw, []byte(text))
		}
	}
	write("config_id: first\nstats_interval: 1\n")
	s := gated(t, nil, dir, "--config", file, "--output", log, "--status-socket", socket)
	for range 5 {
		timed(t, filepath.Join(dir, "true"))
	}
	eventually(t, "statistics are recorded", has(`"stats":{`))
	write("config_id: second\nstats_interval: 1\nomit_size: true\n")
	if err := s.cmd.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reload is recorded", has(`"op":"reload"`))
	write("config_id: third\nstats_interval: never\n")
	if err := s.cmd.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mistake is recorded", has(`"op":"reload","error":`))
	// Whoever is root is told on request, and nobody else.
	code, out, says := finish(t, nil, "status", "--socket", socket)
	if code != 0 || !strings.Contains(out, "processes") || !strings.Contains(out, "gate         hash") {
		t.Errorf("status %d: %q, %q", code, out, says)
	}
	if code, out, _ := finish(t, nil, "status", "--socket", socket, "--json"); code != 0 || at(decodeLines(t, []byte(out))[0], "stats", "processes") == nil {
		t.Errorf("status %d: %q", code, out)
	}
	if code, out, _ := finish(t, nil, "status", "--socket", socket, "--metrics"); code != 0 || !strings.Contains(out, "\nxnumon_processes ") {
		t.Errorf("status %d: %q", code, out)
	}
	for _, dir := range []string{filepath.Dir(binary), filepath.Dir(work), work} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, says := finish(t, nobody, "status", "--socket", socket); code != 1 || !strings.Contains(says, "as root") {
		t.Errorf("somebody else: status %d, %q", code, says)
	}
	s.stop()

	all := records(t, log)
	first, last := all[0], all[len(all)-1]
	if at(first, "op") != "start" || at(first, "config_id") != "first" || at(first, "config", "gate") != "hash" {
		t.Errorf("begins with %v", first)
	}
	if at(last, "op") != "stop" || at(last, "error") != nil || at(last, "config_id") != "second" {
		t.Errorf("ends with %v", last)
	}
	for _, r := range []any{first, last} {
		if at(r, "eventcode") != 0.0 || at(r, "pid") != float64(s.cmd.Process.Pid) || at(r, "build", "go") == nil || at(r, "system", "kernel") == nil {
			t.Errorf("incomplete: %v", r)
		}
	}
	var stats any
	changed := false
	for _, r := range all {
		if at(r, "stats") != nil {
			stats = at(r, "stats")
		}
		changed = changed || at(r, "op") == "reload" && at(r, "changed", "omit_size") == "true"
	}
	if !changed {
		t.Error("no record of what a reload has changed")
	}
	positive := func(path ...string) {
		t.Helper()
		if n, _ := at(stats, path...).(float64); n <= 0 {
			t.Errorf("%v is %v in %v", path, at(stats, path...), stats)
		}
	}
	positive("processes")
	positive("images")
	positive("memory")
	positive("cpu_ns")
	positive("observed", "execs")
	positive("observed", "forks")
	positive("observed", "lookups")
	positive("acquisition", "hashed_bytes")
	positive("gate", "held")
	positive("gate", "p50_ns")
	positive("gate", "max_ns")
	outputs, _ := at(stats, "outputs").([]any)
	if len(outputs) != 1 || at(outputs[0], "name") != log || at(outputs[0], "records").(float64) <= 0 {
		t.Errorf("outputs %v", outputs)
	}
}
