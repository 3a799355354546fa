package linux

import (
	"bytes"

	"golang.org/x/sys/unix"

	"xnumon/internal/sensor"
)

// scripts are the files that execs went through, as the kernel still had them at the
// activation: see bpf/script.h. With them a script whose digest is known need not be
// held, as a known image need not. It belongs to the goroutine in Run.
type scripts struct {
	// closer is the address of the kernel's function that closes files. What is to be done by
	// another function is no file, whatever it looks like. It is zero until a file that was seen open has
	// been among what the kernel is to close; a kernel where that never happens has its
	// scripts held each time.
	closer  uint64
	natures map[sensor.State]nature    // of scripts whose digest is known
	last    map[inodeKey]nature        // the same, whatever became of them since
	ahead   map[sensor.Key][]*leftFile // of execs whose record is yet to come
}

// leftFile is a file that an exec went through and that the kernel was about to close at its activation.
type leftFile struct {
	execID uint64
	closer uint64
	id     monitorFileIdentity
	below  monitorFileIdentity // zero where there is none
	path   []byte              // components, last one first
	status uint32              // of path
	file   *sensor.File        // once there is one
}

// left is all that the kernel was about to close of what an exec went through.
type left struct {
	files []*leftFile // the one that was named first
	whole bool        // they are all there
	kept  bool        // but for one that is kept open for the image
}

const (
	naturesMost = 16384 // then it begins anew, and so do the marks
	aheadMost   = 4096  // likewise; only what belongs to lost records stays
)

// add takes in a file that the record of an exec is to follow.
func (c *scripts) add(r *monitorExecRecord, path []byte) {
	if c.ahead == nil || len(c.ahead) >= aheadMost {
		c.ahead = map[sensor.Key][]*leftFile{}
	}
	f := &leftFile{
		execID: r.ExecId, closer: r.Closer, id: r.Image,
		below: *belowOf(r), path: bytes.Clone(path), status: r.Status[monitorPartPART_PATH],
	}
	before := c.ahead[key(r.Key)]
	if len(before) > 0 && before[0].execID != f.execID {
		before = nil // the record of that exec was lost
	}
	c.ahead[key(r.Key)] = append(before, f)
}

// take returns what was sent ahead of an exec.
func (c *scripts) take(r *monitorExecRecord) left {
	k, flags := key(r.Key), monitorExecFlags(r.Flags)
	files := c.ahead[k]
	delete(c.ahead, k)
	if len(files) > 0 && files[0].execID != r.ExecId {
		files = nil
	}
	return left{
		files: files,
		whole: flags&monitorExecFlagsEXEC_LEFT != 0 && len(files) == int(r.Left),
		kept:  flags&monitorExecFlagsEXEC_KEPT != 0,
	}
}

// through returns the files that an exec went through, the one that is kept excepted. It is false
// where that cannot be told.
func (c *scripts) through(l left) (files []*leftFile, ok bool) {
	if c.closer == 0 || !l.whole {
		return nil, false
	}
	for _, f := range l.files {
		if f.closer == c.closer {
			files = append(files, f)
		}
	}
	return files, len(files) > 0 || l.kept
}

// meet takes in that a file that was seen open was one of those that an exec went through.
func (c *scripts) meet(l left, seen *monitorFileIdentity) {
	for _, f := range l.files {
		if c.closer == 0 && f.is(seen) {
			c.closer = f.closer
		}
	}
}

// know keeps what a script is whose digest is known. It says whether it had to forget the others.
func (c *scripts) know(f *leftFile, n nature) (forgot bool) {
	if _, ok := c.natures[f.state()]; ok {
		return false
	}
	forgot = len(c.natures) >= naturesMost
	if c.natures == nil || forgot {
		c.natures, c.last = map[sensor.State]nature{}, map[inodeKey]nature{}
	}
	c.natures[f.state()] = n
	c.last[keyOf(f.bytes())] = n
	return forgot
}

// is says whether it is a file that was open at the time: an inode stays where it is as long as that is so.
func (f *leftFile) is(id *monitorFileIdentity) bool {
	return f.id.Inode == id.Inode && sameFile(&f.id, id)
}

// bytes is the file that holds the bytes.
func (f *leftFile) bytes() *monitorFileIdentity {
	if f.below.Inode != 0 {
		return &f.below
	}
	return &f.id
}

func (f *leftFile) state() sensor.State { return state(f.bytes()) }

// fileOf makes a File of it, or returns the one that was made.
func (s *Sensor) fileOf(f *leftFile, e *sensor.Exec, r *monitorExecRecord) *sensor.File {
	if f.file != nil {
		return f.file
	}
	f.file = s.newFile(&f.id, f.path, f.status)
	if o := byPath(procOpener{s: s, key: e.Key, at: e.Time, id: f.id}, f.file, r); o != nil {
		f.file.Opener = o
	}
	return f.file
}

// natureOf says what a file is of those that an exec went through, by what is known of it or by looking at
// it; unread if it cannot be told to be the same as at the activation.
func (s *Sensor) natureOf(f *leftFile, e *sensor.Exec, r *monitorExecRecord) nature {
	if n, ok := s.scripts.natures[f.state()]; ok {
		return n
	}
	file := s.fileOf(f, e, r)
	if file.Opener == nil || f.id.Magic == tmpfsMagic || f.id.Magic == ramfsMagic {
		return nature{} // these do not move times for writes through a mapping
	}
	fd, err := file.Opener.Open()
	if err != nil {
		return nature{}
	}
	defer unix.Close(fd)
	var head [headSize]byte
	got, err := unix.Preadv2(fd, [][]byte{head[:]}, 0, unix.RWF_NOWAIT)
	if err != nil {
		return nature{}
	}
	if at, why := file.Opener.Activation(fd); why != "" || !file.ID.Settled(at) {
		return nature{}
	}
	n := natureOf(head[:got])
	if n.kind == script && s.opts.Acquirer != nil && s.opts.Acquirer.Known(f.state()) {
		s.know(f, n)
	}
	return n
}

// know keeps what a script is. A mark without that would be worth little: they begin anew together.
func (s *Sensor) know(f *leftFile, n nature) {
	if s.scripts.know(f, n) && s.gate != nil {
		s.gate.ignored.forget()
	}
}
