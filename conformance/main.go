//go:build linux

// Conformance runs a corpus of adversarial programs under exec monitors and tells
// which monitor's log says what happened. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"xnumon/conformance/monitor"
)

const usage = `usage:
  conformance build DIR     compile the cases into DIR
  conformance list          the cases, and the monitors of this machine
  conformance run [flags]   run the cases under the monitors
  conformance page OUT IN…  write the page about the JSON reports of several kernels

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("nothing to do")
	}
	switch args[0] {
	case "build":
		if len(args) != 2 {
			return errors.New("build takes one folder")
		}
		cases, err := build(ctx, args[1])
		if err == nil {
			fmt.Printf("%d cases in %s\n", len(cases), args[1])
		}
		return err
	case "list":
		return list(ctx, args[1:])
	case "run":
		return run(ctx, args[1:])
	case "page":
		if len(args) < 3 {
			return errors.New("page takes the file to write and those to read")
		}
		var reports []Report
		for _, file := range args[2:] {
			r, err := Load(file)
			if err != nil {
				return err
			}
			if len(reports) > 0 && !slices.Equal(r.Cases, reports[0].Cases) {
				fmt.Fprintf(os.Stderr, "conformance: %s is about other cases than %s: it was measured with another corpus, or a part of it\n", file, args[2])
			}
			reports = append(reports, r)
		}
		return os.WriteFile(args[1], []byte(Page(reports)), 0o644)
	}
	fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("unknown command %q", args[0])
}

// list prints what there is.
func list(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("list", flag.ExitOnError)
	xnumon := flags.String("xnumon", "xnumon", "path of the xnumon program")
	_ = flags.Parse(args)
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cases, err := build(ctx, dir)
	if err != nil {
		return err
	}
	for _, c := range cases {
		fmt.Printf("%-28s %s\n", c.Name, c.Summary)
	}
	fmt.Println()
	for _, m := range monitor.All(*xnumon) {
		version, err := m.Version(ctx)
		if err != nil {
			version = "not on this machine: " + err.Error()
		}
		fmt.Printf("%-28s %s\n", m.Name(), version)
	}
	return nil
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	var (
		bin       = flags.String("bin", "", "`folder` that build has made (default: build now)")
		scratch   = flags.String("scratch", os.TempDir(), "`folder` for the cases' files, on a disk that may execute")
		xnumon    = flags.String("xnumon", "xnumon", "`path` of the xnumon program")
		monitors  = flags.String("monitors", "*", "comma-separated `patterns` of monitor names")
		names     = flags.String("cases", "*", "comma-separated `patterns` of case names")
		markdown  = flags.String("markdown", "", "write the report to this `file`")
		asJSON    = flags.String("json", "", "write every finding to this `file`")
		truthful  = flags.String("not-wrong", "", "fail if one of these monitors (`patterns`) says something wrong")
		complete  = flags.String("all-right", "", "fail if for one of these monitors (`patterns`) anything is wrong or missing")
		excuses   = flags.String("excuse", "", "let -all-right pass over what is missing for one of these comma-separated `reasons`, say so, and fail if it is more than one fact in a hundred")
		hold      = flags.Duration("xnumon-gate-timeout", 0, "how long xnumon may hold an exec, on a machine that is slow at hashing (default: what xnumon does by itself)")
		caseLimit = flags.Duration("case-limit", 30*time.Second, "how long a case may take")
		limit     = flags.Duration("monitor-limit", 9*time.Minute, "how long a monitor may run; it is killed after that")
		deliver   = flags.Duration("deliver", 15*time.Second, "how long a record may take to be logged")
	)
	_ = flags.Parse(args)
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if os.Geteuid() != 0 {
		return errors.New("the cases mount, change ids and trace: run this as root")
	}
	// A monitor that holds the exec of a child holds the thread of this program
	// that waits for it; a collection would then stop all others.
	debug.SetGCPercent(-1)

	cases, folder, err := prepare(ctx, *bin, *names)
	if *bin == "" && folder != "" {
		defer os.RemoveAll(folder)
	}
	if err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(*scratch)
	if err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	if root, err = filepath.Abs(root); err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	r := &Runner{Bin: folder, Scratch: root, CaseLimit: *caseLimit, MonitorLimit: *limit, Deliver: *deliver, Progress: os.Stderr}
	report := Report{Kernel: kernel(), Measured: time.Now().UTC().Truncate(time.Second), Cases: cases}
	var failed error
	for _, m := range monitor.All(*xnumon) {
		if !matches(*monitors, m.Name()) {
			continue
		}
		if x, ok := m.(*monitor.Xnumon); ok {
			x.Timeout = *hold
		}
		col, err := r.Run(ctx, m, cases)
		if err != nil {
			failed = errors.Join(failed, err)
			if col.Outcomes == nil {
				col.Unavailable = err.Error()
			}
		}
		report.Columns = append(report.Columns, col)
	}
	if len(report.Columns) == 0 {
		return fmt.Errorf("no monitor matches %q", *monitors)
	}
	if *markdown != "" {
		failed = errors.Join(failed, os.WriteFile(*markdown, []byte(Page([]Report{report})), 0o644))
	}
	excused, demand := Demand{Truthful: *truthful, Complete: *complete, Excuses: *excuses}.Judge(&report)
	fmt.Print(report.Summary())
	for _, line := range excused {
		fmt.Println("excused:", line)
	}
	if *asJSON != "" {
		failed = errors.Join(failed, report.Save(*asJSON))
	}
	return errors.Join(failed, ctx.Err(), demand)
}

// prepare returns the chosen cases and the folder they are in.
func prepare(ctx context.Context, bin, names string) ([]Case, string, error) {
	var cases []Case
	var err error
	folder := bin
	if bin == "" {
		if folder, err = os.MkdirTemp("", "conformance-"); err != nil {
			return nil, "", err
		}
		// Some cases run programs from there without being root.
		if err = os.Chmod(folder, 0o755); err == nil {
			cases, err = build(ctx, folder)
		}
	} else {
		cases, err = built(bin)
	}
	if err != nil {
		return nil, folder, err
	}
	// The paths that cases expect are those the kernel sees.
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return nil, folder, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, folder, err
	}
	cases = slices.DeleteFunc(cases, func(c Case) bool { return !matches(names, c.Name) })
	if len(cases) == 0 {
		return nil, folder, fmt.Errorf("no case matches %q", names)
	}
	return cases, folder, nil
}

// matches says whether one of the comma-separated patterns matches the name.
func matches(patterns, name string) bool {
	for _, p := range strings.Split(patterns, ",") {
		if ok, err := filepath.Match(p, name); err == nil && ok {
			return true
		}
	}
	return false
}

// kernel is the running kernel's release and machine.
func kernel() string {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return "unknown"
	}
	text := func(field [65]int8) string {
		var b []byte
		for _, c := range field {
			if c == 0 {
				break
			}
			b = append(b, byte(c))
		}
		return string(b)
	}
	return text(u.Sysname) + " " + text(u.Release) + " " + text(u.Machine)
}
