//go:build linux

package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

//go:embed programs
var sources embed.FS

// Kinds are what is spawned, in the order in which it is.
var kinds = []string{"static", "dynamic", "script"}

// programs are those that the measurements run, built.
type programs struct {
	spawn, storm, crowd string // what measures
	tiny, wait          string // what storm and crowd run
	exits               [3]string
	sizes               [3]int64 // of exits, in bytes
	copies              int      // of each of exits
}

// buildPrograms compiles into dir, and copies what is spawned so that there are
// files which nobody has seen executed.
func buildPrograms(ctx context.Context, dir string, copies int) (*programs, error) {
	if err := os.CopyFS(dir, sources); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	src := filepath.Join(dir, "programs")
	p := &programs{copies: copies}
	libc := []string{"-static"}
	bare := []string{"-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pic", "-no-pie", "-s"}
	for _, b := range []struct {
		to     *string
		name   string
		source string
		flags  []string
	}{
		{&p.spawn, "spawn", "spawn.c", libc}, {&p.storm, "storm", "storm.c", libc}, {&p.crowd, "crowd", "crowd.c", libc},
		{&p.tiny, "tiny", "tiny.c", bare}, {&p.wait, "wait", "wait.c", bare},
		{&p.exits[0], "exit-static", "exit.c", libc}, {&p.exits[1], "exit-dynamic", "exit.c", nil},
	} {
		*b.to = filepath.Join(dir, b.name)
		args := append([]string{"-O2", "-Wall", "-Wextra", "-Werror"}, b.flags...)
		cmd := exec.CommandContext(ctx, compiler(), append(args, "-o", *b.to, b.source)...)
		cmd.Dir = src
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("compile %s: %w\n%s", b.source, err, text)
		}
	}
	p.exits[2] = filepath.Join(dir, "exit-script")
	raw, err := os.ReadFile(filepath.Join(src, "exit.sh"))
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if err := os.WriteFile(p.exits[2], raw, 0o755); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if err := p.copy(); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	// What is still to be written to the disk is no part of any measurement.
	unix.Sync()
	return p, nil
}

func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "cc"
}

func (p *programs) copy() error {
	for k, name := range p.exits {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		p.sizes[k] = int64(len(raw))
		for i := range p.copies {
			if err := os.WriteFile(name+"-"+strconv.Itoa(i), raw, 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

// warm are the programs that are spawned again and again.
func (p *programs) warm() []string { return p.exits[:] }

// cold name the copies as spawn wants it: a # stands for the number of the turn.
func (p *programs) cold() []string {
	out := make([]string, len(p.exits))
	for k, name := range p.exits {
		out[k] = name + "-#"
	}
	return out
}
