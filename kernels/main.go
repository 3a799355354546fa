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
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// options are what the command line chose.
type options struct {
	cache, out string
	limit      time.Duration
	atOnce     int
	live       bool
	corpus     bool
	tests      string
	run        string
	cases      string
	system     string
	deb        string
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
	flag.DurationVar(&o.limit, "limit", 60*time.Minute, "how long the kernels may take, all together, from the first one's power-on")
	flag.IntVar(&o.atOnce, "at-once", 0, "how many kernels run at the same time (default: as many as there are processors for)")
	flag.BoolVar(&o.live, "live", true, "run the live tests")
	flag.BoolVar(&o.corpus, "corpus", true, "run the conformance corpus")
	flag.StringVar(&o.tests, "tests", "", "only the live tests of packages whose folder contains this `text`")
	flag.StringVar(&o.run, "run", "", "only the live tests whose names match this regular `expression`")
	flag.StringVar(&o.cases, "cases", "*", "only the cases that match these comma-separated `patterns`")
	flag.StringVar(&o.system, "system", "", "boot the system in this tar `archive` and test the service there, in place of tests and corpus")
	flag.StringVar(&o.deb, "deb", "", "install this `package` there")
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
	attempt := trySystem
	if o.system == "" {
		p, err := pack(ctx, work, &o)
		if err != nil {
			return err
		}
		attempt = func(ctx context.Context, k kernel, accel acceleration, work string, o *options) error {
			return try(ctx, k, accel, p, work, o)
		}
	}
	var kernels []kernel
	for _, name := range strings.Split(*chosen, ",") {
		s, err := find(name)
		if err != nil {
			return fmt.Errorf("kernel %s: %w", name, err)
		}
		k, err := fetch(ctx, s, o.cache)
		if err != nil {
			return fmt.Errorf("kernel %s: %w", name, err)
		}
		kernels = append(kernels, k)
	}
	accel, err := accelerator(ctx)
	if err != nil {
		return err
	}
	if o.atOnce <= 0 {
		o.atOnce = max(1, runtime.NumCPU()/accel.threads)
	}

	limited, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	// One kernel's failure does not keep the others from running.
	var group errgroup.Group
	group.SetLimit(o.atOnce)
	failed := make([]error, len(kernels))
	for i, k := range kernels {
		group.Go(func() error {
			if err := attempt(limited, k, accel, work, &o); err != nil {
				failed[i] = fmt.Errorf("kernel %s: %w", k.series, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(append(failed, ctx.Err())...)
}

// try runs everything on one kernel.
func try(ctx context.Context, k kernel, accel acceleration, p *payload, work string, o *options) error {
	out, err := reportFolder(k, o)
	if err != nil {
		return err
	}
	dir := filepath.Join(work, k.series)
	m, err := assemble(ctx, k, p.root, dir)
	if err != nil {
		return err
	}
	// The images are large, and one kernel's are of no use to the next.
	defer os.RemoveAll(dir)
	fmt.Printf("%s: booting %s\n", k.series, k.release)
	begun := time.Now()
	if err := boot(ctx, m, k.series, accel, out, o); err != nil {
		return err
	}
	if err := collect(m.report, out); err != nil {
		return stuck(err, out)
	}
	fmt.Printf("%s: ran for %v\n", k.series, time.Since(begun).Round(time.Second))
	return judge(k.series, k.release, p, out)
}

// reportFolder makes an empty folder for what a kernel reports.
func reportFolder(k kernel, o *options) (string, error) {
	out := filepath.Join(o.out, k.series)
	if err := os.RemoveAll(out); err != nil {
		return "", err
	}
	return out, os.MkdirAll(out, 0o755)
}
