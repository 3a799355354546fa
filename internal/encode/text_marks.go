package encode

import "xnumon/event"

// marks writes what is out of the ordinary with an exec, each in brackets and
// with a space after it.
func (t *Text) marks(r *event.ImageExec) {
	l := &t.l
	switch {
	case r.AtStart:
		t.mark(yellow, "already running")
	case r.Reconstructed || r.Image != nil && r.Image.Reconstructed:
		t.mark(yellow, "reconstructed")
	}
	if r.Image != nil {
		t.fileMarks(r.Image, "")
	}
	if r.Script != nil {
		t.script(r)
		t.fileMarks(r.Script, "script ")
	}
	if c := r.Creds; c != nil && c.HasIDs && !(r.Subject.HasIDs && r.Subject.EUID == c.EUID) {
		t.openMark(red)
		l.text("becomes ")
		if c.EUName != "" {
			l.quote(c.EUName)
		} else {
			l.num(uint64(c.EUID))
		}
		t.closeMark()
	}
	if c := r.Creds; c != nil && c.Caps != "" {
		t.openMark(red)
		l.text("capabilities ")
		l.quote(c.Caps)
		t.closeMark()
	}
	if g := r.Gate; g != nil && g.Outcome != event.GateHeld && g.Outcome != event.GateKnown {
		t.openMark(yellow)
		l.text("gate ")
		l.words(g.Outcome)
		t.closeMark()
	}
	if c := r.Container; c != nil {
		t.container(c)
	}
}

// fileMarks writes what is out of the ordinary with a file.
func (t *Text) fileMarks(i *event.Image, prefix string) {
	l := &t.l
	if i.Deleted && i.Memfd == "" {
		t.mark(yellow, prefix+"deleted")
	}
	if i.Unreachable {
		t.mark(yellow, prefix+"unreachable")
	}
	if i.Memfd != "" {
		t.openMark(yellow)
		l.text(prefix)
		l.text("memfd ")
		l.words(i.Memfd)
		t.closeMark()
	}
	if why := reasonFor(i.Missing, "sha256", "sha1", "md5"); why != "" && why != event.ReasonRunning {
		t.openMark(yellow)
		l.text(prefix)
		l.text("not hashed: ")
		l.words(string(why))
		t.closeMark()
	}
	t.signature(i, prefix)
}

// signature writes that a signature was looked at and is not a good one.
func (t *Text) signature(i *event.Image, prefix string) {
	if s := i.Signature; s != nil && s.Status != "" && s.Status != event.SignatureGood {
		l := &t.l
		t.openMark(yellow)
		l.text(prefix)
		l.text("signature ")
		l.words(s.Status)
		t.closeMark()
	}
}

// script writes the script and the interpreters between it and the image.
func (t *Text) script(r *event.ImageExec) {
	l := &t.l
	t.openMark(cyan)
	l.text("script ")
	t.scriptPath(r.Script)
	if n := len(r.Interpreters); n > 2 {
		for _, i := range r.Interpreters[1 : n-1] {
			l.text(" via ")
			t.scriptPath(i)
		}
	}
	t.closeMark()
}

func (t *Text) scriptPath(i *event.Image) {
	if i == nil || i.Path == "" {
		t.l.text("?")
		return
	}
	// The end of a long path says more than its beginning, and arguments follow.
	l := &t.l
	whole := l.limit
	if whole > 0 {
		l.limit = min(max(whole-len("] "), l.col), l.col+max(minScript, (whole-l.col)*2/3))
	}
	l.path(i.Path, cyan, cyan)
	l.limit = whole
	l.style(cyan)
}

// minScript is how many columns the path of a script gets at least.
const minScript = 12

func (t *Text) container(c *event.Container) {
	const short = 12 // what people know a container by
	l := &t.l
	t.openMark(dim)
	l.text("container")
	if c.ID != "" {
		l.text(" ")
		l.quote(c.ID[:min(len(c.ID), short)])
	}
	if c.Pid != 0 {
		l.text(" pid ")
		l.num(uint64(c.Pid))
	}
	t.closeMark()
}

func (t *Text) mark(st style, s string) {
	t.openMark(st)
	t.l.text(s)
	t.closeMark()
}

func (t *Text) openMark(st style) {
	t.l.style(st)
	t.l.text("[")
}

func (t *Text) closeMark() {
	t.l.text("]")
	t.l.style(plain)
	t.l.text(" ")
}
