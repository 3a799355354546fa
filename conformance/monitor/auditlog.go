//go:build linux

package monitor

import (
	"encoding/hex"
	"strconv"
	"strings"

	"xnumon/conformance/fact"
)

// auditDecoder reads auditd's log. The records of one event carry one id and may
// be mixed with those of others; PROCTITLE is the last one the kernel writes
// (audit_log_exit in kernel/auditsc.c).
type auditDecoder struct {
	events map[string]*auditEvent
	order  []string
}

type auditEvent struct {
	records map[string]map[string]string // by type, but for PATH and EXECVE
	named   map[string]string            // PATH, item 0
	execve  map[string]string            // all EXECVE records together
	raw     strings.Builder
}

func (d *auditDecoder) Line(line []byte) []fact.Record {
	kind, id, fields, ok := auditLine(string(line))
	if !ok {
		return nil
	}
	e := d.events[id]
	if e == nil {
		if d.events == nil {
			d.events = make(map[string]*auditEvent)
		}
		e = &auditEvent{records: make(map[string]map[string]string), execve: make(map[string]string)}
		d.events[id] = e
		d.order = append(d.order, id)
	}
	switch kind {
	case "PATH":
		if fields["item"] == "0" {
			e.named = fields
		}
	case "EXECVE":
		for k, v := range fields {
			e.execve[k] = v
		}
	default:
		e.records[kind] = fields
	}
	if e.raw.Len() < rawLimit {
		e.raw.WriteString(shorten(string(line)))
		e.raw.WriteByte('\n')
	}
	if kind != "PROCTITLE" {
		return nil
	}
	return d.finish(id)
}

func (d *auditDecoder) Flush() []fact.Record {
	var out []fact.Record
	for _, id := range append([]string(nil), d.order...) {
		out = append(out, d.finish(id)...)
	}
	return out
}

func (d *auditDecoder) finish(id string) []fact.Record {
	e := d.events[id]
	if e == nil {
		return nil
	}
	delete(d.events, id)
	for i, o := range d.order {
		if o == id {
			d.order = append(d.order[:i], d.order[i+1:]...)
			break
		}
	}
	call := e.records["SYSCALL"]
	if auditText(call["key"]) != key || call["success"] == "no" {
		return nil
	}
	r := fact.Record{Raw: shorten(e.raw.String())}
	auditTime(&r, id)
	pid, err := strconv.ParseUint(call["pid"], 10, 32)
	if err != nil {
		return nil
	}
	r.Pid = uint32(pid)
	copyField(&r, "parent", call["ppid"])
	for name, field := range auditIDs {
		copyField(&r, "after."+name, call[field])
	}
	for name, field := range auditNames {
		if v, ok := call[field]; ok {
			r.Set(name, auditText(v))
		}
	}
	auditLogin(&r, call["auid"], call["ses"], call["tty"])
	if exe, ok := call["exe"]; ok && exe != "(null)" {
		auditImage(&r, auditText(exe))
	}
	auditCaps(&r, e.records["BPRM_FCAPS"]["old_pe"], e.records["BPRM_FCAPS"]["pe"])
	if argv, ok := auditArgv(e.execve); ok {
		r.Set("argv", argv...)
	}
	if cwd, ok := e.records["CWD"]["cwd"]; ok && cwd != "(null)" {
		auditCwd(&r, auditText(cwd))
	}
	if e.named != nil {
		if name, ok := e.named["name"]; ok && name != "(null)" {
			r.Set("filename", auditText(name))
		}
		auditNamed(&r, e.named["dev"], e.named["inode"], e.named["mode"])
		copyField(&r, "named.uid", e.named["ouid"])
		copyField(&r, "named.gid", e.named["ogid"])
		if v, ok := e.named["OUID"]; ok {
			r.Set("named.user", auditText(v))
		}
		if v, ok := e.named["OGID"]; ok {
			r.Set("named.group", auditText(v))
		}
	}
	return []fact.Record{r}
}

var auditIDs = map[string]string{"ruid": "uid", "euid": "euid", "rgid": "gid", "egid": "egid"}

// auditNames are what auditd itself adds in the enriched format.
var auditNames = map[string]string{
	"after.ruser": "UID", "after.euser": "EUID", "after.rgroup": "GID", "after.egroup": "EGID", "auser": "AUID",
}

func copyField(r *fact.Record, name, value string) {
	if value != "" {
		r.Set(name, value)
	}
}

// auditTime reads the moment in an event's id, SECONDS.MILLISECONDS:SERIAL.
func auditTime(r *fact.Record, id string) {
	stamp, _, _ := strings.Cut(id, ":")
	seconds, milli, ok := strings.Cut(stamp, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	ms, err2 := strconv.ParseInt(milli, 10, 64)
	if ok && err == nil && err2 == nil && s < 1<<33 && ms < 1000 && ms >= 0 {
		r.Set(fact.Time, strconv.FormatInt(s*1_000_000_000+ms*1_000_000, 10))
	}
}

// unset is how the kernel writes the login and session ids of a process that no
// login led to.
const unset = "4294967295"

func auditLogin(r *fact.Record, auid, session, tty string) {
	if auid != "" && auid != unset {
		r.Set("auid", auid)
	}
	if session != "" && session != unset {
		r.Set("session", session)
	}
	if tty != "" && tty != "(none)" {
		// The kernel writes a terminal's name without the folders: pts0, tty1.
		if n, ok := strings.CutPrefix(tty, "pts"); ok {
			tty = "pts/" + n
		}
		r.Set("tty", "/dev/"+tty)
	}
}

// auditImage reads exe, in which the kernel marks a file without a name as
// /proc/PID/exe does.
func auditImage(r *fact.Record, exe string) {
	if exe == tooLong {
		r.Lack("image.path", exe)
		return
	}
	path, deleted := strings.CutSuffix(exe, " (deleted)")
	r.Set("image.path", path)
	if deleted {
		r.Set("image.deleted", "yes")
	}
}

// tooLong is what the kernel writes in place of a path that no buffer holds
// (audit_log_d_path).
const tooLong = "<too_long>"

func auditCwd(r *fact.Record, cwd string) {
	if cwd == tooLong {
		r.Lack("cwd", cwd)
		return
	}
	r.Set("cwd", cwd)
}

func auditCaps(r *fact.Record, before, after string) {
	for name, v := range map[string]string{"before.caps": before, "after.caps": after} {
		v = strings.TrimPrefix(v, "0x")
		if n, err := strconv.ParseUint(v, 16, 64); err == nil {
			r.Set(name, strconv.FormatUint(n, 16))
		}
	}
}

// auditNamed reads a PATH record: dev is two hexadecimal numbers, mode octal.
func auditNamed(r *fact.Record, dev, inode, mode string) {
	a, b, ok := strings.Cut(dev, ":")
	maj, err := strconv.ParseUint(a, 16, 32)
	min, err2 := strconv.ParseUint(b, 16, 32)
	if ok && err == nil && err2 == nil && inode != "" {
		r.Set("named.file", strconv.FormatUint(maj, 10)+":"+strconv.FormatUint(min, 10)+":"+inode)
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(mode, "0o"), 8, 32); err == nil {
		r.Set("named.mode", strconv.FormatUint(n, 8))
	}
}

// auditArgv puts the arguments together. A long one comes as a1_len=N and pieces
// a1[0], a1[1], …, in as many EXECVE records as it takes.
func auditArgv(fields map[string]string) ([]string, bool) {
	argc, err := strconv.Atoi(fields["argc"])
	if err != nil || argc < 0 || argc > len(fields) {
		return nil, false
	}
	argv := make([]string, 0, argc)
	for i := range argc {
		name := "a" + strconv.Itoa(i)
		if v, ok := fields[name]; ok {
			argv = append(argv, auditText(v))
			continue
		}
		var b strings.Builder
		n := 0
		for ; ; n++ {
			v, ok := fields[name+"["+strconv.Itoa(n)+"]"]
			if !ok {
				break
			}
			b.WriteString(auditText(v))
		}
		if n == 0 {
			return nil, false
		}
		argv = append(argv, b.String())
	}
	return argv, true
}

// auditText decodes a string: in quotes when it is plain, else in hexadecimal
// (audit_log_untrustedstring).
func auditText(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	if b, err := hex.DecodeString(v); err == nil {
		return string(b)
	}
	return v
}

// auditLine takes a line apart: type=KIND msg=audit(ID): NAME=VALUE …, and behind
// a group separator what auditd has added.
func auditLine(line string) (kind, id string, fields map[string]string, ok bool) {
	rest, ok := strings.CutPrefix(line, "type=")
	if !ok {
		return "", "", nil, false
	}
	kind, rest, ok = strings.Cut(rest, " msg=audit(")
	if !ok {
		return "", "", nil, false
	}
	id, rest, ok = strings.Cut(rest, "):")
	if !ok {
		return "", "", nil, false
	}
	fields = make(map[string]string)
	for {
		rest = strings.TrimLeft(rest, " \x1d")
		if rest == "" {
			return kind, id, fields, true
		}
		name, value, found := strings.Cut(rest, "=")
		if !found {
			return kind, id, fields, true
		}
		end := -1
		if strings.HasPrefix(value, `"`) {
			if end = strings.IndexByte(value[1:], '"'); end >= 0 {
				end += 2
			}
		} else {
			end = strings.IndexAny(value, " \x1d")
		}
		if end < 0 {
			end = len(value)
		}
		if _, twice := fields[name]; !twice {
			fields[name] = value[:end]
		}
		rest = value[end:]
	}
}
