package encode

import (
	"slices"

	"xnumon/event"
)

// The native schema, field by field, that of package event. Every format writes
// a record through these: whole, or what it has no field of its own for.

// exec writes the fields of the record of an exec.
func (w *writer) exec(r *event.ImageExec) {
	w.head(r.Time, event.CodeImageExec)
	w.flag("reconstructed", r.Reconstructed)
	w.flag("at_start", r.AtStart)
	w.strs("argv", r.Argv)
	w.strs("env", r.Env)
	w.str("cwd", r.Cwd)
	w.str("filename", r.Filename)
	w.image("image", r.Image, (*writer).imageFields)
	w.image("script", r.Script, (*writer).imageFields)
	w.images("interpreters", r.Interpreters, (*writer).imageFields)
	if r.Creds != nil {
		n := w.open("creds")
		w.creds(r.Creds)
		w.close(n)
	}
	w.container(r.Container)
	w.gate(r.Gate)
	w.subject(&r.Subject)
	w.missing(r.Missing)
}

// loss writes the fields of the record of a loss.
func (w *writer) loss(r *event.Loss) {
	w.head(r.Time, event.CodeStats)
	n := w.open("loss")
	w.str("source", r.Source)
	w.num("count", r.Count)
	w.time("since", r.Since)
	w.time("until", r.Until)
	w.close(n)
}

func (w *writer) head(t event.Time, code event.Code) {
	w.uint("version", event.Version)
	w.time("time", t)
	w.uint("eventcode", uint64(code))
}

func (w *writer) subject(s *event.Subject) {
	n := w.open("subject")
	w.uint("pid", uint64(s.Pid))
	w.flag("reconstructed", s.Reconstructed)
	w.creds(&s.Creds)
	w.num("tid", uint64(s.Tid))
	w.num("sid", uint64(s.Sid))
	w.num("session", uint64(s.Session))
	w.str("dev", s.Dev)
	w.time("fork_time", s.ForkTime)
	w.num("fork_pid", uint64(s.ForkPid))
	w.image("image", s.Image, (*writer).pastFields)
	w.images("ancestors", s.Ancestors, (*writer).pastFields)
	w.num("ancestors_omitted", uint64(max(s.AncestorsOmitted, 0)))
	w.missing(s.Missing)
	w.close(n)
}

func (w *writer) creds(c *event.Creds) {
	if c.HasAUID {
		w.uint("auid", uint64(c.AUID))
		w.str("auname", c.AUName)
	}
	if c.HasIDs {
		w.uint("euid", uint64(c.EUID))
		w.str("euname", c.EUName)
		if !c.OmitGroups {
			w.uint("egid", uint64(c.EGID))
			w.str("egname", c.EGName)
		}
		w.uint("ruid", uint64(c.RUID))
		w.str("runame", c.RUName)
		if !c.OmitGroups {
			w.uint("rgid", uint64(c.RGID))
			w.str("rgname", c.RGName)
		}
	}
	w.str("caps", c.Caps)
}

// image writes an image, by the function that writes its fields.
func (w *writer) image(key string, i *event.Image, fields func(*writer, *event.Image)) {
	if i == nil {
		return
	}
	n := w.open(key)
	fields(w, i)
	w.close(n)
}

// images writes a list of images. One of which nothing is known keeps its place.
func (w *writer) images(key string, list []*event.Image, fields func(*writer, *event.Image)) {
	if len(list) == 0 {
		return
	}
	outer := w.openList(key)
	for k, i := range list {
		inner := w.openElement(k)
		if i != nil {
			fields(w, i)
		}
		w.close(inner)
	}
	w.closeList(outer)
}

// pastFields is imageFields for an image of the past, which is likely to have been written before.
func (w *writer) pastFields(i *event.Image) {
	if w.schema != nil { // which fields are elsewhere depends on the place
		w.imageFields(i)
		return
	}
	k := w.recent.at(i)
	if k.is(i) {
		w.b = append(w.b, k.fields...)
		return
	}
	start, escaped := len(w.b), len(w.escaped)
	w.imageFields(i)
	if len(w.escaped) == escaped && (i.Script == nil || i.Script.Script == nil) {
		k.keep(i, w.b[start:])
	}
}

func (w *writer) imageFields(i *event.Image) {
	w.time("exec_time", i.ExecTime)
	w.num("exec_pid", uint64(i.ExecPid))
	w.str("path", i.Path)
	w.flag("deleted", i.Deleted)
	w.flag("unreachable", i.Unreachable)
	w.str("memfd", i.Memfd)
	if i.HasStat {
		if !i.OmitMode {
			w.octal("mode", i.Mode)
		}
		w.uint("uid", uint64(i.UID))
		w.str("uname", i.UName)
		if !i.OmitGroup {
			w.uint("gid", uint64(i.GID))
			w.str("gname", i.GName)
		}
		if !i.OmitSize {
			w.int("size", i.Size)
		}
	}
	w.str("dev", i.Dev)
	w.num("ino", i.Ino)
	w.time("mtime", i.MTime)
	w.time("ctime", i.CTime)
	w.time("btime", i.BTime)
	w.str("sha256", i.SHA256)
	w.str("sha1", i.SHA1)
	w.str("md5", i.MD5)
	if s := i.Signature; s != nil {
		w.str("signature", s.Status)
		w.str("origin", s.Origin)
		w.str("cdhash", s.CDHash)
		w.str("ident", s.Ident)
		w.str("teamid", s.TeamID)
		w.str("certcn", s.CertCN)
	}
	w.image("script", i.Script, (*writer).imageFields)
	w.flag("reconstructed", i.Reconstructed)
	w.missing(i.Missing)
}

func (w *writer) container(c *event.Container) {
	if c == nil {
		return
	}
	n := w.open("container")
	w.str("id", c.ID)
	w.str("cgroup", c.Cgroup)
	w.num("pid", uint64(c.Pid))
	w.close(n)
}

func (w *writer) gate(g *event.Gate) {
	if g == nil {
		return
	}
	n := w.open("gate")
	w.str("level", g.Level)
	w.str("outcome", g.Outcome)
	w.num("held_ns", uint64(max(g.Held, 0)))
	w.close(n)
}

// missing writes the reasons. Many parsers refuse an object that has a key twice
// and others silently take the last, so only the first reason for a field counts.
func (w *writer) missing(list []event.Absence) {
	if len(list) == 0 {
		return
	}
	n := w.open("missing")
	for k, a := range list {
		same := func(b event.Absence) bool { return b.Field == a.Field }
		if !slices.ContainsFunc(list[:k], same) {
			w.quoteKey(a.Field)
			w.quote(a.Field, string(a.Reason))
		}
	}
	w.close(n)
}
