//go:build linux

package monitor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"xnumon/conformance/fact"
)

// xnumonDecoder reads xnumon's log, one JSON object a record.
type xnumonDecoder struct{}

func (xnumonDecoder) Flush() []fact.Record { return nil }

func (xnumonDecoder) Line(line []byte) []fact.Record {
	x, err := decode(line)
	if err != nil || x.at("eventcode").text() != "2" || x.at("at_start").there() {
		return nil
	}
	for _, p := range x.at("escaped").texts() {
		if x.replace(p, unescape) != nil {
			return nil
		}
	}
	pid, err := strconv.ParseUint(x.at("subject").at("pid").text(), 10, 32)
	if err != nil {
		return nil
	}
	r := xnumonRecord{top: x}
	r.Pid = uint32(pid)
	r.Raw = shorten(string(line))
	if t, err := time.Parse(time.RFC3339Nano, x.at("time").text()); err == nil {
		r.Set(fact.Time, strconv.FormatInt(t.UnixNano(), 10))
	}
	r.list("argv", x, "argv")
	r.list("env", x, "env")
	for _, v := range x.at("env").texts() {
		if name, value, ok := strings.Cut(v, "="); ok {
			if _, twice := r.Facts["env."+name]; !twice {
				r.Set("env."+name, value)
			}
		}
	}
	r.text("cwd", x, "cwd")
	r.files()
	r.subject()
	r.creds()
	r.text("container.id", x.at("container"), "id")
	r.text("cgroup", x.at("container"), "cgroup")
	r.text("pid.inner", x.at("container"), "pid")
	return []fact.Record{r.Record}
}

// unescape restores a string that was not valid UTF-8: \xNN is a byte and \\ a
// backslash.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\\' {
			b.WriteByte('\\')
			i++
			continue
		}
		if i+3 >= len(s) || s[i+1] != 'x' {
			return "", fmt.Errorf("escape in %q", s)
		}
		c, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
		if err != nil {
			return "", fmt.Errorf("escape in %q", s)
		}
		b.WriteByte(byte(c))
		i += 3
	}
	return b.String(), nil
}

type xnumonRecord struct {
	fact.Record
	top node
}

// text notes a member of an object as a fact, or the reason the object gives for
// its absence.
func (r *xnumonRecord) text(name string, of node, member string) {
	if v := of.at(member); v.there() {
		r.Set(name, v.text())
	} else if why := of.at("missing").at(member); why.there() {
		r.Lack(name, why.text())
	}
}

func (r *xnumonRecord) list(name string, of node, member string) {
	if why := of.at("missing").at(member); why.there() {
		// What there is of it is not the whole.
		r.Lack(name, why.text())
	} else if v := of.at(member); v.there() {
		r.Set(name, v.texts()...)
	}
}

// files tells the image, the script, the chain between them, the file that was
// named, which is the script if there is one, and the string that was passed,
// which is left out when it is that file's path.
func (r *xnumonRecord) files() {
	image, script := r.top.at("image"), r.top.at("script")
	if why := r.top.at("missing").at("image"); why.there() {
		r.Lack("image.path", why.text())
		r.Lack("image.sha256", why.text())
	}
	r.image("image.", image)
	r.image("script.", script)
	named, chain := image, r.top.at("interpreters").list()
	if script.there() {
		named = script
		if chain == nil && image.there() {
			chain = []node{script, image}
		}
	}
	if why := r.top.at("missing").at("script"); why.there() {
		r.Lack("script.path", why.text())
		named = node{}
	}
	r.image("named.", named)
	if why := r.top.at("missing").at("interpreters"); why.there() {
		r.Lack("interpreters", why.text())
		r.Lack("interpreters.sha256", why.text())
	} else if chain != nil {
		r.Set("interpreters", members(chain, "path")...)
		r.Set("interpreters.sha256", members(chain, "sha256")...)
		for _, n := range chain {
			if why := n.at("missing").at("sha256"); why.there() {
				r.Lack("interpreters.sha256", why.text()) // one of them
			}
		}
	}
	r.text("filename", r.top, "filename")
	if _, said := r.Facts["filename"]; !said && r.Absent["filename"] == "" && named.at("path").there() {
		r.Set("filename", named.at("path").text())
	}
}

func members(of []node, name string) []string {
	out := make([]string, len(of))
	for i, n := range of {
		out[i] = member(n, name)
	}
	return out
}

func member(of node, name string) string {
	if v := of.at(name); v.there() {
		return v.text()
	}
	return fact.Unknown
}

// image notes what is said of a file.
func (r *xnumonRecord) image(prefix string, of node) {
	for name, member := range map[string]string{
		"path": "path", "sha256": "sha256", "memfd": "memfd",
		"mode": "mode", "uid": "uid", "user": "uname", "gid": "gid", "group": "gname", "size": "size",
	} {
		r.text(prefix+name, of, member)
	}
	for name, member := range map[string]string{"mtime": "mtime", "ctime": "ctime"} {
		if t, err := time.Parse(time.RFC3339Nano, of.at(member).text()); err == nil {
			r.Set(prefix+name, strconv.FormatInt(t.UnixNano(), 10))
		}
	}
	if of.at("deleted").there() {
		r.Set(prefix+"deleted", "yes")
	}
	if dev, ino := of.at("dev"), of.at("ino"); dev.there() && ino.there() {
		r.Set(prefix+"file", dev.text()+":"+ino.text())
	}
}

func (r *xnumonRecord) subject() {
	s := r.top.at("subject")
	r.text("forker", s, "fork_pid")
	r.text("auid", s, "auid")
	r.text("auser", s, "auname")
	r.text("session", s, "sid")
	r.text("tty", s, "dev")
	image := s.at("image")
	r.image("subject.image.", image)
	r.image("subject.script.", image.at("script"))
	if why := image.at("missing").at("script"); why.there() {
		r.Lack("subject.script.path", why.text())
	}
	// A kernel thread has no image: that is known, not missing.
	if why := s.at("missing").at("image"); why.there() && why.text() != "kernel thread" {
		r.Lack("subject.image.path", why.text())
	}
	ancestors := s.at("ancestors").list()
	why := s.at("missing").at("ancestors")
	if why.there() {
		r.Lack(fact.Ancestors, why.text())
		r.Lack(fact.AncestorScripts, why.text())
	}
	if ancestors != nil || !why.there() {
		r.Set(fact.Ancestors, members(ancestors, "path")...)
		scripts := make([]string, len(ancestors))
		for i, a := range ancestors {
			// No script is an answer; a reason why there is none is not.
			if script := a.at("script"); script.there() {
				scripts[i] = member(script, "path")
			} else if why := a.at("missing").at("script"); why.there() {
				scripts[i] = fact.Unknown
				r.Lack(fact.AncestorScripts, why.text()) // one of them
			}
		}
		r.Set(fact.AncestorScripts, scripts...)
	}
}

// creds tells the ids before the exec, which are the subject's, and after it,
// which are the same unless the record says otherwise.
func (r *xnumonRecord) creds() {
	before, after := r.top.at("subject"), r.top.at("creds")
	why := r.top.at("missing").at("creds")
	if !after.there() && !why.there() {
		after = before
	}
	for name, member := range map[string]string{
		"ruid": "ruid", "euid": "euid", "rgid": "rgid", "egid": "egid", "ruser": "runame", "euser": "euname",
		"rgroup": "rgname", "egroup": "egname",
	} {
		r.text("before."+name, before, member)
		r.text("after."+name, after, member)
		if why.there() {
			r.Lack("after."+name, why.text())
		}
	}
	r.text("after.caps", after, "caps")
}
