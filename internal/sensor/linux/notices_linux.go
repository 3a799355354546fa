package linux

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// notices tell, where nothing is held, which files were opened for execs. The
// kernel queues a notice of each file before its exec goes on, so that all those of an exec
// are there when its record is read, in order, for each thread. But it does
// not say which call of the thread they belong to, and what is read of the file is as it
// is by then. So only what can be shown to have been so at the exec is taken:
// the files whose number, first lines and names account for what the kernel made of the
// arguments, at paths that they cannot have been moved to meanwhile.
//
// It belongs to the goroutine in Run.
type notices struct {
	s        *Sensor
	fd       int // fanotify group
	marks    *marks
	control  *control
	done     chan struct{} // closed when control has ended
	buf      []byte
	head     []byte
	out      identified
	ignored  int // inodes that are
	threads  map[uint32][]*notice
	overflow uint64
	lost     uint64 // boot clock: notices of calls before this may have been lost
}

// notice is of one file. What is native is not kept.
type notice struct {
	file   *sensor.File
	id     monitorFileIdentity
	nature nature
	root   root // what the path is seen from
}

// noticesMost is how many notices of a thread are kept: of calls that failed, for others are
// taken when their record is read.
const noticesMost = 64

func newNotices(s *Sensor) (_ *notices, err error) {
	fd, err := unix.FanotifyInit(
		unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK|unix.FAN_REPORT_TID|unix.FAN_UNLIMITED_MARKS,
		unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC|unix.O_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create the fanotify group (needs CAP_SYS_ADMIN): %w", err)
	}
	n := &notices{
		s: s, fd: fd, done: make(chan struct{}),
		buf: make([]byte, 256*metadataSize), head: make([]byte, headSize),
		threads: map[uint32][]*notice{},
	}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if err := s.ident.ask(slotOther, fd, 0, &n.out); err != nil {
		return nil, err
	}
	s.root = n.out.root
	n.marks = newMarks(s, fd, unix.FAN_OPEN_EXEC, "scripts are not seen")
	if n.control, err = newControl(s, n.marks, func() {}); err != nil {
		return nil, err
	}
	go func() {
		defer close(n.done)
		n.control.run()
	}()
	if err := n.marks.start(); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *notices) close() error {
	var errs []error
	if n.control != nil {
		errs = append(errs, n.control.close())
		<-n.done
	}
	return errors.Join(append(errs, unix.Close(n.fd))...)
}

// drain takes in all notices there are. r is the exec that they are wanted for, nil if
// for none.
func (n *notices) drain(r *monitorExecRecord) {
	for {
		got, err := unix.Read(n.fd, n.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			n.forget() // the kernel could not open a file for us and has dropped its notice, or we are closed
			return
		}
		if err != nil || got == 0 {
			return
		}
		eachEvent(n.buf[:got], func(m *unix.FanotifyEventMetadata) {
			switch {
			case m.Mask&unix.FAN_Q_OVERFLOW != 0:
				n.overflow++
				n.forget()
			case m.Fd >= 0:
				n.take(int(m.Fd), uint32(m.Pid), r)
				unix.Close(int(m.Fd))
			default:
				n.forget()
			}
		})
	}
}

// forget gives up all that is known of calls that began before now.
func (n *notices) forget() {
	clear(n.threads)
	n.lost = uint64(bootNow())
}

// take takes in a file that a thread has opened for an exec.
func (n *notices) take(fd int, tid uint32, r *monitorExecRecord) {
	got, err := unix.Pread(fd, n.head, 0)
	if err != nil {
		got = 0
	}
	nature := natureOf(n.head[:got])
	if nature.kind == native && ownMachine(n.head[:got]) {
		n.ignore(fd)
		return
	}
	var from root
	if r != nil && tid == r.Tid {
		from = root{r.RootDentry, r.RootMnt}
	}
	if err := n.s.ident.askFrom(slotGate, fd, tid, from, &n.out); err != nil {
		n.forget()
		return
	}
	if monitorFileFlags(n.out.file.Flags)&(monitorFileFlagsFILE_PRIVATE|monitorFileFlagsFILE_INTERNAL) == monitorFileFlagsFILE_PRIVATE {
		return // below an overlay, which has a notice of its own
	}
	if len(n.threads[tid]) >= noticesMost {
		n.forget()
		return
	}
	f := n.s.newFile(&n.out.file, n.out.path, n.out.status)
	statFile(fd, f)
	n.threads[tid] = append(n.threads[tid], &notice{file: f, id: n.out.file, nature: nature, root: n.out.root})
}

// ownMachine says whether an ELF file is for the machine that this program is for. No
// other file is loaded by the kernel itself as often.
func ownMachine(head []byte) bool {
	const class, machine = 4, 18 // EI_CLASS and e_machine of elf(5)
	return len(head) > machine+1 && head[class] == 2 && head[machine] == elfMachine && head[machine+1] == 0
}

// ignore spares the notices of a program, which lead nowhere: what is an image is seen as such.
// Should binfmt_misc make it an interpreter, then the chain is not whole and not taken. The
// kernel ends it when the file is written to.
func (n *notices) ignore(fd int) {
	if n.ignored >= ignoredMost {
		n.ignored = 0
		_ = unix.FanotifyMark(n.fd, unix.FAN_MARK_FLUSH, 0, unix.AT_FDCWD, "/")
	}
	n.ignored++
	// Without it there are only more notices.
	_ = unix.FanotifyMark(n.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_IGNORED_MASK, unix.FAN_OPEN_EXEC,
		unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd))
}

// threadEnded forgets a thread: its number can be given to another.
func (n *notices) threadEnded(tid uint32) {
	n.drain(nil)
	delete(n.threads, tid)
}

// join completes an exec with the files that it went through, and returns their notices.
func (n *notices) join(e *sensor.Exec, r *monitorExecRecord) []*notice {
	n.drain(r)
	all := n.threads[r.Tid]
	delete(n.threads, r.Tid)
	if r.Attempt == 0 || r.Attempt < n.lost || r.Opened > 0 || e.ArgvReason != "" {
		return nil
	}
	argc, ok := passed(r)
	if !ok {
		return nil
	}
	from, to := chainIn(all, e.Argv, e.Filename, int(r.Argc), argc)
	if to == 0 {
		return nil
	}
	if to < len(all) { // of execs that were not read yet
		n.threads[r.Tid] = all[to:]
	}
	began := n.s.clock.wall(r.Attempt)
	name := e.Filename
	for _, one := range all[from:to] {
		n.settle(one, name, e, root{r.RootDentry, r.RootMnt}, began)
		e.Interpreters = append(e.Interpreters, one.file)
		name = one.nature.interpreter
	}
	return all[from:to]
}

// chainIn finds the files that account for the arguments of an exec. It finds none
// where there is more than one way.
func chainIn(all []*notice, argv []string, filename string, argc, passed int) (from, to int) {
	var natures []nature
	for _, one := range all {
		natures = append(natures, one.nature)
	}
	for i := range all {
		for j := i + 1; j <= len(all) && j-i < mostInterpreters; j++ {
			if !whole(natures[i:j], argv, filename, argc, passed) || !unwinds(natures[i:j], argv, filename, max(passed, 1)) {
				continue
			}
			if to != 0 && !slices.EqualFunc(all[from:to], all[i:j], func(a, b *notice) bool { return sameFile(&a.id, &b.id) }) {
				return 0, 0
			}
			if to == 0 {
				from, to = i, j
			}
		}
	}
	return from, to
}

// settle leaves of a file only what it surely was when the call began that opened it by this
// name.
func (n *notices) settle(one *notice, name string, e *sensor.Exec, at root, began event.Time) {
	f := one.file
	if !identity(&one.id).Settled(began) {
		f.HasStat = false
	}
	internal := monitorFileFlags(one.id.Flags)&monitorFileFlagsFILE_INTERNAL != 0
	switch {
	case f.Path == "" || internal: // nobody can move what has no name
	case one.root == at && f.Path == absolute(name, e), one.root == at && at == n.s.root && n.steady(f, began):
		f.Deleted = false
	default:
		f.Path, f.PathReason, f.Deleted, f.Unreachable = "", event.ReasonNotHeld, false, false
	}
}
