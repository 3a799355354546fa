package macos

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

// sim is a machine that is watched: it has processes that fork, execute and exit,
// and writes what eslogger would of them.
type sim struct {
	version  int
	arrays   bool // tokens as arrays, as a beta had them
	rnd      *rand.Rand
	out      bytes.Buffer
	global   uint64
	seqs     map[int]uint64
	clock    time.Time
	mach     uint64
	pids     uint32
	versions uint32
	dropped  int
	// pidSpace bounds the pids, which are then used again. Zero does not.
	pidSpace uint32
	used     map[uint32]bool
	// runs knows every process under each identity it has had.
	runs map[sensor.Key]*simProcess
}

// simProcess is a process of a sim.
type simProcess struct {
	pid, version uint32
	parent       *simProcess // now
	forker       *simProcess
	forkerPID    uint32
	start        time.Time
	file         simFile
	tty          string
	auid         uint32
	uid, euid    uint32
	session      uint32
	dead         bool
	history      []string // of images, oldest first; kept by the test
}

type simFile struct {
	path     string
	ino      uint64
	size     int64
	uid      uint32
	mode     uint32
	nlink    uint32
	flags    uint32
	platform bool
	category int
	cdhash   macho.CDHash
	ident    string
	team     string
	noStat   bool
	cut      bool
}

// obj is a JSON object that is written with its members in random order.
type obj map[string]any

// raw is a string written byte by byte, valid or not.
type raw string

const simFlagsAdhoc = csValid | csAdhoc | csSigned

func newSim(version int) *sim {
	return &sim{
		version: version, rnd: rand.New(rand.NewPCG(uint64(version), 7)), seqs: map[int]uint64{},
		used: map[uint32]bool{}, runs: map[sensor.Key]*simProcess{},
		clock: time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC), mach: 1 << 40, pids: 600, versions: 2000,
	}
}

// tool makes up a file, the same for the same path.
func tool(path string) simFile {
	h := [20]byte{0: 1}
	for i, c := range []byte(path) {
		h[i%20] = h[i%20]*31 + c
	}
	return simFile{
		path: path, ino: 1152921500312000000 + uint64(h[3])<<8 + uint64(h[4]), size: 100000 + int64(h[5]),
		mode: 0o100755, nlink: 1, flags: simFlagsAdhoc, category: categoryNone,
		cdhash: macho.CDHash(h), ident: "org.example" + path,
	}
}

// system is a file that came with the machine.
func system(path string) simFile {
	f := tool(path)
	f.flags, f.platform, f.category, f.ident = 0x26015b11, true, categoryPlatform, "com.apple"+path
	return f
}

func (s *sim) tick() {
	s.clock = s.clock.Add(time.Duration(1000+s.rnd.IntN(900000)) * time.Nanosecond)
	s.mach += 1000
}

// boot returns process 1, which is older than the stream.
func (s *sim) boot() *simProcess {
	p := &simProcess{
		pid: 1, version: 5, start: s.clock.Add(-time.Hour).Truncate(time.Microsecond),
		file: system("/sbin/launchd"), auid: 1<<32 - 1, session: 1,
	}
	s.ran(p)
	return p
}

// old returns a process that is older than the stream.
func (s *sim) old(parent *simProcess, f simFile) *simProcess {
	p := s.child(parent)
	p.file = f
	p.start = s.clock.Add(time.Duration(p.version)*time.Millisecond - time.Minute).Truncate(time.Microsecond)
	return p
}

func (s *sim) child(parent *simProcess) *simProcess {
	for s.pids++; s.pidSpace > 0 && (s.pids >= s.pidSpace || s.used[s.pids]); s.pids++ {
		if s.pids >= s.pidSpace {
			s.pids = 1
		}
	}
	s.versions++
	c := *parent
	c.pid, c.version, c.parent, c.forker, c.forkerPID = s.pids, s.versions, parent, parent, parent.pid
	c.start = s.clock.Truncate(time.Microsecond)
	s.ran(&c)
	return &c
}

func (s *sim) ran(p *simProcess) {
	s.used[p.pid] = true
	s.runs[sensor.Key{PID: p.pid, Start: uint64(p.version)}] = p
}

func (s *sim) fork(p *simProcess) *simProcess {
	s.tick()
	c := s.child(p)
	s.emit(11, p, obj{"fork": obj{"child": s.process(c)}})
	return c
}

// execution is what an exec has besides the file.
type simExec struct {
	args, env []any
	script    *simFile
	cwd       any
	uid       *uint32 // setuid
	extra     obj
}

func (s *sim) exec(p *simProcess, f simFile, x simExec) {
	s.tick()
	before := s.process(p)
	s.versions++
	p.version, p.file = s.versions, f
	s.ran(p)
	if x.uid != nil {
		p.euid = *x.uid
	}
	if x.args == nil {
		x.args = []any{f.path}
	}
	if x.env == nil {
		x.env = []any{"PATH=/usr/bin:/bin"}
	}
	if x.cwd == nil {
		x.cwd = obj{"path": "/Users/u", "path_truncated": false, "stat": s.stat(simFile{ino: 77, mode: 0o40755, nlink: 5})}
	}
	e := obj{
		"target": s.process(p), "args": x.args, "env": x.env, "cwd": x.cwd, "script": nil,
		"fds": []any{obj{"fd": 0, "fdtype": 1}, obj{"fd": 1, "fdtype": 6, "pipe": obj{"pipe_id": 99}}}, "last_fd": 1,
		"image_cputype": 16777228, "image_cpusubtype": -2147483646,
	}
	if s.version >= 7 {
		e["dyld_exec_path"] = f.path
	}
	if x.script != nil {
		e["script"] = s.file(*x.script)
	}
	maps.Copy(e, x.extra)
	s.emitBefore(9, before, obj{"exec": e})
}

func (s *sim) exit(p *simProcess, status int) {
	s.tick()
	s.emit(15, p, obj{"exit": obj{"stat": status}})
	p.dead = true
	delete(s.used, p.pid)
}

// reparent gives the children of a dead process to process 1.
func reparent(init *simProcess, children ...*simProcess) {
	for _, c := range children {
		c.parent = init
	}
}

func (s *sim) emit(kind int, p *simProcess, event obj) { s.emitBefore(kind, s.process(p), event) }

func (s *sim) emitBefore(kind int, process obj, event obj) {
	o := obj{
		"schema_version": 1, "version": s.version, "event_type": kind, "event": event, "process": process,
		"time": s.clock.Format("2006-01-02T15:04:05.000000000Z"), "mach_time": s.mach,
		"seq_num": s.seqs[kind], "global_seq_num": s.global,
		"action_type": 1, "action": obj{"result": obj{"result_type": 0, "result": obj{"auth": 0}}},
		"thread": obj{"thread_id": 4711},
	}
	s.seqs[kind]++
	s.global++
	if s.dropped > 0 {
		s.dropped--
		return
	}
	s.write(o)
	s.out.WriteByte('\n')
}

// drop makes the next n messages disappear, as the kernel does under load.
func (s *sim) drop(n int) { s.dropped += n }

func (s *sim) process(p *simProcess) obj {
	o := obj{
		"audit_token":             s.token(p),
		"responsible_audit_token": s.token(p),
		"ppid":                    0, "original_ppid": p.forkerPID, "group_id": p.pid, "session_id": p.session,
		"start_time": p.start.Format("2006-01-02T15:04:05.000000Z"),
		"executable": s.file(p.file), "tty": nil, "is_es_client": false,
		"codesigning_flags": p.file.flags, "is_platform_binary": p.file.platform,
		"cdhash": fmt.Sprintf("%X", p.file.cdhash[:]), "signing_id": p.file.ident, "team_id": nil,
	}
	if p.parent != nil {
		o["ppid"] = p.parent.pid
		o["parent_audit_token"] = s.token(p.parent)
	} else {
		o["parent_audit_token"] = s.token(&simProcess{auid: 1<<32 - 1})
	}
	if p.tty != "" {
		o["tty"] = obj{"path": p.tty, "path_truncated": false, "stat": s.stat(simFile{ino: 987, mode: 0o20620, nlink: 1})}
	}
	if p.file.team != "" {
		o["team_id"] = p.file.team
	}
	if s.version >= 10 {
		o["cs_validation_category"] = p.file.category
	}
	if s.version >= 11 {
		o["cdhash_full"] = hex.EncodeToString(p.file.cdhash[:]) + "000102030405060708090A0B"
	}
	return o
}

func (s *sim) token(p *simProcess) any {
	if s.arrays {
		return []any{p.auid, p.euid, 20, p.uid, 20, p.pid, 100000 + p.session, p.version}
	}
	return obj{
		"auid": p.auid, "euid": p.euid, "egid": 20, "ruid": p.uid, "rgid": 20,
		"pid": p.pid, "asid": 100000 + p.session, "pidversion": p.version,
	}
}

func (s *sim) file(f simFile) obj {
	o := obj{"path": raw(f.path), "path_truncated": f.cut, "stat": s.stat(f)}
	if f.noStat {
		o["stat"] = nil
	}
	return o
}

func (s *sim) stat(f simFile) obj {
	return obj{
		"st_dev": 16777233, "st_ino": f.ino, "st_mode": f.mode, "st_nlink": f.nlink, "st_uid": f.uid, "st_gid": 0,
		"st_rdev": 0, "st_size": f.size, "st_blocks": 8, "st_blksize": 4096, "st_flags": 0, "st_gen": 0,
		"st_mtimespec":     "2026-02-01T10:00:00.000000001Z",
		"st_ctimespec":     "2026-02-01T10:00:01.104050035Z",
		"st_birthtimespec": "2026-02-01T09:00:00.000000000Z",
		"st_atimespec":     "2026-03-01T10:00:00.000000000Z",
	}
}

func (s *sim) write(v any) {
	switch v := v.(type) {
	case obj:
		keys := slices.Sorted(maps.Keys(v))
		s.rnd.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		s.out.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				s.out.WriteByte(',')
			}
			s.write(k)
			s.out.WriteByte(':')
			s.write(v[k])
		}
		s.out.WriteByte('}')
	case []any:
		s.out.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				s.out.WriteByte(',')
			}
			s.write(e)
		}
		s.out.WriteByte(']')
	case raw:
		s.out.WriteByte('"')
		for _, c := range []byte(v) {
			switch {
			case c == '"' || c == '\\':
				s.out.Write([]byte{'\\', c})
			case c < 0x20:
				fmt.Fprintf(&s.out, `\u%04x`, c)
			case c == '/' && s.rnd.IntN(2) == 0:
				s.out.WriteString(`\/`) // Foundation escapes it
			default:
				s.out.WriteByte(c)
			}
		}
		s.out.WriteByte('"')
	default:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		s.out.Write(b)
	}
}

// line writes something else than a message.
func (s *sim) line(text string) { s.out.WriteString(text + "\n") }
