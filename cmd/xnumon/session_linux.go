package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"xnumon/internal/config"
	"xnumon/internal/encode"
	"xnumon/internal/image"
	"xnumon/internal/monitor"
	"xnumon/internal/record"
	"xnumon/internal/sensor"
	"xnumon/internal/sensor/linux"
	"xnumon/internal/suppress"
	"xnumon/internal/userdb"
)

// flushTime is how long a slow reader of the records is waited for at the end.
const flushTime = 5 * time.Second

// live is everything that run and trace set up, in the order in which it was.
type live struct {
	acquirer *image.Acquirer
	watchdog *linux.Watchdog
	sensor   *linux.Sensor
	monitor  *monitor.Monitor
	out      *outputs
	recorder *recorder
	answers  *answers

	host       *linux.Host
	suppressor *suppress.Suppressor // nil for trace
	records    record.Options
	files      uint64 // how many may be open

	keep []int // capabilities, see harden

	unwritten bool // that the records cannot be written is told already
}

// start checks everything a person can get wrong before anything is begun, then
// attaches. Nothing is held yet. out is where --output - leads.
func (o *liveOptions) start(command string, out *os.File) (_ *live, err error) {
	acquisition, err := o.acquisition()
	if err != nil {
		return nil, err
	}
	records, err := o.records(record.Hashes(acquisition.Hashes), userdb.New(userdb.Passwd, userdb.Group, nil))
	if err != nil {
		return nil, err
	}
	o.adjust(&records)
	encoder, err := o.encoder(out, thisMachine())
	if err != nil {
		return nil, err
	}
	if err := checkPrivileges(command, acquisition.Level); err != nil {
		return nil, err
	}
	if err := checkProgram(); err != nil {
		return nil, err
	}
	l := &live{records: records, files: o.files(), keep: o.keep()}
	defer func() {
		if err != nil {
			l.close(&err)
		}
	}()
	if l.answers, err = o.listen(); err != nil {
		return nil, err
	}
	if l.out, err = o.openOutputs(out); err != nil {
		return nil, err
	}
	if o.record != "" {
		if l.recorder, err = newRecorder(o.record); err != nil {
			return nil, fmt.Errorf("--record: %w", err)
		}
	}
	if acquisition.Level != sensor.LevelNone {
		if l.watchdog, err = linux.StartWatchdog(); err != nil {
			return nil, err
		}
	}
	l.acquirer = image.New(acquisition)
	say := warn(os.Stderr)
	if o.follow {
		say = nil // standard error is the command's
	}
	l.sensor, err = linux.Open(linux.Options{
		Env:         records.Env != record.EnvNone,
		Snapshot:    true,
		Detail:      o.atStart,
		Gate:        acquisition.Level,
		GatePaths:   o.gatePaths,
		GateTimeout: o.gateTimeout,
		Watchdog:    l.watchdog,
		Acquirer:    l.acquirer,
		Warn:        say,
	})
	if err != nil {
		return nil, err
	}
	if o.config != nil {
		if err := l.suppress(&o.config.Suppress); err != nil {
			return nil, err
		}
	}
	options := monitor.Options{
		Records: records,
		Encoder: encoder,
		Sink:    l.out,
		Acquire: l.acquirer.Acquire,
		AtStart: o.atStart,
		Follow:  o.follow,
		Sweep:   l.sensor.Alive,

		Suppress: l.suppressor,
	}
	if l.recorder != nil {
		options.Tap = l.recorder.stream.Record
	}
	l.monitor = monitor.New(options)
	if o.config != nil && !o.config.Events.Has(config.EventImageExec) {
		l.monitor.Change(monitor.Change{Records: records, Encoder: encoder, NoExecs: true})
	}
	if text, ok := encoder.(*encode.Text); ok && text.Columns > 0 {
		l.out.Write(text.AppendHeader(nil))
	}
	return l, nil
}

// suppress has the rules hold for what is observed.
func (l *live) suppress(rules *suppress.Rules) error {
	set, err := rules.Compile()
	if err != nil {
		return err
	}
	if l.host, err = l.sensor.Host(); err != nil {
		return err
	}
	l.suppressor = suppress.New(l.host.Has)
	l.suppressor.Use(set)
	return nil
}

// hold starts the gate, with room for a descriptor for each exec that is held.
// Nothing may be started after this; limits and privileges are not for what was
// started before. What goes on without is told to say, which may be nil.
func (l *live) hold(say func(string)) error {
	fewer := raiseFiles(l.files)
	if l.watchdog != nil {
		linux.StayInMemory()
	} else {
		linux.Shed()
	}
	if err := harden(l.keep); err != nil {
		return err
	}
	if err := l.sensor.StartGate(); err != nil {
		return err
	}
	if fewer != nil && say != nil {
		say(fewer.Error())
	}
	return nil
}

// run monitors until ctx is done. What ended it, if not that, is its error.
func (l *live) run(ctx context.Context) error {
	err := l.monitor.Run(ctx, l.sensor)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// endWithOutput ends the run when nobody can read the records any more.
func (l *live) endWithOutput(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-l.out.Failed():
		l.unwritten = true
		cancel(fmt.Errorf("the records cannot be written: %w", l.out.Err()))
	case <-ctx.Done():
	}
}

// close undoes start, the gate first. An error is added to *err.
func (l *live) close(err *error) {
	errs := []error{*err}
	if l.host != nil {
		errs = append(errs, l.host.Close())
	}
	if l.sensor != nil {
		errs = append(errs, l.sensor.Close())
	}
	if l.watchdog != nil {
		errs = append(errs, l.watchdog.Close())
	}
	if l.acquirer != nil {
		l.acquirer.Close()
	}
	if l.answers != nil {
		l.answers.close()
	}
	if l.recorder != nil {
		errs = append(errs, l.recorder.close())
	}
	if l.out != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		failed := l.out.Close(ctx)
		if unwritten := l.out.Err(); unwritten != nil {
			failed = nil // it has the same cause
			if !l.unwritten {
				failed = fmt.Errorf("the records cannot be written: %w", unwritten)
			}
		}
		errs = append(errs, failed)
		cancel()
	}
	var rest []error
	for _, e := range errs {
		if e != nil {
			rest = append(rest, e)
		}
	}
	switch len(rest) {
	case 0:
		*err = nil
	case 1:
		*err = rest[0]
	default:
		*err = errors.Join(rest...)
	}
}
