package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"xnumon/internal/config"
	"xnumon/internal/status"
)

func newRun() *cobra.Command {
	var o liveOptions
	cmd := &cobra.Command{
		Use:   "run [flags]",
		Short: "Monitor the whole machine until SIGINT or SIGTERM",
		Example: `  xnumon run                              watch at a terminal
  xnumon run --output /var/log/xnumon.log write JSON lines to a file
  xnumon run --gate none                  never delay an exec`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM)
			defer stop()
			return run(ctx, &o, cmd.Flags())
		},
	}
	o.register(cmd)
	cmd.Flags().StringVar(&o.configPath, "config", config.DefaultPath, "read the configuration in `FILE`, which flags go before; it may be missing unless named, and empty means none")
	cmd.Flags().StringVar(&o.socket, "status-socket", status.DefaultSocket, "answer xnumon status at `PATH`; empty for not at all")
	cmd.Flags().StringVar(&o.metrics, "metrics", "", "answer Prometheus at `ADDRESS`, 127.0.0.1:9464 for example (default none)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml") // there is such a flag
	cmd.Flags().BoolVar(&o.atStart, "at-start", false, "also write one reconstructed record for each process already running")
	return cmd
}

func run(ctx context.Context, o *liveOptions, flags *pflag.FlagSet) (err error) {
	say := warn(os.Stderr)
	asked := make(chan os.Signal, 1) // from the beginning: the signal ends who does not expect it
	signal.Notify(asked, unix.SIGHUP)
	defer signal.Stop(asked)
	settings, err := o.configure(flags, say)
	if err != nil {
		return err
	}
	manager, err := status.NewNotifier(os.Getenv)
	if err != nil {
		return err
	}
	defer manager.Close()
	l, err := o.start("run", os.Stdout)
	if err != nil {
		return err
	}
	defer l.close(&err)
	if err := l.hold(say); err != nil {
		return err
	}
	if err := manager.Ready("monitoring, gate " + o.gate); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "xnumon: monitoring, gate %s\n", o.gate)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel(nil)
	others.Go(func() { l.signsOfLife(ctx, manager) })
	defer func() { _ = manager.Stopping() }() // it sees that without being told
	others.Go(func() { l.endWithOutput(ctx, cancel) })
	o.debug(say)
	l.out.tellLeftovers()
	about := newSelf(l, o.gate, o.config)
	about.started()
	others.Go(func() { about.report(ctx) })
	l.answers.run(ctx, &others, about.stats, say, cancel)
	r := &reloader{settings: settings, live: l, self: about, out: os.Stdout, say: say, now: o, since: time.Now(), records: l.records}
	others.Go(func() { r.watch(ctx, asked) })
	err = l.run(ctx)
	cancel(nil)
	others.Wait()
	about.stopped(r.now, err)
	return err
}
