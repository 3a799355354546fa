package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "embed"
)

//go:embed guest/init
var guestInit []byte

// Sizes of the two disks, which are sparse files.
const (
	diskSize   = 2 << 30
	reportSize = 512 << 20
)

// Files with what the machine and its emulator said on the way.
const (
	consoleLog  = "console.log"
	emulatorLog = "emulator.log"
)

// machine is what an emulator needs to boot.
type machine struct {
	kernel, initramfs string
	disk              string // root file system, ext4
	report            string // what the machine reports: a tar archive
	begin             string // the first program on the disk
	processors        int
}

// assemble makes the disks and the initramfs of one kernel in dir. The disk holds root.
func assemble(ctx context.Context, k kernel, root, dir string) (*machine, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	m := &machine{
		kernel:    k.image(),
		initramfs: filepath.Join(dir, "initramfs"),
		disk:      filepath.Join(dir, "disk"),
		report:    filepath.Join(dir, "report"),
		begin:     "/tests/run", processors: processors,
	}
	ram, err := ramdisk(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("initramfs: %w", err)
	}
	if err := os.WriteFile(m.initramfs, ram, 0o644); err != nil {
		return nil, err
	}
	for path, size := range map[string]int64{m.disk: diskSize, m.report: reportSize} {
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			return nil, err
		}
	}
	if _, err := output(ctx, "", "mke2fs", "-q", "-t", "ext4", "-d", root, m.disk); err != nil {
		return nil, fmt.Errorf("root file system: %w", err)
	}
	return m, nil
}

// ramdisk is the initramfs: what it takes to get to the root file system.
func ramdisk(ctx context.Context, k kernel) ([]byte, error) {
	dir, err := k.modules()
	if err != nil {
		return nil, err
	}
	mods, err := modules(ctx, dir, append(early[:len(early):len(early)], wanted...))
	if err != nil {
		return nil, err
	}
	box, err := busybox()
	if err != nil {
		return nil, err
	}
	boxText, err := os.ReadFile(box)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	a := &cpio{w: &buf}
	for _, d := range []string{"bin", "proc", "sys", "dev", "root", "modules"} {
		a.dir(d)
	}
	a.file("bin/busybox", 0o755, boxText)
	a.file("init", 0o755, guestInit)
	for i, m := range mods {
		a.file(fmt.Sprintf("modules/%02d-%s.ko", i, m.name), 0o644, m.text)
	}
	return buf.Bytes(), a.end()
}

// boot runs the machine until it powers itself off. A kernel that panics powers off as
// well; what it has not reported is missed later.
func boot(ctx context.Context, m *machine, name string, accel acceleration, out string, o *options) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("it was not begun: %w", err)
	}
	var show io.Writer
	if o.console {
		show = os.Stdout
	}
	log, err := newConsole(name, out, show, os.Stdout)
	if err != nil {
		return err
	}
	defer log.Close()
	said, err := os.Create(filepath.Join(out, emulatorLog))
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64",
		"-accel", accel.option, "-machine", "q35", "-cpu", "max", "-smp", strconv.Itoa(m.processors), "-m", strconv.Itoa(2048),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
		"-kernel", m.kernel, "-initrd", m.initramfs,
		// The clock is the host's, on all processors alike; the watchdog would
		// take the emulator's pauses for its faults. Mitigations protect nothing
		// here and take half of the time.
		"-append", "console=ttyS0 quiet panic=-1 oops=panic tsc=nowatchdog mitigations=off begin="+m.begin,
		"-drive", "if=virtio,format=raw,cache=unsafe,file="+m.disk,
		"-drive", "if=virtio,format=raw,cache=unsafe,file="+m.report,
		"-device", "virtio-rng-pci",
		// A processor that faults while it handles a fault resets the machine
		// without a word.
		"-d", "cpu_reset",
	)
	cmd.Stdout, cmd.Stderr = log, said
	begun := time.Now()
	err = cmd.Run()
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return stuck(fmt.Errorf("it had not ended %v after power-on", time.Since(begun).Round(time.Second)), out)
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("qemu: %w; what it said is in %s", err, said.Name())
	}
	return nil
}

// acceleration is how a machine is emulated, and by how many threads.
type acceleration struct {
	option  string
	threads int
}

// processors is how many a machine has.
const processors = 2

// accelerator is the emulation, always: what comes out must not depend on whether
// this machine may use its processor's virtualization. Before QEMU 8.1 a processor
// could execute code that another had already changed, which a kernel that puts
// breakpoints into itself to switch tracepoints takes for a fault and panics
// (mended by "accel/tcg: Always lock pages before translation"); there, all
// processors take turns on one thread.
func accelerator(ctx context.Context) (acceleration, error) {
	text, err := output(ctx, "", "qemu-system-x86_64", "--version")
	if err != nil {
		return acceleration{}, err
	}
	major, minor, err := qemuVersion(text)
	if err != nil {
		return acceleration{}, err
	}
	if major > 8 || major == 8 && minor >= 1 {
		return acceleration{"tcg,thread=multi", processors}, nil
	}
	return acceleration{"tcg,thread=single", 1}, nil
}

// qemuVersion reads "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)".
func qemuVersion(text string) (major, minor int, err error) {
	_, version, _ := strings.Cut(text, "version ")
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return 0, 0, fmt.Errorf("qemu's version in %q: %w", text, err)
	}
	return major, minor, nil
}
