package macos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
)

// backlog is how many bytes of lines wait to be mapped. Beyond that eslogger is
// not read, and the kernel drops messages and counts them.
const backlog = 128 << 20

// input is a line of eslogger on its way.
type input struct {
	line []byte
	err  error
	size int64 // of the backlog
}

// client is a running eslogger.
type client struct {
	lines chan input // closed when the stream ends
	room  *semaphore.Weighted

	mu     sync.Mutex
	ended  error
	stderr tail
}

// cause says why the stream has ended.
func (c *client) cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := strings.TrimSpace(c.stderr.String())
	switch {
	case c.ended == nil:
		return errors.New("eslogger ended")
	case said == "":
		return fmt.Errorf("eslogger ended: %w", c.ended)
	}
	return fmt.Errorf("eslogger ended: %w: %s", c.ended, said)
}

// startClient starts eslogger and a goroutine that splits and hands on what
// it writes. Both end with ctx.
func (l *live) startClient(ctx context.Context, group *sync.WaitGroup) (*client, error) {
	c := &client{lines: make(chan input, 1024), room: semaphore.NewWeighted(backlog)}
	cmd := l.command()
	cmd.Stderr = &c.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start eslogger: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start eslogger: %w", err)
	}
	l.log.Info("eslogger started", "pid", cmd.Process.Pid)
	stop := context.AfterFunc(ctx, func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = out.Close()
	})
	group.Go(func() {
		defer close(c.lines)
		defer stop()
		err := c.read(ctx, out)
		// What is not read would keep it waiting.
		_ = cmd.Process.Kill()
		if waited := cmd.Wait(); err == nil {
			err = waited
		}
		c.mu.Lock()
		c.ended = err
		c.mu.Unlock()
	})
	return c, nil
}

// read hands lines on until the stream ends.
func (c *client) read(ctx context.Context, out io.Reader) error {
	in := newLines(out)
	for {
		line, err := in.next()
		if err != nil && !errors.Is(err, errTooLong) {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		size := min(int64(len(line))+64, backlog)
		if c.room.Acquire(ctx, size) != nil {
			return nil // ctx is done
		}
		select {
		case c.lines <- input{bytes.Clone(line), err, size}:
		case <-ctx.Done():
			return nil
		}
	}
}

// tail keeps the last of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - 1024; over > 0 {
		t.b = t.b[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
