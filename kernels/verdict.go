package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// complete is the file that a machine writes when it has got to the end.
const complete = "complete"

// collect unpacks what a machine has reported into dir. Names are flat.
func collect(report, dir string) error {
	f, err := os.Open(report)
	if err != nil {
		return err
	}
	defer f.Close()
	whole := false
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("it did not report: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(t)
		if err != nil {
			return fmt.Errorf("its report ends in %s: %w", h.Name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), text, 0o644); err != nil {
			return err
		}
		whole = whole || h.Name == complete
	}
	if !whole {
		return errors.New("it did not report: it did not get to the end")
	}
	return nil
}

// excused begins a line of the corpus about something that is missing and fails nobody.
const excused = "excused: "

// judge says, on standard output and by its error, what came of everything that was
// to be run.
func judge(name, release string, p *payload, out string) error {
	var failed error
	fail := func(what, format string, args ...any) {
		err := fmt.Errorf("%s: "+format, append([]any{what}, args...)...)
		failed = errors.Join(failed, err)
	}
	read := func(file string) string {
		text, err := os.ReadFile(filepath.Join(out, file))
		if err != nil {
			failed = errors.Join(failed, err)
		}
		return string(text)
	}
	if ran := strings.TrimSpace(read("release")); ran != release {
		fail("release", "%q was booted", ran)
	}
	if status := strings.TrimSpace(read("doctor.status")); status != "0" {
		fail("doctor", "status %s: %s", status, read("doctor.log"))
	}
	for _, s := range p.suites {
		what := "live-" + s.name()
		log, status := read(what+".log"), strings.TrimSpace(read(what+".status"))
		passed, wrong := tests(log, s.tests)
		fmt.Printf("%s: %s: %d of %d live tests passed\n", name, s.folder, passed, len(s.tests))
		for _, w := range wrong {
			fail(s.folder, "%s", w)
		}
		if status != "0" {
			fail(s.folder, "status %s; see %s", status, filepath.Join(out, what+".log"))
		}
	}
	if p.corpus {
		log := read("corpus.log")
		for _, line := range strings.Split(log, "\n") {
			if summary.MatchString(line) || strings.HasPrefix(line, excused) {
				fmt.Printf("%s: %s\n", name, line)
			}
		}
		if status := strings.TrimSpace(read("corpus.status")); status != "0" {
			fail("conformance", "status %s: %s; see %s", status, last(log), filepath.Join(out, "corpus.md"))
		}
	}
	return failed
}

var (
	verdict = regexp.MustCompile(`^( *)--- (PASS|FAIL|SKIP): (\S+)`)
	summary = regexp.MustCompile(`^\S+ \S+ +\d+ right `)
)

// tests compares what a test binary says (-test.v) with the tests that it holds, and returns
// how many passed and what was not as it should be: each passes once, no other
// does, and nothing within a test is skipped.
func tests(log string, want []string) (passed int, wrong []string) {
	said := make(map[string]string)
	for _, line := range strings.Split(log, "\n") {
		m := verdict.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		indent, result, name := m[1], m[2], m[3]
		switch {
		case indent != "":
			if result != "PASS" {
				wrong = append(wrong, fmt.Sprintf("%s: %s", name, result))
			}
			continue
		case said[name] != "":
			wrong = append(wrong, fmt.Sprintf("%s: reported twice", name))
		case !slices.Contains(want, name):
			wrong = append(wrong, fmt.Sprintf("%s: not one of the live tests", name))
		}
		said[name] = result
	}
	for _, name := range want {
		switch said[name] {
		case "PASS":
			passed++
		case "":
			wrong = append(wrong, name+": did not report")
		default:
			wrong = append(wrong, name+": "+said[name])
		}
	}
	return passed, wrong
}

// last is the last line of a text that is not empty.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
