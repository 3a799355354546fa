package linux

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// control marks what appears while the gate is on: file systems that are
// mounted, files that are made in memory. It races with whoever made them and
// means to exec at once, so it does nothing else; an exec that was faster says
// in its record that it was not held.
type control struct {
	s     *Sensor
	marks *marks
	epoch func() // called when one has begun
	ring  *ringbuf.Reader
}

func newControl(s *Sensor, m *marks, epoch func()) (*control, error) {
	ring, err := ringbuf.NewReader(s.objs.Control)
	if err != nil {
		return nil, fmt.Errorf("map the control ring: %w", err)
	}
	return &control{s: s, marks: m, epoch: epoch, ring: ring}, nil
}

func (c *control) close() error { return c.ring.Close() }

func (c *control) run() {
	runtime.LockOSThread()
	// Without the privilege it is only slower.
	_ = hurry()
	var rec ringbuf.Record
	for {
		err := c.ring.ReadInto(&rec)
		if ended(err) {
			return
		}
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				c.s.opts.Warn(fmt.Sprintf("read the control ring: %v", err))
				time.Sleep(tick)
			}
			continue
		}
		var r monitorControlRecord
		if _, err := read(rec.RawSample, &r); err == nil {
			c.handle(&r)
		}
	}
}

func (c *control) handle(r *monitorControlRecord) {
	if c.marks.off.Load() {
		return
	}
	pid := strconv.FormatUint(uint64(r.Key.Pid), 10)
	switch monitorRecordType(r.H.Type) {
	case monitorRecordTypeREC_MEMFD:
		if !c.marks.memfds {
			return
		}
		// The thread's own table: it need not share the leader's.
		path := fmt.Sprintf("/proc/%s/task/%d/fd/%d", pid, r.Tid, r.Fd)
		if err := c.marks.memfd(path); err != nil && !gone(err) {
			c.s.opts.Warn(fmt.Sprintf("%s on a memfd of pid %s: %v", c.marks.lacks, pid, err))
		}
	case monitorRecordTypeREC_EPOCH:
		c.epoch()
	case monitorRecordTypeREC_MOUNT:
		if !c.marks.all {
			return
		}
		thread := fmt.Sprintf("%s/task/%d", pid, r.Tid)
		// What was just mounted first, the shortest way: somebody may be about to
		// execute from it. An error only means that the way below is taken.
		if target := cString(r.Target[:]); strings.HasPrefix(target, "/") {
			_ = c.marks.below("/proc/"+thread+"/root", target)
		} else if target != "" {
			_ = c.marks.below("/proc/"+thread+"/cwd", target)
		} else if r.Fd > 0 {
			// fsmount(2) and open_tree(2) return a descriptor on a mount that is in
			// no namespace yet, from which files can be executed all the same.
			_ = c.marks.fileSystem(fmt.Sprintf("/proc/%s/fd/%d", thread, r.Fd))
		}
		if _, err := c.marks.process(thread); err != nil && !gone(err) {
			c.s.opts.Warn(err.Error())
		}
	}
}

// gone says whether an error means that the process or the mount is no more.
// A process that is ending has no mounts to read any more (EINVAL).
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL)
}
