//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is where it was measured, and with what.
type Machine struct {
	Date         string `json:"date"` // day, UTC
	CPU          string `json:"cpu"`
	CPUs         int    `json:"cpus"`
	Memory       int64  `json:"memory"` // in bytes
	Virtual      bool   `json:"virtual,omitempty"`
	Kernel       string `json:"kernel"`
	Distribution string `json:"distribution"`
	Go           string `json:"go"`
	Compiler     string `json:"compiler"`
	Disk         string `json:"disk"` // type of the file system of the programs
	Logs         string `json:"logs"` // and of the logs
	Load         string `json:"load"` // average of the minute before
}

func thisMachine(ctx context.Context, disk, logs string) Machine {
	var u unix.Utsname
	_ = unix.Uname(&u) // cannot fail
	m := Machine{
		Date:         time.Now().UTC().Format(time.DateOnly),
		CPUs:         runtime.NumCPU(),
		Kernel:       unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:]),
		Distribution: strings.Trim(field("/etc/os-release", "PRETTY_NAME="), `"`),
		Go:           strings.TrimPrefix(firstLine(ctx, "go", "version"), "go version "),
		Compiler:     firstLine(ctx, compiler(), "--version"),
		Disk:         fsType(disk),
		Logs:         fsType(logs),
		CPU:          field("/proc/cpuinfo", "model name\t:"),
		Virtual:      strings.Contains(" "+field("/proc/cpuinfo", "flags\t\t:")+" ", " hypervisor "),
		Memory:       kilobytes("\n"+read("/proc/meminfo"), "MemTotal:"),
	}
	if m.CPU == "" {
		m.CPU = "unknown processor"
	}
	m.Load, _, _ = strings.Cut(read("/proc/loadavg"), " ")
	return m
}

func read(path string) string {
	raw, _ := os.ReadFile(path) // empty means unknown
	return string(raw)
}

// field is what follows the prefix of the first line that has it.
func field(path, prefix string) string {
	for _, line := range strings.Split(read(path), "\n") {
		if v, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func fsType(path string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return "unknown"
	}
	for name, magic := range map[string]int64{
		"ext4": 0xef53, "XFS": 0x58465342, "btrfs": 0x9123683e, "tmpfs": 0x01021994, "overlayfs": 0x794c7630,
	} {
		if int64(s.Type) == magic {
			return name
		}
	}
	return fmt.Sprintf("file system %#x", s.Type)
}
