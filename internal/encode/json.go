package encode

import (
	"slices"
	"strconv"

	"xnumon/event"
)

// JSON writes one object per record on a line of its own (JSON Lines). The zero
// value is ready to use.
//
// What is not known is absent and never null. Times are RFC 3339 in UTC with
// nine digits of nanoseconds. Integers are JSON integers and can exceed 2^53.
// The mode of a file is a string of octal digits. An argument or environment
// vector is absent when it is unknown and [] when it is known to be empty.
// Missing is an object from the name of a field to the reason.
//
// Strings in the kernel are bytes. One that is valid UTF-8 is written as it is.
// In one that is not, each byte that is not part of a valid sequence is written
// as \xNN with two hexadecimal digits and each backslash is doubled, and the
// record ends in "escaped", an array with the JSON Pointer (RFC 6901) of every
// string so written; Unescape takes it back. Control characters, DEL, C1
// controls, line separators and the controls of bidirectional text are always
// JSON escapes, so that a record can be looked at on a terminal.
type JSON struct {
	b       []byte // the record being written, on the end of the caller's bytes
	path    []byte // JSON Pointer of the object or array being written
	escaped []byte // pointers of the strings that are not UTF-8: JSON strings, comma separated
	clock   clock
}

// AppendExec appends the record of an exec.
func (e *JSON) AppendExec(dst []byte, r *event.ImageExec) []byte {
	e.begin(dst, r.Time, event.CodeImageExec)
	e.flag("reconstructed", r.Reconstructed)
	e.flag("at_start", r.AtStart)
	e.strs("argv", r.Argv)
	e.strs("env", r.Env)
	e.str("cwd", r.Cwd)
	e.str("filename", r.Filename)
	e.image("image", r.Image)
	e.image("script", r.Script)
	e.images("interpreters", r.Interpreters)
	if r.Creds != nil {
		n := e.open("creds")
		e.creds(r.Creds)
		e.close(n)
	}
	e.container(r.Container)
	e.gate(r.Gate)
	e.subject(&r.Subject)
	e.missing(r.Missing)
	return e.end()
}

// AppendLoss appends the record of a loss.
func (e *JSON) AppendLoss(dst []byte, r *event.Loss) []byte {
	e.begin(dst, r.Time, event.CodeStats)
	n := e.open("loss")
	e.str("source", r.Source)
	e.num("count", r.Count)
	e.time("since", r.Since)
	e.time("until", r.Until)
	e.close(n)
	return e.end()
}

func (e *JSON) begin(dst []byte, t event.Time, code event.Code) {
	e.b = append(dst, '{')
	e.path, e.escaped = e.path[:0], e.escaped[:0]
	e.uint("version", event.Version)
	e.time("time", t)
	e.uint("eventcode", uint64(code))
}

func (e *JSON) end() []byte {
	if len(e.escaped) > 0 {
		e.key("escaped")
		e.b = append(e.b, '[')
		e.b = append(e.b, e.escaped...)
		e.b = append(e.b, ']')
	}
	out := append(e.b, '}', '\n')
	e.b = nil
	return out
}

func (e *JSON) subject(s *event.Subject) {
	n := e.open("subject")
	e.uint("pid", uint64(s.Pid))
	e.flag("reconstructed", s.Reconstructed)
	e.creds(&s.Creds)
	e.num("tid", uint64(s.Tid))
	e.num("sid", uint64(s.Sid))
	e.num("session", uint64(s.Session))
	e.str("dev", s.Dev)
	e.time("fork_time", s.ForkTime)
	e.num("fork_pid", uint64(s.ForkPid))
	e.image("image", s.Image)
	e.images("ancestors", s.Ancestors)
	e.num("ancestors_omitted", uint64(max(s.AncestorsOmitted, 0)))
	e.missing(s.Missing)
	e.close(n)
}

func (e *JSON) creds(c *event.Creds) {
	if c.HasAUID {
		e.uint("auid", uint64(c.AUID))
		e.str("auname", c.AUName)
	}
	if c.HasIDs {
		e.uint("euid", uint64(c.EUID))
		e.str("euname", c.EUName)
		e.uint("egid", uint64(c.EGID))
		e.str("egname", c.EGName)
		e.uint("ruid", uint64(c.RUID))
		e.str("runame", c.RUName)
		e.uint("rgid", uint64(c.RGID))
		e.str("rgname", c.RGName)
	}
	e.str("caps", c.Caps)
}

func (e *JSON) image(key string, i *event.Image) {
	if i == nil {
		return
	}
	n := e.open(key)
	e.imageFields(i)
	e.close(n)
}

// images writes a list of images. One of which nothing is known keeps its place.
func (e *JSON) images(key string, list []*event.Image) {
	if len(list) == 0 {
		return
	}
	e.key(key)
	e.b = append(e.b, '[')
	outer := e.enter(key)
	for k, i := range list {
		if k > 0 {
			e.b = append(e.b, ',')
		}
		e.b = append(e.b, '{')
		inner := e.enterIndex(k)
		if i != nil {
			e.imageFields(i)
		}
		e.close(inner)
	}
	e.path = e.path[:outer]
	e.b = append(e.b, ']')
}

func (e *JSON) imageFields(i *event.Image) {
	e.time("exec_time", i.ExecTime)
	e.num("exec_pid", uint64(i.ExecPid))
	e.str("path", i.Path)
	e.flag("deleted", i.Deleted)
	e.flag("unreachable", i.Unreachable)
	e.str("memfd", i.Memfd)
	if i.HasStat {
		e.key("mode")
		e.b = append(e.b, '"')
		e.b = strconv.AppendUint(e.b, uint64(i.Mode), 8)
		e.b = append(e.b, '"')
		e.uint("uid", uint64(i.UID))
		e.str("uname", i.UName)
		e.uint("gid", uint64(i.GID))
		e.str("gname", i.GName)
		e.key("size")
		e.b = strconv.AppendInt(e.b, i.Size, 10)
	}
	e.str("dev", i.Dev)
	e.num("ino", i.Ino)
	e.time("mtime", i.MTime)
	e.time("ctime", i.CTime)
	e.time("btime", i.BTime)
	e.str("sha256", i.SHA256)
	e.str("sha1", i.SHA1)
	e.str("md5", i.MD5)
	if s := i.Signature; s != nil {
		e.str("signature", s.Status)
		e.str("origin", s.Origin)
		e.str("cdhash", s.CDHash)
		e.str("ident", s.Ident)
		e.str("teamid", s.TeamID)
		e.str("certcn", s.CertCN)
	}
	e.image("script", i.Script)
	e.flag("reconstructed", i.Reconstructed)
	e.missing(i.Missing)
}

func (e *JSON) container(c *event.Container) {
	if c == nil {
		return
	}
	n := e.open("container")
	e.str("id", c.ID)
	e.str("cgroup", c.Cgroup)
	e.num("pid", uint64(c.Pid))
	e.close(n)
}

func (e *JSON) gate(g *event.Gate) {
	if g == nil {
		return
	}
	n := e.open("gate")
	e.str("level", g.Level)
	e.str("outcome", g.Outcome)
	e.num("held_ns", uint64(max(g.Held, 0)))
	e.close(n)
}

// missing writes the reasons. Many parsers refuse an object that has a key twice
// and others silently take the last, so only the first reason for a field counts.
func (e *JSON) missing(list []event.Absence) {
	if len(list) == 0 {
		return
	}
	n := e.open("missing")
	for k, a := range list {
		same := func(b event.Absence) bool { return b.Field == a.Field }
		if !slices.ContainsFunc(list[:k], same) {
			e.quoteKey(a.Field)
			e.quote(a.Field, string(a.Reason))
		}
	}
	e.close(n)
}
