package linux

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// procOpener opens the image of a process through /proc/PID/exe, which leads to
// the file itself whatever became of its name, in any mount namespace.
type procOpener struct {
	s      *Sensor
	key    sensor.Key
	execID uint64     // zero for a process of the snapshot
	at     event.Time // the activation, zero for a process of the snapshot
	id     monitorFileIdentity
}

var _ sensor.Opener = (*procOpener)(nil)

// Open implements sensor.Opener.
func (o *procOpener) Open() (int, error) {
	name := fmt.Sprintf("/proc/%d/exe", o.key.PID)
	// The process may run something else by now, whose server need not answer: O_PATH
	// asks nobody, and keeps the file.
	return o.open(name, func() (int, error) { return unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0) })
}

// open opens the file that find finds, if it is the one.
func (o *procOpener) open(name string, find func() (int, error)) (int, error) {
	switch {
	case served(o.id.Magic):
		return -1, fmt.Errorf("%s: %w", name, sensor.ErrUnverifiable)
	case o.id.Magic == overlayMagic:
		return -1, o.stacked(name, find)
	}
	found, err := o.locate(name, find)
	if err != nil {
		return -1, err
	}
	defer unix.Close(found)
	// O_NONBLOCK: somebody may have a lease on it.
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", found), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return -1, opening(name, err)
	}
	now, err := o.identify(fd)
	if err == nil && identity(now) != identity(&o.id) {
		err = fmt.Errorf("%s: %w", name, sensor.ErrChanged)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// stacked is why a file on an overlay is not opened: that can mean to wait for the server of a layer, and the
// file below, which a lease would have to be on, is known only of a file that was held.
func (o *procOpener) stacked(name string, find func() (int, error)) error {
	why := sensor.ErrUnverifiable
	if o.s.gate != nil {
		found, err := o.locate(name, find)
		if err != nil {
			return err
		}
		if o.s.gate.marks.canHold(found) {
			why = sensor.ErrNotHeld
		}
		unix.Close(found)
	}
	return fmt.Errorf("%s: %w", name, why)
}

// locate returns the O_PATH descriptor that find finds, if it is of the file. The caller closes it.
func (o *procOpener) locate(name string, find func() (int, error)) (int, error) {
	found, err := find()
	if err != nil {
		return -1, opening(name, err)
	}
	now, err := o.identify(found)
	if err == nil && !sameFile(now, &o.id) {
		err = fmt.Errorf("%s: %w", name, sensor.ErrGone)
	}
	if err != nil {
		unix.Close(found)
		return -1, err
	}
	return found, nil
}

// opening is the error of opening an image.
func opening(name string, err error) error {
	err = &os.PathError{Op: "open", Path: name, Err: err}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("%w: %w", sensor.ErrGone, err)
	}
	return err
}

// imageOpener opens the image of a process that may be gone by now: then by its path, if it has not been changed
// for so long before that this shows that it is what it was.
type imageOpener struct {
	procOpener
	path *pathOpener // nil if it has none that leads to it
}

// Open implements sensor.Opener.
func (o *imageOpener) Open() (int, error) {
	fd, err := o.procOpener.Open()
	switch {
	case !errors.Is(err, sensor.ErrGone) || o.path == nil:
		return fd, err
	case o.id.Magic == overlayMagic: // it only tells why
		return o.path.Open()
	case !identity(&o.id).Settled(o.at):
		return fd, err
	}
	if fd, err := o.path.Open(); err == nil {
		return fd, nil
	}
	return -1, err
}

// pathOpener opens a file by the path it had. No process leads to a script, as one leads to its
// image; but whatever the path leads to by now, only the file that was executed will do.
type pathOpener struct {
	procOpener
	path string
	own  bool // path begins at the monitor's own root
}

// byPath returns an opener for a file of an exec, nil if its path cannot lead to it.
func byPath(by procOpener, f *sensor.File, r *monitorExecRecord) *pathOpener {
	if !strings.HasPrefix(f.Path, "/") || f.Unreachable || f.Deleted || f.Memfd != "" {
		return nil
	}
	return &pathOpener{procOpener: by, path: f.Path, own: by.s.root == root{r.RootDentry, r.RootMnt}}
}

// Open implements sensor.Opener.
func (o *pathOpener) Open() (fd int, err error) {
	for _, root := range o.roots() {
		fd, err = o.open(o.path, func() (int, error) {
			found, err := findCached(root, o.path)
			if err != nil { // whatever the path leads to now
				return -1, fmt.Errorf("%w: %w", sensor.ErrGone, err)
			}
			return found, nil
		})
		if !errors.Is(err, sensor.ErrGone) {
			return fd, err
		}
	}
	return -1, err
}

// roots are the directories that the path may begin at.
func (o *pathOpener) roots() []string {
	theirs := fmt.Sprintf("/proc/%d/root", o.key.PID)
	if o.own {
		return []string{"/", theirs}
	}
	return []string{theirs}
}

// find returns a descriptor of the file, for nothing but to name it. The caller closes it.
func (o *pathOpener) find() (int, error) {
	for _, root := range o.roots() {
		fd, err := o.locate(o.path, func() (int, error) { return findCached(root, o.path) })
		if err == nil {
			return fd, nil
		}
	}
	return -1, fmt.Errorf("%s: %w", o.path, sensor.ErrGone)
}

// Pinned implements sensor.Opener: nobody is kept from writing to a script.
func (*pathOpener) Pinned(int) bool { return false }

// findCached returns an O_PATH descriptor of what is at a path below a root. It waits for nobody.
func findCached(root, path string) (int, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	return unix.Openat2(dir, path, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | resolveCached,
	})
}

func (o *procOpener) identify(fd int) (*monitorFileIdentity, error) {
	var out identified
	if err := o.s.ident.ask(slotOther, fd, 0, &out); err != nil {
		return nil, err
	}
	return &out.file, nil
}

func sameFile(a, b *monitorFileIdentity) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Generation == b.Generation
}

// State implements sensor.Opener. The device is the one stat(2) gives: the
// kernel's own is shared by all subvolumes of a btrfs, and so are inode numbers.
func (o *procOpener) State(fd int) (sensor.State, uint32, error) {
	now, err := o.identify(fd)
	if err != nil {
		return sensor.State{}, 0, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return sensor.State{}, 0, fmt.Errorf("stat a file that process %d executed: %w", o.key.PID, err)
	}
	s := state(now)
	s.Dev = st.Dev
	return s, now.Magic, nil
}

// Activation implements sensor.Opener.
func (o *procOpener) Activation(fd int) (event.Time, event.Reason) {
	now, err := o.identify(fd)
	switch {
	case err != nil:
		return o.at, event.ReasonUnreadable
	case o.id.Writers > 0:
		return o.at, event.ReasonWritable
	case identity(now) != identity(&o.id):
		return o.at, event.ReasonModified
	case now.Epoch != o.id.Epoch:
		return o.at, event.ReasonUnverifiable
	}
	return o.at, ""
}

// Pinned implements sensor.Opener. While a process runs a file the kernel
// denies writing to it (fs/exec.c, exe_file_deny_write_access), except
// for kernel 6.11, for memfds, and below a stacked file system. So if the file
// was denied at the activation, and the process has not gone on to something else since,
// nobody has written.
func (o *procOpener) Pinned(fd int) bool {
	if o.id.Magic == overlayMagic || monitorFileFlags(o.id.Flags)&monitorFileFlagsFILE_INTERNAL != 0 {
		return false
	}
	now, err := o.identify(fd)
	if err != nil || now.Writers >= 0 || o.id.Writers >= 0 || now.Inode != o.id.Inode {
		return false
	}
	exe, err := unix.Open(fmt.Sprintf("/proc/%d/exe", o.key.PID), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(exe)
	still, err := o.identify(exe)
	if err != nil || still.Inode != o.id.Inode {
		return false
	}
	var run monitorRunningExec
	err = o.s.objs.Running.Lookup(o.key.PID, &run)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		// No exec since before the monitor; only a process of the snapshot can be that.
		return o.execID == 0
	}
	return err == nil && run.Start == o.key.Start && run.ExecId == o.execID
}
