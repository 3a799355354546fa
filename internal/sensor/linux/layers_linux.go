package linux

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// overlayTypes says where overlayfs keeps its layers. Its types are a module's as a
// rule, which only the running kernel can describe.
type overlayTypes struct{ numlayer, layers, mnt, size uint32 }

func findOverlayTypes() (*overlayTypes, error) {
	spec, err := btf.LoadKernelModuleSpec("overlay")
	if err != nil {
		// Built in, or not loaded, and then there is nothing to ask about.
		if spec, err = btf.LoadKernelSpec(); err != nil {
			return nil, fmt.Errorf("load the kernel's BTF: %w", err)
		}
	}
	var fs, layer *btf.Struct
	if err := spec.TypeByName("ovl_fs", &fs); err != nil {
		return nil, fmt.Errorf("find struct ovl_fs in the BTF of overlayfs: %w", err)
	}
	if err := spec.TypeByName("ovl_layer", &layer); err != nil {
		return nil, fmt.Errorf("find struct ovl_layer in the BTF of overlayfs: %w", err)
	}
	t := &overlayTypes{size: layer.Size}
	for _, want := range []struct {
		in   *btf.Struct
		name string
		at   *uint32
	}{{fs, "numlayer", &t.numlayer}, {fs, "layers", &t.layers}, {layer, "mnt", &t.mnt}} {
		found := false
		for _, m := range want.in.Members {
			if m.Name == want.name {
				*want.at, found = m.Offset.Bytes(), true
			}
		}
		if !found {
			return nil, fmt.Errorf("struct %s has no %s", want.in.Name, want.name)
		}
	}
	return t, nil
}

// stackedMost is how deep file systems can be stacked (FILESYSTEM_MAX_STACK_DEPTH, include/linux/fs.h).
const stackedMost = 2

var errLayers = errors.New("what it is made of cannot be told")

// layers returns an error when opening a file of the overlay that a descriptor is on can
// mean to wait for somebody: when one of its layers is served. Any user can mount one
// over a server of his own. Layers never change.
func (m *marks) layers(fd int) error {
	return m.layersUpTo(fd, stackedMost)
}

// canHold says whether a file on the overlay that a descriptor is on can be held so that its bytes are
// known: where no layer is an overlay itself.
func (m *marks) canHold(fd int) bool {
	return m.layersUpTo(fd, 1) == nil
}

// layersUpTo is layers for an overlay that is the top of so many.
func (m *marks) layersUpTo(fd, depth int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.overlay == nil {
		types, err := findOverlayTypes()
		if err != nil {
			return fmt.Errorf("%w: %w", errLayers, err)
		}
		m.overlay = types
	}
	return m.layersOf(uint32(fd), 0, depth)
}

func (m *marks) layersOf(fd uint32, sb uint64, depth int) error {
	types := m.overlay
	if depth == 0 {
		return errLayers
	}
	count := uint32(1)
	for i := uint32(0); i < count; i++ {
		in := monitorLayerArgs{
			Sb: sb, Fd: fd, Index: i,
			Numlayer: types.numlayer, Layers: types.layers, Mnt: types.mnt, Size: types.size,
		}
		var out monitorLayerArgs
		ret, err := m.s.objs.Layer.Run(&ebpf.RunOptions{Context: &in, ContextOut: &out})
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", errLayers, err)
		case ret != 0:
			return errLayers
		case out.Magic == overlayMagic:
			if err := m.layersOf(0, out.Below, depth-1); err != nil {
				return err
			}
		case served(out.Magic):
			return errServed
		}
		count = out.Count
	}
	return nil
}
