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
	to     *sink.Destination
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
	ending sync.WaitGroup // those that were removed and are written to the end
	failed chan struct{}  // closed when none is left that can be written to
	fail   sync.Once      // closes failed

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
// as they are, or are told of what has changed; those that are not wanted any
// more are written to the end and closed. An error leaves everything as it was.
func (o *liveOptions) setOutputs(all *outputs, out *os.File) (err error) {
	wanted, err := o.destinations()
	if err != nil {
		return err
	}
	n := &renewal{all: all, setup: sink.Setup{Stdout: out, Version: release(), Warn: all.say}}
	defer func() {
		if err != nil {
			n.drop()
		}
	}()
	var formats []encode.Encoder
	for _, to := range wanted {
		e, err := o.encoder(out, thisMachine())
		if err != nil {
			return err
		}
		if err := n.add(to, e); err != nil {
			return fmt.Errorf("%s: %w", o.toBy, err)
		}
		formats = append(formats, e)
	}
	n.use(formats)
	return nil
}

// destinations understands where records go.
func (o *outputOptions) destinations() ([]*sink.Destination, error) {
	var all []*sink.Destination
	for _, text := range o.to {
		d, err := sink.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.toBy, err)
		}
		for _, other := range all {
			if other.Identity() == d.Identity() {
				return nil, fmt.Errorf("%s: %s goes where %s goes: name one of them", o.toBy, d, other)
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// renewal is a change of the outputs that is being prepared.
type renewal struct {
	all   *outputs
	setup sink.Setup
	next  []*output // all of them
	added []*output // of these, those that are new
	uses  []func()  // make so what was prepared
	drops []func()  // or leave it
}

// add makes to one of the next outputs.
func (n *renewal) add(to *sink.Destination, e encode.Encoder) error {
	if one := n.all.find(func(d *sink.Destination) bool { return d.String() == to.String() }); one != nil {
		n.next = append(n.next, one)
		return nil
	}
	if one := n.all.find(to.SamePlace); one != nil {
		use, drop, err := to.Adopt(one.sink, n.setup)
		if err != nil {
			return err
		}
		n.drops = append(n.drops, drop)
		changed := &output{to: to, sink: one.sink, losses: one.losses, gone: one.gone}
		n.uses = append(n.uses, use)
		n.next = append(n.next, changed)
		return nil
	}
	one := &output{to: to, losses: new(lossEncoder), gone: make(chan struct{})}
	one.losses.next.Store(&e)
	setup := n.setup
	setup.Loss = one.losses.append
	var err error
	if one.sink, err = to.Open(setup); err != nil {
		return err
	}
	n.next, n.added = append(n.next, one), append(n.added, one)
	return nil
}

// use makes the next outputs those that are, with these formats.
func (n *renewal) use(formats []encode.Encoder) {
	for i, one := range n.next {
		one.losses.next.Store(&formats[i])
	}
	for _, use := range n.uses {
		use()
	}
	for _, one := range n.all.replace(n.next) {
		n.all.ending.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), flushTime)
			defer cancel()
			if err := one.close(ctx); err != nil {
				n.all.say(fmt.Sprintf("log_destination %s, which was removed: %v", one.to, err))
			}
			n.all.tellLeftovers()
		})
	}
	for _, one := range n.added {
		go n.all.watch(one)
	}
}

// drop undoes what was prepared.
func (n *renewal) drop() {
	for _, drop := range n.drops {
		drop()
	}
	for _, one := range n.added {
		_ = one.close(context.Background()) // nothing was written to it
	}
}

// tellLeftovers says where records wait that nobody will send.
func (o *outputs) tellLeftovers() {
	o.mu.RLock()
	var used []*sink.Destination
	for _, one := range o.all {
		used = append(used, one.to)
	}
	o.mu.RUnlock()
	dirs, err := sink.Leftovers("", used)
	if err != nil {
		o.say(err.Error())
	}
	for _, dir := range dirs {
		o.say(fmt.Sprintf("records wait in %s for a destination that is not named any more: name it again to have them sent, or remove the directory", dir))
	}
}

func (o *output) close(ctx context.Context) error {
	close(o.gone)
	return o.sink.Close(ctx)
}

// find returns the first output to a destination that is meant, or nil.
func (o *outputs) find(meant func(*sink.Destination) bool) *output {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, one := range o.all {
		if meant(one.to) {
			return one
		}
	}
	return nil
}

// Reopen makes those that are files look at once whether they were rotated.
func (o *outputs) Reopen() {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, one := range o.all {
		one.sink.Reopen()
	}
}

// replace makes next the outputs and returns those that are none any more.
// Nobody writes to them once it has returned.
func (o *outputs) replace(next []*output) (removed []*output) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wanted := make(map[sink.Sink]bool, len(next))
	for _, one := range next {
		wanted[one.sink] = true
	}
	for _, one := range o.all {
		if !wanted[one.sink] {
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

// Close writes what is waiting and releases all outputs, all at the same time:
// one that is slow takes none of the others' time.
func (o *outputs) Close(ctx context.Context) error {
	removed := o.replace(nil)
	errs := make([]error, len(removed))
	var all sync.WaitGroup
	for i, one := range removed {
		all.Go(func() {
			failed := one.sink.Err() != nil
			if err := one.close(ctx); err != nil && !failed {
				errs[i] = err
			}
		})
	}
	all.Wait()
	o.ending.Wait()
	return errors.Join(errs...)
}
