//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// hashing compares how fast a file in the page cache is hashed: by the acquisition
// path of xnumon, by sha256sum, and by OpenSSL's own measurement, which reads no
// file. They take turns, on one processor.
func hashing(ctx context.Context, b *goBench, dir string, size int64, rounds int, seconds int) (*Hashing, error) {
	name := filepath.Join(dir, "hashed")
	if err := fill(name, size); err != nil {
		return nil, fmt.Errorf("the file to hash: %w", err)
	}
	defer os.Remove(name)
	out := &Hashing{Size: size, OpenSSL: firstLine(ctx, "openssl", "version"), Sum: firstLine(ctx, "sha256sum", "--version")}
	for range rounds {
		text, err := b.run(ctx, lastCPU(), "^BenchmarkAcquire$/^file$", strconv.Itoa(seconds)+"s", 1, "XNUMON_HASH_FILE="+name)
		if err != nil {
			return nil, err
		}
		for _, r := range parseGoBench(text) {
			for _, v := range r.Values["MB/s"] {
				out.Xnumon = append(out.Xnumon, v*1e6)
			}
		}
		if out.Sum != "" {
			took, err := sumTime(ctx, name, time.Duration(seconds)*time.Second)
			if err != nil {
				return nil, err
			}
			out.File = append(out.File, float64(size)/took.Seconds())
		}
		if out.OpenSSL != "" {
			v, err := opensslSpeed(ctx, seconds)
			if err != nil {
				return nil, err
			}
			out.Speed = append(out.Speed, v)
		}
	}
	if len(out.Xnumon) != rounds {
		return nil, fmt.Errorf("%d of %d measurements of the acquisition path", len(out.Xnumon), rounds)
	}
	return out, nil
}

func fill(name string, size int64) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for n := int64(0); n < size && err == nil; n += int64(len(buf)) {
		_, _ = rand.Read(buf) // never fails (package rand)
		_, err = file.Write(buf)
	}
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// sumTime is the shortest time of several runs of sha256sum, as many as fit in the
// given time but at least one.
func sumTime(ctx context.Context, name string, limit time.Duration) (time.Duration, error) {
	best := time.Duration(0)
	for begun := time.Now(); best == 0 || time.Since(begun) < limit; {
		cmd := exec.CommandContext(ctx, "sha256sum", name)
		started := time.Now()
		err := pinned(lastCPU(), func() error {
			_, err := output(cmd)
			return err
		})
		if err != nil {
			return 0, err
		}
		if took := time.Since(started); best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// opensslSpeed is in bytes per second, of blocks as large as those that xnumon
// reads.
func opensslSpeed(ctx context.Context, seconds int) (float64, error) {
	cmd := exec.CommandContext(ctx, "openssl", "speed", "-elapsed", "-mr", "-evp", "sha256",
		"-bytes", strconv.Itoa(256<<10), "-seconds", strconv.Itoa(seconds))
	var text []byte
	err := pinned(lastCPU(), func() (err error) {
		text, err = output(cmd)
		return err
	})
	if err != nil {
		return 0, err
	}
	return parseSpeed(string(text))
}

// parseSpeed reads what openssl speed -mr prints last: +F:22:sha256:1234567.89
func parseSpeed(text string) (float64, error) {
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if fields[0] != "+F" || len(fields) < 4 {
			continue
		}
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err == nil {
			return v, nil
		}
	}
	return 0, fmt.Errorf("openssl speed printed no rate: %q", text)
}

// firstLine is that of a program's output, empty if it cannot be run.
func firstLine(ctx context.Context, name string, args ...string) string {
	text, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
