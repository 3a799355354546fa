//go:build linux && !nolive

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// stuckServer serves one program, and can stop to answer those who open it.
type stuckServer struct {
	fs.Inode
	program []byte
	stuck   atomic.Bool
	opened  atomic.Int64
	release chan struct{}
}

type served struct {
	fs.Inode
	s *stuckServer
}

var (
	_ fs.NodeOnAdder   = (*stuckServer)(nil)
	_ fs.NodeOpener    = (*served)(nil)
	_ fs.NodeReader    = (*served)(nil)
	_ fs.NodeGetattrer = (*served)(nil)
)

func (s *stuckServer) OnAdd(ctx context.Context) {
	s.AddChild("program", s.NewPersistentInode(ctx, &served{s: s}, fs.StableAttr{Mode: unix.S_IFREG}), true)
}

func (f *served) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	stuck := f.s.stuck.Load() // before it counts: who has counted one is not stopped any more
	f.s.opened.Add(1)
	if stuck {
		<-f.s.release
	}
	return nil, 0, 0
}

func (f *served) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	end := min(off+int64(len(dest)), int64(len(f.s.program)))
	return fuse.ReadResultData(f.s.program[min(off, end):end]), 0
}

func (f *served) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = unix.S_IFREG|0o755, uint64(len(f.s.program))
	return 0
}

// serve mounts the server's file system.
func serve(t *testing.T) (*stuckServer, string) {
	t.Helper()
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	// A thread that has forked stands still until the child has executed something. When that is what
	// is served here, a collection would wait for the thread, the server for the collection.
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	s, dir := &stuckServer{program: program, release: make(chan struct{})}, t.TempDir()
	// MaxStackDepth: more than the kernel allows, so that it takes the server for none that stacks.
	year := 365 * 24 * time.Hour
	mounted, err := fs.Mount(dir, s, &fs.Options{
		MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "xnumon-test", Name: "xnumon-test", DisableXAttrs: true, MaxStackDepth: 3},
		EntryTimeout: &year, AttrTimeout: &year,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(s.release)
		if err := mounted.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

// A server that does not answer must not keep the monitor waiting: it does not
// open files to learn their bytes that would prove nothing.
func TestLiveStuckServer(t *testing.T) {
	srv, dir := serve(t)
	log := filepath.Join(t.TempDir(), "log")
	for _, level := range []string{"none", "hash"} {
		t.Run(level, func(t *testing.T) {
			srv.stuck.Store(false)
			os.Remove(log)
			own := mount(t, "tmpfs", "", "/bin/true")
			args := []string{"run", "--config", "", "--format", "json", "--gate", level, "--output", log}
			if level != "none" {
				args = append(args, "--gate-path", own)
			}
			s := start(t, nil, args...)
			before := srv.opened.Load()
			// By a shell that is executed just before: its image may be looked for where
			// the program already is.
			cmd := exec.Command("/bin/sh", "-c", `exec "$PROGRAM"`)
			cmd.Env = append(os.Environ(), "PROGRAM="+filepath.Join(dir, "program"))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the program is opened", func() bool { return srv.opened.Load() > before })
			srv.stuck.Store(true)
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			for range 50 {
				timed(t, filepath.Join(own, "true"))
			}
			eventually(t, "the execs after it are in the log", func() bool {
				raw, err := os.ReadFile(log)
				return err == nil && strings.Count(string(raw), filepath.Join(own, "true")) >= 50
			})
			s.stop()
			if n := srv.opened.Load() - before; n != 1 {
				t.Errorf("the program was opened %d times for one exec", n)
			}
			found := named(t, log, filepath.Join(dir, "program"))
			if len(found) != 1 || at(found[0], "image", "missing", "sha256") != "unverifiable" {
				t.Errorf("%v", found)
			}
		})
	}
}

// Any user can mount an overlay over a server of his own. Its files are not held, since the
// kernel would open them for the gate.
func TestLiveOverlayOverServer(t *testing.T) {
	_, dir := serve(t)
	// Before 6.5 a file on an overlay is hashed only where its change time can be relied on.
	plain := newDisk(t).dir
	copyFile(t, "/bin/true", filepath.Join(plain, "true"))
	settle(t)
	overlay := func(lower string) string {
		return mount(t, "overlay", "lowerdir="+lower)
	}
	for _, c := range []struct {
		name, dir string
		held      bool
	}{
		{"served", dir, false},
		{"over a served one", overlay(dir + ":" + plain), false},
		{"over one over a served one", overlay(overlay(plain+":"+dir) + ":" + plain), false},
		{"over plain ones", overlay(plain + ":" + mount(t, "tmpfs", "")), true},
		{"over one over plain ones", overlay(overlay(plain+":"+mount(t, "tmpfs", "")) + ":" + plain), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			args := []string{"run", "--config", "", "--format", "json", "--gate", "hash", "--gate-path", c.dir, "--gate-path", plain, "--output", log}
			if !c.held {
				status, _, says := finish(t, nil, args...)
				if status != 1 || !strings.Contains(says, c.dir) || !strings.Contains(says, "served by another process") || strings.Count(says, "\n") != 1 {
					t.Errorf("status %d, said %q", status, says)
				}
				return
			}
			s := start(t, nil, args...)
			timed(t, filepath.Join(c.dir, "true"))
			s.stop()
			found := named(t, log, filepath.Join(c.dir, "true"))
			if len(found) != 1 {
				t.Fatalf("%v", found)
			}
			// Of an overlay over another, what holds the bytes is too far down.
			r, nested := found[0], strings.HasPrefix(c.name, "over one")
			if !nested && (at(r, "image", "sha256") == nil || at(r, "gate", "outcome") != "held") ||
				nested && at(r, "image", "missing", "sha256") != "unverifiable" {
				t.Errorf("%v", r)
			}
		})
	}
}

// A file on an overlay is not opened after its exec. Why its hash is missing tells the race that the
// gate has lost from what it can never do.
func TestLiveOverlayNotHeld(t *testing.T) {
	plain := newDisk(t).dir
	copyFile(t, "/bin/true", filepath.Join(plain, "true"))
	settle(t)
	overlay := func(lower string) string {
		return mount(t, "overlay", "lowerdir="+lower+":"+mount(t, "tmpfs", ""))
	}
	single := overlay(plain)
	for dir, want := range map[string]string{single: "not held", overlay(single): "unverifiable"} {
		log := filepath.Join(t.TempDir(), "log")
		program := filepath.Join(dir, "true")
		s := start(t, nil, "run", "--config", "", "--format", "json", "--gate", "hash", "--gate-path", mount(t, "tmpfs", ""), "--output", log)
		timed(t, program)
		s.stop()
		found := named(t, log, program)
		if len(found) != 1 || at(found[0], "image", "missing", "sha256") != want || at(found[0], "gate", "outcome") != "missed" {
			t.Errorf("want %q: %v", want, found)
		}
	}
}
