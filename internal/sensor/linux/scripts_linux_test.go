package linux

import (
	"slices"
	"testing"

	"xnumon/internal/sensor"
)

const closer, other = 0xc105e, 0x07e4 // functions of the kernel

// lefts are files with these inodes that the kernel is about to close.
func lefts(inodes ...uint64) (files []*leftFile) {
	for _, i := range inodes {
		files = append(files, &leftFile{closer: closer, status: uint32(monitorPartStatusPART_ABSENT), id: monitorFileIdentity{Inode: i, Ino: i, Size: 7}})
	}
	return files
}

func heldScript(inode uint64) *heldFile {
	h := held(inode)
	h.id.Ino = inode
	h.bytes = state(&h.id)
	return h
}

// taken is the record of an exec that these were sent ahead of.
func taken(k sensor.Key, exec uint64, count uint32, flags monitorExecFlags) *monitorExecRecord {
	r := &monitorExecRecord{ExecId: exec, Left: count, Flags: uint32(flags)}
	r.Key.Pid, r.Key.Start = k.PID, k.Start
	return r
}

func TestScriptsSentAhead(t *testing.T) {
	var c scripts
	k := sensor.Key{PID: 7, Start: 70}
	send := func(exec uint64) { c.add(taken(k, exec, 0, 0), []byte("script\x00")) }
	send(1) // the record of this exec is lost
	send(2)
	send(2)
	if l := c.take(taken(k, 2, 2, monitorExecFlagsEXEC_LEFT)); len(l.files) != 2 || !l.whole || string(l.files[1].path) != "script\x00" {
		t.Errorf("%+v", l)
	}
	send(3) // and what was sent ahead of the next is
	if l := c.take(taken(k, 4, 1, monitorExecFlagsEXEC_LEFT)); len(l.files) != 0 || l.whole {
		t.Errorf("of another exec: %+v", l)
	}
	send(5)
	if l := c.take(taken(k, 5, 2, monitorExecFlagsEXEC_LEFT|monitorExecFlagsEXEC_KEPT)); l.whole || !l.kept {
		t.Errorf("one was lost: %+v", l)
	}
	send(6)
	if l := c.take(taken(k, 6, 1, 0)); l.whole {
		t.Errorf("not told: %+v", l)
	}
	if len(c.ahead) != 0 {
		t.Errorf("still there: %v", c.ahead)
	}
}

func TestScriptsMeet(t *testing.T) {
	var c scripts
	// What looks like a file, and is none, is among them.
	l := left{files: append(lefts(9), lefts(1, 2)...), whole: true}
	l.files[0].closer = other
	if _, ok := c.through(l); ok {
		t.Error("nobody has seen any of them open")
	}
	stranger, a := heldScript(5), heldScript(1)
	c.meet(l, &stranger.id)
	if c.meet(l, &a.id); c.closer != closer {
		t.Fatalf("closer %x", c.closer)
	}
	if files, ok := c.through(l); !ok || len(files) != 2 || files[0].id.Inode != 1 || len(l.files) != 3 || l.files[2] == nil {
		t.Errorf("%v of %v", files, l.files)
	}
	for _, no := range []left{{files: lefts(1)}, {whole: true}} {
		if files, ok := c.through(no); ok {
			t.Errorf("%v of %+v", files, no)
		}
	}
	if _, ok := c.through(left{whole: true, kept: true}); !ok {
		t.Error("the only file is kept")
	}
}

func TestScriptsKnow(t *testing.T) {
	var c scripts
	for i := range naturesMost {
		if c.know(lefts(uint64(i))[0], nature{kind: script}) {
			t.Fatal("forgot at", i)
		}
	}
	if c.know(lefts(1)[0], nature{}) || !c.know(lefts(naturesMost)[0], nature{}) || len(c.natures) != 1 {
		t.Errorf("%d are known", len(c.natures))
	}
}

// made is an exec of a script that was called by its name with one argument, with what the kernel added.
func made(argv ...string) (*sensor.Exec, *monitorExecRecord) {
	const limit = 8 << 20
	r := &monitorExecRecord{Argc: uint32(len(argv)), StackLimit: limit, Flags: uint32(monitorExecFlagsEXEC_BEFORE)}
	top := uint64(1)<<47 - stackTopGap - 8
	r.ArgFloor = top - limit/4 + 8*2 // two were passed
	return &sensor.Exec{Argv: argv, Filename: "/s", Interpreted: true}, r
}

func TestInterpreters(t *testing.T) {
	s := &Sensor{gate: &gate{}}
	plain := nature{kind: script, interpreter: "/i"}
	argued := nature{kind: script, interpreter: "/i", argument: "-x", argued: true}
	linker, elf := heldScript(7), nature{kind: native}
	linker.file.Path = "/lib/ld.so"
	a, b := heldScript(1), heldScript(2)
	all := func(inodes ...uint64) left { return left{files: lefts(inodes...), whole: true} }
	kept := func(l left) left { l.kept = true; return l }
	changed := func(l left) left { l.files[0].id.Ctime++; return l }
	stacked := func(l left) left { l.files[len(l.files)-1].id.Magic = overlayMagic; return l }
	for name, c := range map[string]struct {
		l       left
		unmet   bool // the closer is not known
		argv    []string
		held    []*heldFile
		natures []nature
		linkers []*heldFile
		known   map[*heldFile]nature
		want    []uint64 // inodes
	}{
		"all held":                        {l: all(1), argv: []string{"/i", "/s", "a"}, held: []*heldFile{a}, natures: []nature{plain}, want: []uint64{1}},
		"all held, nothing told":          {argv: []string{"/i", "/s", "a"}, held: []*heldFile{a}, natures: []nature{plain}, want: []uint64{1}},
		"known":                           {l: all(1), argv: []string{"/i", "/s", "a"}, known: map[*heldFile]nature{a: plain}, want: []uint64{1}},
		"known, with an argument":         {l: all(1), argv: []string{"/i", "-x", "/s", "a"}, known: map[*heldFile]nature{a: argued}, want: []uint64{1}},
		"known, the linker held":          {l: all(1), argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{elf}, known: map[*heldFile]nature{a: plain}, want: []uint64{1}},
		"changed, but all there is":       {l: all(1), argv: []string{"/i", "/s", "a"}, want: []uint64{1}},
		"changed, as before":              {l: changed(all(1)), argv: []string{"/i", "-x", "/s", "a"}, known: map[*heldFile]nature{a: argued}, want: []uint64{1}},
		"changed, another argument":       {l: changed(all(1)), argv: []string{"/i", "-y", "/s", "a"}, known: map[*heldFile]nature{a: argued}},
		"changed, perhaps not all":        {l: all(1), argv: []string{"/i", "/t", "/s", "a"}},
		"the linker held, nothing told":   {argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{elf}},
		"the same, before the closer":     {unmet: true, argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{elf}},
		"kept, the linker held":           {l: kept(all()), argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{elf}},
		"kept, and held":                  {l: kept(all()), argv: []string{"/i", "/s", "a"}, held: []*heldFile{a}, natures: []nature{{kind: foreign}}, want: []uint64{1}},
		"kept, and another known":         {l: kept(all(1)), argv: []string{"/i", "/t", "/s", "a"}, held: []*heldFile{b}, natures: []nature{{kind: foreign}}, known: map[*heldFile]nature{a: plain}},
		"the first known, the other held": {l: all(1, 2), argv: []string{"/i", "-x", "/t", "/s", "a"}, held: []*heldFile{b}, natures: []nature{argued}, known: map[*heldFile]nature{a: plain}, want: []uint64{1, 2}},
		"the first held, the other known": {l: all(1, 2), argv: []string{"/i", "-x", "/t", "/s", "a"}, held: []*heldFile{a}, natures: []nature{plain}, known: map[*heldFile]nature{b: argued}, want: []uint64{1, 2}},
		"one too few in the arguments":    {l: all(1, 2), argv: []string{"/i", "/s", "a"}, known: map[*heldFile]nature{a: plain, b: plain}},
		"a stacked linker, held behind":   {l: stacked(all(1, 7)), argv: []string{"/i", "/s", "a"}, held: []*heldFile{a}, natures: []nature{plain}, linkers: []*heldFile{linker}, want: []uint64{1}},
		"a stacked linker, held alone":    {l: stacked(all(1, 7)), argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{elf}, known: map[*heldFile]nature{a: plain}, want: []uint64{1}},
		"the same, the script unread":     {l: stacked(all(1, 7)), argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{{}}, want: []uint64{1}},
		"a stacked linker, not held":      {l: stacked(all(1, 7)), argv: []string{"/i", "-x", "/s", "a"}, known: map[*heldFile]nature{a: argued}, want: []uint64{1}},
		"neither held nor read":           {l: stacked(all(1, 7)), argv: []string{"/i", "/s", "a"}, want: []uint64{1}},
		"an argument, or two scripts":     {l: stacked(all(1, 7)), argv: []string{"/i", "-x", "/s", "a"}},
		"two scripts, one stacked":        {l: stacked(all(1, 2)), argv: []string{"/i", "-x", "/t", "/s", "a"}, known: map[*heldFile]nature{a: plain, b: argued}, want: []uint64{1, 2}},
		"not read, and one too many":      {l: all(1, 8), argv: []string{"/i", "-x", "/s", "a"}},
		"the same, the other known":       {l: all(1, 2), argv: []string{"/i", "-x", "/s", "a"}, known: map[*heldFile]nature{b: plain}},
		"an unread linker alone":          {unmet: true, argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{{}}},
		"kept, an unread linker":          {l: kept(all()), argv: []string{"/i", "/s", "a"}, held: []*heldFile{linker}, natures: []nature{{}}},
		"held, and not gone through":      {l: all(1), argv: []string{"/i", "/t", "/s", "a"}, held: []*heldFile{b}, natures: []nature{plain}, known: map[*heldFile]nature{a: argued}},
	} {
		s.scripts = scripts{closer: closer}
		if c.unmet {
			s.scripts.closer = 0
		}
		s.gate.ignored = ignored{g: s.gate}
		for h, n := range c.known {
			s.scripts.know(lefts(h.id.Inode)[0], n)
		}
		e, r := made(c.argv...)
		var got []uint64
		for _, i := range s.interpreters(e, r, c.l, c.held, c.linkers, c.natures) {
			if i.left != nil {
				got = append(got, i.left.id.Inode)
			} else {
				got = append(got, i.held.id.Inode)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
