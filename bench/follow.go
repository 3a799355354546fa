//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// follower reads a monitor's log as it grows and counts. What it has read it gives
// back to the memory file system, so that a log may be larger than memory.
type follower struct {
	path string
	tell func(line []byte) bool

	count  atomic.Uint64
	lines  atomic.Uint64
	stop   chan struct{}
	done   chan struct{}
	losses []string // read after the end
	err    error    // likewise
}

func follow(path string, tell func(line []byte) bool) *follower {
	f := &follower{path: path, tell: tell, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.err = f.run()
	}()
	return f
}

// end reads what there is and ends.
func (f *follower) end() error {
	close(f.stop)
	<-f.done
	if f.err != nil {
		return fmt.Errorf("read the log: %w", f.err)
	}
	return nil
}

func (f *follower) run() error {
	var file *os.File
	for last := false; file == nil; {
		opened, err := os.OpenFile(f.path, os.O_RDWR, 0)
		switch {
		case err == nil:
			file = opened
			defer file.Close()
		case !errors.Is(err, fs.ErrNotExist) || last:
			return err
		default:
			last = f.pause()
		}
	}
	var rest []byte
	var read, freed int64
	buf := make([]byte, 1<<20)
	for last := false; ; {
		n, _ := file.ReadAt(buf, read)
		if n == 0 {
			if last {
				return nil
			}
			last = f.pause()
			continue
		}
		read += int64(n)
		rest = f.feed(append(rest, buf[:n]...))
		const piece = 16 << 20
		if read-freed >= 2*piece {
			// Where the file system cannot do it the log just stays.
			_ = unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, freed, piece)
			freed += piece
		}
	}
}

// pause says whether that was the end.
func (f *follower) pause() bool {
	select {
	case <-f.stop:
		return true
	case <-time.After(20 * time.Millisecond):
		return false
	}
}

// feed takes whole lines and returns what is left.
func (f *follower) feed(text []byte) []byte {
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return append([]byte(nil), text...)
		}
		line := text[:end]
		text = text[end+1:]
		f.lines.Add(1)
		if f.tell(line) {
			f.count.Add(1)
		} else if lossy(line) && len(f.losses) < 100 {
			f.losses = append(f.losses, string(line))
		}
	}
}

// lossy says whether a line is xnumon's record of a loss, or bpftrace's.
func lossy(line []byte) bool {
	return bytes.Contains(line, []byte(`"eventcode":1,"loss":`)) || bytes.HasPrefix(line, []byte("Lost "))
}
