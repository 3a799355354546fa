// Package replay records what a sensor observes and plays it back.
//
// A recorded stream is a file of JSON Lines. The first line is its header,
//
//	{"xnumon_stream":1,"os":"linux","release":"6.12.0","time":1763848141123456789}
//
// and each other line is an object whose first member, t, says what it is:
//
//	{"t":"fork","time":…,"parent":[PID,START],"child":[PID,START],"exec_id":…}
//	{"t":"exec","time":…,"key":[PID,START],"argv":[…],…,"image":FILE,…}
//	{"t":"exit","time":…,"key":[PID,START]}
//	{"t":"process","time":…,"key":[PID,START],…,"image":FILE,…}
//	{"t":"lost","time":…,"source":"ring","count":12,…}
//	{"t":"digest","ref":7,"sha256":"…"}
//	{"t":"free","ref":7}
//
// The members have the names of the fields of the observations in package
// sensor, in lower case with underscores. A member with the zero value of its
// type is left out, so an argument vector that is not known is absent and one
// that is known to be empty is []. Times are nanoseconds of the Unix epoch.
// Integers use all 64 bits: a reader that goes through floating point
// numbers spoils them. A string is a JSON string if its bytes are UTF-8 and else
// {"base64":"…"}.
//
// A FILE is an object when it first appears and after that its ref alone. What was
// found out about it comes as a digest line as soon as it is known, which can be
// after the observation it belongs to. A free line says that no reference
// to the file follows, so that neither side keeps more files than are in use.
//
// A reader counts types of lines and members that it does not know, and goes on.
package replay

import "xnumon/event"

// version is that of the format. It changes when an old reader would get
// something wrong, and not when it would only miss something.
const version = 1

// Header is the first line of a stream. All of it is for people.
type Header struct {
	OS      string     // of the machine observed, as GOOS
	Release string     // of its kernel
	Time    event.Time // when the recording began
}

// The types of lines.
const (
	typeFork    = "fork"
	typeExec    = "exec"
	typeExit    = "exit"
	typeProcess = "process"
	typeLost    = "lost"
	typeDigest  = "digest"
	typeFree    = "free"
)
