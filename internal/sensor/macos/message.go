package macos

import (
	"xnumon/event"
	"xnumon/internal/macho"
)

// message is one line of the stream: an es_message_t as far as it is needed
// (EndpointSecurity/ESMessage.h). Pointers are nil and times zero where the line
// has nothing, or null, or something that cannot be used.
type message struct {
	version   uint64
	time      event.Time
	mach      uint64 // mach_time: never goes back while the machine is up
	eventType int64
	seq       *uint64 // of this event type
	global    *uint64 // of all events
	kind      string  // the name of the member of event
	process   *process
	exec      *execution
	child     *process // of fork
}

// ours says whether the event is one that this package maps.
func (m *message) ours() bool { return m.kind == "exec" || m.kind == "fork" || m.kind == "exit" }

// execution is es_event_exec_t.
type execution struct {
	target   *process
	script   *file
	cwd      *file
	args     []string
	hasArgs  bool
	env      []string
	hasEnv   bool
	dyldPath string // version 7
	arch     macho.Arch
}

// process is es_process_t.
type process struct {
	token        token
	parent       *token // version 4
	originalPPID *uint32
	session      uint32
	start        event.Time // version 3
	executable   *file
	tty          string

	flags    uint32 // cs_blobs.h
	hasFlags bool
	platform bool
	category *uint64 // version 10
	cdhash   macho.CDHash
	ident    string
	team     string
}

// token is audit_token_t.
type token struct {
	auid, euid, egid, ruid, rgid uint32
	pid                          uint32
	asid                         uint32
	version                      uint32 // pidversion
}

// file is es_file_t.
type file struct {
	path      string
	truncated bool
	stat      *stat
}

// stat is what is needed of struct stat.
type stat struct {
	dev, mode, nlink, uid, gid, gen uint32
	ino                             uint64
	size                            int64
	mtime, ctime, btime             event.Time
}
