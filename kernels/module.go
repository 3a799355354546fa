package main

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// early are the modules without which there is no disk; wanted those that the
// tests and cases lean on. Where one is built in, there is nothing to load.
var (
	early  = []string{"virtio_pci", "virtio_blk"}
	wanted = []string{"overlay", "loop", "binfmt_misc", "fuse", "squashfs"}
)

// module is a kernel module, with what it needs.
type module struct {
	name  string
	text  []byte
	needs []string
}

// modules returns the named ones and all they need, in an order in which they can be
// loaded. What the package does not hold as a module is taken to be built in: if
// it is not, the tests that need it fail.
func modules(ctx context.Context, dir string, names []string) ([]module, error) {
	paths := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if base, _, ok := strings.Cut(d.Name(), ".ko"); ok {
			paths[canonical(base)] = path
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the modules: %w", err)
	}
	var ordered []module
	seen := make(map[string]bool)
	var add func(name string) error
	add = func(name string) error {
		path := paths[name]
		if seen[name] || path == "" {
			return nil
		}
		seen[name] = true
		m := module{name: name}
		if m.text, err = readModule(ctx, path); err != nil {
			return err
		}
		if m.needs, err = needs(m.text); err != nil {
			return fmt.Errorf("module %s: %w", path, err)
		}
		for _, n := range m.needs {
			if err := add(n); err != nil {
				return err
			}
		}
		ordered = append(ordered, m)
		return nil
	}
	for _, n := range names {
		if err := add(canonical(n)); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

// canonical writes a name as the kernel does: files may have a hyphen where the module
// has an underscore.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }

// readModule returns a module's bytes, decompressed: not every kernel and not
// every insmod can do that.
func readModule(ctx context.Context, path string) ([]byte, error) {
	switch filepath.Ext(path) {
	case ".ko":
		return os.ReadFile(path)
	case ".xz":
		text, err := output(ctx, "", "xz", "-dc", path)
		return []byte(text), err
	}
	return nil, fmt.Errorf("module %s is compressed in an unknown way", path)
}

// needs reads the modules that a module depends on from its .modinfo section, a list of
// KEY=VALUE strings.
func needs(text []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for _, s := range strings.Split(string(info), "\x00") {
		if list, ok := strings.CutPrefix(s, "depends="); ok && list != "" {
			var names []string
			for _, n := range strings.Split(list, ",") {
				names = append(names, canonical(n))
			}
			return names, nil
		}
	}
	return nil, nil
}
