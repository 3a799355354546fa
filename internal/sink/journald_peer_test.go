//go:build linux && !nolive

package sink

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// journal is systemd's, in a mount namespace with a /run of its own.
func journal(t *testing.T) (p *process, socket string, read func(...string) string) {
	t.Helper()
	run := t.TempDir()
	for _, dir := range []string{"systemd/journald.conf.d", "systemd/journal", "log/journal"} {
		if err := os.MkdirAll(filepath.Join(run, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const conf = `[Journal]
Storage=volatile
RateLimitIntervalSec=0
ForwardToSyslog=no
ForwardToKMsg=no
ForwardToConsole=no
ForwardToWall=no
ReadKMsg=no
Audit=no
`
	if err := os.WriteFile(filepath.Join(run, "systemd/journald.conf.d/test.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	p = newProcess(t, "/usr/bin/unshare", "--mount", "--propagation", "private", "sh", "-c",
		`mount --bind "$0" /run && exec /lib/systemd/systemd-journald`, run)
	return p, filepath.Join(run, "systemd/journal/socket"), func(options ...string) string {
		// What is damaged because of a kill is told on standard error.
		out, _ := exec.Command("journalctl", append([]string{"--directory", filepath.Join(run, "log/journal"), "--quiet"}, options...)...).Output()
		return string(out)
	}
}

func TestJournaldLive(t *testing.T) {
	p, socket, read := journal(t)
	outage(t, 3, "journald://"+socket, p, func() string { return read("--output=cat", "SYSLOG_IDENTIFIER=xnumon") })
}

// TestJournaldFieldsLive: what is in a record can be searched by, also where it
// is too long for a datagram.
func TestJournaldFieldsLive(t *testing.T) {
	p, socket, read := journal(t)
	d, err := Parse("journald://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Open(Setup{Loss: encodeLoss, Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long ", 100_000)
	records := []string{
		`{"version":8,"time":"2026-11-22T21:49:01.123456789Z","eventcode":2,"argv":["sh","-c","a\nb"],"image":{"path":"/usr/bin/dash"},"subject":{"pid":42}}`,
		fmt.Sprintf(`{"version":8,"time":"2026-11-22T21:49:02Z","eventcode":2,"argv":["true",%q],"image":{"path":"/usr/bin/true"}}`, long),
	}
	for _, r := range records {
		out.Write([]byte(r + "\n"))
	}
	p.start()
	entries := func(match string) (all []map[string]any) {
		for line := range strings.Lines(read("--output=json", "--all", match)) {
			var e map[string]any
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
		return all
	}
	waitFor(t, func() bool { return len(entries("XNUMON_IMAGE_PATH=/usr/bin/true")) == 1 })
	e := entries("XNUMON_IMAGE_PATH=/usr/bin/true")[0]
	if argv, ok := e["XNUMON_ARGV"].([]any); e["MESSAGE"] != records[1] || !ok || len(argv) != 2 || argv[1] != long {
		t.Errorf("%.300v", e)
	}
	all := entries("XNUMON_SUBJECT_PID=42")
	if len(all) != 1 {
		t.Fatal(all)
	}
	e = all[0]
	if argv, ok := e["XNUMON_ARGV"].([]any); e["MESSAGE"] != records[0] || !ok || argv[2] != "a\nb" || e["PRIORITY"] != "6" || e["XNUMON_SEQUENCE"] != "1" {
		t.Errorf("%v", e)
	}
	if err := out.Close(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
}
