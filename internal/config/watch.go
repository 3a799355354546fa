package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long a file must have been left alone before it is read: who
	// writes it in place is not done with the first write.
	settle = 250 * time.Millisecond
	// recheck is how often the file is looked at though nothing told of a change:
	// there may be no way to be told (a network file system, a folder above that
	// was renamed, no watches left).
	recheck = 30 * time.Second
)

// ErrEmpty says that a file that had something in it is empty now, which is
// what it is for a moment whenever somebody writes it anew. It is taken as a
// configuration only when that is asked for.
var ErrEmpty = errors.New("is empty now: send SIGHUP if that is what was meant")

// Reload is what came of reading the file again.
type Reload struct {
	Config   *Config // nil if there is an error
	Warnings []Remark
	Err      error
	// Asked is set when somebody asked for it; the file can then be the same.
	Asked bool
}

// Watch reads the file again whenever it has changed, and whenever something
// comes out of ask, until ctx is done. It tells each result to use, one at a
// time. The file must have been read before. A file that stays broken is told once.
//
// It needs no process and holds up nothing but itself.
func (s *Source) Watch(ctx context.Context, ask <-chan os.Signal, use func(Reload)) error {
	if s.seen == nil {
		return errors.New("watch the configuration: it was not read before")
	}
	w := &watch{source: s, use: use}
	if notify, err := fsnotify.NewWatcher(); err == nil {
		defer notify.Close()
		w.notify, w.events, w.errors = notify, notify.Events, notify.Errors
	} // else looking at it now and then has to do
	w.follow()
	w.check(false) // it may have changed since it was read
	again := time.NewTicker(recheck)
	defer again.Stop()
	settled := time.NewTimer(settle)
	settled.Stop()
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.events:
			if !ok {
				w.events = nil
			} else if slices.Contains(w.named, filepath.Clean(e.Name)) {
				settled.Reset(settle)
			}
		case _, ok := <-w.errors:
			if !ok {
				w.errors = nil
			} else {
				settled.Reset(settle) // an overflow: events were lost
			}
		case <-settled.C:
			w.check(false)
		case <-again.C:
			w.check(false)
		case <-ask:
			w.check(true)
		}
	}
}

// watch is a Watch that runs.
type watch struct {
	source *Source
	use    func(Reload)
	notify *fsnotify.Watcher
	events <-chan fsnotify.Event
	errors <-chan error
	named  []string // what is watched for
}

// follow watches the folders in which something can change that matters, and says
// whether there is one that was not watched before. A file itself is not
// watched: editors and configuration management put another in its place.
func (w *watch) follow() (more bool) {
	w.named = w.source.seen.named()
	if w.notify == nil {
		return false
	}
	var dirs []string
	for _, path := range w.named {
		dirs = append(dirs, filepath.Dir(path))
	}
	watched := w.notify.WatchList()
	for _, dir := range watched {
		if !slices.Contains(dirs, dir) {
			_ = w.notify.Remove(dir) // it may be gone already
		}
	}
	for _, dir := range dirs {
		// Where that fails, looking now and then has to do.
		if w.notify.Add(dir) == nil && !slices.Contains(watched, dir) {
			more = true
		}
	}
	return more
}

// check reads the file and tells what came of it, if it is another than it was.
func (w *watch) check(asked bool) {
	s := w.source
	before := s.seen
	s.seen = s.load()
	for range 3 {
		if !w.follow() {
			break
		}
		s.seen = s.load() // what changed until it was watched
	}
	now := s.seen
	same := now.same(before)
	blank := now.err == nil && len(bytes.TrimSpace(now.data)) == 0 && len(bytes.TrimSpace(before.data)) > 0
	if same && !asked {
		return
	}
	r := Reload{Asked: asked}
	if blank && !asked {
		r.Err = fmt.Errorf("%s %w", s.Path, ErrEmpty)
	} else {
		r.Config, r.Warnings, r.Err = s.decode(now)
	}
	w.use(r)
}
