package encode

import (
	"xnumon/event"
)

// ECSVersion is the version of the Elastic Common Schema that ECS writes.
const ECSVersion = "9.4.0"

// ECS writes one object per record on a line of its own, with the fields of the
// Elastic Common Schema. What that schema has no field for stands, under the
// names of the native record, in the object "xnumon": nothing is left out.
// Strings are escaped as in JSON; the list of those that were is
// xnumon.escaped, with pointers that begin at the top.
//
// The fields of process describe the process as it is after the exec, those of
// user who called it. A record whose time is not known has the time zero, since
// the schema requires one.
type ECS struct {
	Host    Host
	Version string // of this program

	w       writer
	scratch []byte
}

// AppendExec appends the record of an exec.
func (e *ECS) AppendExec(dst []byte, r *event.ImageExec) []byte {
	w := &e.w
	w.begin(dst)
	e.head(r.Time)
	n := w.open("event")
	if r.AtStart {
		e.kind("state", "existing_process", "exec", event.CodeImageExec)
		w.raw("type", `["info"]`)
	} else {
		e.kind("event", "exec", "exec", event.CodeImageExec)
		w.raw("type", `["start"]`)
		w.word("outcome", "success")
	}
	w.raw("category", `["process"]`)
	w.close(n)
	e.process(r)
	e.file(r.Image)
	e.users(r)
	if c := r.Container; c != nil && c.ID != "" {
		n := w.open("container")
		w.str("id", c.ID)
		w.close(n)
	}
	n = w.openExtension("xnumon", ecsExec{})
	w.exec(r)
	w.closeExtension(n)
	return w.end()
}

// AppendLoss appends the record of a loss.
func (e *ECS) AppendLoss(dst []byte, r *event.Loss) []byte {
	w := &e.w
	w.begin(dst)
	e.head(r.Time)
	e.scratch = appendLossMessage(e.scratch[:0], r)
	w.key("message")
	quote(w, "message", e.scratch)
	n := w.open("log")
	w.word("level", "warning")
	w.close(n)
	n = w.open("event")
	e.kind("event", "loss", "stats", event.CodeStats)
	w.time("start", r.Since)
	w.time("end", r.Until)
	w.close(n)
	n = w.openExtension("xnumon", ecsLoss{})
	w.loss(r)
	w.closeExtension(n)
	return w.end()
}

// head writes what all records begin with.
func (e *ECS) head(t event.Time) {
	w := &e.w
	w.moment("@timestamp", t)
	n := w.open("ecs")
	w.word("version", ECSVersion)
	w.close(n)
	n = w.open("agent")
	w.word("type", "xnumon")
	w.str("version", e.Version)
	w.close(n)
	h, family := &e.Host, ecsFamily(e.Host.OS)
	if h.Name == "" && h.ID == "" && h.Arch == "" && h.Kernel == "" && family == "" {
		return
	}
	n = w.open("host")
	w.str("name", h.Name)
	w.str("hostname", h.Name)
	w.str("id", h.ID)
	w.str("architecture", h.Arch)
	if family != "" || h.Kernel != "" {
		n := w.open("os")
		w.str("type", family)
		w.str("kernel", h.Kernel)
		w.close(n)
	}
	w.close(n)
}

// ecsFamily is what the schema calls an operating system, if it knows it.
func ecsFamily(goos string) string {
	switch goos {
	case "linux":
		return "linux"
	case "darwin":
		return "macos"
	case "freebsd", "netbsd", "openbsd", "dragonfly", "solaris", "illumos", "aix":
		return "unix"
	}
	return ""
}

func (e *ECS) kind(kind, action, dataset string, code event.Code) {
	w := &e.w
	w.word("kind", kind)
	w.word("action", action)
	w.id("code", uint64(code))
	w.word("module", "xnumon")
	w.key("dataset")
	w.b = append(w.b, `"xnumon.`...)
	w.b = append(w.b, dataset...)
	w.b = append(w.b, '"')
}

// process writes the process as it is after the exec.
func (e *ECS) process(r *event.ImageExec) {
	w, s := &e.w, &r.Subject
	n := w.open("process")
	w.uint("pid", uint64(s.Pid))
	if r.Container != nil {
		w.num("vpid", uint64(r.Container.Pid))
	}
	w.time("start", s.ForkTime)
	if i := r.Image; i != nil {
		w.str("executable", i.Path)
		w.str("name", baseName(i.Path))
		e.hash(i)
		e.signature(i.Signature)
	}
	w.strs("args", r.Argv)
	if wholeArgv(r) {
		w.uint("args_count", uint64(len(r.Argv)))
		if len(r.Argv) > 0 {
			e.scratch = appendCommandLine(e.scratch[:0], r.Argv)
			w.key("command_line")
			quote(w, "command_line", e.scratch)
		}
	}
	w.strs("env_vars", r.Env)
	w.str("working_directory", r.Cwd)
	if c := credsAfter(r); c != nil {
		e.entity("user", uint64(c.EUID), c.EUName)
		e.group("group", c, c.EGID, c.EGName)
		e.entity("real_user", uint64(c.RUID), c.RUName)
		e.group("real_group", c, c.RGID, c.RGName)
	}
	if s.Session != 0 {
		n := w.open("session_leader")
		w.uint("pid", uint64(s.Session))
		w.close(n)
	}
	if s.ForkPid != 0 {
		n := w.open("parent")
		w.uint("pid", uint64(s.ForkPid))
		if i := forkerImage(s); i != nil {
			w.str("executable", i.Path)
			w.str("name", baseName(i.Path))
			e.hash(i)
		}
		w.close(n)
	}
	w.close(n)
}

func (e *ECS) hash(i *event.Image) {
	cdhash := ""
	if i.Signature != nil {
		cdhash = i.Signature.CDHash
	}
	if i.SHA256 == "" && i.SHA1 == "" && i.MD5 == "" && cdhash == "" {
		return
	}
	w := &e.w
	n := w.open("hash")
	w.str("sha256", i.SHA256)
	w.str("sha1", i.SHA1)
	w.str("md5", i.MD5)
	w.str("cdhash", cdhash)
	w.close(n)
}

// signature writes what is known of a signature. That nobody evaluated it is no
// value of the booleans: they are absent then.
func (e *ECS) signature(s *event.Signature) {
	if s == nil || s.Status == "" && s.Ident == "" && s.TeamID == "" && s.CertCN == "" {
		return
	}
	w := &e.w
	n := w.open("code_signature")
	switch s.Status {
	case event.SignatureUnsigned:
		w.bool("exists", false)
	case event.SignatureGood:
		w.bool("exists", true)
		w.bool("valid", true)
		w.bool("trusted", true)
	case event.SignatureUntrusted:
		w.bool("exists", true)
		w.bool("trusted", false)
	case event.SignatureBad:
		w.bool("exists", true)
		w.bool("valid", false)
	}
	w.str("status", s.Status)
	w.str("signing_id", s.Ident)
	w.str("team_id", s.TeamID)
	w.str("subject_name", s.CertCN)
	w.close(n)
}

// file writes the file that the process runs.
func (e *ECS) file(i *event.Image) {
	if i == nil || i.Path == "" && !i.HasStat && i.Ino == 0 && i.MTime == 0 && i.CTime == 0 && i.BTime == 0 {
		return
	}
	w := &e.w
	n := w.open("file")
	w.str("path", i.Path)
	w.str("name", baseName(i.Path))
	if i.HasStat {
		if !i.OmitMode {
			if i.Mode&modeType == modeRegular {
				w.word("type", "file")
			}
			// The permissions alone, as chmod takes them. The whole is in the extension.
			w.key("mode")
			w.b = append(w.b, '"')
			for shift := 9; shift >= 0; shift -= 3 {
				w.b = append(w.b, '0'+byte(i.Mode>>shift&7))
			}
			w.b = append(w.b, '"')
		}
		w.id("uid", uint64(i.UID))
		w.str("owner", i.UName)
		if !i.OmitGroup {
			w.id("gid", uint64(i.GID))
			w.str("group", i.GName)
		}
		if !i.OmitSize {
			w.int("size", i.Size)
		}
	}
	if i.Ino != 0 {
		w.id("inode", i.Ino)
	}
	w.time("mtime", i.MTime)
	w.time("ctime", i.CTime)
	w.time("created", i.BTime)
	w.close(n)
}

// The type in a file's mode, inode(7).
const (
	modeType    = 0o170000
	modeRegular = 0o100000
)

// users writes who called exec and, if that is somebody else, who the process
// became by it.
func (e *ECS) users(r *event.ImageExec) {
	changed := r.Creds != nil && r.Creds.HasIDs
	if !r.Subject.HasIDs && !changed {
		return
	}
	w := &e.w
	n := w.open("user")
	if c := &r.Subject.Creds; c.HasIDs {
		e.userFields(c)
	}
	if changed {
		n := w.open("effective")
		e.userFields(r.Creds)
		w.close(n)
	}
	w.close(n)
}

func (e *ECS) userFields(c *event.Creds) {
	e.w.id("id", uint64(c.EUID))
	e.w.str("name", c.EUName)
	e.group("group", c, c.EGID, c.EGName)
}

// group writes one of the groups of c, unless they are to be left out.
func (e *ECS) group(key string, c *event.Creds, gid uint32, name string) {
	if !c.OmitGroups {
		e.entity(key, uint64(gid), name)
	}
}

func (e *ECS) entity(key string, id uint64, name string) {
	w := &e.w
	n := w.open(key)
	w.id("id", id)
	w.str("name", name)
	w.close(n)
}

// ecsExec says what ECS has fields for in the record of an exec.
type ecsExec struct{}

func (ecsExec) holds(object []byte, key string) bool {
	switch string(object) {
	case "":
		switch key {
		case "time", "eventcode", "argv", "env", "cwd":
			return true
		}
	case "/image":
		switch key {
		case "path", "uid", "uname", "gid", "gname", "size", "ino", "mtime", "ctime", "btime", "sha256", "sha1", "md5",
			"signature", "cdhash", "ident", "teamid", "certcn":
			return true
		}
	case "/container":
		return key == "id" || key == "pid"
	case "/creds":
		return ecsCreds(key)
	case "/subject":
		switch key {
		case "pid", "session", "fork_time", "fork_pid":
			return true
		}
		return ecsCreds(key)
	}
	return false
}

func ecsCreds(key string) bool {
	switch key {
	case "euid", "euname", "egid", "egname":
		return true
	}
	return false
}

// ecsLoss says what ECS has fields for in the record of a loss.
type ecsLoss struct{}

func (ecsLoss) holds(object []byte, key string) bool {
	switch string(object) {
	case "":
		return key == "time" || key == "eventcode"
	case "/loss":
		return key == "since" || key == "until"
	}
	return false
}
