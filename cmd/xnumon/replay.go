package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"xnumon/internal/encode"
	"xnumon/internal/monitor"
	"xnumon/internal/record"
	"xnumon/internal/sensor"
	"xnumon/internal/sensor/macos"
	"xnumon/internal/sensor/replay"
	"xnumon/internal/sink"
)

func newReplay() *cobra.Command {
	var o outputOptions
	var atStart bool
	cmd := &cobra.Command{
		Use:   "replay [flags] FILE",
		Short: "Turn a recorded sensor stream, or a capture of macOS's eslogger, into records",
		Example: `  xnumon run --record stream              on the machine in question
  xnumon replay stream                    on any other
  xnumon replay capture.jsonl             what eslogger exec fork exit wrote`,
		Args: oneArgument("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return replayFile(ctx, &o, args[0], atStart)
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVar(&atStart, "at-start", false, "also write one reconstructed record for each process that was found running")
	return cmd
}

func replayFile(ctx context.Context, o *outputOptions, name string, atStart bool) (err error) {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	first, err := in.Peek(1 << 16)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	var s sensor.Sensor
	hashes := record.Hashes{SHA256: true, SHA1: true, MD5: true}
	if macos.Sniff(first) {
		hashes = record.Hashes{} // the files are on the Mac
		s = macos.Open(in, macos.CaptureOptions{Warn: func(line uint64, err error) {
			fmt.Fprintf(os.Stderr, "xnumon: %s:%d: %v\n", name, line, err)
		}})
	} else if s, err = replay.New(name, io.NopCloser(in)); err != nil {
		return err
	}
	defer s.Close()

	// The names of ids belong to the machine that was recorded.
	records, err := o.records(hashes, nil)
	if err != nil {
		return err
	}
	encoder, err := o.encoder(os.Stdout, encode.Host{}) // the stream does not say which machine it is from
	if err != nil {
		return err
	}
	out, err := o.file()
	if err != nil {
		return err
	}
	to := &direct{w: bufio.NewWriterSize(out, 1<<20)}
	m := monitor.New(monitor.Options{Records: records, Encoder: encoder, Sink: to, AtStart: atStart})
	err = m.Run(ctx, s)
	if failed := errors.Join(to.err, to.w.Flush(), out.Close()); failed != nil {
		return errors.Join(err, fmt.Errorf("write the records: %w", failed))
	}
	return err
}

// file opens what a replay writes to, which is in no hurry and needs no queue.
func (o *outputOptions) file() (*os.File, error) {
	if len(o.to) > 1 {
		return nil, fmt.Errorf("--output: %d destinations are given, and a replay has one: name a file or -", len(o.to))
	}
	d, err := sink.Parse(o.to[0])
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	if d.IsStdout() {
		return os.Stdout, nil
	}
	path, ok := d.File()
	if !ok {
		return nil, fmt.Errorf("--output: a replay cannot go to %s: name a file or -", o.to[0])
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return file, nil
}

// direct is a sink that waits.
type direct struct {
	w   *bufio.Writer
	err error
}

func (d *direct) Write(rec []byte) {
	if _, err := d.w.Write(rec); err != nil && d.err == nil {
		d.err = err
	}
}
