//go:build linux

// Bench measures what xnumon costs beside the bare machine and other monitors, in one
// run, and writes docs/performance.md from what it measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// parts are what can be measured, in the order in which it is.
var parts = []string{"latency", "storm", "memory", "pipeline", "hashing"}

// options are the flags, after what -quick changes.
type options struct {
	xnumon, monitors, parts      string
	disk, logs                   string
	page, json, goBench, from    string
	quick                        bool
	latency, storm, most, others time.Duration
	rounds, times, copies, execs int
	live, goCount, hashRounds    int
	hashSize                     int64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func flags() (*options, error) {
	o := &options{hashSize: 256 << 20}
	flag.StringVar(&o.xnumon, "xnumon", "./xnumon", "`path` of the xnumon program")
	flag.StringVar(&o.monitors, "monitors", "*", "comma-separated `patterns` of the monitors to measure")
	flag.StringVar(&o.parts, "parts", strings.Join(parts, ","), "what to measure, a comma-separated `list`")
	flag.StringVar(&o.disk, "disk", "/var/tmp", "`folder` for the programs that are spawned, on a disk")
	flag.StringVar(&o.logs, "logs", "/dev/shm", "`folder` for the monitors' logs, in memory")
	flag.StringVar(&o.page, "page", "docs/performance.md", "write the page to this `file`")
	flag.StringVar(&o.json, "json", "build/bench/results.json", "write everything that was measured to this `file`")
	flag.StringVar(&o.goBench, "gobench", "build/bench/pipeline.txt", "write the Go benchmarks, as benchstat reads them, to this `file`")
	flag.StringVar(&o.from, "from", "", "measure nothing, write the page from this `file` of an earlier run")
	flag.BoolVar(&o.quick, "quick", false, "try out every part in a minute; the numbers mean nothing, and no page is written unless -page is given")
	flag.DurationVar(&o.latency, "latency-time", 5*time.Minute+30*time.Second, "how long to measure latency and processor time")
	flag.IntVar(&o.rounds, "rounds", 0, "measure latency in so many rounds, however long they take")
	flag.IntVar(&o.times, "times", 200, "how often each program is spawned before it is another monitor's turn")
	flag.IntVar(&o.copies, "copies", 100, "how many fresh files of each kind are executed when the cache is cold")
	flag.DurationVar(&o.storm, "storm-time", 2*time.Minute, "how long xnumon's storms last")
	flag.DurationVar(&o.most, "storm-most", 2*time.Minute, "how long the one at gate level hash lasts at most, to have as many execs as it should")
	flag.DurationVar(&o.others, "storm-others", 10*time.Second, "how long those of the bare machine and other monitors last; 0 for none")
	flag.IntVar(&o.execs, "execs", 1_000_000, "how many execs the storm at gate level hash has at least")
	flag.IntVar(&o.live, "live", 10_000, "how many processes are alive when memory is measured")
	flag.IntVar(&o.goCount, "count", 8, "how often the Go benchmarks are run")
	flag.IntVar(&o.hashRounds, "hash-rounds", 6, "how many rounds hashing is measured in")
	flag.Parse()
	if flag.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	for _, p := range strings.Split(o.parts, ",") {
		if !slices.Contains(parts, p) {
			return nil, fmt.Errorf("-parts: %q is none of %s", p, strings.Join(parts, ", "))
		}
	}
	if o.quick {
		return o, o.hurry()
	}
	return o, nil
}

// hurry makes everything small that no flag has set.
func (o *options) hurry() error {
	small := map[string]string{
		"rounds": "1", "times": "20", "copies": "10", "storm-time": "3s", "storm-most": "6s", "storm-others": "1s", "execs": "5000",
		"live": "200", "count": "1", "hash-rounds": "1", "page": "",
	}
	flag.Visit(func(f *flag.Flag) { delete(small, f.Name) })
	for name, value := range small {
		if err := flag.Set(name, value); err != nil {
			return fmt.Errorf("-quick: -%s: %w", name, err)
		}
	}
	o.hashSize = 16 << 20
	return nil
}

func run(ctx context.Context) error {
	o, err := flags()
	if err != nil {
		return err
	}
	if o.from != "" {
		r, err := load(o.from)
		if err != nil {
			return err
		}
		return os.WriteFile(o.page, []byte(page(r)), 0o644)
	}
	if os.Geteuid() != 0 {
		return errors.New("monitors of the whole machine have to be started: run this as root")
	}
	begun := time.Now()
	r, err := measure(ctx, o)
	if err != nil {
		return err
	}
	r.Seconds = time.Since(begun).Seconds()
	r.Quick = o.quick
	for _, f := range []string{o.json, o.page} {
		if f == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			return err
		}
	}
	if o.json != "" {
		if err := r.save(o.json); err != nil {
			return err
		}
	}
	if o.page != "" {
		if err := os.WriteFile(o.page, []byte(page(r)), 0o644); err != nil {
			return err
		}
	}
	fmt.Print(goals(r))
	return nil
}

// measure measures the wanted parts.
func measure(ctx context.Context, o *options) (r *Results, err error) {
	begun := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
	}
	disk, err := os.MkdirTemp(o.disk, "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(disk)
	logs, err := os.MkdirTemp(o.logs, "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(logs)
	for _, dir := range []string{disk, logs} {
		// laurel is not root when it writes its log.
		if err := os.Chmod(dir, 0o755); err != nil {
			return nil, err
		}
	}
	r = &Results{Machine: thisMachine(ctx, disk, logs)}
	l := &lab{logs: logs, times: o.times, say: say}
	if l.programs, err = buildPrograms(ctx, disk, o.copies); err != nil {
		return nil, err
	}
	wanted := func(part string) bool { return slices.Contains(strings.Split(o.parts, ","), part) }
	root, pipeline, acquisition := "", (*goBench)(nil), (*goBench)(nil)
	if wanted("pipeline") || wanted("hashing") {
		// Before anything is measured: compiling makes a machine busy, and hot.
		if root, err = moduleRoot(ctx); err != nil {
			return nil, err
		}
		if pipeline, err = buildGoBench(ctx, root, "internal/monitor", disk); err != nil {
			return nil, err
		}
		if acquisition, err = buildGoBench(ctx, root, "internal/image", disk); err != nil {
			return nil, err
		}
	}
	if err := bareAudit(ctx, true); err != nil {
		return nil, err
	}
	defer func() {
		if removed := bareAudit(context.WithoutCancel(ctx), false); err == nil {
			err = removed
		}
	}()
	available(ctx, o, l, r)
	say("programs and monitors are there")
	if wanted("latency") {
		if r.Latency, err = l.latency(ctx, o.latency, o.rounds); err != nil {
			return nil, err
		}
	}
	if wanted("storm") {
		if err := storms(ctx, o, l, r); err != nil {
			return nil, err
		}
	}
	if wanted("memory") {
		for _, c := range l.lineup {
			if c.name != xnumonHash {
				continue
			}
			m, err := l.memory(ctx, c, o.live)
			if err != nil {
				return nil, fmt.Errorf("memory: %w", err)
			}
			r.Memory = &m
			say("memory with %d processes", o.live)
		}
	}
	if wanted("pipeline") {
		var text []byte
		for i := range o.goCount {
			// One after the other: neighbours of a virtual machine's processors are not all the same.
			part, err := pipeline.run(ctx, i%runtime.NumCPU(), ".", benchTime(o), 1)
			if err != nil {
				return nil, err
			}
			text = append(text, part...)
		}
		if err := os.MkdirAll(filepath.Dir(o.goBench), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(o.goBench, text, 0o644); err != nil {
			return nil, err
		}
		r.Pipeline = parseGoBench(text)
		say("pipeline")
	}
	if wanted("hashing") {
		if r.Hashing, err = hashing(ctx, acquisition, disk, o.hashSize, o.hashRounds, 1); err != nil {
			return nil, err
		}
		say("hashing")
	}
	return r, nil
}

func benchTime(o *options) string {
	if o.quick {
		return "20000x"
	}
	return "1s"
}

// available fills in the monitors of this machine that are wanted.
func available(ctx context.Context, o *options, l *lab, r *Results) {
	for _, c := range lineup(o.xnumon) {
		if c.version == nil {
			l.lineup = append(l.lineup, c)
			continue
		}
		if !matches(o.monitors, c.name) {
			continue
		}
		version, err := c.version(ctx)
		if err != nil {
			r.Monitors = append(r.Monitors, Monitor{Name: c.name, Unavailable: err.Error()})
			l.say("%s is not measured: %v", c.name, err)
			continue
		}
		r.Monitors = append(r.Monitors, Monitor{Name: c.name, Version: version})
		l.lineup = append(l.lineup, c)
	}
}

func storms(ctx context.Context, o *options, l *lab, r *Results) error {
	for _, c := range l.lineup {
		s := storming{least: o.others, most: o.others}
		switch c.name {
		case xnumonNone, xnumonOpen:
			s = storming{least: o.storm, most: o.storm}
		case xnumonHash:
			s = storming{least: o.storm, execs: o.execs, most: max(o.storm, o.most)}
		default:
			if o.others == 0 {
				continue
			}
		}
		out, err := l.storm(ctx, c, s)
		if err != nil {
			return fmt.Errorf("storm: %s: %w", c.name, err)
		}
		r.Storms = append(r.Storms, out)
		l.say("storm, %s: %.0f execs/s", c.name, float64(out.Execs)/out.Seconds)
	}
	return nil
}

func moduleRoot(ctx context.Context) (string, error) {
	text, err := output(exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}"))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
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
