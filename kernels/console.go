package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// console takes what a machine says on its serial line, keeps it in a file, and tells
// how far it has got.
type console struct {
	name     string // of the kernel
	file     *os.File
	show     io.Writer // gets all of it; may be nil
	progress io.Writer // gets a line for each step
	line     []byte    // begun and not yet ended
}

func newConsole(name, dir string, show, progress io.Writer) (*console, error) {
	f, err := os.Create(filepath.Join(dir, consoleLog))
	if err != nil {
		return nil, err
	}
	return &console{name: name, file: f, show: show, progress: progress}, nil
}

func (c *console) Close() error { return c.file.Close() }

// Write fails when the file cannot be written.
func (c *console) Write(p []byte) (int, error) {
	if c.show != nil {
		_, _ = c.show.Write(p)
	}
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		c.line, rest = append(c.line, part...), after
		if !ended {
			break
		}
		if step, ok := strings.CutPrefix(strings.TrimSpace(string(c.line)), "== "); ok {
			_, _ = fmt.Fprintf(c.progress, "%s: %s\n", c.name, step)
		}
		c.line = c.line[:0]
	}
	return c.file.Write(p)
}

var (
	step      = regexp.MustCompile(`^== (\S+) \(`)
	testBegun = regexp.MustCompile(`^=== (?:RUN|CONT) +(\S+)`)
	panicked  = regexp.MustCompile(`Kernel panic - not syncing: .*`)
)

// whereabouts says where a machine was when nothing more came from it: what its kernel
// panicked over, or else what it was running.
func whereabouts(text string) string {
	at, test := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if said := panicked.FindString(line); said != "" {
			return said
		}
		if m := step.FindStringSubmatch(line); m != nil {
			at, test = m[1], ""
		}
		if m := testBegun.FindStringSubmatch(line); m != nil {
			test = m[1]
		}
	}
	switch {
	case at == "":
		return "it was booting"
	case test == "":
		return fmt.Sprintf("it was at %s, and had said %q", at, last(text))
	}
	return fmt.Sprintf("it was at %s, %s", at, test)
}

// stuck adds to an error where the machine was, and where more can be read.
func stuck(err error, out string) error {
	path := filepath.Join(out, consoleLog)
	text, readErr := os.ReadFile(path)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return fmt.Errorf("%w: %s; the console is in %s", err, whereabouts(string(text)), path)
}
