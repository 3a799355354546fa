// Package sensor is the contract between a kernel and the rest of the monitor:
// the observations a sensor makes and how it delivers them. What is peculiar to
// a kernel stays in the package of its sensor, below this one.
package sensor

import (
	"context"

	"xnumon/event"
)

// A Sensor watches one kernel, or plays back what one watched.
type Sensor interface {
	// Run delivers observations to observe, one at a time and from one
	// goroutine, in an order in which causes precede effects: a fork before
	// anything its child does, an exec before the forks of its new image. It
	// returns nil when ctx is done or the stream has ended and everything
	// observed until then is delivered. An error of observe ends it.
	//
	// The receiver owns what it is given; the sensor does not touch it again,
	// except that the digests of a File may be resolved later.
	Run(ctx context.Context, observe func(Observation) error) error
	// Close releases what the sensor holds in the kernel. It may be called at
	// any time and more than once, and ends Run.
	Close() error
}

// An Observation is one of *Fork, *Exec, *Exit, *Process, *Lost, *Digest and Pause.
type Observation interface{ observation() }

// Key is the identity of a process: a pid alone is reused.
type Key struct {
	PID uint32 // thread group id in the initial pid namespace
	// Start tells apart the processes that had this pid. On Linux it is the
	// start of the thread group leader in nanoseconds of the boot clock
	// (task->start_boottime), on macOS the pidversion or, as long as that is not
	// known, a number with the highest bit set.
	Start uint64
}

// IsZero says that no process is meant.
func (k Key) IsZero() bool { return k == Key{} }

// Fork is the birth of a process (not of a thread).
type Fork struct {
	Time   event.Time
	Parent Key // the process that called fork, whoever becomes the parent
	Child  Key
	ExecID uint64 // see Exec.ExecID; what the child starts out with
}

// Exit is the death of a process: its last thread is gone.
type Exit struct {
	Time event.Time
	Key  Key
}

// Exec is a successful exec.
type Exec struct {
	Time event.Time // the activation
	Key  Key        // the identity before the exec
	// Next is the identity from the exec on, where an exec changes it (on macOS
	// the pidversion grows); zero where it stays what it was.
	Next Key
	TID  uint32 // the thread that called, when it was not the leader; else zero
	// ExecID counts the execs in this process and what it was forked from; it
	// grows by one with each exec, so that a gap shows a lost one. Zero where
	// the kernel has no such number.
	ExecID uint64
	// Parent is the process's parent at the activation: only for looking up
	// what was not seen, since it may have been given another in the meantime.
	Parent Key

	Argv       []string
	ArgvReason event.Reason // why Argv is not whole; empty when it is
	Env        []string
	EnvReason  event.Reason
	Cwd        string
	CwdReason  event.Reason
	Filename   string // as it was passed

	// Image is the file activated. Never nil.
	Image *File
	// Interpreted says that the kernel put another file in the place of the one
	// that was named. Interpreters are the files it went through, the named one
	// first, the image not among them; empty though Interpreted when they
	// could not be observed.
	Interpreted  bool
	Interpreters []*File

	Before    *Creds // nil when not seen
	After     Creds
	Session   Session
	Container *event.Container
	Gate      *event.Gate // nil where nothing is gated
}

// Process is a process found running, by a lookup.
type Process struct {
	Time event.Time // of the lookup
	Key  Key
	// Was is the identity under which the process was reported until now, when
	// the lookup found it under another: execs in between were not seen, or the
	// earlier report did not know the whole identity. Zero otherwise.
	Was    Key
	Parent Key // its parent then
	// ForkPID is the pid of the process that forked it, where a lookup can tell
	// that; zero where it cannot.
	ForkPID      uint32
	ExecID       uint64
	Start        event.Time // when it was forked
	KernelThread bool
	Image        *File // nil for kernel threads and when it could not be told

	Argv      []string
	Env       []string
	Cwd       string
	Creds     Creds
	Session   Session
	Container *event.Container
}

// Creds are ids in the initial user namespace.
type Creds struct {
	EUID, EGID, RUID, RGID uint32
	SUID, SGID             uint32
	Caps                   uint64 // effective capabilities
}

// Session says which login and terminal a process belongs to.
type Session struct {
	AUID    uint32 // NoID when there was no login
	ID      uint32 // audit session, NoID when there is none
	Leader  uint32 // pid of the POSIX session leader, zero if unknown
	TTY     string // path of the controlling terminal, empty if none
	HasAUID bool
}

// NoID is the id that means none, as the kernel's (uid_t)-1 does.
const NoID = ^uint32(0)

// Lost says that observations were lost, or could have been.
type Lost struct {
	Time   event.Time
	Source string
	Count  uint64
	Since  event.Time
	Until  event.Time
	// Lineage is set when forks, execs or exits may be among what was lost and
	// nothing shows which processes they were of. It is not set where an exec
	// changes the identity (Exec.Next): there the sensor sees what it missed of a
	// process, and reports it as found.
	Lineage bool
}

// Pause says that there is nothing more to observe for the moment, so that what was put together
// can go on. A sensor that delivers it at all does so before it waits each time.
type Pause struct{}

func (*Fork) observation()    {}
func (*Exec) observation()    {}
func (*Exit) observation()    {}
func (*Process) observation() {}
func (*Lost) observation()    {}
func (*Digest) observation()  {}
func (Pause) observation()    {}
