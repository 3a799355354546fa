package linux

import (
	"fmt"
	"sync"
	"sync/atomic"
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

func newIdentifier(objs *monitorObjects) (*identifier, error) {
	mem, err := objs.IdentifiedFiles.Memory()
	if err != nil {
		return nil, fmt.Errorf("map the identify map: %w", err)
	}
	size := int(objs.IdentifiedFiles.ValueSize()+7) &^ 7
	return &identifier{prog: objs.Identify, slots: mem, size: size}, nil
}

// ask fills out for the descriptor and, when tid is not zero, the exec call that
// thread is in.
func (i *identifier) ask(slot int, fd int, tid uint32, out *monitorIdentified) error {
	if slot == slotOther {
		i.mu.Lock()
		defer i.mu.Unlock()
	}
	a := &i.args[slot]
	*a = monitorIdentifyArgs{Fd: uint32(fd), Tid: tid, Slot: uint32(slot)}
	ret, err := i.prog.Run(&ebpf.RunOptions{Context: a})
	if err != nil {
		return fmt.Errorf("identify descriptor %d: %w", fd, err)
	}
	if ret != 0 {
		return fmt.Errorf("identify descriptor %d: %w", fd, unix.EBADF)
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(out)), int(unsafe.Sizeof(*out)))
	if _, err := i.slots.ReadAt(raw, int64(slot*i.size)); err != nil {
		return fmt.Errorf("read what identify found: %w", err)
	}
	if atomic.LoadUint32(&out.Found) == 0 {
		return fmt.Errorf("identify descriptor %d: %w", fd, unix.EBADF)
	}
	return nil
}

func (i *identifier) close() error { return nil }
