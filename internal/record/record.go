// Package record puts the records together: from an exec and the past of the
// process that called it, or from a process that was found running.
package record

import (
	"strconv"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

// Env says how much of an environment a record holds.
type Env int

// The levels of Env.
const (
	EnvNone   Env = iota
	EnvLinker     // only what steers the dynamic linker, see linkerVariable
	EnvFull
)

// Unlimited is the number of ancestors that means all that are known.
const Unlimited = -1

// Hashes says which digests are wanted. The absence of others needs no reason.
type Hashes struct{ SHA256, SHA1, MD5 bool }

// Names are the names of users and groups. Empty means that there is none.
type Names interface {
	// Refresh is called once a record, before the other two.
	Refresh()
	User(uid uint32) string
	Group(gid uint32) string
}

// Options say what goes into the records.
type Options struct {
	Env       Env
	Ancestors int // at most so many; negative means Unlimited
	Hashes    Hashes
	Omit      Omit
	// Names may be nil: records then have no names.
	Names Names
	// Device writes a file's device number. Nil means as major:minor, as
	// Linux's makedev(3) puts them together.
	Device func(dev uint64) string
}

// Omit says what is left out though it is known. Its absence has no reason in a
// record: that it is left out is configured.
type Omit struct {
	Mode, Size, MTime, CTime, BTime bool // of files
	SID                             bool // the audit session
	Groups                          bool // of files and processes
	// SystemHashes are the hashes of files that a good signature shows to be part
	// of the operating system.
	SystemHashes bool
}

// Builder builds records. It belongs to one goroutine. A record it returns is
// good until it builds the next and shares memory with what it was built from.
type Builder struct {
	opts    Options
	devices map[uint64]string

	record event.ImageExec
	creds  event.Creds
	// What the record points into. When one has to grow, the record keeps what
	// it has of the old one.
	images    []event.Image
	absences  []event.Absence // of images
	ancestors []*event.Image
	chain     []*event.Image
	env       []string
	// Absences of the record itself and of its subject.
	missing, subjectMissing []event.Absence
}

// NewBuilder returns a Builder.
func NewBuilder(opts Options) *Builder {
	if opts.Device == nil {
		opts.Device = linuxDevice
	}
	return &Builder{opts: opts, devices: make(map[uint64]string)}
}

// AppendFiles appends the files whose digests Exec would look for and which are
// not known yet: wait for those that are worth it before calling it.
func (b *Builder) AppendFiles(dst []*sensor.File, e *sensor.Exec, x *lineage.Execution) []*sensor.File {
	dst = appendPending(dst, e.Image)
	dst = appendPending(dst, e.Interpreters...)
	return b.appendPast(dst, x)
}

// AppendProcessFiles does for Process what AppendFiles does for Exec.
func (b *Builder) AppendProcessFiles(dst []*sensor.File, p *sensor.Process, x *lineage.Execution) []*sensor.File {
	return b.appendPast(appendPending(dst, p.Image), x)
}

func (b *Builder) appendPast(dst []*sensor.File, x *lineage.Execution) []*sensor.File {
	n := b.opts.Ancestors
	for i := x.Image; i != nil; i = i.Older() {
		dst = appendPending(dst, i.File)
		if len(i.Interpreters) > 0 {
			dst = appendPending(dst, i.Interpreters[0])
		}
		if n == 0 {
			break
		}
		n--
	}
	return dst
}

func appendPending(dst []*sensor.File, files ...*sensor.File) []*sensor.File {
	for _, f := range files {
		if f != nil && f.Digest() == nil {
			dst = append(dst, f)
		}
	}
	return dst
}

// Exec builds the record of an exec. Digests that are not known by now are
// recorded as missing because reading took too long.
func (b *Builder) Exec(e *sensor.Exec, x *lineage.Execution) *event.ImageExec {
	b.reset()
	r := &b.record
	r.Time = e.Time
	r.Argv = e.Argv
	r.Cwd = e.Cwd
	r.Container = e.Container
	r.Gate = e.Gate
	r.Image = b.file(e.Image)
	m := absent(b.missing, "argv", e.ArgvReason)
	if b.opts.Env != EnvNone {
		r.Env = b.environment(e.Env, e.EnvReason == "")
		m = absent(m, "env", e.EnvReason)
	}
	m = absent(m, "cwd", e.CwdReason)
	switch {
	case len(e.Interpreters) > 0:
		b.interpreters(e.Interpreters)
	case e.Interpreted:
		m = absent(m, "script", event.ReasonNotHeld)
	}
	if e.Filename != e.Image.Path && (len(e.Interpreters) == 0 || e.Filename != e.Interpreters[0].Path) {
		r.Filename = e.Filename
	}
	s := &r.Subject
	b.login(&s.Creds, &e.Session)
	sm := b.subjectMissing
	if e.Before != nil {
		b.ids(&s.Creds, e.Before)
		b.changed(e.Before, &e.After)
	} else {
		m = absent(m, "creds", event.ReasonUnseen)
		for _, field := range idFields {
			if !b.opts.Omit.Groups || field != "egid" && field != "rgid" {
				sm = absent(sm, field, event.ReasonUnseen)
			}
		}
	}
	s.Tid = e.TID
	b.subject(&e.Session, x, sm)
	r.Missing, b.missing = orNil(m), m[:0]
	return r
}

// Process builds the record of a process that was found running.
func (b *Builder) Process(p *sensor.Process, x *lineage.Execution) *event.ImageExec {
	b.reset()
	r := &b.record
	r.Time = p.Time
	r.Reconstructed, r.AtStart = true, true
	r.Argv = p.Argv
	r.Cwd = p.Cwd
	r.Container = p.Container
	m := b.missing
	if b.opts.Env != EnvNone {
		r.Env = b.environment(p.Env, p.Env != nil)
	}
	if !p.KernelThread {
		// A lookup that fails does not say why.
		if p.Argv == nil {
			m = absent(m, "argv", event.ReasonNotRecorded)
		}
		if p.Env == nil && b.opts.Env != EnvNone {
			m = absent(m, "env", event.ReasonNotRecorded)
		}
		if p.Cwd == "" {
			m = absent(m, "cwd", event.ReasonNotRecorded)
		}
	}
	switch {
	case p.KernelThread:
		m = absent(m, "image", event.ReasonKernelThread)
	case p.Image == nil:
		m = absent(m, "image", event.ReasonRaced)
	default:
		r.Image = b.file(p.Image)
		m = absent(m, "script", event.ReasonRunning)
	}
	s := &r.Subject
	b.login(&s.Creds, &p.Session)
	b.ids(&s.Creds, &p.Creds)
	s.Reconstructed = true
	b.subject(&p.Session, x, b.subjectMissing)
	r.Missing, b.missing = orNil(m), m[:0]
	return r
}

// subject fills in what both kinds of record say of the process.
func (b *Builder) subject(session *sensor.Session, x *lineage.Execution, m []event.Absence) {
	s := &b.record.Subject
	s.Pid = x.Key.PID
	if session.ID != sensor.NoID && !b.opts.Omit.SID {
		s.Sid = session.ID
	}
	s.Session = session.Leader
	s.Dev = session.TTY
	s.ForkTime, s.ForkPid = x.ForkTime, x.ForkPID
	if s.ForkTime == 0 {
		m = absent(m, "fork_time", x.Unforked)
	}
	if s.ForkPid == 0 {
		m = absent(m, "fork_pid", x.Unforked)
	}
	s.Reconstructed = s.Reconstructed || x.Reconstructed || x.Image.Reconstructed
	if x.Image.File != nil {
		s.Image = b.past(x.Image)
	} else {
		m = absent(m, "image", x.Image.Reason)
	}
	n := b.opts.Ancestors
	last := x.Image
	for i := last.Older(); i != nil && n != 0; i = i.Older() {
		b.ancestors = append(b.ancestors, b.past(i))
		last = i
		n--
	}
	s.Ancestors = orNil(b.ancestors)
	omitted := last.Cut()
	for i := last.Older(); i != nil; i = i.Older() {
		omitted++
	}
	s.AncestorsOmitted = int(omitted)
	if len(s.Ancestors) == 0 && omitted == 0 && x.Image.File == nil && x.Image.Reason != event.ReasonKernelThread {
		m = absent(m, "ancestors", x.Image.Reason)
	}
	s.Missing, b.subjectMissing = orNil(m), m[:0]
}

func (b *Builder) reset() {
	if b.opts.Names != nil {
		b.opts.Names.Refresh()
	}
	b.record = event.ImageExec{}
	b.images = b.images[:0]
	b.absences = b.absences[:0]
	b.ancestors = b.ancestors[:0]
	b.chain = b.chain[:0]
	b.env = b.env[:0]
}

// absent appends to list unless there is no reason.
func absent(list []event.Absence, field string, why event.Reason) []event.Absence {
	if why == "" {
		return list
	}
	return append(list, event.Absence{Field: field, Reason: why})
}

// orNil returns an empty list as nil: records do not tell the two apart here.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// linuxDevice writes a device number as stat(2) has it on Linux.
func linuxDevice(dev uint64) string {
	major := dev>>8&0xfff | dev>>32&0xfffff000
	minor := dev&0xff | dev>>12&0xffffff00
	out := make([]byte, 0, 16)
	out = strconv.AppendUint(out, major, 10)
	out = append(out, ':')
	return string(strconv.AppendUint(out, minor, 10))
}
