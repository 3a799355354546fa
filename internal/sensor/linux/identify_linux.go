package linux

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// The slots of the map that identify writes to.
const (
	slotGate  = iota // the gate's reader, which waits for nobody
	slotOther        // everybody else, one at a time
)

// identifier asks the kernel about the inode behind a descriptor of this
// process. stat(2) is no substitute: what it says of a stacked file system is
// made up, and it does not tell which call of which thread is waiting.
type identifier struct {
	prog  *ebpf.Program
	slots *ebpf.Memory
	size  int
	mu    sync.Mutex // for slotOther
	args  [2]monitorIdentifyArgs
}

// identified is what the kernel says of a descriptor.
type identified struct {
	file    monitorFileIdentity
	below   monitorFileIdentity // zero where there is none, or none to be seen
	attempt uint64              // of the exec call its thread is in, zero if that was not seen
	first   uint64              // the thread's calls since this one, the last excepted, have failed

	root   root   // what the path is seen from
	path   []byte // components, last one first
	status uint32 // of path
}

// root is a root directory, in addresses that are only there to be compared. The
// zero root is the monitor's own.
type root struct{ dentry, mount uint64 }

func newIdentifier(objs *monitorObjects) (*identifier, error) {
	mem, err := objs.Identified.Memory()
	if err != nil {
		return nil, fmt.Errorf("map the identify map: %w", err)
	}
	return &identifier{prog: objs.Identify, slots: mem, size: int(objs.Identified.ValueSize()+7) &^ 7}, nil
}

// epoch is the present one; see sensor.State.
func (s *Sensor) epoch() uint64 {
	var now uint64
	// It is read from memory that is mapped, and cannot fail.
	_ = s.objs.Epoch.Get(&now)
	return now
}

// ask fills out for the descriptor and, when tid is not zero, the exec call that
// thread is in. It uses the memory of out.path again.
func (i *identifier) ask(slot int, fd int, tid uint32, out *identified) error {
	return i.askFrom(slot, fd, tid, root{}, out)
}

// askFrom is ask for the path as seen from another root, unless the thread is in an exec call.
func (i *identifier) askFrom(slot int, fd int, tid uint32, from root, out *identified) error {
	if slot == slotOther {
		i.mu.Lock()
		defer i.mu.Unlock()
	}
	a := &i.args[slot]
	*a = monitorIdentifyArgs{
		Fd: uint32(fd), Tid: tid, Slot: uint32(slot), RootDentry: from.dentry, RootMnt: from.mount,
	}
	ret, err := i.prog.Run(&ebpf.RunOptions{Context: a})
	if err != nil {
		return fmt.Errorf("identify descriptor %d: %w", fd, err)
	}
	if ret != 0 {
		return fmt.Errorf("identify descriptor %d: %w", fd, unix.EBADF)
	}
	var r monitorExecRecord
	header := unsafe.Slice((*byte)(unsafe.Pointer(&r)), int(unsafe.Sizeof(r)))
	at := int64(slot * i.size)
	if _, err := i.slots.ReadAt(header, at); err != nil {
		return fmt.Errorf("read what identify found: %w", err)
	}
	out.below = *belowOf(&r)
	out.file, out.attempt, out.first = r.Image, r.Attempt, r.First
	out.root = root{r.RootDentry, r.RootMnt}
	out.status = r.Status[monitorPartPART_PATH]
	n := min(int(r.Lens[monitorPartPART_PATH]), i.size-len(header))
	out.path = slices.Grow(out.path[:0], n)[:n]
	if n == 0 { // a root directory; the mapping refuses to fill no bytes at all
		return nil
	}
	if _, err := i.slots.ReadAt(out.path, at+int64(len(header))); err != nil {
		return fmt.Errorf("read the path that identify found: %w", err)
	}
	return nil
}
