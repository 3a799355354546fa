package linux

import "bytes"

// headSize is how much of a file the kernel looks at to tell what it is
// (BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h).
const headSize = 256

// kind says what the kernel could do with a file.
type kind int

const (
	unread  kind = iota
	native       // ELF, which the kernel loads itself: what follows it in a call is its dynamic linker
	script       // of the shebang kind, unless a binfmt_misc entry wants it
	foreign      // for a binfmt_misc entry, if for anything
)

// nature is what the first bytes of a file say of it.
type nature struct {
	kind kind
	// Of a script: the interpreter and whether there is an argument for it, which can be empty.
	interpreter, argument string
	argued                bool
}

// natureOf reads the first bytes of a file as the kernel does (fs/binfmt_script.c,
// load_script; 6.18).
func natureOf(head []byte) nature {
	if bytes.HasPrefix(head, []byte("\x7fELF")) {
		return nature{kind: native}
	}
	if !bytes.HasPrefix(head, []byte("#!")) {
		return nature{kind: foreign}
	}
	var buf [headSize]byte
	copy(buf[:], head)
	end := headSize - 1
	text := buf[:]
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i]
	}
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		end = i
	} else {
		i := past(buf[:], 2, end)
		if i > end || terminator(buf[:], i, end) > end {
			return nature{kind: foreign} // nothing, or a name that may be cut off
		}
	}
	for end > 2 && blank(buf[end-1]) {
		end--
	}
	name := past(buf[:], 2, end)
	if name >= end {
		return nature{kind: foreign}
	}
	n := nature{kind: script}
	separator := terminator(buf[:], name, end)
	if separator < end && buf[separator] != 0 {
		at := past(buf[:], separator, end)
		n.argued = at <= end
		n.argument = cString(buf[min(at, end):end])
	}
	n.interpreter = string(buf[name:min(separator, end)])
	return n
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// past is where the first byte from first to last stands that is not blank; last + 1 if none.
func past(buf []byte, first, last int) int {
	for first <= last && blank(buf[first]) {
		first++
	}
	return first
}

// terminator is where the first blank or zero byte from first to last stands; last + 1 if none.
func terminator(buf []byte, first, last int) int {
	for first <= last && !blank(buf[first]) && buf[first] != 0 {
		first++
	}
	return first
}

// whole says whether files of these natures are all that an exec went through
// before its image. A file on a file system that is not held, or one that is ignored, is
// not among those that were seen; but each puts its name in front of argv, a script also its
// argument, so that the number of arguments tells of all of them. Where it does not, with
// binfmt_misc, the names decide: another file goes unnoticed only if it was called by
// the very name of the next one.
func whole(chain []nature, argv []string, filename string, argc, passed int) bool {
	added := argc - max(passed, 1)
	least, most := len(chain), len(chain)
	for _, n := range chain {
		switch {
		case n.kind == script && n.argued:
			least++
			most++
		case n.kind != script:
			most++ // binfmt_misc can keep argv[0] (flag P), and what was not read can have an argument
		}
	}
	if added == least {
		return true // another file would have added one more
	}
	return added > least && added <= most && unwinds(chain, argv, filename, max(passed, 1))
}

// unwinds says whether argv is what files of these natures make of the
// arguments of a call with this filename. The kernel goes through them in order, each
// time replacing argv[0] by interpreter, argument and the name by which it
// got to the file; so the last ones come first.
func unwinds(chain []nature, argv []string, filename string, passed int) bool {
	if len(chain) == 0 {
		return len(argv) == passed && len(argv) > 0 && argv[0] == filename
	}
	n, before := chain[len(chain)-1], chain[:len(chain)-1]
	if len(argv) < 2 {
		return false
	}
	switch n.kind {
	case unread:
		return false
	case script:
		if argv[0] == n.interpreter && (!n.argued || argv[1] == n.argument) {
			rest := argv[1:]
			if n.argued {
				rest = rest[1:]
			}
			if unwinds(before, rest, filename, passed) {
				return true
			}
		}
	}
	// A binfmt_misc entry. With flag P argv[0] stays, behind the name.
	rest := argv[1:]
	if unwinds(before, rest, filename, passed) {
		return true
	}
	if len(before) > 0 {
		return len(rest) > 1 && rest[0] == rest[1] && unwinds(before, rest[1:], filename, passed)
	}
	return rest[0] == filename && len(rest) == passed+1
}
