package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"xnumon/event"
	"xnumon/internal/status"
)

// answers are where the monitor answers who asks how it is.
type answers struct {
	socket  *status.Server // nil for nowhere
	metrics net.Listener   // nil for nowhere
	inUse   error          // why socket is nil, if another monitor has it
}

// listen begins to listen, before the monitor says that it has begun, so that
// mistakes are told in time, and while it has the privileges for places at which
// only root may.
func (o *liveOptions) listen() (_ *answers, err error) {
	a := new(answers)
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if o.metrics != "" {
		if a.metrics, err = net.Listen("tcp", o.metrics); err != nil {
			return nil, fmt.Errorf("--metrics: %w: name a free address and port of this machine, such as 127.0.0.1:9464", err)
		}
	}
	if o.socket == "" {
		return a, nil
	}
	a.socket, err = status.Listen(o.socket)
	if errors.Is(err, status.ErrInUse) {
		a.inUse = err
		return a, nil
	} else if err != nil {
		return nil, fmt.Errorf("--status-socket: %w: name a path in a folder that is there, or none with --status-socket=", err)
	}
	return a, nil
}

// run answers until ctx is done, with goroutines that others waits for. cancel is
// called when metrics cannot be answered any more.
func (a *answers) run(ctx context.Context, others *sync.WaitGroup, stats func() *event.Stats, say func(string), cancel context.CancelCauseFunc) {
	if a.metrics != nil {
		others.Go(func() {
			if err := status.ServeMetrics(ctx, a.metrics, stats); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("--metrics: %w", err))
			}
		})
	}
	if a.inUse != nil {
		say(fmt.Sprintf("xnumon status asks another than this: %v", a.inUse))
	}
	if a.socket != nil {
		others.Go(func() {
			if err := a.socket.Run(ctx, stats); err != nil {
				say(err.Error())
			}
		})
	}
}

// close ends listening where nobody answers yet. It may be called after run.
func (a *answers) close() {
	if a.metrics != nil {
		_ = a.metrics.Close()
	}
	if a.socket != nil {
		_ = a.socket.Close()
	}
}
