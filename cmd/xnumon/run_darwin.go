package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"xnumon/event"
	"xnumon/internal/image"
	"xnumon/internal/image/bound"
	"xnumon/internal/monitor"
	"xnumon/internal/record"
	"xnumon/internal/sensor"
	"xnumon/internal/sensor/macos"
	"xnumon/internal/sink"
	"xnumon/internal/userdb"
)

// flushTime is how long a slow reader of the records is waited for at the end.
const flushTime = 5 * time.Second

var errOnlyRun = errors.New("this command needs Linux; on macOS there are run and replay")

func inner([]string) bool { return false }

func unsupported(use string) *cobra.Command {
	return &cobra.Command{
		Use: use, Hidden: true, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error { return errOnlyRun },
	}
}

func newTrace() *cobra.Command  { return unsupported("trace") }
func newDoctor() *cobra.Command { return unsupported("doctor") }

func newRun() *cobra.Command {
	var o outputOptions
	var gate, hashes string
	var atStart bool
	cmd := &cobra.Command{
		Use:   "run [flags]",
		Short: "Monitor the whole machine until SIGINT or SIGTERM",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return run(ctx, &o, gate, hashes, atStart)
		},
	}
	cmd.Flags().StringVar(&gate, "gate", "none", "hold each exec until its files are acquired: none is the only level without Apple's entitlement")
	cmd.Flags().StringVar(&hashes, "hashes", "sha256", "digests to take: none, or any of sha256, sha1 and md5 with commas between")
	cmd.Flags().BoolVar(&atStart, "at-start", false, "also write one reconstructed record for each process already running")
	o.register(cmd)
	return cmd
}

func run(ctx context.Context, o *outputOptions, gate, hashes string, atStart bool) (err error) {
	level := sensor.LevelNone
	for level.String() != gate {
		if level++; level > sensor.LevelHash {
			return fmt.Errorf("--gate: %q is none of none, open and hash", gate)
		}
	}
	wanted, err := image.ParseHashes(hashes)
	if err != nil {
		return fmt.Errorf("--hashes: %w", err)
	}
	records, err := o.records(record.Hashes(wanted), userdb.New(userdb.Passwd, userdb.Group, nil))
	if err != nil {
		return err
	}
	encoder, err := o.encoder(os.Stdout, thisMachine())
	if err != nil {
		return err
	}
	losses, err := o.encoder(os.Stdout, thisMachine())
	if err != nil {
		return err
	}
	s, err := macos.Live(macos.LiveOptions{Level: level, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if len(o.to) > 1 {
		return errors.New("--output: more than one destination needs Linux: name one")
	}
	to, err := sink.Parse(o.to[0])
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	out, err := to.Open(sink.Setup{
		Loss:    func(dst []byte, l *event.Loss) []byte { return losses.AppendLoss(dst, l) },
		Version: release(), Warn: warn(os.Stderr),
	})
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	defer func() {
		flush, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		err = errors.Join(err, out.Close(flush))
	}()
	acquirer := bound.New(wanted)
	defer acquirer.Close()
	m := monitor.New(monitor.Options{
		Records: records, Encoder: encoder, Sink: out, Acquire: acquirer.Acquire, AtStart: atStart,
	})
	fmt.Fprintf(os.Stderr, "xnumon: monitoring, gate %s\n", gate)
	return m.Run(ctx, s)
}
