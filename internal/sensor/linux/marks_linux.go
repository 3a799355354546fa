package linux

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// marks puts marks on the file systems whose files a group is told of. A mark sits on the
// file system itself, so it covers it in every mount namespace and wherever it
// is mounted. Which ones have it is not remembered: device and mount numbers are
// reused, and marking again is cheap and changes nothing.
type marks struct {
	s      *Sensor
	fd     int    // fanotify group
	mask   uint64 // what it is told
	lacks  string // what is lacking where there is no mark
	all    bool   // of the machine, not only of Options.GatePaths
	memfds bool
	off    atomic.Bool // nothing is marked any more

	mu         sync.Mutex
	namespaces map[string]bool // looked through
	warned     map[string]bool
	overlay    *overlayTypes // once an overlay was met
}

// MemfdPath among Options.GatePaths stands for the files made by memfd_create(2).
const MemfdPath = "memfd:"

func newMarks(s *Sensor, fd int, mask uint64, lacks string) *marks {
	paths := s.opts.GatePaths
	return &marks{
		s: s, fd: fd, mask: mask, lacks: lacks, all: len(paths) == 0, memfds: len(paths) == 0 || slices.Contains(paths, MemfdPath),
		namespaces: map[string]bool{}, warned: map[string]bool{},
	}
}

// pseudo are file systems that hold no files to execute; fanotify refuses most
// of them (fs/notify/fanotify/fanotify_user.c).
var pseudo = map[string]bool{
	"proc": true, "sysfs": true, "cgroup": true, "cgroup2": true, "devpts": true,
	"securityfs": true, "debugfs": true, "tracefs": true, "bpf": true, "pstore": true,
	"mqueue": true, "configfs": true, "fusectl": true, "binfmt_misc": true,
	"nsfs": true, "efivarfs": true, "rpc_pipefs": true, "selinuxfs": true, "autofs": true,
	"fuse.portal": true,
}

// start marks what is to be held from the beginning.
func (m *marks) start() error {
	if !m.all {
		for _, path := range m.s.opts.GatePaths {
			if path == MemfdPath {
				continue
			}
			if err := m.fileSystem(path); err != nil {
				return fmt.Errorf("gate the file system of %s: %w", path, err)
			}
		}
		return nil
	}
	if n, err := m.process("self"); err != nil {
		return err
	} else if n == 0 {
		return errors.New("no file system could be gated")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			m.namespaceOf(e.Name())
		}
	}
	return nil
}

// namespaceOf looks through the mounts of a process's namespace unless that was done.
func (m *marks) namespaceOf(pid string) {
	ns, err := os.Readlink("/proc/" + pid + "/ns/mnt")
	if err != nil {
		return // gone
	}
	m.mu.Lock()
	done := m.namespaces[ns]
	m.namespaces[ns] = true
	m.mu.Unlock()
	if !done {
		// If the process goes meanwhile, its namespace goes too, or another process has it.
		_, _ = m.process(pid)
	}
}

// process marks the file systems that a process has mounted and returns how many mounts it marked.
func (m *marks) process(pid string) (marked int, err error) {
	name := "/proc/" + pid + "/mountinfo"
	file, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("read the mounts: %w", err)
	}
	defer file.Close()
	mounts, err := mountinfo.GetMountsFromReader(file, nil)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	// A mount may be hidden by another on top of it: the same file system may
	// be visible elsewhere, so only one that no mount led to is warned of. The
	// newest come last, and are the ones that may be in a hurry.
	failed, reached := map[string]string{}, map[string]bool{}
	for _, mount := range slices.Backward(mounts) {
		dev := fmt.Sprintf("%d:%d", mount.Major, mount.Minor)
		if reached[dev] || pseudo[mount.FSType] {
			continue
		}
		err := m.mount(pid, mount)
		if gone(err) {
			continue // unmounted, or out of reach for its own processes too
		}
		if err != nil {
			failed[dev] = fmt.Sprintf("%q (%s): %v", mount.Mountpoint, mount.FSType, err)
			continue
		}
		reached[dev] = true
	}
	for dev, why := range failed {
		if !reached[dev] {
			m.warn(why)
		}
	}
	return len(reached), nil
}

// warn says once what is lacking on a file system.
func (m *marks) warn(why string) {
	m.mu.Lock()
	known := m.warned[why]
	m.warned[why] = true
	m.mu.Unlock()
	if !known {
		m.s.opts.Warn(m.lacks + " on " + why)
	}
}

var errHidden = errors.New("another mount hides it")

// mount marks the file system of one mount, after making sure that its path leads to it.
func (m *marks) mount(pid string, mount *mountinfo.Info) error {
	fd, err := m.openBelow("/proc/"+pid+"/root", mount.Mountpoint)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	id, err := mountID(fd)
	if err != nil {
		return err
	}
	if id != mount.ID {
		return errHidden
	}
	return m.descriptor(fd)
}

// below marks the file system that a path leads to, see openBelow.
func (m *marks) below(directory, path string) error {
	fd, err := m.openBelow(directory, path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return m.descriptor(fd)
}

// openBelow opens a path as a process sees it that has the given root or working directory,
// a link in /proc. It asks no server: what is mounted somewhere keeps the names that lead there
// in memory.
func (m *marks) openBelow(directory, path string) (int, error) {
	from, err := unix.Open(directory, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(from)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS | resolveCached}
	if strings.HasPrefix(path, "/") {
		how.Resolve |= unix.RESOLVE_IN_ROOT
	}
	fd, err := unix.Openat2(from, path, &how)
	if errors.Is(err, unix.EAGAIN) {
		// Some file systems look at their names again each time, sysfs for example.
		return m.walkBelow(from, path)
	}
	return fd, err
}

// walkBelow is openBelow one name after the other. It gives up where somebody would have to be
// asked for the next, and at links.
func (m *marks) walkBelow(from int, path string) (int, error) {
	at, err := unix.Openat(from, ".", unix.O_PATH|unix.O_CLOEXEC, 0)
	for _, name := range strings.Split(path, "/") {
		if err != nil || name == "" {
			continue
		}
		next := -1
		if err = m.asksNobody(at); err == nil {
			next, err = unix.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		}
		unix.Close(at)
		at = next
	}
	return at, err
}

// mountID is the number of the mount a descriptor is on, as in mountinfo.
func mountID(fd int) (int, error) {
	name := "/proc/self/fdinfo/" + strconv.Itoa(fd)
	raw, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), "mnt_id:")
	line, _, _ := strings.Cut(rest, "\n")
	id, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0, fmt.Errorf("read mnt_id in %s: %w", name, err)
	}
	return id, nil
}

// fileSystem marks the file system that a path leads to.
func (m *marks) fileSystem(path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return m.descriptor(fd)
}

var errServed = errors.New("it is served by another process or machine, which the gate must not wait for")

// descriptor marks the file system that a descriptor is on.
func (m *marks) descriptor(fd int) error {
	if err := m.asksNobody(fd); err != nil {
		return err
	}
	return unix.FanotifyMark(m.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, m.mask,
		unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd))
}

// asksNobody returns an error if using a file on the file system that a descriptor is on can
// mean to wait for another process or machine.
func (m *marks) asksNobody(fd int) error {
	var out identified
	if err := m.s.ident.ask(slotOther, fd, 0, &out); err != nil {
		return err
	}
	if served(out.file.Magic) {
		return errServed
	}
	if out.file.Magic == overlayMagic {
		return m.layers(fd)
	}
	return nil
}

// served says whether opening a file can mean waiting for another process or
// machine. The kernel opens the file of each event for the gate's reader, so one
// server that does not answer would stop the gate; and a hash of such a file
// could not be relied on anyway. Types are those of linux/magic.h.
func served(magic uint32) bool {
	switch magic {
	case 0x65735546, // FUSE, virtiofs
		0x6969,                         // NFS
		0x517b, 0xff534d42, 0xfe534d42, // SMB
		0x01021997,                         // 9P
		0x00c36400, 0x0bd00bd0, 0x5346414f, // Ceph, Lustre, AFS
		0xf15f,     // eCryptfs, which may be on top of any of these
		0x786f4256: // VirtualBox shared folders
		return true
	}
	return false
}

// memfd marks a file on a mount only the kernel has, which takes no mark itself.
func (m *marks) memfd(path string) error {
	return unix.FanotifyMark(m.fd, unix.FAN_MARK_ADD, m.mask, unix.AT_FDCWD, path)
}
