package encode

import (
	"strconv"
	"strings"

	"xnumon/event"
)

// What the public schemas have fields for and a record only says implicitly.

// baseName returns what is behind the last slash of a path.
func baseName(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 && i+1 < len(path) {
		return path[i+1:]
	}
	return path
}

// credsAfter returns the credentials that a process has after its exec, or nil
// when they are not known.
func credsAfter(r *event.ImageExec) *event.Creds {
	c := r.Creds
	if c == nil && reasonFor(r.Missing, "creds") == "" {
		c = &r.Subject.Creds
	}
	if c == nil || !c.HasIDs {
		return nil
	}
	return c
}

// wholeArgv reports whether the argument vector is known and nothing of it is
// missing.
func wholeArgv(r *event.ImageExec) bool {
	return r.Argv != nil && reasonFor(r.Missing, "argv") == ""
}

// appendCommandLine joins arguments by spaces. It does not quote: this is what
// searches and rules for command lines expect, the vector itself is elsewhere.
func appendCommandLine(dst []byte, argv []string) []byte {
	for i, a := range argv {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, a...)
	}
	return dst
}

// forkerImage returns the image that the process which forked s ran when it did
// so, if the record proves which one it was, otherwise nil: the newest one that
// was not activated by s itself. Where no event told who activated an image,
// because it was active before the monitor, it could have been either.
func forkerImage(s *event.Subject) *event.Image {
	i, older := s.Image, s.Ancestors
	for i != nil && i.ExecPid != 0 {
		if i.ExecPid != s.Pid {
			return i
		}
		// By s, or long before it by a process that had the same pid.
		if s.ForkTime == 0 || i.ExecTime < s.ForkTime || len(older) == 0 {
			return nil
		}
		i, older = older[0], older[1:]
	}
	return nil
}

// appendLossMessage says what a loss is in a sentence.
func appendLossMessage(dst []byte, r *event.Loss) []byte {
	if r.Count == 0 {
		dst = append(dst, "an unknown number of"...)
	} else {
		dst = strconv.AppendUint(dst, r.Count, 10)
	}
	dst = append(dst, " events lost ("...)
	dst = append(dst, r.Source...)
	return append(dst, ')')
}
