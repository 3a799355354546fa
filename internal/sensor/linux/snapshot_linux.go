package linux

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/cilium/ebpf/link"

	"xnumon/internal/sensor"
)

// iterate has the kernel write a record of each process into the ring of
// events, where it takes its place among what happens meanwhile.
func (s *Sensor) iterate() error {
	it, err := link.AttachIter(link.IterOptions{Program: s.objs.OnTask})
	if err != nil {
		return fmt.Errorf("attach the task iterator: %w", err)
	}
	defer it.Close()
	r, err := it.Open()
	if err != nil {
		return fmt.Errorf("open the task iterator: %w", err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("iterate over the tasks: %w", err)
	}
	return nil
}

// task observes a process that the iterator found.
func (t *stream) task(r *monitorExecRecord, data []byte) error {
	p, err := parts(r, data)
	if err != nil {
		return err
	}
	flags := monitorExecFlags(r.Flags)
	proc := &sensor.Process{
		Time:         t.s.clock.wall(r.H.Time),
		Key:          key(r.Key),
		Parent:       parent(r.Parent),
		ExecID:       r.ExecId,
		Start:        t.s.clock.wall(r.Key.Start),
		KernelThread: flags&monitorExecFlagsEXEC_KTHREAD != 0,
		Cwd:          directory(p[monitorPartPART_CWD], r.Status[monitorPartPART_CWD]),
		Creds:        creds(r.After),
		Session:      session(&r.Session),
		Container:    container(&r.Ns, p[monitorPartPART_CGROUP], r.Status[monitorPartPART_CGROUP]),
	}
	if flags&(monitorExecFlagsEXEC_NO_IMAGE|monitorExecFlagsEXEC_EXECING) == 0 {
		proc.Image = t.s.newFile(&r.Image, p[monitorPartPART_PATH], r.Status[monitorPartPART_PATH])
		proc.Image.Opener = &procOpener{s: t.s, key: proc.Key, id: r.Image}
	}
	if t.s.opts.Detail && !proc.KernelThread {
		proc.Argv = procStrings(proc.Key.PID, "cmdline")
		if t.s.opts.Env {
			proc.Env = procStrings(proc.Key.PID, "environ")
		}
	}
	return t.observe(proc)
}

// procStrings reads a file of NUL-terminated strings under /proc, nil if that
// is not possible. It is a lookup: the process may have changed what it says.
func procStrings(pid uint32, name string) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		return nil
	}
	return stringList(raw)
}

// Alive says whether a process is still there, by a lookup. One that has ended
// and was not waited for is not.
func (s *Sensor) Alive(k sensor.Key) bool {
	st, err := readStat(k.PID)
	if err != nil {
		return false
	}
	// A leader that has ended is shown as a zombie for as long as other threads live.
	if ended := st.state == 'Z' || st.state == 'X'; ended && st.threads <= 1 {
		return false
	}
	// /proc has it in ticks of 10 ms (proc_pid_stat(5)).
	const tick = 10_000_000
	return st.start == k.Start/tick
}

// stat is what /proc/PID/stat says of a process.
type stat struct {
	state   byte
	threads uint64
	start   uint64 // in ticks since the boot
}

func readStat(pid uint32) (st stat, err error) {
	name := fmt.Sprintf("/proc/%d/stat", pid)
	raw, err := os.ReadFile(name)
	if err != nil {
		return st, err
	}
	if st, err = parseStat(raw); err != nil {
		return st, fmt.Errorf("%s: %w", name, err)
	}
	return st, nil
}

func parseStat(raw []byte) (st stat, err error) {
	// The second field is in parentheses and may hold anything, parentheses too.
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	const state, threads, start = 0, 17, 19 // the fields 3, 20 and 22 of proc_pid_stat(5)
	if len(fields) <= start {
		return st, fmt.Errorf("%d fields behind the name", len(fields))
	}
	st.state = fields[state][0]
	if st.threads, err = strconv.ParseUint(string(fields[threads]), 10, 64); err != nil {
		return st, fmt.Errorf("number of threads: %w", err)
	}
	if st.start, err = strconv.ParseUint(string(fields[start]), 10, 64); err != nil {
		return st, fmt.Errorf("start time: %w", err)
	}
	return st, nil
}
