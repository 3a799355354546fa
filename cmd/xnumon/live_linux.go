package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"xnumon/internal/config"
	"xnumon/internal/image"
	"xnumon/internal/sensor"
)

// liveOptions are the flags of run and trace.
type liveOptions struct {
	outputOptions
	gate        string
	gatePaths   []string
	gateTimeout time.Duration
	hashes      string
	record      string
	atStart     bool
	follow      bool

	socket  string // where status asks, empty for nowhere
	metrics string // address, empty for none

	configPath string
	config     *config.Config // with what the flags say; nil for trace, which has none
}

func (o *liveOptions) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.gate, "gate", "hash", "hold each exec to this `LEVEL`: none (not at all), open (until its files are open) or hash (until they are hashed)")
	f.DurationVar(&o.gateTimeout, "gate-timeout", 2*time.Second, "hold no exec longer than this `TIME`")
	f.StringSliceVar(&o.gatePaths, "gate-path", nil, "hold only execs from the file system of `PATH`; repeatable (default all)")
	f.StringVar(&o.hashes, "hashes", "sha256", "`DIGESTS` to take: none, or any of sha256, sha1 and md5 with commas between")
	f.StringVar(&o.record, "record", "", "also write the raw sensor stream to `FILE`, for replay")
	words(cmd, "gate", "none", "open", "hash")
	words(cmd, "hashes", "sha256", "sha1", "md5", "none")
	o.outputOptions.register(cmd)
}

func (o *liveOptions) level() (sensor.Level, error) {
	for _, l := range []sensor.Level{sensor.LevelNone, sensor.LevelOpen, sensor.LevelHash} {
		if o.gate == l.String() {
			return l, nil
		}
	}
	return 0, fmt.Errorf("--gate: %q is none of none, open and hash", o.gate)
}

func (o *liveOptions) acquisition() (image.Options, error) {
	level, err := o.level()
	if err != nil {
		return image.Options{}, err
	}
	hashes, err := image.ParseHashes(o.hashes)
	if err != nil {
		return image.Options{}, fmt.Errorf("--hashes: %w", err)
	}
	if o.gateTimeout < 10*time.Millisecond {
		return image.Options{}, fmt.Errorf("--gate-timeout: %v is less than 10ms", o.gateTimeout)
	}
	return image.Options{Hashes: hashes, Level: level}, nil
}
