package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"xnumon/internal/config"
	"xnumon/internal/monitor"
	"xnumon/internal/record"
	"xnumon/internal/suppress"
)

// reloader makes a new configuration hold while the monitor runs. It belongs to
// one goroutine, which may wait as long as it likes: nobody waits for it.
type reloader struct {
	settings *settings
	live     *live
	self     *self
	out      *os.File
	say      func(string)

	now     *liveOptions // in force
	since   time.Time
	records record.Options // as they were at the start
}

// watch reloads until ctx is done, also when something comes out of asked.
func (r *reloader) watch(ctx context.Context, asked <-chan os.Signal) {
	if r.settings.source == nil {
		for {
			select {
			case <-asked:
				r.live.out.Reopen()
			case <-ctx.Done():
				return
			}
		}
	}
	if err := r.settings.source.Watch(ctx, asked, r.use); err != nil {
		r.say(err.Error())
	}
}

// use takes over what came of reading the file again.
func (r *reloader) use(n config.Reload) {
	if n.Asked { // logrotate asks when it has renamed the files
		r.live.out.Reopen()
	}
	for _, w := range n.Warnings {
		r.say(w.String())
	}
	if n.Err == nil {
		n.Err = r.adopt(n.Config, n.Asked)
	}
	if n.Err == nil {
		return
	}
	r.self.notReloaded(n.Err)
	var mistakes config.Mistakes
	if errors.As(n.Err, &mistakes) {
		r.say(mistaken(r.settings.source.Path, mistakes))
		for _, m := range mistakes {
			r.say(m.String())
		}
	} else {
		r.say(n.Err.Error())
	}
	r.say(fmt.Sprintf("the configuration of %s stays in force", r.since.Format(time.DateTime)))
}

// adopt makes c hold, as far as it can while the monitor runs. An error means
// that nothing has changed.
func (r *reloader) adopt(c *config.Config, asked bool) error {
	next := r.settings.with(c)
	changes := r.now.config.Changes(next.config)
	var taken, kept []config.Change
	for _, change := range changes {
		// Without environments from the sensor there is nothing to record of them.
		if !change.Live || change.Key == "envlevel" && r.records.Env == record.EnvNone {
			kept = append(kept, change)
		} else {
			taken = append(taken, change)
		}
	}
	if len(kept) > 0 {
		merged := next.config.Clone()
		merged.Keep(r.now.config)
		if r.records.Env == record.EnvNone {
			merged.EnvLevel = r.now.config.EnvLevel
		}
		next = r.settings.with(merged)
	}
	if len(taken) > 0 {
		if err := r.apply(next); err != nil {
			return fmt.Errorf("%s: %w", r.settings.source.Path, err)
		}
		r.now, r.since = next, time.Now()
	}
	for _, change := range kept {
		r.say(fmt.Sprintf("%s: a change from %s to %s needs a restart; it stays %[2]s until then", change.Key, change.Old, change.New))
	}
	switch {
	case len(taken) > 0:
		r.say(fmt.Sprintf("read %s again and changed %s", r.settings.source.Path, strings.Join(keysOf(taken), ", ")))
	case asked || len(kept) == 0:
		r.say(fmt.Sprintf("read %s again, and changed nothing", r.settings.source.Path))
	}
	if len(taken) > 0 || asked {
		r.self.reloaded(r.now.config, taken)
	}
	r.now.debug(r.say)
	return nil
}

func keysOf(changes []config.Change) (all []string) {
	for _, c := range changes {
		all = append(all, c.Key)
	}
	return all
}

// apply hands everything to those who use it. What can fail comes first.
func (r *reloader) apply(o *liveOptions) error {
	records, err := o.records(r.records.Hashes, r.records.Names)
	if err != nil {
		return err
	}
	o.adjust(&records)
	encoder, err := o.encoder(r.out, thisMachine())
	if err != nil {
		return err
	}
	var set *suppress.Set
	if set, err = o.config.Suppress.Compile(); err != nil {
		return err
	}
	if err := o.setOutputs(r.live.out, r.out); err != nil {
		return err
	}
	r.live.suppressor.Use(set)
	r.live.monitor.Change(monitor.Change{
		Records: records, Encoder: encoder, NoExecs: !o.config.Events.Has(config.EventImageExec),
	})
	return nil
}
