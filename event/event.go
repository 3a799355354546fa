// Package event defines the log records. The types and their comments are the
// schema reference: a field's JSON name stands in its tag, and what its comment
// does not promise is not promised.
//
// A record never holds a guess. A field that is not known is absent (the zero
// value here), and where a reader would expect it, the Missing list of the same
// object says why. Strings hold the bytes the kernel had, which need not be
// UTF-8; the encoders say how they write such bytes.
package event

// Version is the schema version in every record. Fields are only ever added
// within a version.
const Version = 8

// Code says what kind of record it is.
type Code int

// The event codes. They are those of the 2018 schema.
const (
	CodeOps       Code = 0 // xnumon-ops: the monitor started, stopped, changed
	CodeStats     Code = 1 // xnumon-stats: the monitor about itself, losses included
	CodeImageExec Code = 2 // image-exec: a program was executed
)

// Time is a moment as nanoseconds since the Unix epoch, UTC. Zero means unknown.
// In JSON it is RFC 3339 with nine digits of nanoseconds: 2026-11-22T21:49:01.123456789Z.
type Time int64

// Absence names a field of the object it stands in and why its value is not known.
type Absence struct {
	Field  string // the JSON name of the field
	Reason Reason
}

// ImageExec is the record of one successful exec (event code 2), or with
// Reconstructed and AtStart set, of a process that was already running.
type ImageExec struct {
	// Time is the activation: the moment the kernel committed the exec.
	Time Time `json:"time"`
	// Reconstructed is set when something in this record that is not in the
	// subject came from a lookup instead of an event.
	Reconstructed bool `json:"reconstructed,omitempty"`
	// AtStart is set on records of processes that were running before the monitor.
	AtStart bool `json:"at_start,omitempty"`
	// Argv is the argument vector as the image received it: for a script the
	// kernel has put the interpreter and its argument in front. Whole, in order,
	// empty strings included. Nil when unknown; of length zero, and [] in JSON,
	// when it is known to be empty. The same for Env.
	Argv []string `json:"argv,omitempty"`
	// Env is the environment as the image received it: whole, or only the
	// variables that steer the dynamic linker, as configured.
	Env []string `json:"env,omitempty"`
	// Cwd is the working directory at the activation, seen from the root
	// directory of the process.
	Cwd string `json:"cwd,omitempty"`
	// Filename is the string passed to execve or execveat, when it is neither the
	// path of the image nor that of the script. For execveat on a descriptor it is
	// the kernel's /dev/fd/N form.
	Filename string `json:"filename,omitempty"`
	// Image is the file whose code the process now runs; never a script.
	Image *Image `json:"image,omitempty"`
	// Script is the file that was named, when the kernel loaded Image in its
	// place because of a shebang or a binfmt_misc entry.
	Script *Image `json:"script,omitempty"`
	// Interpreters is the chain from the named file to the image, outermost
	// first, when it has more than those two: Script first, Image last.
	Interpreters []*Image `json:"interpreters,omitempty"`
	// Creds are the credentials after the exec, when the exec changed them.
	Creds *Creds `json:"creds,omitempty"`
	// Container is set when the process is not in the initial pid namespace or
	// its control group belongs to a container.
	Container *Container `json:"container,omitempty"`
	// Gate says how the exec was held; absent at level none.
	Gate *Gate `json:"gate,omitempty"`
	// Subject is the process that called exec, as it was before.
	Subject Subject `json:"subject"`
	// Missing explains absent fields of this object.
	Missing []Absence `json:"missing,omitempty"`
}

// Image is a file that was executed, as it was at that exec.
type Image struct {
	// ExecTime and ExecPid say when and by which pid this image was activated.
	// Only in subject.image and ancestors. Absent for images that were active
	// before the monitor was.
	ExecTime Time   `json:"exec_time,omitempty"`
	ExecPid  uint32 `json:"exec_pid,omitempty"`
	// Path is the path of the opened file itself, links resolved, seen from the
	// root directory of the process, at the activation.
	Path string `json:"path,omitempty"`
	// Deleted is set when the file had no name any more at the activation.
	Deleted bool `json:"deleted,omitempty"`
	// Unreachable is set when the root directory of the process does not lead to
	// the file: Path then begins at the top of the mounts that hold it.
	Unreachable bool `json:"unreachable,omitempty"`
	// Memfd is set for files that live in memory only (memfd_create): "sealed"
	// when a seal made their bytes immutable before they were hashed, "unsealed"
	// when their owner could change them at any moment, so that the hash speaks
	// only of the moment it was taken.
	Memfd string `json:"memfd,omitempty"`
	// Mode is the file type and permissions as the kernel keeps them (octal in JSON).
	Mode uint32 `json:"mode,omitempty"`
	// UID and GID own the file, in the initial user namespace; UName and GName
	// are their names in the files database.
	UID   uint32 `json:"uid"`
	UName string `json:"uname,omitempty"`
	GID   uint32 `json:"gid"`
	GName string `json:"gname,omitempty"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// Dev (major:minor) and Ino identify the file on this machine.
	Dev string `json:"dev,omitempty"`
	Ino uint64 `json:"ino,omitempty"`
	// MTime, CTime and BTime are the file's times.
	MTime Time `json:"mtime,omitempty"`
	CTime Time `json:"ctime,omitempty"`
	BTime Time `json:"btime,omitempty"`
	// SHA256, SHA1 and MD5 are lower-case hexadecimal digests of the bytes as
	// they were at this exec, present only where that has been established.
	SHA256 string `json:"sha256,omitempty"`
	SHA1   string `json:"sha1,omitempty"`
	MD5    string `json:"md5,omitempty"`
	// Signature is the image's code signature, on systems whose kernel keeps one.
	// Its fields stand in this object itself.
	Signature *Signature `json:"-"`
	// Script is the script through which this image was activated. Only in
	// subject.image and ancestors; a record's own script stands beside its image.
	Script *Image `json:"script,omitempty"`
	// Reconstructed is set when this image was found by a lookup.
	Reconstructed bool `json:"reconstructed,omitempty"`
	// HasStat says that Mode, UID, GID and Size are known: they are in the record
	// only then, and their zeros are values. Not itself in the record.
	HasStat bool `json:"-"`
	// OmitMode, OmitSize and OmitGroup leave the mode, the size and the group out of
	// the record though HasStat is set, because somebody wants it so.
	OmitMode, OmitSize, OmitGroup bool `json:"-"`
	// Missing explains absent fields of this object.
	Missing []Absence `json:"missing,omitempty"`
}

// Subject is the process that acted, described as it was before the event.
type Subject struct {
	// Pid is the process id (thread group id) in the initial pid namespace.
	Pid uint32 `json:"pid"`
	// Reconstructed is set when the process or what it ran before the exec came from a lookup. Of
	// its ancestors those say so that did.
	Reconstructed bool `json:"reconstructed,omitempty"`
	Creds
	// Tid is the thread that called exec, when it was not the leader.
	Tid uint32 `json:"tid,omitempty"`
	// Sid is the audit session id, Session the pid of the POSIX session leader.
	Sid     uint32 `json:"sid,omitempty"`
	Session uint32 `json:"session,omitempty"`
	// Dev is the controlling terminal.
	Dev string `json:"dev,omitempty"`
	// ForkTime is when the process was forked; ForkPid the process that really
	// forked it, whoever its parent was made later.
	ForkTime Time   `json:"fork_time,omitempty"`
	ForkPid  uint32 `json:"fork_pid,omitempty"`
	// Image is what the process ran before the exec.
	Image *Image `json:"image,omitempty"`
	// Ancestors are the images before that one, newest first, through forks and execs.
	Ancestors []*Image `json:"ancestors,omitempty"`
	// AncestorsOmitted counts the older ancestors that were left out.
	AncestorsOmitted int `json:"ancestors_omitted,omitempty"`
	// Missing explains absent fields of this object.
	Missing []Absence `json:"missing,omitempty"`
}

// Creds are a process's user and group ids in the initial user namespace, with
// their names in the files database.
type Creds struct {
	// HasAUID says that AUID is set: a login happened. Not in the record.
	HasAUID bool `json:"-"`
	// HasIDs says that the four ids below AUID are known. Not in the record.
	HasIDs bool `json:"-"`
	// OmitGroups leaves the groups out of the record though HasIDs is set, because
	// somebody wants it so.
	OmitGroups bool `json:"-"`

	AUID   uint32 `json:"auid,omitempty"`
	AUName string `json:"auname,omitempty"`
	EUID   uint32 `json:"euid"`
	EUName string `json:"euname,omitempty"`
	EGID   uint32 `json:"egid"`
	EGName string `json:"egname,omitempty"`
	RUID   uint32 `json:"ruid"`
	RUName string `json:"runame,omitempty"`
	RGID   uint32 `json:"rgid"`
	RGName string `json:"rgname,omitempty"`
	// Caps are the effective capabilities, in hexadecimal, when the exec changed
	// them without changing every id; only in creds.
	Caps string `json:"caps,omitempty"`
}

// Container says where a process lives when it is not on the host proper.
type Container struct {
	// ID is the container's id, taken from the control group's name.
	ID string `json:"id,omitempty"`
	// Cgroup is the path of the control group (v2).
	Cgroup string `json:"cgroup,omitempty"`
	// Pid is the process id inside its own pid namespace, when that is not the initial one.
	Pid uint32 `json:"pid,omitempty"`
}

// Gate says what holding the exec came to.
type Gate struct {
	// Level is the configured level: open or hash.
	Level string `json:"level"`
	// Outcome is one of the Gate constants.
	Outcome string `json:"outcome"`
	// Held is for how long the kernel was kept waiting, summed over the files of
	// this exec, in nanoseconds.
	Held int64 `json:"held_ns,omitempty"`
}

// Outcomes of the gate.
const (
	GateHeld     = "held"     // held until acquired
	GateKnown    = "known"    // the image was not held: the kernel vouched that it is one already acquired
	GateDeadline = "deadline" // let go before acquisition was complete
	GateMissed   = "missed"   // not held: no mark covered the file
)

// Loss is the record (event code 1) that says that observations were lost.
type Loss struct {
	Time Time `json:"time"`
	// Source is what overflowed: "ring" or "fanotify", for example, or "output",
	// where it is records that were lost.
	Source string `json:"source"`
	// Count is how many observations were lost, zero and thus absent when the
	// kernel did not say.
	Count uint64 `json:"count,omitempty"`
	// Since and Until enclose the losses.
	Since Time `json:"since"`
	Until Time `json:"until"`
}
