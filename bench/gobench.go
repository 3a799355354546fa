//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// goBench is a package's test program, whose benchmarks can be run.
type goBench struct {
	program string
	dir     string // of the package, where its testdata is
}

// buildGoBench compiles the tests of a package of this module, named by its path
// below root.
func buildGoBench(ctx context.Context, root, pkg, dir string) (*goBench, error) {
	b := &goBench{program: filepath.Join(dir, filepath.Base(pkg)+".test"), dir: filepath.Join(root, pkg)}
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.program, "./"+pkg)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the benchmarks of %s: %w\n%s", pkg, err, text)
	}
	return b, nil
}

// run runs benchmarks on this processor and returns what they print.
func (b *goBench) run(ctx context.Context, cpu int, pattern, time string, count int, env ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, b.program, "-test.run", "^$", "-test.bench", pattern, "-test.cpu", "1",
		"-test.benchtime", time, "-test.count", strconv.Itoa(count), "-test.timeout", "5m")
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), env...)
	var text []byte
	err := pinned(cpu, func() (err error) {
		text, err = output(cmd)
		return err
	})
	return text, err
}

// parseGoBench reads lines as "go test -bench" prints them.
func parseGoBench(text []byte) []GoResult {
	var out []GoResult
	pkg := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if p, ok := strings.CutPrefix(lines.Text(), "pkg: "); ok {
			pkg = p
			continue
		}
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(words[0], "Benchmark")
		i := 0
		for i < len(out) && (out[i].Package != pkg || out[i].Name != name) {
			i++
		}
		if i == len(out) {
			out = append(out, GoResult{Package: pkg, Name: name, Values: map[string][]float64{}})
		}
		for v := 2; v+1 < len(words); v += 2 {
			if n, err := strconv.ParseFloat(words[v], 64); err == nil {
				out[i].Values[words[v+1]] = append(out[i].Values[words[v+1]], n)
			}
		}
	}
	return out
}
