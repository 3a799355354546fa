package replay

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// appender builds lines. Members that have their zero value are left out.
type appender struct {
	b []byte
	// file writes a reference to a file.
	file func(*sensor.File)
}

func (a *appender) begin(t string) {
	a.b = append(a.b, `{"t":"`...)
	a.b = append(a.b, t...)
	a.b = append(a.b, '"')
}

func (a *appender) end() { a.b = append(a.b, '}', '\n') }

// key can tell by the last byte whether a member comes before it: no value ends
// in an opening brace.
func (a *appender) key(k string) {
	if a.b[len(a.b)-1] != '{' {
		a.b = append(a.b, ',')
	}
	a.b = append(a.b, '"')
	a.b = append(a.b, k...)
	a.b = append(a.b, '"', ':')
}

func (a *appender) uint(k string, v uint64) {
	if v != 0 {
		a.key(k)
		a.b = strconv.AppendUint(a.b, v, 10)
	}
}

func (a *appender) int(k string, v int64) {
	if v != 0 {
		a.key(k)
		a.b = strconv.AppendInt(a.b, v, 10)
	}
}

func (a *appender) time(k string, t event.Time) { a.int(k, int64(t)) }

func (a *appender) bool(k string, v bool) {
	if v {
		a.key(k)
		a.b = append(a.b, "true"...)
	}
}

func (a *appender) pid(k string, v sensor.Key) {
	if v.IsZero() {
		return
	}
	a.key(k)
	a.b = append(a.b, '[')
	a.b = strconv.AppendUint(a.b, uint64(v.PID), 10)
	a.b = append(a.b, ',')
	a.b = strconv.AppendUint(a.b, v.Start, 10)
	a.b = append(a.b, ']')
}

func (a *appender) str(k, s string) {
	if s != "" {
		a.key(k)
		a.quote(s)
	}
}

func (a *appender) reason(k string, r event.Reason) { a.str(k, string(r)) }

func (a *appender) strs(k string, list []string) {
	if list == nil {
		return
	}
	a.key(k)
	a.b = append(a.b, '[')
	for i, s := range list {
		if i > 0 {
			a.b = append(a.b, ',')
		}
		a.quote(s)
	}
	a.b = append(a.b, ']')
}

func (a *appender) quote(s string) {
	if !utf8.ValidString(s) {
		a.b = append(a.b, `{"base64":"`...)
		a.b = base64.StdEncoding.AppendEncode(a.b, []byte(s))
		a.b = append(a.b, `"}`...)
		return
	}
	const hex = "0123456789abcdef"
	a.b = append(a.b, '"')
	plain := 0 // what is before s[i] and not yet appended
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			a.b = append(a.b, s[plain:i]...)
			if plain = i + 1; c == '"' || c == '\\' {
				a.b = append(a.b, '\\', c)
			} else {
				a.b = append(a.b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
		}
	}
	a.b = append(a.b, s[plain:]...)
	a.b = append(a.b, '"')
}

func (a *appender) header(h Header) {
	a.b = append(a.b, '{')
	a.uint("xnumon_stream", version)
	a.str("os", h.OS)
	a.str("release", h.Release)
	a.time("time", h.Time)
	a.end()
}

func (a *appender) fork(o *sensor.Fork) {
	a.begin(typeFork)
	a.time("time", o.Time)
	a.pid("parent", o.Parent)
	a.pid("child", o.Child)
	a.uint("exec_id", o.ExecID)
	a.end()
}

func (a *appender) exit(o *sensor.Exit) {
	a.begin(typeExit)
	a.time("time", o.Time)
	a.pid("key", o.Key)
	a.end()
}

func (a *appender) exec(o *sensor.Exec) {
	a.begin(typeExec)
	a.time("time", o.Time)
	a.pid("key", o.Key)
	a.pid("next", o.Next)
	a.uint("tid", uint64(o.TID))
	a.uint("exec_id", o.ExecID)
	a.pid("parent", o.Parent)
	a.strs("argv", o.Argv)
	a.reason("argv_reason", o.ArgvReason)
	a.strs("env", o.Env)
	a.reason("env_reason", o.EnvReason)
	a.str("cwd", o.Cwd)
	a.reason("cwd_reason", o.CwdReason)
	a.str("filename", o.Filename)
	a.key("image")
	a.file(o.Image)
	a.bool("interpreted", o.Interpreted)
	if len(o.Interpreters) > 0 {
		a.key("interpreters")
		a.b = append(a.b, '[')
		for i, f := range o.Interpreters {
			if i > 0 {
				a.b = append(a.b, ',')
			}
			a.file(f)
		}
		a.b = append(a.b, ']')
	}
	if o.Before != nil {
		a.creds("before", o.Before)
	}
	a.creds("after", &o.After)
	a.session(&o.Session)
	a.container(o.Container)
	a.gate(o.Gate)
	a.end()
}

func (a *appender) process(o *sensor.Process) {
	a.begin(typeProcess)
	a.time("time", o.Time)
	a.pid("key", o.Key)
	a.pid("was", o.Was)
	a.pid("parent", o.Parent)
	a.uint("fork_pid", uint64(o.ForkPID))
	a.uint("exec_id", o.ExecID)
	a.time("start", o.Start)
	a.bool("kernel_thread", o.KernelThread)
	if o.Image != nil {
		a.key("image")
		a.file(o.Image)
	}
	a.strs("argv", o.Argv)
	a.strs("env", o.Env)
	a.str("cwd", o.Cwd)
	a.creds("creds", &o.Creds)
	a.session(&o.Session)
	a.container(o.Container)
	a.end()
}

func (a *appender) lost(o *sensor.Lost) {
	a.begin(typeLost)
	a.time("time", o.Time)
	a.str("source", o.Source)
	a.uint("count", o.Count)
	a.time("since", o.Since)
	a.time("until", o.Until)
	a.bool("lineage", o.Lineage)
	a.end()
}

func (a *appender) digest(d *sensor.Digest) {
	a.begin(typeDigest)
	a.uint("ref", d.Ref)
	a.str("sha256", d.SHA256)
	a.str("sha1", d.SHA1)
	a.str("md5", d.MD5)
	a.reason("reason", d.Reason)
	a.str("cert_cn", d.CertCN)
	a.end()
}

func (a *appender) free(ref uint64) {
	a.begin(typeFree)
	a.uint("ref", ref)
	a.end()
}

// fileObject writes all of a file but its digest.
func (a *appender) fileObject(f *sensor.File) {
	a.b = append(a.b, '{')
	a.uint("ref", f.Ref)
	a.str("path", f.Path)
	a.reason("path_reason", f.PathReason)
	a.bool("deleted", f.Deleted)
	a.bool("unreachable", f.Unreachable)
	a.str("memfd", f.Memfd)
	if f.HasStat {
		a.key("stat")
		a.b = append(a.b, '{')
		a.uint("dev", f.ID.Dev)
		a.uint("ino", f.ID.Ino)
		a.uint("gen", uint64(f.ID.Gen))
		a.int("size", f.ID.Size)
		a.time("mtime", f.ID.MTime)
		a.time("ctime", f.ID.CTime)
		a.time("btime", f.BTime)
		a.uint("mode", uint64(f.Mode))
		a.uint("uid", uint64(f.UID))
		a.uint("gid", uint64(f.GID))
		a.b = append(a.b, '}')
	}
	if s := f.Signature; s != nil {
		a.key("signature")
		a.b = append(a.b, '{')
		a.str("status", s.Status)
		a.str("origin", s.Origin)
		a.str("cdhash", s.CDHash)
		a.str("ident", s.Ident)
		a.str("team_id", s.TeamID)
		a.str("cert_cn", s.CertCN)
		a.reason("status_reason", s.StatusReason)
		a.b = append(a.b, '}')
	}
	a.b = append(a.b, '}')
}

func (a *appender) creds(k string, c *sensor.Creds) {
	a.key(k)
	a.b = append(a.b, '{')
	a.uint("euid", uint64(c.EUID))
	a.uint("egid", uint64(c.EGID))
	a.uint("ruid", uint64(c.RUID))
	a.uint("rgid", uint64(c.RGID))
	a.uint("suid", uint64(c.SUID))
	a.uint("sgid", uint64(c.SGID))
	a.uint("caps", c.Caps)
	a.b = append(a.b, '}')
}

func (a *appender) session(s *sensor.Session) {
	a.key("session")
	a.b = append(a.b, '{')
	a.uint("auid", uint64(s.AUID))
	a.bool("has_auid", s.HasAUID)
	a.uint("id", uint64(s.ID))
	a.uint("leader", uint64(s.Leader))
	a.str("tty", s.TTY)
	a.b = append(a.b, '}')
}

func (a *appender) container(c *event.Container) {
	if c == nil {
		return
	}
	a.key("container")
	a.b = append(a.b, '{')
	a.str("id", c.ID)
	a.str("cgroup", c.Cgroup)
	a.uint("pid", uint64(c.Pid))
	a.b = append(a.b, '}')
}

func (a *appender) gate(g *event.Gate) {
	if g == nil {
		return
	}
	a.key("gate")
	a.b = append(a.b, '{')
	a.str("level", g.Level)
	a.str("outcome", g.Outcome)
	a.int("held", g.Held)
	a.b = append(a.b, '}')
}
