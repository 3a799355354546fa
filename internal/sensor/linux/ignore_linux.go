package linux

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/internal/sensor"
)

// ignored are the files whose execs need not be held: images and scripts, whose digest is
// known by identity. A mark on the inode keeps the kernel from asking; it takes the
// mark away itself when the file is written to (fanotify_mark(2),
// FAN_MARK_IGNORED_SURV_MODIFY), but not when it is changed through a mapping.
// For that the mark also asks for word of writers that have closed the file. In between,
// the identity at the activation shows the change.
//
// Only what an exec has confirmed as its image may be ignored, or as the dynamic
// linker of one, or as a script that the kernel still has at the activation: another file
// would vanish from the chain of interpreters.
type ignored struct {
	g *gate

	mu        sync.Mutex
	confirmed map[sensor.State]struct{}
	marked    map[inodeKey]struct{}

	removed atomic.Uint64 // marks taken off

	suspected time.Time // see suspect, which only the reader of the ring calls
}

const (
	confirmedMost = 16384 // then it begins anew
	ignoredMost   = 16384 // likewise; each keeps an inode in the kernel's memory
	suspicion     = time.Minute
)

// confirm notes that a file was an image, the dynamic linker of one, or a script that was seen.
func (i *ignored) confirm(id sensor.State) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.confirmed == nil || len(i.confirmed) >= confirmedMost {
		i.confirmed = map[sensor.State]struct{}{}
	}
	i.confirmed[id] = struct{}{}
}

// consider has the kernel ignore a held file from now on, if that is safe.
func (i *ignored) consider(fd int, id sensor.State, raw *monitorFileIdentity) {
	if id.Dev != stDev(raw.Dev) {
		return // a subvolume: the identity at the activation could not lead to the digest
	}
	// All of it under the mutex: what forget forgets must not be marked afterwards.
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, ok := i.confirmed[id]; !ok || !i.g.s.opts.Acquirer.Known(id) || id.Epoch != i.g.s.epoch() {
		return
	}
	delete(i.confirmed, id)
	if len(i.marked) >= ignoredMost {
		i.flush()
	}
	if i.marked == nil {
		i.marked = map[inodeKey]struct{}{}
	}
	i.marked[keyOf(raw)] = struct{}{}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	// First the watch, then the ignoring: a writer in between is seen by the first.
	err := unix.FanotifyMark(i.g.fd, unix.FAN_MARK_ADD, unix.FAN_CLOSE_WRITE, unix.AT_FDCWD, path)
	if err == nil {
		err = unix.FanotifyMark(i.g.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_IGNORED_MASK, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, path)
	}
	if err != nil {
		i.g.errors.Add(1) // it goes on being held
	}
}

// written takes the mark off a file that somebody had open for writing.
func (i *ignored) written(fd int) { i.remove(fmt.Sprintf("/proc/self/fd/%d", fd)) }

// stale takes the mark off a file that was ignored and is not the same any
// more: its times can move without anything being written, by a new name or
// mode. When path does not lead to it, the process that ran it being gone for
// example, nothing leads to the inode, and all marks on inodes are taken off.
func (i *ignored) stale(path string, id *monitorFileIdentity) {
	if !i.has(id) {
		return
	}
	err := unix.FanotifyMark(i.g.fd, unix.FAN_MARK_REMOVE|unix.FAN_MARK_IGNORED_MASK, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, path)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.removed.Add(1)
	delete(i.marked, keyOf(id))
	if err == nil {
		return
	}
	i.flush()
}

// has says whether a file may be ignored: it was marked, and has not been seen to have changed.
func (i *ignored) has(id *monitorFileIdentity) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, ok := i.marked[keyOf(id)]
	return ok
}

// forget takes all marks off: what was known of files does not reach into a new epoch.
func (i *ignored) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.confirmed = nil
	if len(i.marked) > 0 {
		i.removed.Add(uint64(len(i.marked)))
		i.flush()
	}
}

// suspect takes all marks off when a file that should have been held was not: one that
// was an image has become the interpreter of others, with binfmt_misc. There are
// other causes, which would go on; so not again and again.
func (i *ignored) suspect() {
	if !i.suspects() {
		i.suspected = time.Now()
		i.forget()
	}
}

// suspects says whether that was not long ago.
func (i *ignored) suspects() bool { return time.Since(i.suspected) <= suspicion }

// flush takes all marks off inodes. The mutex is held.
func (i *ignored) flush() {
	i.marked = nil
	if err := unix.FanotifyMark(i.g.fd, unix.FAN_MARK_FLUSH, 0, unix.AT_FDCWD, "/"); err != nil {
		i.g.errors.Add(1)
	}
}

// inodeKey is what of an identity does not change as long as the inode lives.
type inodeKey struct {
	ino             uint64
	dev, generation uint32
}

func keyOf(id *monitorFileIdentity) inodeKey { return inodeKey{id.Ino, id.Dev, id.Generation} }

func (i *ignored) remove(path string) {
	i.removed.Add(1)
	for flags, mask := range map[uint]uint64{
		unix.FAN_MARK_REMOVE | unix.FAN_MARK_IGNORED_MASK: unix.FAN_OPEN_EXEC_PERM,
		unix.FAN_MARK_REMOVE:                              unix.FAN_CLOSE_WRITE,
	} {
		// It may be gone already, taken away by the kernel.
		_ = unix.FanotifyMark(i.g.fd, flags, mask, unix.AT_FDCWD, path)
	}
}
