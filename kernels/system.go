package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "embed"
)

//go:embed guest/service
var guestService []byte

// unitOfTest has systemd run the test once it has started everything else that
// it starts by itself. The console sees it, for when the machine does not get to
// the end.
const unitOfTest = `[Unit]
Description=Test of the service

[Service]
ExecStart=/tests/service
StandardOutput=journal+console
`

// boots are the machine's lives, each with a log and a status of that name.
var boots = []string{"first", "second"}

// trySystem boots a whole system with one kernel, twice from the same disk: the service
// has to come up by itself the second time.
func trySystem(ctx context.Context, k kernel, accel acceleration, work string, o *options) error {
	dir := filepath.Join(work, k.series)
	root := filepath.Join(dir, "root")
	if err := layOutSystem(ctx, root, o); err != nil {
		return fmt.Errorf("lay out the system: %w", err)
	}
	defer os.RemoveAll(dir)
	m, err := assemble(ctx, k, root, dir)
	if err != nil {
		return err
	}
	// One processor: of several, each waits for the others where they take turns.
	m.begin, m.processors = "/lib/systemd/systemd", 1
	out, err := reportFolder(k, o)
	if err != nil {
		return err
	}
	var failed error
	for _, name := range boots {
		fmt.Printf("%s: %s boot of %s\n", k.series, name, k.release)
		begun := time.Now()
		to := filepath.Join(out, name)
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
		if err := empty(m.report); err != nil {
			return err
		}
		if err := boot(ctx, m, k.series, accel, to, o); err != nil {
			return err
		}
		if err := collect(m.report, to); err != nil {
			return stuck(err, to)
		}
		fmt.Printf("%s: ran for %v\n", k.series, time.Since(begun).Round(time.Second))
		failed = errors.Join(failed, judgeService(k.series, name, to))
	}
	return failed
}

// layOutSystem unpacks the system and puts the package and its test into it.
func layOutSystem(ctx context.Context, root string, o *options) error {
	if o.deb == "" {
		return errors.New("-system needs -deb, the package to install there")
	}
	if os.Geteuid() != 0 {
		return errors.New("the files of a system belong to several users: run it as root")
	}
	tests := filepath.Join(root, "tests")
	units := filepath.Join(root, "etc/systemd/system")
	wants := filepath.Join(units, "multi-user.target.wants")
	for _, f := range []string{tests, wants} {
		if err := os.MkdirAll(f, 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		return err
	}
	if _, err := output(ctx, "", "tar", "-C", root, "-xpf", o.system); err != nil {
		return err
	}
	if err := copyFile(o.deb, filepath.Join(tests, "xnumon.deb"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tests, "service"), guestService, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(units, "test.service"), []byte(unitOfTest), 0o644); err != nil {
		return err
	}
	return os.Symlink("../test.service", filepath.Join(wants, "test.service"))
}

// empty makes a disk of zeros of it again.
func empty(disk string) error {
	if err := os.Truncate(disk, 0); err != nil {
		return err
	}
	return os.Truncate(disk, reportSize)
}

// judgeService says what came of the test in one boot.
func judgeService(kernel, name, out string) error {
	file := filepath.Join(out, name+".log")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	right, failed := serviceChecks(string(text))
	fmt.Printf("%s: %s boot: %d checks were right\n", kernel, name, right)
	status, err := os.ReadFile(filepath.Join(out, name+".status"))
	if err != nil {
		return err
	}
	if said := strings.TrimSpace(string(status)); len(failed) > 0 || said != "0" || right == 0 {
		return fmt.Errorf("%s of the %s boot's checks failed, see %s:\n%s", said, name, file, strings.Join(failed, "\n"))
	}
	return nil
}

// serviceChecks reads the log of the test: how many checks were right, and which
// were not.
func serviceChecks(log string) (right int, failed []string) {
	for _, line := range strings.Split(log, "\n") {
		switch {
		case strings.HasPrefix(line, "ok   "):
			right++
		case strings.HasPrefix(line, "FAIL "):
			failed = append(failed, line)
		}
	}
	return right, failed
}
