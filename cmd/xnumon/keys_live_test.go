//go:build linux && !nolive

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every key that has an effect has it, and a flag goes before the file.
func TestLiveKeys(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true", "/bin/sh")
	in := func(name string) string { return filepath.Join(dir, name) }
	copyFile(t, "/bin/true", in("quiet"))
	socket := in("socket")
	config := configured(t, fmt.Sprintf(`
config_id: all keys
log_format: json
log_destination: [%[1]s/one, %[1]s/two]
log_mode: multiline
events: [image-exec, 0]
kextlevel: hash
hashes: md5,sha1
envlevel: full
resolve_users_groups: false
ancestors: 7
omit_mode: true
omit_size: true
omit_mtime: true
omit_ctime: true
omit_btime: true
omit_sid: true
omit_groups: true
suppress_image_exec_at_start: false
suppress_image_exec_by_path: [%[1]s/quiet]
suppress_image_exec_by_ancestor_path: ["%[1]s/s?"]
rlimit_nofile: 300000
debug: true
`, dir))
	s := start(t, nil, "run", "--config", config, "--gate-path", dir, "--status-socket", socket, "--ancestors", "0")
	run := func(c *exec.Cmd) {
		t.Helper()
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", c.Args, err, out)
		}
	}
	run(exec.Command(in("quiet")))
	run(exec.Command(in("sh"), "-c", in("true")+" below; :"))
	seen := &exec.Cmd{Path: in("true"), Args: []string{"true"}, Env: []string{"SECRET=1"}}
	run(seen)
	eventually(t, "the last exec is in the log", func() bool {
		raw, err := os.ReadFile(in("one"))
		return err == nil && strings.Contains(string(raw), fmt.Sprintf(`"pid": %d,`, seen.Process.Pid))
	})
	var stats map[string]any
	if code, out, says := finish(t, nil, "status", "--socket", socket, "--json"); code != 0 || json.Unmarshal([]byte(out), &stats) != nil {
		t.Fatalf("status %d: %q, %q", code, out, says)
	}
	limits, err := os.ReadFile("/proc/" + itoa(s.cmd.Process.Pid) + "/limits")
	// Where root must not raise its limits (a container), it says so.
	told := strings.Contains(s.said(), "rlimit_nofile: ") && strings.Contains(s.said(), "files may be open and not 300000")
	if err != nil || !told && !regexp.MustCompile(`Max open files +(3\d{5}|\d{7})`).Match(limits) {
		t.Errorf("%s (%v)", limits, err)
	}
	s.stop()
	for _, what := range []string{"kextlevel: is the old name of gate", "debug: ancestors: 0", "debug: gate: hash"} {
		if !strings.Contains(s.said(), what) {
			t.Errorf("did not say %q: %s", what, s.said())
		}
	}
	for _, rule := range []string{"path", "ancestor_path"} {
		if n := at(stats, "stats", "observed", "suppressed_by", rule); n != 1.0 {
			t.Errorf("%v suppressed by %s", n, rule)
		}
	}

	all := spread(t, in("one"))
	if two := spread(t, in("two")); len(two) != len(all) {
		t.Errorf("%d records in one place, %d in the other", len(all), len(two))
	}
	running := 0
	var r map[string]any
	for _, one := range all {
		switch {
		case at(one, "eventcode") == 1.0 && at(one, "stats") != nil:
			t.Error("statistics, of which there are to be none")
		case at(one, "reconstructed") == true:
			running++
		case strings.HasSuffix(stringAt(one, "image", "path"), "quiet"), strings.Contains(fmt.Sprint(at(one, "argv")), "below") && stringAt(one, "image", "path") == in("true"):
			t.Errorf("not suppressed: %v", one)
		case at(one, "subject", "pid") == float64(seen.Process.Pid):
			r = one
		}
	}
	if running == 0 {
		t.Error("no record of a process that ran already")
	}
	if at(all[0], "config_id") != "all keys" || at(all[0], "config", "ancestors") != "0" || at(all[0], "config", "hashes") != "sha1,md5" {
		t.Errorf("begins with %v", all[0])
	}
	for _, path := range []string{
		"image.mode", "image.size", "image.mtime", "image.ctime", "image.btime", "image.gid", "image.gname", "image.uname", "image.sha256",
		"subject.sid", "subject.egid", "subject.rgid", "subject.euname", "subject.ancestors", "image.missing",
	} {
		if v := at(r, strings.Split(path, ".")...); v != nil {
			t.Errorf("%s is %v", path, v)
		}
	}
	for _, path := range []string{"image.uid", "image.sha1", "image.md5", "subject.euid"} {
		if at(r, strings.Split(path, ".")...) == nil {
			t.Errorf("no %s in %v", path, r)
		}
	}
	if fmt.Sprint(at(r, "env")) != "[SECRET=1]" {
		t.Errorf("environment %v", at(r, "env"))
	}
}

// spread reads records that are spread over several lines.
func spread(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var r map[string]any
		if err := d.Decode(&r); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

// Nothing listens on a network unless it is told to.
func TestLiveListens(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	quiet := gated(t, nil, dir, "--output", filepath.Join(dir, "log"))
	if all := listeners(t, quiet.cmd.Process.Pid); len(all) > 0 {
		t.Errorf("listens: %v", all)
	}
	quiet.stop()

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	s := gated(t, nil, dir, "--output", filepath.Join(dir, "log"), "--metrics", address, "--status-socket", "")
	var body []byte
	eventually(t, "metrics are served", func() bool {
		r, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		body, err = io.ReadAll(r.Body)
		return err == nil && r.StatusCode == http.StatusOK
	})
	if !strings.Contains(string(body), "\nxnumon_processes ") || !strings.Contains(string(body), "\nxnumon_misses_total{kind=\"exec\"} ") {
		t.Errorf("%s", body)
	}
	if all := listeners(t, s.cmd.Process.Pid); len(all) != 1 {
		t.Errorf("listens: %v", all)
	}
}

// listeners are the internet sockets at which a process listens, as /proc/net has them.
func listeners(t *testing.T, pid int) (all []string) {
	t.Helper()
	mine := make(map[string]bool)
	links, err := filepath.Glob("/proc/" + itoa(pid) + "/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		to, err := os.Readlink(l)
		if inode, ok := strings.CutPrefix(to, "socket:["); err == nil && ok {
			mine[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		raw, err := os.ReadFile("/proc/" + itoa(pid) + "/net/" + table)
		if os.IsNotExist(err) {
			continue // a kernel without IPv6
		} else if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(raw), "\n") {
			// Address, state and inode are the second, fourth and tenth field (proc(5)).
			f := strings.Fields(line)
			if len(f) > 9 && mine[f[9]] && (f[3] == "0A" || strings.HasPrefix(table, "udp")) {
				all = append(all, table+" "+f[1])
			}
		}
	}
	return all
}
