package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"xnumon/event"
	"xnumon/internal/encode"
	"xnumon/internal/sink"
)

// output is one place where records go.
type output struct {
	to     string // a value of log_destination
	sink   sink.Sink
	losses *lossEncoder
	gone   chan struct{} // closed when it is removed
}

// lossEncoder encodes the losses of one sink, on the sink's own goroutine. The
// format can change meanwhile.
type lossEncoder struct {
	next atomic.Pointer[encode.Encoder]
}

func (l *lossEncoder) append(dst []byte, r *event.Loss) []byte {
	return (*l.next.Load()).AppendLoss(dst, r)
}

// outputs are the places where records go, any number of them. All methods may
// be called from any goroutine.
type outputs struct {
	say    func(string)
	failed chan struct{} // closed when none is left that can be written to
	fail   sync.Once     // closes failed

	mu   sync.RWMutex // read-locked while something is written
	all  []*output
	errs []error
}

// Write gives a record to each.
func (o *outputs) Write(rec []byte) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, one := range o.all {
		one.sink.Write(rec)
	}
}

// Failed is closed when there is nobody left who could read the records.
func (o *outputs) Failed() <-chan struct{} { return o.failed }

// Err says why outputs have failed.
func (o *outputs) Err() error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return errors.Join(o.errs...)
}

// openOutputs opens where the records go. out is where - leads.
func (o *liveOptions) openOutputs(out *os.File) (*outputs, error) {
	all := &outputs{say: warn(os.Stderr), failed: make(chan struct{})}
	if o.follow {
		all.say = func(string) {} // standard error is the command's
	}
	if err := o.setOutputs(all, out); err != nil {
		return nil, err
	}
	return all, nil
}

// setOutputs makes all what the options say. Places that were there before stay
// as they are, those that are not wanted any more are written to the end and closed.
// An error leaves everything as it was.
func (o *liveOptions) setOutputs(all *outputs, out *os.File) (err error) {
	var next, added []*output
	var formats []encode.Encoder
	defer func() {
		if err != nil {
			for _, one := range added {
				_ = one.close(context.Background()) // nothing was written to it
			}
		}
	}()
	for _, to := range append([]string{o.output}, o.also...) {
		e, err := o.encoder(out, thisMachine())
		if err != nil {
			return err
		}
		one := all.find(to)
		if one == nil {
			if one, err = openOutput(to, out, e); err != nil {
				return fmt.Errorf("%s: %w", o.outputBy, err)
			}
			added = append(added, one)
		}
		next, formats = append(next, one), append(formats, e)
	}
	for i, one := range next {
		one.losses.next.Store(&formats[i])
	}
	for _, one := range all.replace(next) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), flushTime)
			defer cancel()
			if err := one.close(ctx); err != nil {
				all.say(fmt.Sprintf("log_destination %s, which was removed: %v", one.to, err))
			}
		}()
	}
	for _, one := range added {
		go all.watch(one)
	}
	return nil
}

func openOutput(to string, out *os.File, e encode.Encoder) (*output, error) {
	var w sink.Output
	var err error
	if to == "-" {
		w, err = sink.NewDescriptor(out.Name(), int(out.Fd()))
	} else {
		w, err = sink.Open(to)
	}
	if err != nil {
		return nil, err
	}
	one := &output{to: to, losses: new(lossEncoder), gone: make(chan struct{})}
	one.losses.next.Store(&e)
	one.sink = sink.NewQueue(w, sink.Options{Loss: one.losses.append})
	return one, nil
}

func (o *output) close(ctx context.Context) error {
	close(o.gone)
	return o.sink.Close(ctx)
}

func (o *outputs) find(to string) *output {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, one := range o.all {
		if one.to == to {
			return one
		}
	}
	return nil
}

// replace makes next the outputs and returns those that are none any more.
// Nobody writes to them once it has returned.
func (o *outputs) replace(next []*output) (removed []*output) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wanted := make(map[*output]bool, len(next))
	for _, one := range next {
		wanted[one] = true
	}
	for _, one := range o.all {
		if !wanted[one] {
			removed = append(removed, one)
		}
	}
	o.all = next
	return removed
}

// watch waits until an output fails or is removed.
func (o *outputs) watch(one *output) {
	select {
	case <-one.gone:
		return
	case <-one.sink.Failed():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.errs = append(o.errs, one.sink.Err())
	for _, other := range o.all {
		if other.sink.Err() == nil {
			o.say(fmt.Sprintf("log_destination %s cannot be written any more: %v", one.to, one.sink.Err()))
			return
		}
	}
	o.fail.Do(func() { close(o.failed) })
}

// Close writes what is waiting and releases all outputs.
func (o *outputs) Close(ctx context.Context) error {
	var errs []error
	for _, one := range o.replace(nil) {
		failed := one.sink.Err() != nil
		if err := one.close(ctx); err != nil && !failed {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
