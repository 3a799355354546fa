package main

import (
	"context"
	"time"

	"xnumon/internal/status"
)

// signsOfLife tells the service manager that the monitor is alive, for as long
// as it takes in what the kernel tells it.
func (l *live) signsOfLife(ctx context.Context, n *status.Notifier) {
	patience := n.Patience()
	if patience <= 0 {
		return
	}
	tick := time.NewTicker(max(patience/4, time.Millisecond))
	defer tick.Stop()
	for {
		if l.sensor.Stats().Silent < patience/2 {
			_ = n.Alive() // it will be missed if it matters
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
