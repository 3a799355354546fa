package record

import (
	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

// file describes a file that was executed.
func (b *Builder) file(f *sensor.File) *event.Image {
	i := b.image()
	start := len(b.absences)
	b.describe(i, f)
	b.seal(i, start)
	return i
}

// past describes an image that a process ran in the past, known or not.
func (b *Builder) past(l *lineage.Image) *event.Image {
	i := b.image()
	i.ExecTime, i.ExecPid = l.Time, l.PID
	i.Reconstructed = l.Reconstructed
	if len(l.Interpreters) > 0 {
		i.Script = b.file(l.Interpreters[0])
	}
	start := len(b.absences)
	switch {
	case l.File == nil:
		b.absences = absent(b.absences, "path", l.Reason)
	default:
		b.describe(i, l.File)
		if l.Reconstructed {
			b.absences = absent(b.absences, "script", event.ReasonRunning)
		} else if l.Interpreted && i.Script == nil {
			b.absences = absent(b.absences, "script", event.ReasonNotHeld)
		}
	}
	b.seal(i, start)
	return i
}

// interpreters sets the script, and the chain if it has more than that.
func (b *Builder) interpreters(files []*sensor.File) {
	r := &b.record
	r.Script = b.file(files[0])
	if len(files) == 1 {
		return
	}
	b.chain = append(b.chain, r.Script)
	for _, f := range files[1:] {
		b.chain = append(b.chain, b.file(f))
	}
	b.chain = append(b.chain, r.Image)
	r.Interpreters = b.chain
}

func (b *Builder) image() *event.Image {
	b.images = append(b.images, event.Image{})
	return &b.images[len(b.images)-1]
}

// seal gives i the absences from start on. Lists are sealed in the order in
// which they were begun.
func (b *Builder) seal(i *event.Image, start int) {
	if end := len(b.absences); end > start {
		i.Missing = b.absences[start:end:end]
	}
}

func (b *Builder) describe(i *event.Image, f *sensor.File) {
	i.Path = f.Path
	b.absences = absent(b.absences, "path", f.PathReason)
	i.Deleted, i.Unreachable = f.Deleted, f.Unreachable
	i.Memfd = f.Memfd
	if f.HasStat {
		i.HasStat = true
		i.Mode, i.UID, i.GID, i.Size = f.Mode, f.UID, f.GID, f.ID.Size
		i.UName, i.GName = b.user(f.UID), b.group(f.GID)
		i.Dev, i.Ino = b.device(f.ID.Dev), f.ID.Ino
		i.MTime, i.CTime, i.BTime = f.ID.MTime, f.ID.CTime, f.BTime
		b.omit(i)
	} else {
		for k, field := range statFields {
			if !b.omitsStat()[k] {
				b.absences = absent(b.absences, field, event.ReasonUnseen)
			}
		}
	}
	if !b.opts.Omit.SystemHashes || !ofSystem(f.Signature) {
		b.digest(i, f.Digest())
	}
	b.signature(i, f)
}

// signature puts together what the kernel said of a signature and what was read
// of it in the file.
func (b *Builder) signature(i *event.Image, f *sensor.File) {
	if f.Signature == nil {
		return
	}
	s := *f.Signature
	if d := f.Digest(); d != nil {
		s.CertCN = d.CertCN
	}
	i.Signature = &s
	b.absences = absent(b.absences, "signature", s.StatusReason)
}

// statFields are the fields that a file without a stat lacks. That its device,
// number and times are unknown as well goes without saying.
var statFields = [...]string{"mode", "uid", "gid", "size"}

// omitsStat says which of statFields are left out.
func (b *Builder) omitsStat() [len(statFields)]bool {
	o := &b.opts.Omit
	return [...]bool{o.Mode, false, o.Groups, o.Size}
}

// omit takes out of i, of which the stat is known, what is to be left out.
func (b *Builder) omit(i *event.Image) {
	o := &b.opts.Omit
	if i.OmitMode = o.Mode; o.Mode {
		i.Mode = 0
	}
	if i.OmitSize = o.Size; o.Size {
		i.Size = 0
	}
	if i.OmitGroup = o.Groups; o.Groups {
		i.GID, i.GName = 0, ""
	}
	if o.MTime {
		i.MTime = 0
	}
	if o.CTime {
		i.CTime = 0
	}
	if o.BTime {
		i.BTime = 0
	}
}

// ofSystem says whether a signature shows that a file is part of the operating system.
func ofSystem(s *event.Signature) bool {
	return s != nil && s.Status == event.SignatureGood && s.Origin == event.OriginSystem
}

func (b *Builder) digest(i *event.Image, d *sensor.Digest) {
	why := event.ReasonTimeout
	if d != nil {
		i.SHA256, i.SHA1, i.MD5 = d.SHA256, d.SHA1, d.MD5
		why = d.Reason
	}
	if b.opts.Hashes.SHA256 && i.SHA256 == "" {
		b.absences = absent(b.absences, "sha256", why)
	}
	if b.opts.Hashes.SHA1 && i.SHA1 == "" {
		b.absences = absent(b.absences, "sha1", why)
	}
	if b.opts.Hashes.MD5 && i.MD5 == "" {
		b.absences = absent(b.absences, "md5", why)
	}
}

func (b *Builder) device(dev uint64) string {
	s, ok := b.devices[dev]
	if !ok {
		s = b.opts.Device(dev)
		if len(b.devices) >= maxDevices {
			clear(b.devices)
		}
		b.devices[dev] = s
	}
	return s
}

// maxDevices bounds the cache of device numbers: mounts come and go.
const maxDevices = 1024
