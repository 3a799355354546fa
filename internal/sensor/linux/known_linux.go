package linux

import (
	"github.com/cilium/ebpf"

	"xnumon/internal/sensor"
)

// knownImages tells the BPF programs which images and scripts the acquirer has the digest of, whose execs
// need not wake anybody at once. It belongs to the goroutine in Run.
type knownImages struct {
	told *ebpf.Map
	have map[uint64]monitorKnownImage // by the address of the inode
}

const knownMost = 4096 // as many as the map holds; then both begin anew

// note notes whether the digest of a file is known by its state, or by that of the file below it, if there
// is one.
func (k *knownImages) note(id, below *monitorFileIdentity, a sensor.Acquirer) {
	if below.Inode != 0 {
		id = below
	}
	k.set(id, a.Known(state(id)))
}

// set tells whether the digest of the file in this state is known.
func (k *knownImages) set(id *monitorFileIdentity, known bool) {
	now := monitorKnownImage{Ino: id.Ino, Epoch: id.Epoch, Ctime: id.Ctime}
	then, ok := k.have[id.Inode]
	switch {
	case known && (!ok || then != now):
		if len(k.have) >= knownMost {
			for inode := range k.have {
				_ = k.told.Delete(inode)
			}
			k.have = nil
		}
		if k.have == nil {
			k.have = map[uint64]monitorKnownImage{}
		}
		k.have[id.Inode] = now
		// Without it the reader is woken more often than need be.
		_ = k.told.Put(id.Inode, now)
	case !known && ok:
		delete(k.have, id.Inode)
		_ = k.told.Delete(id.Inode)
	}
}
