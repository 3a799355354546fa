package encode

import (
	"strings"
	"time"

	"xnumon/event"
)

// OCSFVersion is the version of the Open Cybersecurity Schema Framework that
// OCSF writes. It is metadata.version in every record.
const OCSFVersion = "1.8.0"

// OCSF writes one object per record on a line of its own: an exec as Process
// Activity (class 1007) with the activity Launch of the type Exec, a process
// that was already running as Process Activity with an activity of its own, a
// loss as Base Event (class 0), all with the datetime profile, since the times
// of the schema itself have no more than milliseconds. What the schema has no
// attribute for stands, under the names of the native record, in the object
// "unmapped": nothing is left out. Strings are escaped as in JSON; the list of
// those that were is unmapped.escaped, with pointers that begin at the top.
//
// actor describes who called exec, as it was before; process the same process as
// it is after. A record whose time is not known has the time zero, since the
// schema requires one.
type OCSF struct {
	Host    Host
	Version string // of this program

	w       writer
	scratch []byte
	held    ocsfExec
}

// AppendExec appends the record of an exec.
func (e *OCSF) AppendExec(dst []byte, r *event.ImageExec) []byte {
	w := &e.w
	w.begin(dst)
	w.raw("class_uid", `1007,"class_name":"Process Activity","category_uid":1,"category_name":"System Activity"`)
	if r.AtStart {
		w.raw("activity_id", `99,"activity_name":"Already Running","type_uid":100799,"type_name":"Process Activity: Other"`)
	} else {
		w.raw("activity_id", `1,"activity_name":"Launch","type_uid":100701,"type_name":"Process Activity: Launch"`)
		w.raw("launch_type_id", `3,"launch_type":"Exec"`)
		w.raw("status_id", `1,"status":"Success"`)
	}
	w.raw("severity_id", `1,"severity":"Informational"`)
	e.moment("time", "time_dt", r.Time)
	profiles := `["datetime"]`
	if r.Container != nil {
		profiles = `["container","datetime"]`
	}
	e.metadata(event.CodeImageExec, profiles)
	e.device()
	e.held = ocsfExec{
		image:        hasOCSFFile(r.Image),
		subjectImage: hasOCSFFile(r.Subject.Image),
		env:          allAssign(r.Env),
		container:    r.Container != nil && r.Container.ID != "",
	}
	e.actor(&r.Subject)
	e.process(r)
	n := w.openExtension("unmapped", &e.held)
	w.exec(r)
	w.closeExtension(n)
	return w.end()
}

// AppendLoss appends the record of a loss.
func (e *OCSF) AppendLoss(dst []byte, r *event.Loss) []byte {
	w := &e.w
	w.begin(dst)
	w.raw("class_uid", `0,"class_name":"Base Event","category_uid":0,"category_name":"Uncategorized"`)
	w.raw("activity_id", `99,"activity_name":"Loss","type_uid":99,"type_name":"Base Event: Other"`)
	w.raw("severity_id", `3,"severity":"Medium"`)
	e.scratch = appendLossMessage(e.scratch[:0], r)
	w.key("message")
	quote(w, "message", e.scratch)
	e.moment("time", "time_dt", r.Time)
	e.time("start_time", "start_time_dt", r.Since)
	e.time("end_time", "end_time_dt", r.Until)
	e.metadata(event.CodeStats, `["datetime","host"]`)
	e.device()
	n := w.openExtension("unmapped", ocsfLoss{})
	w.loss(r)
	w.closeExtension(n)
	return w.end()
}

// time writes a time twice, as the datetime profile has it: in milliseconds and
// whole. Zero means unknown.
func (e *OCSF) time(key, dt string, t event.Time) {
	if t != 0 {
		e.moment(key, dt, t)
	}
}

func (e *OCSF) moment(key, dt string, t event.Time) {
	ms, _ := floorDiv(int64(t), int64(time.Millisecond))
	e.w.int(key, ms)
	e.w.moment(dt, t)
}

func (e *OCSF) metadata(code event.Code, profiles string) {
	w := &e.w
	n := w.open("metadata")
	w.word("version", OCSFVersion)
	w.raw("profiles", profiles)
	w.id("event_code", uint64(code))
	w.id("log_version", event.Version)
	p := w.open("product")
	w.raw("name", `"xnumon","vendor_name":"xnumon"`)
	w.str("version", e.Version)
	w.close(p)
	w.close(n)
}

func (e *OCSF) device() {
	w, h := &e.w, &e.Host
	n := w.open("device")
	w.raw("type_id", `0,"type":"Unknown"`)
	if h.Name == "" && h.ID == "" {
		w.word("hostname", "unknown") // the schema wants some name
	}
	w.str("hostname", h.Name)
	w.str("uid", h.ID)
	if h.OS != "" {
		o := w.open("os")
		switch h.OS {
		case "linux":
			w.raw("name", `"Linux","type_id":200,"type":"Linux"`)
		case "darwin":
			w.raw("name", `"macOS","type_id":300,"type":"macOS"`)
		default:
			w.str("name", h.OS)
			w.raw("type_id", "99")
			w.str("type", h.OS)
		}
		w.str("kernel_release", h.Kernel)
		w.close(o)
	}
	w.close(n)
}

// actor writes the process that called exec, as it was before.
func (e *OCSF) actor(s *event.Subject) {
	w := &e.w
	n := w.open("actor")
	p := w.open("process")
	w.uint("pid", uint64(s.Pid))
	w.num("ptid", uint64(s.Tid))
	e.program(s.Image)
	w.close(p)
	if s.HasIDs {
		e.user("user", s.EUID, s.EUName)
	}
	if s.Sid != 0 || s.Dev != "" {
		o := w.open("session")
		if s.Sid != 0 {
			w.id("uid", uint64(s.Sid))
		}
		w.str("terminal", s.Dev)
		w.close(o)
	}
	w.close(n)
}

// process writes the process as it is after the exec.
func (e *OCSF) process(r *event.ImageExec) {
	w, s := &e.w, &r.Subject
	n := w.open("process")
	w.uint("pid", uint64(s.Pid))
	if c := r.Container; c != nil {
		w.num("namespace_pid", uint64(c.Pid))
		if c.ID != "" {
			o := w.open("container")
			w.str("uid", c.ID)
			w.close(o)
		}
	}
	e.time("created_time", "created_time_dt", s.ForkTime)
	e.program(r.Image)
	if wholeArgv(r) && len(r.Argv) > 0 {
		e.scratch = appendCommandLine(e.scratch[:0], r.Argv)
		w.key("cmd_line")
		quote(w, "cmd_line", e.scratch)
	}
	w.str("working_directory", r.Cwd)
	e.environment(r.Env)
	if c := credsAfter(r); c != nil {
		e.user("user", c.EUID, c.EUName)
	}
	if s.ForkPid != 0 {
		o := w.open("parent_process")
		w.uint("pid", uint64(s.ForkPid))
		e.program(forkerImage(s))
		w.close(o)
	}
	w.close(n)
}

// environment writes the variables of an environment. What is no assignment has
// no place here: the whole vector then stands in the extension.
func (e *OCSF) environment(env []string) {
	if env == nil {
		return
	}
	w := &e.w
	list := w.openList("environment_variables")
	k := 0
	for _, v := range env {
		if name, value, ok := strings.Cut(v, "="); ok {
			n := w.openElement(k)
			w.text("name", name)
			w.text("value", value)
			w.close(n)
			k++
		}
	}
	w.closeList(list)
}

// allAssign reports whether all variables have a value.
func allAssign(env []string) bool {
	for _, v := range env {
		if strings.IndexByte(v, '=') < 0 {
			return false
		}
	}
	return true
}

// hasOCSFFile reports whether a file can be written: it must have a name.
func hasOCSFFile(i *event.Image) bool { return i != nil && i.Path != "" }

// program writes what a process runs.
func (e *OCSF) program(i *event.Image) {
	if !hasOCSFFile(i) {
		return
	}
	w := &e.w
	w.str("name", baseName(i.Path))
	n := w.open("file")
	w.str("name", baseName(i.Path))
	w.str("path", i.Path)
	w.raw("type_id", `8,"type":"Executable File"`) // the kernel has executed it
	w.flag("is_deleted", i.Deleted)
	if i.HasStat {
		e.user("owner", i.UID, i.UName)
		if !i.OmitSize {
			w.int("size", i.Size)
		}
	}
	if i.Ino != 0 {
		w.id("uid", i.Ino)
	}
	e.time("modified_time", "modified_time_dt", i.MTime)
	e.time("created_time", "created_time_dt", i.BTime)
	e.hashes(i)
	w.close(n)
}

func (e *OCSF) hashes(i *event.Image) {
	if i.SHA256 == "" && i.SHA1 == "" && i.MD5 == "" {
		return
	}
	list := e.w.openList("hashes")
	k := e.hash(0, `3,"algorithm":"SHA-256"`, i.SHA256)
	k = e.hash(k, `2,"algorithm":"SHA-1"`, i.SHA1)
	e.hash(k, `1,"algorithm":"MD5"`, i.MD5)
	e.w.closeList(list)
}

// hash writes a digest, if there is one, as element k and returns which one is next.
func (e *OCSF) hash(k int, algorithm, digest string) int {
	if digest == "" {
		return k
	}
	w := &e.w
	n := w.openElement(k)
	w.raw("algorithm_id", algorithm)
	w.str("value", digest)
	w.close(n)
	return k + 1
}

func (e *OCSF) user(key string, id uint32, name string) {
	w := &e.w
	n := w.open(key)
	w.id("uid", uint64(id))
	w.str("name", name)
	w.close(n)
}

// ocsfExec says what OCSF has attributes for in one record of an exec.
type ocsfExec struct {
	image, subjectImage bool // the files are written
	env, container      bool
}

func (x *ocsfExec) holds(object []byte, key string) bool {
	switch string(object) {
	case "":
		switch key {
		case "version", "time", "eventcode", "cwd":
			return true
		case "env":
			return x.env
		}
	case "/image":
		return x.image && ocsfFile(key)
	case "/subject/image":
		return x.subjectImage && ocsfFile(key)
	case "/container":
		return key == "id" && x.container || key == "pid"
	case "/creds":
		return key == "euid" || key == "euname"
	case "/subject":
		switch key {
		case "pid", "tid", "sid", "dev", "fork_time", "fork_pid", "euid", "euname":
			return true
		}
	}
	return false
}

func ocsfFile(key string) bool {
	switch key {
	case "path", "deleted", "uid", "uname", "size", "ino", "mtime", "btime", "sha256", "sha1", "md5":
		return true
	}
	return false
}

// ocsfLoss says what OCSF has attributes for in the record of a loss.
type ocsfLoss struct{}

func (ocsfLoss) holds(object []byte, key string) bool {
	switch string(object) {
	case "":
		return key == "version" || key == "time" || key == "eventcode"
	case "/loss":
		return key == "since" || key == "until"
	}
	return false
}
