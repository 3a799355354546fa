// Kernels boots stock distribution kernels in a machine emulator and runs the
// live tests and the conformance corpus there. See docs/kernels.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are what the command line chose.
type options struct {
	cache, out string
	limit      time.Duration
	live       bool
	corpus     bool
	tests      string
	cases      string
	console    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context) error {
	var o options
	var names []string
	for _, s := range all {
		names = append(names, s.name)
	}
	chosen := flag.String("kernels", strings.Join(names, ","), "comma-separated `series`")
	flag.StringVar(&o.cache, "cache", "", "`folder` for kernel packages (default: xnumon/kernels in the user's cache folder)")
	flag.StringVar(&o.out, "out", "build/kernels", "`folder` for what the kernels report")
	flag.DurationVar(&o.limit, "limit", 30*time.Minute, "how long one kernel may take from power-on to power-off")
	flag.BoolVar(&o.live, "live", true, "run the live tests")
	flag.BoolVar(&o.corpus, "corpus", true, "run the conformance corpus")
	flag.StringVar(&o.tests, "tests", "", "only the live tests of packages whose folder contains this `text`")
	flag.StringVar(&o.cases, "cases", "*", "only the cases that match these comma-separated `patterns`")
	flag.BoolVar(&o.console, "console", false, "show the machine's console")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if o.cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find the cache folder: %w", err)
		}
		o.cache = filepath.Join(base, "xnumon", "kernels")
	}

	work, err := os.MkdirTemp("", "xnumon-kernels-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	p, err := pack(ctx, work, &o)
	if err != nil {
		return err
	}
	var failed error
	for _, name := range strings.Split(*chosen, ",") {
		s, err := find(name)
		if err == nil {
			err = try(ctx, s, p, work, &o)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("kernel %s: %w", name, err))
		}
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
	}
	return failed
}

// try runs everything on one kernel.
func try(ctx context.Context, s series, p *payload, work string, o *options) error {
	k, err := fetch(ctx, s, o.cache)
	if err != nil {
		return err
	}
	out := filepath.Join(o.out, s.name)
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	dir := filepath.Join(work, s.name)
	m, err := assemble(ctx, k, p, dir)
	if err != nil {
		return err
	}
	// The images are large, and one kernel's are of no use to the next.
	defer os.RemoveAll(dir)
	fmt.Printf("%s: booting %s\n", s.name, k.release)
	begun := time.Now()
	if err := boot(ctx, m, out, o); err != nil {
		return err
	}
	if err := collect(m.report, out); err != nil {
		return fmt.Errorf("%w; the console is in %s", err, filepath.Join(out, consoleLog))
	}
	fmt.Printf("%s: ran for %v\n", s.name, time.Since(begun).Round(time.Second))
	return judge(s.name, k.release, p, out)
}
