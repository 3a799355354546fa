package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

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
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM)
			defer stop()
			return run(ctx, &o)
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVar(&o.atStart, "at-start", false, "also write one reconstructed record for each process already running")
	return cmd
}

func run(ctx context.Context, o *liveOptions) (err error) {
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
	if err := l.hold(); err != nil {
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
	go l.endWithOutput(ctx, cancel)
	return l.run(ctx)
}
