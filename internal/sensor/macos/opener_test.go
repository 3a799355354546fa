//go:build unix

package macos

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

func TestOpener(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tool")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	id := sensor.Identity{
		Dev: statDevice(&st), Ino: st.Ino, Gen: 7, Size: st.Size,
		MTime: event.Time(st.Mtim.Nano()), CTime: event.Time(st.Ctim.Nano()),
	}
	o := &opener{path: path, id: id}
	fd, err := o.Open()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if _, _, ok := o.Code(); ok {
		t.Error("code without a cdhash")
	}
	if _, h, ok := (&opener{cdhash: macho.CDHash{1}}).Code(); !ok || h != (macho.CDHash{1}) {
		t.Error("no code")
	}

	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*sensor.Identity)) sensor.Identity {
		other := id
		change(&other)
		return other
	}
	for name, o := range map[string]*opener{
		"gone":         {path: filepath.Join(dir, "gone"), id: id},
		"no directory": {path: path + "/x", id: id},
		"link":         {path: link, id: id},
		"fifo":         {path: fifo, id: id},
		"inode":        {path: path, id: changed(func(i *sensor.Identity) { i.Ino++ })},
		"device":       {path: path, id: changed(func(i *sensor.Identity) { i.Dev++ })},
		"size":         {path: path, id: changed(func(i *sensor.Identity) { i.Size++ })},
		"mtime":        {path: path, id: changed(func(i *sensor.Identity) { i.MTime++ })},
		"ctime":        {path: path, id: changed(func(i *sensor.Identity) { i.CTime++ })},
	} {
		if fd, err := o.Open(); !errors.Is(err, sensor.ErrChanged) {
			t.Errorf("%s: %d, %v", name, fd, err)
		}
	}
}
