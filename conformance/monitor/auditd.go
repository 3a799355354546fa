//go:build linux

package monitor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// Auditd is the kernel's audit of execve and execveat as auditd logs it, or as
// laurel, a plug-in of auditd, does.
type Auditd struct {
	// Laurel selects laurel's log instead of auditd's own.
	Laurel bool
	// Unread leaves the log to others: the run has no records.
	Unread bool
}

var _ Monitor = (*Auditd)(nil)

// key marks the events of the rules made here.
const key = "conformance"

// Name is auditd or laurel.
func (a *Auditd) Name() string {
	if a.Laurel {
		return "laurel"
	}
	return "auditd"
}

// auditFacts are what the kernel says of an exec, in a SYSCALL, EXECVE, CWD,
// BPRM_FCAPS or PATH record.
var auditFacts = []string{
	"time", "argv", "cwd", "filename", "image.path", "image.deleted",
	"named.file", "named.mode", "named.uid", "named.gid",
	"parent", "after.ruid", "after.euid", "after.rgid", "after.egid", "before.caps", "after.caps",
	"auid", "session", "tty",
}

// Says tells whether there is a field for the fact.
func (a *Auditd) Says(name string) bool {
	if covers(name, auditFacts) {
		return true
	}
	if a.Laurel {
		return covers(name, []string{"script.path", "parent.image.path", "env.LD_PRELOAD", "env.LD_LIBRARY_PATH"})
	}
	return covers(name, []string{"named.user", "named.group", "after.ruser", "after.euser", "after.rgroup", "after.egroup", "auser"})
}

var auditVersion = regexp.MustCompile(`(?m)^ *(\d[\w.]*)`)

// Version is the version of auditctl, which comes with auditd, and of laurel.
func (a *Auditd) Version(ctx context.Context) (string, error) {
	text, err := output(ctx, "auditctl", "-v")
	if err != nil {
		return "", err
	}
	version := "auditd " + strings.TrimPrefix(text, "auditctl version ")
	if a.Laurel {
		if text, err = output(ctx, "laurel", "--version"); err != nil {
			return "", err
		}
		version = "laurel " + auditVersion.FindString(strings.TrimPrefix(text, "laurel ")) + " on " + version
	}
	status, err := output(ctx, "auditctl", "-s")
	if err != nil {
		return "", err
	}
	if pid := statusField(status, "pid"); pid != "0" {
		return "", fmt.Errorf("an audit daemon is running already, as process %s", pid)
	}
	if statusField(status, "enabled") == "2" {
		return "", fmt.Errorf("the audit configuration is locked")
	}
	return version, nil
}

func statusField(status, name string) string {
	for _, line := range strings.Split(status, "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	return ""
}

// config is Debian's auditd.conf, but for the folders and for what auditd does
// when a disk is full.
const config = `local_events = yes
write_logs = yes
log_file = %[1]s/audit.log
log_format = ENRICHED
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 8
max_log_file_action = IGNORE
num_logs = 0
priority_boost = 4
name_format = NONE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
q_depth = 2000
overflow_action = SYSLOG
max_restarts = 10
plugin_dir = %[1]s/plugins.d
end_of_event_timeout = 2
`

const laurelPlugin = `active = yes
direction = out
type = always
format = string
path = %s
args = --config %s/laurel.toml
`

// laurelConfig is what Debian's configuration switches on.
const laurelConfig = `directory = "%s/laurel"
user = "_laurel"
[auditlog]
file = "audit.log"
size = 1000000000
generations = 1
[transform]
execve-argv = [ "array" ]
[translate]
universal = false
user-db = false
[enrich]
pid = true
execve-env = [ "LD_PRELOAD", "LD_LIBRARY_PATH" ]
container = true
script = true
`

// Start starts auditd with the rules loaded.
func (a *Auditd) Start(ctx context.Context, dir string, limit time.Duration) (*Run, error) {
	files := map[string]string{"auditd.conf": fmt.Sprintf(config, dir)}
	log := filepath.Join(dir, "audit.log")
	var d Decoder = new(auditDecoder)
	if a.Laurel {
		files["plugins.d/laurel.conf"] = fmt.Sprintf(laurelPlugin, "/usr/sbin/laurel", dir)
		files["laurel.toml"] = fmt.Sprintf(laurelConfig, dir)
		log = filepath.Join(dir, "laurel", "audit.log")
		d = laurelDecoder{}
	}
	if a.Unread {
		d = nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "plugins.d"), 0o755); err != nil {
		return nil, fmt.Errorf("auditd: %w", err)
	}
	// laurel gives up root and has to get at its own folder.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("auditd: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			return nil, fmt.Errorf("auditd: %w", err)
		}
	}
	before, err := output(ctx, "auditctl", "-s")
	if err != nil {
		return nil, err
	}
	r := launch(limit, "auditd", "-n", "-c", dir)
	r.cmd.Stdout = r.notes
	if err := r.start(); err != nil {
		return nil, err
	}
	go r.tail(log, d)
	r.stop = func() error {
		_, err := output(context.Background(), "auditctl", "-D", "-k", key)
		if stopped := r.terminate(); err == nil {
			err = stopped
		}
		for option, field := range map[string]string{
			"-b": "backlog_limit", "--backlog_wait_time": "backlog_wait_time", "-e": "enabled",
		} {
			if _, restored := output(context.Background(), "auditctl", option, statusField(before, field)); err == nil {
				err = restored
			}
		}
		return err
	}
	err = r.ready(ctx, func() bool {
		text, err := output(ctx, "auditctl", "-s")
		return err == nil && statusField(text, "pid") != "0" && statusField(text, "enabled") == "1"
	})
	if err == nil {
		err = auditRules(ctx)
	}
	if err != nil {
		_ = r.Stop()
		return nil, err
	}
	return r, nil
}

// auditRules sets what Debian's audit.rules set, and has the exec calls logged.
func auditRules(ctx context.Context) error {
	commands := [][]string{
		{"-b", "8192"}, {"--backlog_wait_time", "60000"},
		{"-a", "always,exit", "-F", "arch=b64", "-S", "execve,execveat", "-k", key},
	}
	if runtime.GOARCH == "amd64" {
		commands = append(commands, []string{"-a", "always,exit", "-F", "arch=b32", "-S", "execve,execveat", "-k", key})
	}
	for _, args := range commands {
		if _, err := output(ctx, "auditctl", args...); err != nil {
			return err
		}
	}
	return nil
}

func covers(name string, names []string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
