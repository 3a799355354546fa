package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor/replay"
	"xnumon/internal/sink"
)

// recorder writes the sensor stream to a file, behind a queue: a slow disk must
// not make the sensor wait.
type recorder struct {
	stream *replay.Writer
	queue  *sink.Queue
}

func newRecorder(path string) (*recorder, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	out, err := sink.Open(path)
	if err != nil {
		return nil, err
	}
	r := &recorder{}
	r.queue = sink.NewQueue(out, sink.Options{Loss: func(dst []byte, l *event.Loss) []byte {
		return r.stream.AppendLoss(dst, l)
	}})
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	r.stream, err = replay.NewWriter(queued{r.queue}, replay.Header{
		OS: runtime.GOOS, Release: unix.ByteSliceToString(u.Release[:]), Time: event.Time(time.Now().UnixNano()),
	})
	return r, err
}

func (r *recorder) close() error {
	err := r.stream.Close()
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if closed := r.queue.Close(ctx); err == nil && closed != nil {
		err = fmt.Errorf("--record: %w", closed)
	}
	return err
}

// queued makes an io.Writer of a queue.
type queued struct{ q *sink.Queue }

func (w queued) Write(p []byte) (int, error) {
	w.q.Write(p)
	return len(p), nil
}
