package macos

import (
	"strings"

	"xnumon/event"
	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

// device turns a dev_t of macOS (sys/types.h: eight bits of major, 24 of minor)
// into the form that stat(2) has on Linux, which the rest of the program
// expects on whatever system it runs.
func device(dev uint32) uint64 {
	major, minor := uint64(dev>>24), uint64(dev&0xffffff)
	return major<<8 | minor&0xff | minor&^0xff<<12
}

func (s *stat) identity() sensor.Identity {
	return sensor.Identity{
		Dev: device(s.dev), Ino: s.ino, Gen: s.gen, Size: s.size, MTime: s.mtime, CTime: s.ctime,
	}
}

// replaced says whether something that is not UTF-8 may have been replaced in
// s before it was written to the stream. A name can hold that character itself.
func replaced(s string) bool { return strings.Contains(s, "\uFFFD") }

func anyReplaced(list []string) bool {
	for _, s := range list {
		if replaced(s) {
			return true
		}
	}
	return false
}

// file makes a sensor.File. A zero arch means that it is not known, a zero
// cdhash that the file is no code or has none. At is the activation, zero when
// the file was activated earlier than the message.
func (m *mapper) file(f *file, arch macho.Arch, cdhash macho.CDHash, at event.Time) *sensor.File {
	m.refs++
	out := &sensor.File{Ref: m.refs, Path: f.path}
	switch {
	case f.truncated:
		// A path that is cut is another path.
		out.Path, out.PathReason = "", event.ReasonTruncated
	case replaced(f.path):
		out.PathReason = event.ReasonReplaced
	}
	if st := f.stat; st != nil {
		out.HasStat = true
		out.ID = st.identity()
		out.Mode, out.UID, out.GID, out.BTime = st.mode, st.uid, st.gid, st.btime
		out.Deleted = st.nlink == 0
	}
	m.acquirable(out, arch, cdhash, at)
	return out
}

// acquirable gives the file what its acquisition needs, or says why there will
// be none.
func (m *mapper) acquirable(f *sensor.File, arch macho.Arch, cdhash macho.CDHash, at event.Time) {
	switch {
	case m.recorded:
		// The files of a recording are elsewhere, or long changed.
		f.Resolve(sensor.Digest{Reason: event.ReasonNotRecorded})
	case f.Path == "":
		f.Resolve(sensor.Digest{Reason: f.PathReason})
	case !f.HasStat:
		f.Resolve(sensor.Digest{Reason: event.ReasonUnverifiable})
	default:
		f.Opener = &opener{path: f.Path, id: f.ID, at: at, arch: arch, cdhash: cdhash}
	}
}
