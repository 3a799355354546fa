package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	s := Source{Path: path, Trusted: true}
	if _, _, err := s.Read(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "config default") {
		t.Errorf("%v", err)
	}
	write(t, path, "gate: open\n")
	c, _, err := s.Read()
	if err != nil || c.Gate != "open" {
		t.Errorf("%v, %v", c, err)
	}
	write(t, path, "gate: shut\n")
	var m Mistakes
	if _, _, err := s.Read(); !errors.As(err, &m) || m[0].File != path {
		t.Errorf("%v", err)
	}
	s.Path = dir
	if _, _, err := s.Read(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
	s.Path = filepath.Join(dir, "pipe")
	must(t, syscall.Mkfifo(s.Path, 0o600))
	if _, _, err := s.Read(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
	s.Path = filepath.Join(dir, "loop")
	must(t, os.Symlink("loop", s.Path))
	if _, _, err := s.Read(); err == nil || !strings.Contains(err.Error(), "symbolic links") {
		t.Errorf("%v", err)
	}
}

func TestTrust(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	sub := filepath.Join(dir, "sub")
	must(t, os.Mkdir(sub, 0o755))
	path := filepath.Join(sub, "file")
	write(t, path, "")
	link := filepath.Join(dir, "link")
	must(t, os.Symlink("sub/../sub/file", link))
	mode := func(path string, m fs.FileMode) func() {
		return func() { must(t, os.Chmod(path, m)) }
	}
	for _, c := range []struct {
		name string
		do   func()
		path string
		says string
	}{
		{"as it is", func() {}, path, ""},
		{"by a link", func() {}, link, ""},
		{"missing in a folder of ours", func() {}, filepath.Join(sub, "none", "below"), ""},
		{"file of everybody", mode(path, 0o666), path, "everybody can write to " + path + " (mode 0666): chmod o-w " + path},
		{"file of everybody, by a link", mode(path, 0o602), link, "everybody can write to " + path},
		{"folder of everybody", func() { must(t, os.Chmod(path, 0o600)); must(t, os.Chmod(sub, 0o777)) }, link, "everybody can write to " + sub},
		{"folder of everybody with the sticky bit", mode(sub, 0o777|fs.ModeSticky), path, ""},
		{"missing in such a folder", func() {}, filepath.Join(sub, "none"), "everybody can make " + filepath.Join(sub, "none")},
		{"such a folder", func() {}, sub, "everybody can put files into " + sub},
		{"folder mended", mode(sub, 0o755), path, ""},
	} {
		c.do()
		err := Exposed(c.path)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	if os.Geteuid() != 0 {
		return // the rest needs to give files away
	}
	must(t, os.Chown(path, 0, 1234))
	must(t, os.Chmod(path, 0o664))
	s := Source{Path: path, Trusted: true}
	if _, _, err := s.Read(); err == nil || !strings.Contains(err.Error(), "group 1234 can write to "+path) {
		t.Errorf("%v", err)
	}
	must(t, os.Chown(sub, 1000, 0))
	if err := Exposed(path); err == nil || !strings.Contains(err.Error(), "belongs to user 1000: chown root "+sub) {
		t.Errorf("%v", err)
	}
	s.Trusted = false
	if _, _, err := s.Read(); err != nil {
		t.Error(err)
	}
}

func TestExposedRulesAreTold(t *testing.T) {
	d := Decoder{Exposed: func(path string) error {
		if path == "/home/u/bin" {
			return errors.New("/home/u belongs to user 1000: chown root /home/u")
		}
		return nil
	}}
	text := "suppress_image_exec_by_path:\n- /usr/bin/id\n- /home/u/bin/x*\n"
	_, warnings, err := d.Decode("f", []byte(text))
	want := `f:3:3: warning: suppress_image_exec_by_path: "/home/u/bin/x*" lets others hide what they run: /home/u belongs to user 1000: chown root /home/u`
	if err != nil || len(warnings) != 1 || warnings[0].String() != want {
		t.Errorf("%v, %v", warnings, err)
	}
}

// watched is a file that is being watched.
type watched struct {
	t       *testing.T
	source  *Source
	ask     chan os.Signal
	reloads chan Reload
}

func startWatch(t *testing.T, path string) *watched {
	t.Helper()
	w := &watched{t, &Source{Path: path}, make(chan os.Signal), make(chan Reload, 100)}
	if _, _, err := w.source.Read(); err != nil {
		t.Fatal(err)
	}
	w.start()
	return w
}

func (w *watched) start() {
	t := w.t
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.source.Watch(ctx, w.ask, func(r Reload) { w.reloads <- r }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (w *watched) next() Reload {
	w.t.Helper()
	select {
	case r := <-w.reloads:
		return r
	case <-time.After(20 * time.Second):
		w.t.Fatal("no reload")
		return Reload{}
	}
}

// until waits for a reload that satisfies ok; a file that is written in place
// can be seen half written.
func (w *watched) until(what string, ok func(Reload) bool) {
	w.t.Helper()
	for {
		if r := w.next(); ok(r) {
			return
		}
	}
}

func (w *watched) gate(level string) {
	w.t.Helper()
	w.until("gate "+level, func(r Reload) bool { return r.Err == nil && r.Config.Gate == level && !r.Asked })
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	write(t, path, "gate: open\n")
	w := startWatch(t, path)

	w.ask <- syscall.SIGHUP
	if r := w.next(); r.Err != nil || r.Config.Gate != "open" || !r.Asked {
		t.Errorf("asked: %+v", r)
	}
	write(t, path, "gate: none\n")
	w.gate("none")

	// As editors and configuration management do it.
	write(t, path+".new", "gate: hash\n")
	must(t, os.Rename(path+".new", path))
	w.gate("hash")
	write(t, path, "gate: open\n") // the new file
	w.gate("open")

	write(t, path, "gate: shut\n")
	w.until("broken", func(r Reload) bool {
		var m Mistakes
		return errors.As(r.Err, &m) && r.Config == nil
	})
	must(t, os.Remove(path))
	w.until("gone", func(r Reload) bool { return errors.Is(r.Err, fs.ErrNotExist) })
	write(t, path, "gate: open\n")
	w.gate("open")
	must(t, os.Truncate(path, 0))
	w.until("empty", func(r Reload) bool { return errors.Is(r.Err, ErrEmpty) })
	w.ask <- syscall.SIGHUP
	w.until("empty, and meant", func(r Reload) bool { return r.Asked && r.Err == nil && r.Config.Gate == "hash" })
	if len(w.reloads) > 0 {
		t.Errorf("one more: %+v", <-w.reloads)
	}
}

// A file behind links, which are what changes, in more than one folder.
func TestWatchLinks(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"etc", "v1", "v2", "v3"} {
		must(t, os.Mkdir(in(d), 0o755))
	}
	for d, gate := range map[string]string{"v1": "open", "v2": "none", "v3": "hash"} {
		write(t, in(d+"/config.yaml"), "gate: "+gate+"\n")
	}
	must(t, os.Symlink("../v1", in("etc/data")))
	must(t, os.Symlink("data/config.yaml", in("etc/config.yaml")))
	w := startWatch(t, in("etc/config.yaml"))
	swap := func(target string) {
		must(t, os.Symlink(target, in("etc/data.new")))
		must(t, os.Rename(in("etc/data.new"), in("etc/data")))
	}
	swap("../v2")
	w.gate("none")
	write(t, in("v2/config.yaml"), "gate: hash\n")
	w.gate("hash")
	swap(in("v1"))
	w.gate("open")
	// The folder goes and comes back.
	must(t, os.Rename(in("v1"), in("away")))
	w.ask <- syscall.SIGHUP
	w.until("gone", func(r Reload) bool { return errors.Is(r.Err, fs.ErrNotExist) })
	must(t, os.Rename(in("v3"), in("v1")))
	w.gate("hash")
	write(t, in("v1/config.yaml"), "gate: none\n")
	w.gate("none")
}

func TestWatchNeedsAReading(t *testing.T) {
	if err := new(Source).Watch(context.Background(), nil, nil); err == nil {
		t.Error("no error")
	}
}

// A file that comes later, in a folder that comes later.
func TestWatchForAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc")
	path := filepath.Join(dir, "config.yaml")
	w := &watched{t, &Source{Path: path}, make(chan os.Signal), make(chan Reload, 100)}
	if _, _, err := w.source.Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	w.start()
	must(t, os.Mkdir(dir, 0o755))
	write(t, path+".new", "gate: open\n")
	must(t, os.Rename(path+".new", path))
	w.gate("open")
}
