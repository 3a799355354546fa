package linux

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

const overlayMagic = 0x794c7630

// gate holds execs: it reads fanotify permission events and answers them.
// Every event is answered, by the acquirer, by the deadline or, whatever
// happens to this process, by the kernel when the descriptor is closed.
type gate struct {
	s       *Sensor
	fd      int       // fanotify group
	events  *pollable // fd again, to wait for
	pending *pendingCalls
	marks   *marks
	ignored ignored
	control *control
	told    bool // of the file below a stacked one, by an event of its own

	out      identified    // the reader's
	overflow atomic.Uint64 // fanotify queue overflows
	errors   atomic.Uint64 // events answered without being understood
	reads    atomic.Uint64 // times the reader has read
	vitals   *vitals
	stopped  chan struct{}
	done     sync.WaitGroup
	answers  sync.RWMutex // held to answer; to close, held alone
}

func newGate(s *Sensor) (_ *gate, err error) {
	// Permission events are not dropped for want of queue space but let through
	// (fs/notify/fanotify/fanotify.c), so the queue has no limit; a held
	// thread can wait in it only once.
	fd, err := unix.FanotifyInit(
		unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK|unix.FAN_REPORT_TID|
			unix.FAN_UNLIMITED_QUEUE|unix.FAN_UNLIMITED_MARKS,
		// O_NONBLOCK: the kernel opens each file for the reader, and must not wait there
		// for a lease that somebody has on it to be given back.
		unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC|unix.O_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create the fanotify group (needs CAP_SYS_ADMIN): %w", err)
	}
	g := &gate{s: s, fd: fd, stopped: make(chan struct{})}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.events, err = newPollable(fd, "fanotify group"); err != nil {
		return nil, err
	}
	if err := s.ident.ask(slotGate, fd, 0, &g.out); err != nil {
		return nil, err
	}
	s.root = g.out.root
	g.pending = newPendingCalls(s.opts.Acquirer)
	g.told = toldOfBelow()
	g.marks = newMarks(s, fd, unix.FAN_OPEN_EXEC_PERM, "execs are not held")
	g.ignored.g = g
	if g.control, err = newControl(s, g.marks, g.ignored.forget); err != nil {
		return nil, err
	}
	return g, nil
}

// start begins to hold.
func (g *gate) start() error {
	makeRoom()
	if err := prioritize(); err != nil {
		g.s.opts.Warn(fmt.Sprintf("the gate runs at normal priority: %v", err))
	}
	g.done.Go(g.read)
	g.done.Go(g.control.run)
	if w := g.s.opts.Watchdog; w != nil {
		g.vitals = w.vitals
		g.vitals.timeout.Store(int64(g.s.opts.GateTimeout))
		g.vitals.beat.Store(bootNow())
		g.vitals.group.Store(int64(g.fd))
		g.done.Go(g.beat)
		g.done.Go(g.mind)
	}
	if err := g.marks.start(); err != nil {
		g.close()
		return err
	}
	return nil
}

func (g *gate) close() error {
	if g.fd < 0 {
		return nil
	}
	var errs []error
	if g.vitals != nil {
		g.vitals.group.Store(0)
	}
	close(g.stopped)
	if g.events != nil {
		errs = append(errs, g.events.file.Close())
	}
	if g.control != nil {
		errs = append(errs, g.control.close())
	}
	g.done.Wait()
	// Closing the group answers what is still waiting with allow.
	// Whoever comes to answer later has nobody to answer, or would answer to
	// whatever has that number by then.
	g.answers.Lock()
	errs = append(errs, unix.Close(g.fd))
	g.fd = -1
	g.answers.Unlock()
	if g.pending != nil {
		g.pending.abandonAll()
	}
	return errors.Join(errs...)
}

// read takes events from the group until the gate is closed.
func (g *gate) read() {
	buf := make([]byte, 128*metadataSize)
	for {
		var n int
		var err error
		over := g.events.conn.Read(func(fd uintptr) bool {
			n, err = unix.Read(int(fd), buf)
			return !errors.Is(err, unix.EAGAIN)
		})
		switch {
		case over != nil:
			select {
			case <-g.stopped:
			default:
				g.s.opts.Warn(fmt.Sprintf("the gate cannot wait for events and stops: %v", over))
			}
			return
		case err == nil:
			g.reads.Add(1)
			eachEvent(buf[:n], g.event)
		case errors.Is(err, unix.EINTR):
		default:
			// The kernel could not open a file for us (the event is denied or dropped by
			// it) or we are out of descriptors: go on with the next.
			g.errors.Add(1)
		}
	}
}

const metadataSize = int(unsafe.Sizeof(unix.FanotifyEventMetadata{}))

func (g *gate) event(m *unix.FanotifyEventMetadata) {
	switch {
	case m.Mask&unix.FAN_Q_OVERFLOW != 0:
		g.overflow.Add(1)
	case m.Mask&unix.FAN_OPEN_EXEC_PERM != 0 && m.Fd >= 0:
		g.hold(int(m.Fd), uint32(m.Pid))
	case m.Fd >= 0:
		if m.Mask&unix.FAN_CLOSE_WRITE != 0 {
			g.ignored.written(int(m.Fd))
		}
		unix.Close(int(m.Fd))
	}
}

// eachEvent calls f with each event in what was read from a group.
func eachEvent(buf []byte, f func(*unix.FanotifyEventMetadata)) {
	for len(buf) >= metadataSize {
		var m unix.FanotifyEventMetadata
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&m)), metadataSize), buf)
		if int(m.Event_len) < metadataSize || int(m.Event_len) > len(buf) {
			return
		}
		buf = buf[m.Event_len:]
		f(&m)
	}
}

// answer lets the thread that waits for this descriptor go on. An error means
// that it was answered before, by the watchdog.
func (g *gate) answer(fd int) {
	g.answers.RLock()
	defer g.answers.RUnlock()
	if g.fd >= 0 {
		_ = allow(g.fd, int32(fd))
	}
}

// beat gives the watchdog signs of life, as long as the reader reads.
func (g *gate) beat() {
	clock := time.NewTicker(max(g.s.opts.GateTimeout/8, time.Millisecond))
	defer clock.Stop()
	poll := []unix.PollFd{{Fd: int32(g.fd), Events: unix.POLLIN}}
	seen := uint64(0)
	for {
		select {
		case <-clock.C:
		case <-g.stopped:
			return
		}
		poll[0].Revents = 0
		_, err := unix.Poll(poll, 0)
		reads := g.reads.Load()
		if err == nil && (poll[0].Revents == 0 || reads != seen) {
			g.vitals.beat.Store(bootNow())
		}
		seen = reads
	}
}

// hold takes in a file that a thread is about to execute, or to load as an
// interpreter or dynamic linker.
func (g *gate) hold(fd int, tid uint32) {
	arrived := time.Now()
	out := &g.out
	slot, takes := -1, uint64(0)
	if g.vitals != nil {
		slot, takes = g.vitals.add(fd), g.vitals.takes.Load()
	}
	if err := g.s.ident.ask(slotGate, fd, tid, out); err != nil {
		g.errors.Add(1)
		g.pass(fd, slot)
		return
	}
	// A stacked file system opens the file below in its turn, which is the next
	// event of the thread; the bytes are hashed there.
	stacked := out.file.Magic == overlayMagic
	if !stacked {
		if above := g.pending.above(tid, out.attempt, &out.file); above != nil {
			g.handOver(above, fd, slot, &out.file, arrived)
			return
		}
	}
	h := &heldFile{file: g.file(fd, out), id: out.file, takes: takes}
	if stacked && !g.told && out.below.Inode != 0 {
		h.below, h.alone = out.below, true
		g.pending.add(tid, out.attempt, out.first, h, false)
		g.handOver(h, fd, slot, &out.below, arrived)
		return
	}
	g.pending.add(tid, out.attempt, out.first, h, stacked)
	if stacked {
		g.pending.released(h, time.Since(arrived), false, false)
		g.pass(fd, slot)
		return
	}
	g.handOver(h, fd, slot, &out.file, arrived)
}

// toldOfBelow says whether opening a file on an overlay gives an event for the file
// below it as well, as it does since 6.5 (fs/overlayfs/file.c, OVL_OPEN_FLAGS).
func toldOfBelow() bool {
	var u unix.Utsname
	var major, minor int
	if err := unix.Uname(&u); err != nil {
		return true
	}
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		return true
	}
	return major > 6 || major == 6 && minor >= 5
}

// changed is sensor.Held.Changed for a file on an overlay without an event of its own for the
// file below: a lease would be on the wrong one. Nobody had that open for writing
// if nobody has now, or its change time has moved.
func (g *gate) changed(h *heldFile, fd int) event.Reason {
	var now identified
	switch err := g.s.ident.ask(slotOther, fd, 0, &now); {
	case err != nil || now.below.Inode == 0:
		return event.ReasonUnreadable
	case now.below.Writers > 0:
		return event.ReasonWritable
	case state(&now.below) != state(&h.below):
		return event.ReasonModified
	}
	return ""
}

// pass lets an event through at once.
func (g *gate) pass(fd, slot int) {
	g.answer(fd)
	if g.vitals != nil {
		g.vitals.remove(slot)
	}
	unix.Close(fd)
}

// file makes a File from what identify said of a held descriptor.
func (g *gate) file(fd int, out *identified) *sensor.File {
	f := g.s.newFile(&out.file, out.path, out.status)
	statFile(fd, f)
	return f
}

// statFile fills in what only statx(2) tells: the birth time, and device and inode number where a
// stacked file system or a subvolume has its own. It does not ask a server:
// nothing on this path may wait for another process.
func statFile(fd int, f *sensor.File) {
	const what = unix.STATX_BASIC_STATS | unix.STATX_BTIME
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, what, &st); err != nil {
		return
	}
	f.ID.Dev = unix.Mkdev(st.Dev_major, st.Dev_minor)
	f.ID.Ino = st.Ino
	f.ID.MTime = event.Time(st.Mtime.Sec*1e9 + int64(st.Mtime.Nsec))
	f.ID.CTime = event.Time(st.Ctime.Sec*1e9 + int64(st.Ctime.Nsec))
	if st.Mask&unix.STATX_BTIME != 0 {
		f.BTime = event.Time(st.Btime.Sec*1e9 + int64(st.Btime.Nsec))
	}
}

// handOver gives the file to the acquirer, which answers; or the deadline does. bytes is the
// file that holds them.
func (g *gate) handOver(h *heldFile, fd, slot int, bytes *monitorFileIdentity, arrived time.Time) {
	// The device is the one that stat(2) gives, see procOpener.State.
	id := state(bytes)
	if h.below == (monitorFileIdentity{}) {
		id.Dev = h.file.ID.Dev
	}
	h.bytes = id
	if h.id.Magic != overlayMagic {
		g.ignored.consider(fd, id, &h.id)
	}
	// The file is secured when it is in the acquirer's hands before anybody, the
	// watchdog included, can have let the exec go.
	var once sync.Once
	var handed, let atomic.Bool
	release := func(late bool) {
		once.Do(func() {
			secured := g.undisturbed(h) && (!late || handed.Load())
			let.Store(true)
			g.pending.released(h, time.Since(arrived), late, secured)
			g.answer(fd)
			if g.vitals != nil {
				g.vitals.remove(slot)
			}
		})
	}
	// The acquirer closes the descriptor after it has answered. Until then the
	// number is taken, so a late answer cannot hit another event.
	timer := time.AfterFunc(g.s.opts.GateTimeout, func() { release(true) })
	held := &sensor.Held{
		File:    h.file,
		FD:      fd,
		State:   id,
		Magic:   bytes.Magic,
		Stacked: h.id.Magic == overlayMagic,
		Sealed:  h.file.Memfd == "sealed",
		Begins:  func(head []byte) { g.pending.begins(h, head) },
		Holding: func() bool { return !let.Load() && g.undisturbed(h) },
		GoesOn:  func() bool { return g.pending.goesOn(h) },
		Epoch:   g.s.epoch,
		Release: func() {
			timer.Stop()
			release(false)
		},
	}
	if h.alone {
		h.changed = func() event.Reason { return g.changed(h, fd) }
		held.Changed = h.changed
	}
	g.s.opts.Acquirer.Hold(held)
	handed.Store(g.undisturbed(h))
}

// undisturbed says whether the watchdog has answered nothing since the file arrived.
func (g *gate) undisturbed(h *heldFile) bool {
	return g.vitals == nil || h.takes&1 == 0 && g.vitals.takes.Load() == h.takes
}

// mind ends the gating when the watchdog ends: without it a stopped monitor
// would stop the machine.
func (g *gate) mind() {
	select {
	case <-g.s.opts.Watchdog.gone:
	case <-g.stopped:
		return
	}
	for _, what := range []uint{unix.FAN_MARK_FILESYSTEM, 0} {
		if err := unix.FanotifyMark(g.fd, unix.FAN_MARK_FLUSH|what, 0, unix.AT_FDCWD, ""); err != nil {
			g.s.opts.Warn(fmt.Sprintf("the gate's watchdog has ended and the gate cannot be opened: %v", err))
		}
	}
	g.marks.off.Store(true)
	g.s.opts.Warn("the gate's watchdog has ended: execs are no longer held")
}
