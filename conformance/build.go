//go:build linux

package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// sources are the cases and what they share, so that the runner can build them
// wherever there is a C compiler.
//
//go:embed cases
var sources embed.FS

// Case is one program of the corpus, built.
type Case struct {
	// Name is that of its source without the suffix.
	Name string `json:"name"`
	// File is the program, relative to the folder of the build.
	File string `json:"file"`
	// Summary is the first sentence of the comment on top.
	Summary string `json:"summary"`
}

const manifest = "manifest.json"

// build compiles every case into dir, together with what the cases need when they
// run. The programs are static, so that the folder can be carried to a machine
// that has a shell and nothing else.
func build(ctx context.Context, dir string) ([]Case, error) {
	work, err := os.MkdirTemp("", "conformance-build-")
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, sources); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	for _, d := range []string{"cases", "lib", "bin"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
	}
	work = filepath.Join(work, "cases")
	entries, err := fs.ReadDir(sources, "cases")
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	var cases []Case
	var jobs []func() error
	for _, e := range entries {
		ext := path.Ext(e.Name())
		c := Case{Name: strings.TrimSuffix(e.Name(), ext)}
		source := filepath.Join(work, e.Name())
		switch ext {
		case ".c":
			c.File = "cases/" + c.Name
			jobs = append(jobs, func() error { return compile(ctx, source, filepath.Join(dir, c.File)) })
		case ".sh":
			c.File = "cases/" + e.Name()
			jobs = append(jobs, func() error { return install(source, filepath.Join(dir, c.File)) })
		default:
			continue
		}
		text, err := fs.ReadFile(sources, "cases/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
		if c.Summary, err = summary(string(text)); err != nil {
			return nil, fmt.Errorf("build: %s: %w", e.Name(), err)
		}
		cases = append(cases, c)
	}
	lib := filepath.Join(work, "lib")
	jobs = append(jobs,
		func() error { return compile(ctx, filepath.Join(lib, "target.c"), filepath.Join(dir, "bin", "target")) },
		func() error { return install(filepath.Join(lib, "expect.sh"), filepath.Join(dir, "lib", "expect.sh")) },
		func() error {
			// Not every machine can make, or run, 32-bit programs; the cases say so
			// when the program is not there.
			out := filepath.Join(dir, "bin", "target32")
			if runtime.GOARCH != "amd64" || compile(ctx, filepath.Join(lib, "target32.c"), out, "-m32", "-nostdlib",
				"-ffreestanding", "-fno-stack-protector", "-fno-pic", "-no-pie", "-O1") != nil {
				_ = os.Remove(out)
			}
			return nil
		},
	)
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if err := parallel(jobs); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	text, err := json.MarshalIndent(cases, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, manifest), append(text, '\n'), 0o644); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	return cases, nil
}

// built reads what build has left in dir.
func built(dir string) ([]Case, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifest))
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	var cases []Case
	if err := json.Unmarshal(text, &cases); err != nil {
		return nil, fmt.Errorf("cases: %s: %w", filepath.Join(dir, manifest), err)
	}
	return cases, nil
}

func compile(ctx context.Context, source, out string, flags ...string) error {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	args := append([]string{"-static", "-pthread", "-O2", "-Wall", "-Wextra", "-Werror"}, flags...)
	cmd := exec.CommandContext(ctx, cc, append(args, "-o", out, filepath.Base(source))...)
	// Messages name the source as it is named here.
	cmd.Dir = filepath.Dir(source)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("compile %s: %w\n%s", filepath.Base(source), err, text)
	}
	return nil
}

func install(source, out string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, text, 0o755); err != nil {
		return err
	}
	return os.Chmod(out, 0o755)
}

func parallel(jobs []func() error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(jobs))
	slots := make(chan struct{}, runtime.NumCPU())
	for i, job := range jobs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = job()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// summary is the first sentence of the comment on top of a source.
func summary(text string) (string, error) {
	var words []string
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#!") {
			continue
		}
		body, ok := strings.CutPrefix(line, "//")
		if !ok {
			body, ok = strings.CutPrefix(line, "#")
		}
		if !ok || strings.TrimSpace(body) == "" {
			break
		}
		words = append(words, strings.Fields(body)...)
		if strings.HasSuffix(line, ".") {
			break
		}
	}
	s := strings.Join(words, " ")
	if first, _, ok := strings.Cut(s, ". "); ok {
		s = first + "."
	}
	if !strings.HasSuffix(s, ".") {
		return "", errors.New("no sentence on top")
	}
	return s, nil
}
