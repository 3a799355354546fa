package linux

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// containerID matches the id that container runtimes put into the name of a control group.
var containerID = regexp.MustCompile(`(?:^|[/:._-])([0-9a-f]{64}|[0-9a-f]{32})(?:\.scope|\.service)?(?:/|$)`)

func key(k monitorProcessKey) sensor.Key {
	return sensor.Key{PID: k.Pid, Start: k.Start}
}

// parent is the zero Key for a process whose parent is the idle task: it has none.
func parent(k monitorProcessKey) sensor.Key {
	if k.Pid == 0 {
		return sensor.Key{}
	}
	return key(k)
}

func creds(c monitorCredentials) sensor.Creds {
	return sensor.Creds{
		EUID: c.Euid, EGID: c.Egid, RUID: c.Ruid, RGID: c.Rgid,
		SUID: c.Suid, SGID: c.Sgid, Caps: c.Caps,
	}
}

func session(s *monitorSession) sensor.Session {
	out := sensor.Session{AUID: s.Auid, ID: s.Id, Leader: s.Leader, HasAUID: s.Auid != sensor.NoID}
	if s.TtyMajor == 0 {
		return out
	}
	// Unix98 pseudo terminals have majors 136 to 143 with 256 each (Documentation/admin-guide/devices.txt).
	if s.TtyMajor >= 136 && s.TtyMajor <= 143 {
		out.TTY = fmt.Sprintf("/dev/pts/%d", (s.TtyMajor-136)<<8+s.TtyMinor)
		if name := cString(s.Tty[:]); strings.HasPrefix(name, "pts") {
			out.TTY = "/dev/pts/" + name[len("pts"):]
		}
	} else {
		out.TTY = "/dev/" + cString(s.Tty[:])
	}
	return out
}

// stDev turns the kernel's device number into the one stat(2) returns.
func stDev(dev uint32) uint64 { return unix.Mkdev(dev>>20, dev&(1<<20-1)) }

func identity(f *monitorFileIdentity) sensor.Identity {
	return sensor.Identity{
		Dev: stDev(f.Dev), Ino: f.Ino, Gen: f.Generation, Size: f.Size,
		MTime: event.Time(f.Mtime), CTime: event.Time(f.Ctime),
	}
}

func state(f *monitorFileIdentity) sensor.State {
	return sensor.State{Identity: identity(f), Epoch: f.Epoch}
}

const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
	// No byte can be changed, removed or added any more (memfd_create(2)).
	sealed = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
)

// newFile makes a File from what the kernel said of its inode.
func (s *Sensor) newFile(id *monitorFileIdentity, components []byte, status uint32) *sensor.File {
	f := &sensor.File{
		Ref:     s.refs.Add(1),
		HasStat: true,
		ID:      identity(id),
		Mode:    id.Mode,
		UID:     id.Uid,
		GID:     id.Gid,
	}
	f.Path, f.PathReason = path(components, status), reason(status)
	f.Unreachable = monitorPartStatus(status) == monitorPartStatusPART_UNREACHABLE
	flags := monitorFileFlags(id.Flags)
	if flags&(monitorFileFlagsFILE_PRIVATE|monitorFileFlagsFILE_INTERNAL) == monitorFileFlagsFILE_PRIVATE {
		// Where it is in the layer is not where anybody finds it: the open of the file on the
		// stacked file system was not held, only this one of the file below.
		f.Path, f.PathReason, f.Unreachable = "", event.ReasonNotHeld, false
	}
	f.Deleted = flags&monitorFileFlagsFILE_UNLINKED != 0
	if flags&monitorFileFlagsFILE_INTERNAL != 0 && id.Magic == tmpfsMagic && strings.HasPrefix(f.Path, "/memfd:") {
		f.Memfd = "unsealed"
		if id.Seals&sealed == sealed {
			f.Memfd = "sealed"
		}
	}
	return f
}

// container is set for a process that is not on the host proper.
func container(ns *monitorNamespaces, components []byte, status uint32) *event.Container {
	cgroup := path(components, status)
	m := containerID.FindStringSubmatch(cgroup)
	if ns.PidLevel == 0 && m == nil {
		return nil
	}
	c := &event.Container{Pid: ns.Pid}
	if cgroup != "/" {
		c.Cgroup = cgroup
	}
	if m != nil {
		c.ID = m[1]
	}
	return c
}
